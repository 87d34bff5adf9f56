"""The charts of the chapter on convergence, drawn in the book's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binomtest
from torch import Tensor

from denoise_lib.figures import NEUTRAL, TRAIN, size_colours, tile
from denoise_lib.measures.convergence import Agreement, share
from denoise_lib.measures.statistics import bootstrap

TOGETHER = "#1f5f99"  # samples of two networks from the same noise; darker than TRAIN in grey print
Values = Mapping[int, np.ndarray]


def image_blocks(
    blocks: Mapping[str, Sequence[Tensor]], labels: Sequence[str], columns: int = 2
) -> Figure:
    """Draw blocks of images under a title each, several a line.

    Parameters
    ----------
    blocks : mapping of str to (sequence of Tensor, shape (n, 1, h, w))
        The rows of each block, by its title; as many rows and images in all.
    labels : sequence of str
        What the rows are, written on the left of each line of blocks.
    columns : int
        Blocks a line.

    Returns
    -------
    Figure
    """
    lines = -(-len(blocks) // columns)
    n = len(next(iter(blocks.values()))[0])
    width = 1.3 + 0.6 * n * columns
    figure, axes = plt.subplots(
        lines, columns, figsize=(width, lines * (0.62 * len(labels) + 0.3)), squeeze=False
    )
    for ax in axes.flat:
        ax.axis("off")
    for i, (title, rows) in enumerate(blocks.items()):
        ax = axes.flat[i]
        picture = np.concatenate([_row(images) for images in rows])[:-2]
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        ax.set_title(title)
        ax.axis("on")
        ax.spines[:].set_visible(False)
        step = rows[0].shape[-2] + 2
        at = [step * (row + 0.5) for row in range(len(rows))] if i % columns == 0 else []
        ax.set(xticks=[], yticks=at, yticklabels=labels if at else [])
        ax.tick_params(left=False)
    return figure


def _row(images: Tensor) -> np.ndarray:
    """Return a row of images above a grey line."""
    levels = tile(images, len(images))
    return np.concatenate([levels, np.full((2, levels.shape[1]), 128, np.uint8)])


def histogram_panels(found: Mapping[int, Agreement], near: Values, columns: int = 3) -> Figure:
    """Draw for each N how alike samples are, and how close to their training images.

    Parameters
    ----------
    found : mapping of int to Agreement
        Of the samples of two networks, by N.
    near : mapping of int to ndarray, shape (n, networks)
        Cosines of their samples with the nearest training images, by N.
    columns : int
        Panels a line.

    Returns
    -------
    Figure
        With the median of the samples from different noise as a dotted line.
    """
    lines = -(-len(found) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(9, 2.3 * lines + 0.6), sharex=True, sharey=True, squeeze=False
    )
    lowest = min(min(found[n].same.min(), near[n].min()) for n in found)
    bins = np.linspace(np.floor(lowest * 10) / 10, 1, 31)
    for ax in axes.flat[len(found) :]:
        ax.axis("off")
    for ax, (n, each) in zip(axes.flat, found.items(), strict=False):
        for values, colour, name in (
            (each.same, TOGETHER, "A's and B's sample, same noise"),
            (near[n].ravel(), TRAIN, "sample and its nearest training image"),
        ):
            weights = np.full(len(values), 1 / len(values))
            ax.hist(values, bins, weights=weights, color=colour, alpha=0.3)
            ax.hist(values, bins, weights=weights, color=colour, histtype="step", lw=1.5)
            ax.plot([], [], color=colour, lw=4, label=name)
        other = np.median(each.other)
        ax.axvline(other, color=NEUTRAL, ls=":", label="different noise (median)")
        ax.set_title(f"N = {n:,}")
    figure.supxlabel("cosine", fontsize=12)
    figure.supylabel("share of samples", fontsize=12)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def median_panels(
    kinds: Mapping[str, tuple[Mapping[int, Agreement], Values]],
    held_out: Mapping[str, float],
    crossing: float,
) -> Figure:
    """Draw the medians of the histograms against N, for several kinds of cosine.

    Parameters
    ----------
    kinds : mapping of str to tuple
        What `histogram_panels` takes, by the name of the cosine.
    held_out : mapping of str to float
        Median cosine of a held-out image with the most similar other one.
    crossing : float
        Where the two medians of the first kind cross; NaN if nowhere.

    Returns
    -------
    Figure
        With 95 % bootstrap intervals over samples.
    """
    figure, axes = plt.subplots(1, len(kinds), figsize=(9, 3.9), sharey=True)
    for ax, (name, (found, near)) in zip(axes, kinds.items(), strict=True):
        same = {n: each.same for n, each in found.items()}
        other = {n: each.other for n, each in found.items()}
        _medians(ax, same, TOGETHER, "A's and B's sample, same noise")
        _medians(ax, near, TRAIN, "sample and nearest training image")
        _medians(ax, other, NEUTRAL, "A's and B's sample, different noise")
        ax.axhline(held_out[name], color=NEUTRAL, ls=":", label="nearest pairs of held-out images")
        ax.set(xscale="log", xlabel="set size N", title=name)
    if np.isfinite(crossing):
        axes[0].axvline(crossing, color=NEUTRAL, lw=1)
        axes[0].annotate(
            f"{crossing:,.0f}", (crossing, axes[0].get_ylim()[0]), (4, 4), color=NEUTRAL,
            textcoords="offset points",
        )  # fmt: skip
    axes[0].set_ylabel("median")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def _medians(ax: Axes, values: Values, colour: str, label: str) -> None:
    """Draw medians against N with their intervals over samples (the first axis)."""
    middle = np.array([np.median(v) for v in values.values()])
    ends = [bootstrap(lambda i, v=v: np.median(v[i]), len(v)) for v in values.values()]
    low, high = np.array(ends).T
    spread = [middle - low, high - middle]
    ax.errorbar(list(values), middle, spread, fmt="o-", color=colour, capsize=3, label=label)


def fraction_panels(panels: Mapping[str, Values], chances: Sequence[float]) -> Figure:
    """Draw fractions of samples against N, with exact 95 % intervals.

    Parameters
    ----------
    panels : mapping of str to (mapping of int to ndarray of bool, shape (n,))
        Which samples count, by what is asked of them, then by N.
    chances : sequence of float
        What each panel would show by chance; NaN where there is no such value.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.6), sharey=True)
    for ax, chance, (title, hits) in zip(axes, chances, panels.items(), strict=True):
        tests = [binomtest(int(h.sum()), len(h)) for h in hits.values()]
        middle = np.array([test.statistic for test in tests])
        low, high = np.array([test.proportion_ci() for test in tests]).T
        spread = [middle - low, high - middle]
        ax.errorbar(list(hits), middle, spread, fmt="o-", color=TOGETHER, capsize=3)
        if np.isfinite(chance):
            ax.axhline(chance, color=NEUTRAL, ls=":")
            ax.annotate("chance", (max(hits), chance), (0, 4), textcoords="offset points",
                        ha="right", color=NEUTRAL)  # fmt: skip
        ax.set(xscale="log", xlabel="set size N", title=title, ylim=(-0.04, 1.04))
    axes[0].set_ylabel("fraction of samples")
    return figure


