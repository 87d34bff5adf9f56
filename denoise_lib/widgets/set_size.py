"""Choose a set size N: what the network draws, beside the nearest images it was trained on."""

from __future__ import annotations

import io
from collections.abc import Mapping

import ipywidgets
import numpy as np
from PIL import Image
from torch import Tensor

from denoise_lib.figures import tile

COLUMNS = 6


def panel(samples: Tensor, nearest: Tensor) -> np.ndarray:
    """Return the picture shown for one setting: samples above, nearest training images below.

    Parameters
    ----------
    samples, nearest : Tensor, shape (n, 1, h, w)

    Returns
    -------
    ndarray of uint8, shape (2 h + 2, n (w + 2) - 2)
    """
    return np.concatenate(
        [
            tile(samples, len(samples)),
            np.full((2, len(samples) * (samples.shape[-1] + 2) - 2), 128, np.uint8),
            tile(nearest, len(nearest)),
        ]
    )


def png(levels: np.ndarray) -> bytes:
    """Return an array of grey levels as a PNG, at native size: the page scales it crisply."""
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def set_size_explorer(
    panels: Mapping[int, list[np.ndarray]], captions: Mapping[int, str]
) -> ipywidgets.Widget:
    """Return the widget: a slider for N, one for which draws, and the picture of that setting.

    Only links are used, no Python callback, so that the widget moves on a
    static page too.

    Parameters
    ----------
    panels : mapping of int to list of ndarray
        For each N, the pictures of `panel`, one for each group of draws.
    captions : mapping of int to str
        A sentence shown under the pictures of each N.

    Returns
    -------
    ipywidgets.Widget
    """
    draws = len(next(iter(panels.values())))
    choose_n = ipywidgets.SelectionSlider(
        options=[(f"{n:,}", i) for i, n in enumerate(panels)],
        description="Set size N",
        style={"description_width": "7em"},
        layout={"width": "100%", "max_width": "32em"},
    )
    choose_draw = ipywidgets.SelectionSlider(
        options=[(f"{i + 1} of {draws}", i) for i in range(draws)],
        description="Noise",
        style={"description_width": "7em"},
        layout={"width": "100%", "max_width": "32em"},
    )
    pages = []
    for n, pictures in panels.items():
        frames = ipywidgets.Stack(
            [ipywidgets.Image(value=png(levels), format="png") for levels in pictures],
            selected_index=0,
        )
        ipywidgets.jslink((choose_draw, "index"), (frames, "selected_index"))
        pages.append(ipywidgets.VBox([frames, ipywidgets.HTML(captions[n])]))
    shown = ipywidgets.Stack(pages, selected_index=0)
    ipywidgets.jslink((choose_n, "index"), (shown, "selected_index"))
    box = ipywidgets.VBox([choose_n, choose_draw, shown])
    box.add_class("set-size-explorer")
    box.add_class("pixelated")
    return box
