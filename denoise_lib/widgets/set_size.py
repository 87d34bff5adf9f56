"""Choose a set size N: what the network draws, beside the nearest images it was trained on."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
from torch import Tensor

from denoise_lib.figures import tile
from denoise_lib.widgets.controls import Ask
from denoise_lib.widgets.two_sliders import two_sliders

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


def set_size_explorer(
    panels: Mapping[int, list[np.ndarray]],
    captions: Mapping[int, str],
    ask: Ask | None = None,
) -> ipywidgets.VBox:
    """Return the widget: a slider for N, one for which draws, and the picture of that setting.

    Parameters
    ----------
    panels : mapping of int to list of ndarray
        For each N, the pictures of `panel`, one for each group of draws.
    captions : mapping of int to str
        A sentence shown under the pictures of each N.
    ask : callable, optional
        ``((N, group), seed) -> (picture,)`` with other noise, N and group by their
        places, while a kernel runs.

    Returns
    -------
    ipywidgets.VBox
    """
    draws = len(next(iter(panels.values())))
    return two_sliders(
        {f"{n:,}": pictures for n, pictures in panels.items()},
        {f"{n:,}": [captions[n]] * draws for n in panels},
        names=("Set size N", "Noise"),
        levels=[f"{i + 1} of {draws}" for i in range(draws)],
        ask=ask,
        kind="set-size-explorer",
    )