def share_panels(
    sigmas: Sequence[float],
    half: Values,
    error: Values,
    averages: Mapping[int, tuple[float, float, float]],
) -> Figure:
    """Draw the share of the error that two networks do not have in common.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    half : mapping of int to ndarray, shape (levels, images)
        Half the squared difference of the two networks of each N.
    error : mapping of int to ndarray, shape (levels, images)
        Their squared error, the mean of both.
    averages : mapping of int to tuple of float
        The average over log sigma at each N, with its lower and upper end.

    Returns
    -------
    Figure
        Against sigma, with 95 % bootstrap intervals over images, and against N.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.9), sharey=True)
    colours = size_colours(list(half))
    for n in half:
        _ratio(left, sigmas, half[n], error[n], colours[n], f"N = {n:,}")
    left.set(xlabel="sigma", ylabel="share not in common")
    middle, low, high = np.array(list(averages.values())).T
    spread = [middle - low, high - middle]
    right.errorbar(list(averages), middle, spread, fmt="o-", color=TOGETHER, capsize=3)
    right.set(xscale="log", xlabel="set size N")
    left.set_ylim(0, None)  # shared, so after everything is drawn
    figure.legend(*left.get_legend_handles_labels(), loc="outside right center")
    return figure


def _ratio(
    ax: Axes, sigmas: Sequence[float], part: np.ndarray, whole: np.ndarray, colour: str, label: str
) -> None:
    """Draw a ratio of means over images against sigma, with its 95 % bootstrap interval."""
    low, high = bootstrap(lambda i: share(part[:, i], whole[:, i]), part.shape[1])
    ax.semilogx(sigmas, share(part, whole), ".-", color=colour, label=label)
    ax.fill_between(sigmas, low, high, color=colour, alpha=0.25, lw=0)


def cause_panels(
    sigmas: Sequence[float], causes: Mapping[int, Mapping[str, np.ndarray]], error: Values
) -> Figure:
    """Draw how much another seed changes a network, and how much another set of images.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    causes : mapping of int to (mapping of str to ndarray, shape (levels, images))
        Half the squared difference of two networks, by N and by what differs between them.
    error : mapping of int to ndarray, shape (levels, images)
        The squared error at each N, as for `share_panels`.

    Returns
    -------
    Figure
        One panel for each N, with 95 % bootstrap intervals over images.
    """
    figure, axes = plt.subplots(
        1, len(causes), figsize=(max(4.5 * len(causes), 6), 3.9), sharey=True, squeeze=False
    )
    for ax, (n, differences) in zip(axes[0], causes.items(), strict=True):
        for colour, (cause, half) in zip(
            (NEUTRAL, TRAIN, TOGETHER), differences.items(), strict=False
        ):
            _ratio(ax, sigmas, half, error[n], colour, cause)
        ax.set(xlabel="sigma", title=f"N = {n:,}")
    axes[0, 0].set_ylim(0, None)  # shared, so after everything is drawn
    axes[0, 0].set_ylabel("share not in common")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def path_panels(levels: np.ndarray, apart: Values, marked: Mapping[str, int]) -> Figure:
    """Draw how the samples of two networks part on their way from noise to images.

    Parameters
    ----------
    levels : ndarray, shape (levels,)
        Noise levels, falling.
    apart : mapping of int to ndarray, shape (levels, n)
        Distances of the pairs at each N (`denoise_lib.measures.walks.distances`).
    marked : mapping of str to int
        Pairs of the largest N to draw in colour, by their label.

    Returns
    -------
    Figure
        Left the median pair at each N, right all pairs of the largest.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.1), sharey=True)
    colours = size_colours(list(apart))
    for n, distance in apart.items():
        left.semilogx(
            levels, np.median(distance, axis=1), color=colours[n], lw=2, label=f"N = {n:,}"
        )
    largest = apart[max(apart)]
    right.semilogx(levels, largest, color=NEUTRAL, alpha=0.35, lw=0.7)
    for colour, (label, pair) in zip((TOGETHER, TRAIN), marked.items(), strict=True):
        right.semilogx(levels, largest[:, pair], color=colour, lw=2.5, label=label)
    for ax, title in ((left, "median pair"), (right, f"every pair, N = {max(apart):,}")):
        ax.set(xlabel="sigma (noise falls to the right)", title=title)
        ax.invert_xaxis()
    left.set(ylabel="distance of A's and B's picture", ylim=(0, None))
    handles, labels = (
        one + two
        for one, two in zip(*(ax.get_legend_handles_labels() for ax in (left, right)), strict=True)
    )
    figure.legend(handles, labels, loc="outside right center")
    return figure


