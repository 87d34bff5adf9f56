"""Tiny line charts as inline SVG: they take the page's colours by day and by night."""

from __future__ import annotations

import html
from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 120, 60, 3

Line = tuple[str, Sequence[float], Sequence[float]]


def sparkline(lines: Sequence[Line], description: str) -> str:
    """Return an SVG of lines on common axes that just hold them.

    Parameters
    ----------
    lines : sequence of (str, sequence of float, sequence of float)
        CSS class of the line, and its points.
    description : str
        The text alternative: what a reader who cannot see it is told.
    """
    xs = [x for _, line, _ in lines for x in line]
    ys = [y for _, _, line in lines for y in line]

    def place(value: float, low: float, high: float, length: int) -> float:
        return EDGE + (length - 2 * EDGE) * (value - low) / ((high - low) or 1)

    def points(x: Sequence[float], y: Sequence[float]) -> str:
        return " ".join(
            f"{place(a, min(xs), max(xs), WIDTH):.1f},"
            f"{HEIGHT - place(b, min(ys), max(ys), HEIGHT):.1f}"
            for a, b in zip(x, y, strict=True)
        )

    drawn = "".join(f'<polyline class="{name}" points="{points(x, y)}"/>' for name, x, y in lines)
    text = html.escape(description)
    return (
        f'<svg class="spark" role="img" aria-label="{text}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<title>{text}</title>{drawn}</svg>"
    )
