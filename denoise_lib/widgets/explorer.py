"""Sliders that choose one of many views, each a piece of HTML."""

from __future__ import annotations

import base64
import html
import itertools
from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
from IPython.display import HTML

from denoise_lib.errors import ParameterError
from denoise_lib.figures import png
from denoise_lib.widgets.controls import Ask, Leaves, Setting, chooser, slider


def picture(levels: np.ndarray, alt: str) -> str:
    """Return grey levels as an HTML image at native size, which the page scales crisply.

    Parameters
    ----------
    levels : ndarray of uint8, shape (h, w)
    alt : str
        What it shows, for readers who cannot see it.
    """
    data = base64.b64encode(png(levels)).decode()
    return f'<img class="pixelated" alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def gallery(pictures: Mapping[str, np.ndarray], notes: Mapping[str, str], columns: int) -> str:
    """Return pictures side by side as HTML, each with its name and a note below.

    Parameters
    ----------
    pictures : mapping of str to ndarray of uint8, shape (h, w)
        Grey levels, by name.
    notes : mapping of str to str
        What else is said of some of them.
    columns : int
        Pictures a row at most; a narrow page has fewer.
    """
    figures = []
    for name, levels in pictures.items():
        note = html.escape(notes.get(name, ""))
        words = f"{html.escape(name)}<br>{note}" if note else html.escape(name)
        figures.append(f"<figure>{picture(levels, name)}<figcaption>{words}</figcaption></figure>")
    return f'<div class="explorer-gallery" style="--columns: {columns}">{"".join(figures)}</div>'


def explorer(
    name: str,
    choices: Mapping[str, Sequence[str]],
    views: Mapping[Setting, str],
    ask: Ask | None = None,
    new: str = "noise",
) -> ipywidgets.VBox:
    """Return the widget: a slider for each choice, and the view of their setting.

    The sliders use links, no Python callback, so that the widget moves on a
    static page too.

    Parameters
    ----------
    name : str
        A class of the widget, for style and tests.
    choices : mapping of str to sequence of str
        What each slider chooses, and its options.
    views : mapping of tuple of int to str
        HTML for every setting: the index of the option of each slider.
    ask : callable, optional
        ``(setting, seed) -> (view,)`` with other noise, while a kernel runs.
    new : str
        What is asked for, if not noise.

    Raises
    ------
    ParameterError
        If a setting has no view.
    """
    sliders = [slider(title, options) for title, options in choices.items()]
    counts = [range(len(options)) for options in choices.values()]
    missing = [at for at in itertools.product(*counts) if at not in views]
    if missing:
        raise ParameterError("views", missing[0], "give a view for every setting of the sliders")

    leaves: Leaves = {at: (ipywidgets.HTML(view),) for at, view in views.items()}
    return chooser(("explorer", name), sliders, leaves, ask, new)


def still(view: str) -> HTML:
    """Return a view for readers without JavaScript; with it, nothing is shown."""
    return HTML(f'<noscript><div class="explorer">{view}</div></noscript>')
