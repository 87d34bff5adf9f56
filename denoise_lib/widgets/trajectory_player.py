"""Play two samplings side by side: what A's and B's network see while the noise falls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np

from denoise_lib.figures import tile
from denoise_lib.measures.walks import Walk, distances
from denoise_lib.widgets.controls import Ask
from denoise_lib.widgets.explorer import explorer, gallery

MILLISECONDS = 400


def walk_views(
    paths: Mapping[int, Sequence[Walk]], steps: Sequence[int], samples: Sequence[int]
) -> dict[tuple[int, ...], str]:
    """Return the view of each N at each step, as `explorer` wants it.

    Parameters
    ----------
    paths : mapping of int to (Walk, Walk)
        The walks of A's and of B's network from the same noise, by N.
    steps : sequence of int
        Which of their noise levels are shown.
    samples : sequence of int
        Which of their samples.
    """
    views: dict[tuple[int, ...], str] = {}
    for k, (n, pair) in enumerate(paths.items()):
        apart = distances(*pair)[:, list(samples)]
        for i, step in enumerate(steps):
            rows = {
                f"{name}'s network": tile(path.denoised[step, list(samples)], len(samples))
                for name, path in zip("AB", pair, strict=True)
            }
            words = (
                f"N = {n:,}, sigma = {pair[0].levels[step]:.2g}: median distance of the pairs "
                f"{np.median(apart[step]):.2f}."
            )
            views[k, i] = f"{gallery(rows, {}, 1)}<p>{words}</p>"
    return views


def trajectory_player(
    paths: Mapping[int, Sequence[Walk]],
    steps: Sequence[int],
    samples: Sequence[int],
    ask: Ask | None = None,
) -> ipywidgets.VBox:
    """Return the widget: a slider for N, one for sigma, buttons that play it, and the pictures.

    Parameters
    ----------
    paths, steps, samples
        As for `walk_views`.
    ask : callable, optional
        ``((N, step), seed) -> (view,)`` with other noise, N and step by their
        places, while a kernel runs.
    """
    levels = next(iter(paths.values()))[0].levels
    choices = {
        "Set size N": [f"{n:,}" for n in paths],
        "Sigma": [f"{levels[step]:.2g}" for step in steps],
    }
    box = explorer("trajectory-player", choices, walk_views(paths, steps, samples), ask)
    choose_n, choose_step, *shown = box.children
    play = ipywidgets.Play(
        min=0, max=len(steps) - 1, interval=MILLISECONDS, show_repeat=False, playing=False
    )
    ipywidgets.jslink((play, "value"), (choose_step, "index"))
    box.children = (choose_n, choose_step, play, *shown)
    return box
