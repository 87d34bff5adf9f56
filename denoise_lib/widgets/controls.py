"""The mechanism of all explorers: sliders that choose one of many views by links alone.

So they move on a static page. In a notebook, where a kernel runs, there is a button that
asks for other noise too; the style of the static pages hides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files

import ipywidgets
import numpy as np

from denoise_lib.figures import png

Setting = tuple[int, ...]
Leaves = dict[Setting, tuple[ipywidgets.Image | ipywidgets.HTML, ...]]
Ask = Callable[[Setting, int], Sequence[str | np.ndarray]]

# JupyterLab and Colab know nothing of the book's style sheets, of which this is one.
STYLE = files(__package__).joinpath("explorers.css").read_text(encoding="utf-8")


def slider(title: str, options: Sequence[str]) -> ipywidgets.SelectionSlider:
    """Return a slider that chooses one of several options by its place among them."""
    return ipywidgets.SelectionSlider(
        options=[(option, i) for i, option in enumerate(options)],
        description=title,
        style={"description_width": "7em"},
        layout={"width": "100%", "max_width": "32em"},
    )


def chooser(
    classes: Sequence[str],
    sliders: Sequence[ipywidgets.SelectionSlider],
    leaves: Leaves,
    ask: Ask | None = None,
    new: str = "noise",
) -> ipywidgets.VBox:
    """Return an explorer: sliders, and what belongs to their setting.

    Parameters
    ----------
    classes : sequence of str
        Of the widget, for style and tests.
    sliders : sequence of ipywidgets.SelectionSlider
        What a setting consists of.
    leaves : dict of tuple of int to tuple of ipywidgets.Image or ipywidgets.HTML
        Pictures and sentences of every setting: by the index of each slider.
    ask : callable, optional
        ``(setting, seed) -> contents``, while a kernel runs: of the first leaves of
        the setting, a picture as ndarray of uint8 or HTML as str. The others stay.
        Once the button has been pressed, every setting that is looked at is
        computed anew. Without it there is no button.
    new : str
        What is asked for.

    Returns
    -------
    ipywidgets.VBox
    """

    def shown(at: Setting) -> ipywidgets.Widget:
        if len(at) == len(sliders):
            return leaves[at][0] if len(leaves[at]) == 1 else ipywidgets.VBox(leaves[at])
        slider = sliders[len(at)]
        pages = [shown((*at, i)) for i in range(len(slider.options))]
        stack = ipywidgets.Stack(pages, selected_index=0)
        ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
        return stack

    parts: list[ipywidgets.Widget] = [ipywidgets.HTML(f"<style>{STYLE}</style>")]
    if ask is not None:
        parts += _button(sliders, leaves, ask, new)
    row = ipywidgets.HBox(parts)
    row.add_class("asks-kernel")
    box = ipywidgets.VBox([*sliders, row, shown(())])
    for name in classes:
        box.add_class(name)
    return box


def _button(
    sliders: Sequence[ipywidgets.SelectionSlider],
    leaves: Leaves,
    ask: Ask,
    new: str,
) -> tuple[ipywidgets.Button, ipywidgets.Label]:
    button = ipywidgets.Button(description=f"New {new}", tooltip="Compute it anew")
    said = ipywidgets.Label("computes it anew, here and now")
    seed = 0  # that of the page
    seen: dict[Setting, int] = {}

    def answer(_: object = None) -> None:
        at = tuple(slider.index for slider in sliders)
        if seen.get(at, 0) == seed:
            return
        said.value = "Computing ..."
        try:
            contents = ask(at, seed)
        except Exception as error:  # a callback's traceback would go to a log that nobody reads
            said.value = f"{type(error).__name__}: {error}"
            return
        for leaf, content in zip(leaves[at], contents, strict=False):
            leaf.value = content if isinstance(content, str) else png(content)
        seen[at] = seed
        said.value = f"{new} number {seed}"

    def press(_: object) -> None:
        nonlocal seed
        seed += 1
        answer()

    button.on_click(press)
    for slider in sliders:
        slider.observe(answer, "index")
    return button, said
