"""Two sliders that choose one of many pictures: the mechanism of the book's explorers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np

from denoise_lib.widgets.set_size import png


def two_sliders(
    pictures: Mapping[str, Sequence[np.ndarray]],
    captions: Mapping[str, Sequence[str]],
    *,
    names: tuple[str, str],
    levels: Sequence[str],
) -> ipywidgets.Widget:
    """Return the widget: two sliders, and the picture and sentence of their setting.

    Only links are used, no Python callback, so that the widget moves on a
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

    Returns
    -------
    ipywidgets.Widget
    """
    first, second = (
        ipywidgets.SelectionSlider(
            options=[(option, i) for i, option in enumerate(options)],
            description=name,
            style={"description_width": "7em"},
            layout={"width": "100%", "max_width": "32em"},
        )
        for name, options in zip(names, (list(pictures), levels), strict=True)
    )
    pages = []
    for option, shown in pictures.items():
        frames = [
            ipywidgets.VBox(
                [ipywidgets.Image(value=png(each), format="png"), ipywidgets.HTML(caption)]
            )
            for each, caption in zip(shown, captions[option], strict=True)
        ]
        page = ipywidgets.Stack(frames, selected_index=0)
        ipywidgets.jslink((second, "index"), (page, "selected_index"))
        pages.append(page)
    stack = ipywidgets.Stack(pages, selected_index=0)
    ipywidgets.jslink((first, "index"), (stack, "selected_index"))
    box = ipywidgets.VBox([first, second, stack])
    box.add_class("two-sliders")
    box.add_class("pixelated")
    return box
