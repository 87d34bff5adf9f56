"""What all explorers share: sliders, and a button that asks torch for other noise.

The button is for notebooks, where a kernel runs; the style of the static pages hides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np

from denoise_lib.figures import png

Setting = tuple[int, ...]
Leaves = dict[Setting, tuple[ipywidgets.Image | ipywidgets.HTML, ...]]
Ask = Callable[[Setting, int], Sequence[str | np.ndarray]]

# What the explorers need of the book's style sheets, for JupyterLab and Colab.
STYLE = """<style>
.explorer-gallery { display: grid; gap: 0.6rem; max-width: 40rem;
  grid-template-columns: repeat(var(--columns), 1fr); }
.explorer-gallery figure { margin: 0; }
.explorer-gallery img { width: 100%; image-rendering: pixelated; }
.explorer .widget-html-content { height: auto; overflow: visible; }
:is(.set-size-explorer, .two-sliders) img { width: min(80vw, 40rem); max-width: none;
  height: auto; image-rendering: pixelated; }
.explorer-bars { display: grid; grid-template-columns: auto minmax(4rem, 24rem) auto;
  gap: 0.4rem 0.8rem; align-items: center; }
.explorer-bar { border: 1px solid currentColor; height: 1.1rem; }
.explorer-bar > span { display: block; height: 100%; background: currentColor; }
</style>"""


def slider(title: str, options: Sequence[str]) -> ipywidgets.SelectionSlider:
    """Return a slider that chooses one of several options by its place among them."""
    return ipywidgets.SelectionSlider(
        options=[(option, i) for i, option in enumerate(options)],
        description=title,
        style={"description_width": "7em"},
        layout={"width": "100%", "max_width": "32em"},
    )


def with_kernel(
    box: ipywidgets.VBox,
    sliders: Sequence[ipywidgets.SelectionSlider],
    leaves: Leaves,
    ask: Ask | None,
) -> ipywidgets.VBox:
    """Give an explorer its style in a notebook, and a button that asks for other noise.

    Once it has been pressed, every setting that is looked at is computed anew.

    Parameters
    ----------
    box : ipywidgets.VBox
        The explorer: its sliders, then what they choose from.
    sliders : sequence of ipywidgets.SelectionSlider
        What a setting consists of.
    leaves : dict of tuple of int to tuple of ipywidgets.Image or ipywidgets.HTML
        Pictures and sentences by setting.
    ask : callable or None
        ``(setting, seed) -> contents`` of the leaves, a picture as ndarray of uint8
        or HTML as str. Without it there is no button.

    Returns
    -------
    ipywidgets.VBox
        The explorer.
    """
    style = ipywidgets.HTML(STYLE)
    parts: list[ipywidgets.Widget] = [style]
    if ask is not None:
        parts += _button(sliders, leaves, ask)
    row = ipywidgets.HBox(parts)
    row.add_class("asks-kernel")
    box.children = (*box.children[: len(sliders)], row, *box.children[len(sliders) :])
    return box


def _button(
    sliders: Sequence[ipywidgets.SelectionSlider],
    leaves: Leaves,
    ask: Ask,
) -> tuple[ipywidgets.Button, ipywidgets.Label]:
    button = ipywidgets.Button(description="New noise", tooltip="Ask the networks again")
    said = ipywidgets.Label("asks the networks again, here and now")
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
        for leaf, content in zip(leaves[at], contents, strict=True):
            leaf.value = content if isinstance(content, str) else png(content)
        seen[at] = seed
        said.value = f"noise number {seed}"

    def press(_: object) -> None:
        nonlocal seed
        seed += 1
        answer()

    button.on_click(press)
    for slider in sliders:
        slider.observe(answer, "index")
    return button, said
