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
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats
from torch import Tensor

from denoise_lib.measures.memorization import transition_size
from denoise_lib.measures.statistics import bootstrap

TRAIN, HELD_OUT, NEUTRAL = "#b3540a", "#0a6a9f", "#6b6b6b"


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


def psnr_axes(ax: Axes, low: float, high: float) -> None:
    """Label axes of output against input PSNR and draw the identity line.

    Parameters
    ----------
    ax : Axes
    low, high : float
        Range of input PSNR in dB.
    """
    ax.plot([low, high], [low, high], color=NEUTRAL, lw=1, ls="--", label="output = input")
    ax.set(xlabel="input PSNR (dB)", ylabel="output PSNR (dB)")


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


def image_rows(rows: Mapping[str, Tensor], scale: float = 1.0) -> Figure:
    """Draw labelled rows of images.

    Parameters
    ----------
    rows : mapping of str to Tensor, shape (n, 1, h, w)
        The images of each row, all rows of the same length.
    scale : float
        Magnification.

    Returns
    -------
    Figure
    """
    columns = max(len(images) for images in rows.values())
    figure, axes = plt.subplots(
        len(rows),
        1,
        figsize=(0.62 * columns * scale + 1.2, 0.66 * len(rows) * scale),
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


def gap_axes(
    ax: Axes, sizes: Sequence[int], gap: np.ndarray, low: np.ndarray, high: np.ndarray
) -> None:
    """Draw the average gap against N, half its value at N = 10, and where it is reached.

    Parameters
    ----------
    ax : Axes
    sizes : sequence of int
        Set sizes N.
    gap, low, high : ndarray, shape (len(sizes),)
        Train minus held-out PSNR in dB, and its interval.
    """
    ax.errorbar(sizes, gap, [gap - low, high - gap], fmt="o-", color=NEUTRAL, capsize=3)
    ax.set(xscale="log", xlabel="set size N", ylabel="average gap (dB)")
    ax.axhline(0, color=NEUTRAL, lw=0.8)
    if 10 in sizes:
        ax.axhline(gap[list(sizes).index(10)] / 2, color=TRAIN, ls=":")
        n_star = transition_size(sizes, gap)
        if np.isfinite(n_star):
            ax.axvline(n_star, color=TRAIN, lw=1)
            ax.annotate(
                f"N* = {n_star:,.0f}", (n_star, ax.get_ylim()[1]), (4, -4), va="top",
                textcoords="offset points", color=TRAIN,
            )  # fmt: skip


def copy_axes(ax: Axes, ratios: Mapping[int, np.ndarray], threshold: float) -> None:
    """Draw the fraction of samples that are copies against N, with bootstrap intervals.

    Parameters
    ----------
    ax : Axes
    ratios : mapping of int to ndarray, shape (samples,)
        `denoise_lib.measures.memorization.distance_ratios` for each N.
    threshold : float
        A copy has a ratio below this.
    """
    copies = {n: (ratio < threshold).astype(float) for n, ratio in ratios.items()}
    fraction = np.array([copy.mean() for copy in copies.values()])
    ends = [bootstrap(lambda i, c=copy: c[i].mean(), len(copy)) for copy in copies.values()]
    low, high = np.array(ends).T
    errors = np.maximum([fraction - low, high - fraction], 0)
    ax.errorbar(list(ratios), fraction, errors, fmt="o-", color=TRAIN, capsize=3)
    ax.set(xscale="log", xlabel="set size N", ylabel="fraction of copies", ylim=(-0.04, 1.04))


def nearest_axes(ax: Axes, correlations: Mapping[int, Tensor], baseline: Tensor) -> None:
    """Draw how close samples come to their training set, beside images never trained on.

    Parameters
    ----------
    ax : Axes
    correlations : mapping of int to Tensor, shape (samples,)
        Correlation of each sample with its nearest training image, for each N.
    baseline : Tensor, shape (images,)
        The same for held-out images and the largest set.
    """
    middle = [np.median(c) for c in correlations.values()]
    quartiles = np.array([np.quantile(c, [0.25, 0.75]) for c in correlations.values()]).T
    ax.errorbar(
        list(correlations), middle, np.abs(quartiles - middle), fmt="o-", color=TRAIN, capsize=3,
        label="samples",
    )  # fmt: skip
    low, median, high = np.quantile(baseline, [0.25, 0.5, 0.75])
    ax.axhline(median, color=NEUTRAL, label="held-out images")
    ax.axhspan(low, high, color=NEUTRAL, alpha=0.2, lw=0)
    ax.set(xscale="log", xlabel="set size N", ylabel="correlation with nearest")
    ax.legend(loc="lower left")


def gain_axes(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw how many decibels trials of the recipe study gain on what they are compared with.

    Parameters
    ----------
    ax : Axes
    rows : sequence of mapping
        Rows of ``benchmarks/recipe.json``; those that are compared with nothing are left out.
    """
    for row in rows:
        if "gain" in row:
            line = ax.semilogx(row["sigmas"], row["gain"], ".-", label=row["label"])[0]
            ends = row["gain_low"], row["gain_high"]
            ax.fill_between(row["sigmas"], *ends, color=line.get_color(), alpha=0.2, lw=0)
    ax.axhline(0, color=NEUTRAL, lw=1)
    ax.set(xlabel="sigma", ylabel="difference (dB)")
    ax.legend(fontsize=8)
