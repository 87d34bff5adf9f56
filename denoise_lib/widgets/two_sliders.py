"""Two sliders that choose one of many pictures and its sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np

from denoise_lib.figures import png
from denoise_lib.widgets.controls import Ask, Leaves, chooser, slider


def two_sliders(
    pictures: Mapping[str, Sequence[np.ndarray]],
    captions: Mapping[str, Sequence[str]],
    *,
    names: tuple[str, str],
    levels: Sequence[str],
    ask: Ask | None = None,
    kind: str = "two-sliders",
) -> ipywidgets.VBox:
    """Return the widget: two sliders, and the picture and sentence of their setting.

    The sliders use links, no Python callback, so that the widget moves on a
    static page too.

    Parameters
    ----------
    pictures : mapping of str to sequence of ndarray of uint8
        For each option of the first slider, a picture for each level of the second.
    captions : mapping of str to sequence of str
        A sentence for each picture.
    names : (str, str)
        What the sliders choose.
    levels : sequence of str
        The options of the second slider.
    ask : callable, optional
        ``((option, level), seed) -> (picture, sentence)`` with other noise, both by
        their places, while a kernel runs.
    kind : str
        A class of the widget, for style and tests.

    Returns
    -------
    ipywidgets.VBox
    """
    first, second = slider(names[0], list(pictures)), slider(names[1], levels)
    leaves: Leaves = {
        (k, i): (ipywidgets.Image(value=png(levels_of_grey), format="png"), ipywidgets.HTML(said))
        for k, (option, shown) in enumerate(pictures.items())
        for i, (levels_of_grey, said) in enumerate(zip(shown, captions[option], strict=True))
    }
    return chooser((kind, "pixelated"), (first, second), leaves, ask)