def agreement_matrix(
    names: Sequence[str], correlation: np.ndarray, retrieval: np.ndarray
) -> Figure:
    """Draw which networks draw the same pictures from the same noise.

    Parameters
    ----------
    names : sequence of str
        The networks.
    correlation : ndarray, shape (networks, networks)
        Median correlation of their samples, drawn below the diagonal.
    retrieval : ndarray, shape (networks, networks)
        Fraction of partners found, drawn above it.

    Returns
    -------
    Figure
    """
    size = len(names)
    shown = np.where(np.tri(size, k=-1, dtype=bool), correlation, retrieval)
    figure, ax = plt.subplots(figsize=(1.2 * size + 2.2, 0.8 * size + 1.2))
    sns.heatmap(
        shown, mask=np.eye(size, dtype=bool), annot=True, fmt=".2f", vmin=0, vmax=1, cmap="Blues",
        xticklabels=names, yticklabels=names, cbar=False, ax=ax, linewidths=1,
    )  # fmt: skip
    ax.tick_params(length=0)
    ax.set_xticklabels([name.replace(", ", ",\n") for name in names], rotation=0)
    ax.set_yticklabels(names, rotation=0)
    ax.set_title("above the diagonal: partners found\nbelow: median correlation", loc="left")
    return figure


def quality_panels(
    near: Mapping[str, Values], quality: Mapping[int, tuple[float, float, float]], floor: np.ndarray
) -> Figure:
    """Draw whether samples are new, and whether they are distributed like images.

    Parameters
    ----------
    near : mapping of str to (mapping of int to ndarray, shape (n,))
        Correlation with the nearest training image at each N, by what is compared;
        held-out images last.
    quality : mapping of int to tuple of float
        Sliced Wasserstein distance from held-out images over that of as many
        held-out images, at each N, with its lower and upper end.
    floor : ndarray, shape (groups,)
        The same of each group of held-out images.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.9))
    for colour, (label, values) in zip((TRAIN, TOGETHER, NEUTRAL), near.items(), strict=True):
        _medians(left, values, colour, label)
    left.set(xscale="log", xlabel="set size N", ylabel="correlation with nearest")
    left.legend(loc="lower right")
    middle, low, high = np.array(list(quality.values())).T
    spread = [middle - low, high - middle]
    right.errorbar(list(quality), middle, spread, fmt="o-", color=TRAIN, capsize=3, label="samples")
    right.axhspan(*np.quantile(floor, [0.025, 0.975]), color=NEUTRAL, alpha=0.25, lw=0,
                  label="as many held-out images")  # fmt: skip
    right.set(xscale="log", xlabel="set size N", ylabel="distance from held-out / floor")
    right.set_ylim(0, None)
    right.legend(loc="upper right")
    return figure
