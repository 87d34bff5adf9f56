"""A small curve with one point marked, as SVG: what a caption of an explorer can draw."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from denoise_lib.errors import ParameterError

WIDTH, HEIGHT, MARGIN = 300, 190, 44  # pixels; the margin holds the axes' names


def curve_svg(
    x: Sequence[float], y: Sequence[float], at: int, *, names: tuple[str, str], text: str
) -> str:
    """Return a curve in one colour, its points as rings and one of them filled.

    Lines have the colour of the text around them, so that the picture serves
    by day and by night.

    Parameters
    ----------
    x, y : sequence of float
        The points, at least two.
    at : int
        The one that is filled.
    names : (str, str)
        Of the axes, with their units.
    text : str
        What the picture shows, for readers who cannot see it.

    Returns
    -------
    str
        An ``<svg>`` element.

    Raises
    ------
    ParameterError
        If there is no such point.
    """
    if not 0 <= at < len(x):
        raise ParameterError("at", at, f"give a place from 0 to {len(x) - 1}")
    across = _scaled(x, MARGIN, WIDTH - 12)
    up = _scaled(y, HEIGHT - MARGIN, 12)
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
    rings = "".join(
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{6 if i == at else 3}" stroke="currentColor" '
        f'fill="{"currentColor" if i == at else "none"}"/>'
        for i, (a, b) in enumerate(zip(across, up, strict=True))
    )
    corner = f"{MARGIN - 10},{HEIGHT - MARGIN + 10}"
    axes = f'<polyline points="{MARGIN - 10},6 {corner} {WIDTH - 6},{HEIGHT - MARGIN + 10}"'
    style = 'fill="none" stroke="currentColor"'
    writing = 'font-size="12" fill="currentColor" text-anchor="middle"'
    return (
        f'<svg role="img" aria-label="{html.escape(text)}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" style="max-width: 100%; height: auto">'
        f'{axes} {style} stroke-width="1"/><polyline points="{line}" {style} stroke-width="1.5"/>'
        f'{rings}<text x="{WIDTH / 2}" y="{HEIGHT - 8}" {writing}>{html.escape(names[0])}</text>'
        f'<text transform="translate(14 {(HEIGHT - MARGIN) / 2}) rotate(-90)" {writing}>'
        f"{html.escape(names[1])}</text></svg>"
    )


def _scaled(values: Sequence[float], low: float, high: float) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    span = float(np.ptp(array)) or 1.0
    return low + (array - array.min()) / span * (high - low)
