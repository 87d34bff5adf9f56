"""The book's look: one style and one set of colours for every figure, and grids of images."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats
from PIL import Image
from torch import Tensor

# told apart in grey print, too
MARKERS, STYLES = "os^Dvp*X", ["-", "--", "-.", ":"]
TRAIN, NEUTRAL = "#b3540a", "#6b6b6b"
PAPER = "#fdfcfa"  # the page by day; by night a figure keeps it as its own sheet


def use_style() -> None:
    """Set the book's style for every figure of a notebook.

    Figures are SVG without a date and with fixed identifiers, so that the same
    data give the same bytes; type is large enough to be read on a phone.
    """
    sns.set_theme(style="ticks", context="notebook")
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.facecolor": PAPER,
            "axes.facecolor": PAPER,
            "savefig.facecolor": PAPER,
            "font.size": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "legend.frameon": False,
            "legend.fontsize": 10,
            "svg.hashsalt": "denoise-book",
            "svg.fonttype": "path",
        }
    )
    set_matplotlib_formats("svg", metadata={"Date": None})


def size_colours(sizes: Sequence[int]) -> dict[int, Any]:
    """Return one colour for each set size N, dark for small sets and light for large ones.

    The scale is ordered in lightness too, so that it survives grey print and
    colour blindness.
    """
    return dict(zip(sizes, sns.color_palette("viridis", len(sizes) + 1), strict=False))


def tile(images: Tensor, columns: int, gap: int = 2) -> np.ndarray:
    """Return images side by side as one array of grey levels, row after row.

    Parameters
    ----------
    images : Tensor, shape (n, 1, h, w)
        Values outside [0, 1] are shown as black or white.
    columns : int
        Images a row.
    gap : int
        Mid-grey pixels between neighbours.

    Returns
    -------
    ndarray of uint8, shape (rows * (h + gap) - gap, columns * (w + gap) - gap)
    """
    levels = (images[:, 0].clamp(0, 1) * 255).round().byte().numpy()
    n, height, width = levels.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), 128, np.uint8)
    for i, level in enumerate(levels):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = level
    return canvas


def png(levels: np.ndarray) -> bytes:
    """Return an array of grey levels as a PNG, at native size: the page scales it crisply."""
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def image_rows(rows: Mapping[str, Tensor]) -> Figure:
    """Draw labelled rows of images.

    Parameters
    ----------
    rows : mapping of str to Tensor, shape (n, 1, h, w)
        The images of each row, all rows of the same length.

    Returns
    -------
    Figure
    """
    columns = max(len(images) for images in rows.values())
    figure, axes = plt.subplots(
        len(rows),
        1,
        figsize=(0.62 * columns + 1.2, 0.66 * len(rows)),
        squeeze=False,
    )
    for ax, (label, images) in zip(axes[:, 0], rows.items(), strict=True):
        ax.imshow(tile(images, columns), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=10)
        ax.spines[:].set_visible(False)
    return figure


def download(name: str, columns: Mapping[str, Sequence[Any]]) -> HTML:
    """Return a link that saves the data of a figure as CSV; the data are in the page itself.

    Parameters
    ----------
    name : str
        File name without its ending.
    columns : mapping of str to sequence
        The columns, all of the same length.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    data = base64.b64encode(text.getvalue().encode()).decode()
    file = html.escape(f"{name}.csv")
    return HTML(
        f'<p class="figure-data"><a download="{file}" href="data:text/csv;base64,{data}">'
        f"Data of this figure ({file})</a></p>"
    )
