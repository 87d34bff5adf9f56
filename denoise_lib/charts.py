"""The charts of the chapters, drawn in the book's style from what the measures return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from denoise_lib.figures import MARKERS, NEUTRAL, TRAIN, size_colours
from denoise_lib.measures import memorization
from denoise_lib.measures.psnr import input_psnr, psnr
from denoise_lib.measures.statistics import bootstrap, estimate, pooled, principal_components

Errors = Mapping[int, np.ndarray]


def psnr_panels(sigmas: Sequence[float], panels: Mapping[str, Errors]) -> Figure:
    """Draw output against input PSNR for every N, one panel for each kind of image.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels.
    panels : mapping of str to (mapping of int to ndarray, shape (networks, levels, images))
        Squared errors at each N, by the title of the panel.

    Returns
    -------
    Figure
        With the identity line, and 95 % bootstrap intervals over networks and images.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 4.2), sharex=True, sharey=True)
    x = input_psnr(np.asarray(sigmas))
    for ax, (title, errors) in zip(axes, panels.items(), strict=True):
        colours = size_colours(list(errors))
        for n, e in errors.items():
            middle, (low, high) = estimate(
                lambda k, i, e=e: psnr(pooled(e, k, i).mean(axis=1)), len(e), e.shape[2]
            )
            ax.plot(x, middle, ".-", color=colours[n], label=f"N = {n:,}")
            ax.fill_between(x, low, high, color=colours[n], alpha=0.25, lw=0)
        ends = [x.min(), x.max()]
        ax.plot(ends, ends, color=NEUTRAL, lw=1, ls="--", label="output = input")
        ax.set(title=title, xlabel="input PSNR (dB)")
    axes[0].set_ylabel("output PSNR (dB)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return figure


def gap_panels(
    sigmas: Sequence[float],
    seen: Errors,
    unseen: Errors,
    gaps: np.ndarray,
    interval: tuple[np.ndarray, np.ndarray],
    n_star: float,
) -> Figure:
    """Draw train minus held-out PSNR against sigma, and its average against N.

    Parameters
    ----------
    sigmas : sequence of float
    seen, unseen : mapping of int to ndarray, shape (networks, levels, images)
        Squared errors on training and on held-out images at each N.
    gaps : ndarray, shape (number of N,)
        The average gap at each N in dB.
    interval : tuple of ndarray
        Its lower and upper end.
    n_star : float
        Where it is half of what it is at N = 10; NaN if nowhere.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    colours = size_colours(list(seen))
    for n in seen:
        gap = memorization.gap(seen[n].mean(axis=0), unseen[n].mean(axis=0))
        left.semilogx(sigmas, gap, ".-", color=colours[n], label=f"N = {n:,}")
    left.set(xlabel="sigma", ylabel="train minus held-out PSNR (dB)")
    left.legend(fontsize=8)
    low, high = interval
    right.errorbar(list(seen), gaps, [gaps - low, high - gaps], fmt="o-", color=NEUTRAL, capsize=3)
    right.set(xscale="log", xlabel="set size N", ylabel="average gap (dB)")
    right.axhline(0, color=NEUTRAL, lw=0.8)
    right.axhline(gaps[list(seen).index(10)] / 2, color=TRAIN, ls=":")
    if np.isfinite(n_star):
        right.axvline(n_star, color=TRAIN, lw=1)
        right.annotate(
            f"N* = {n_star:,.0f}", (n_star, right.get_ylim()[1]), (4, -4), va="top",
            textcoords="offset points", color=TRAIN,
        )  # fmt: skip
    return figure


def gap_curves(
    sizes: Sequence[int], curves: Mapping[str, tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]
) -> Figure:
    """Draw the average gap against N for several kinds of network.

    Parameters
    ----------
    sizes : sequence of int
        Set sizes N.
    curves : mapping of str to tuple
        The gap at each N in dB with the ends of its interval, by the name of the kind.

    Returns
    -------
    Figure
    """
    figure, ax = plt.subplots(figsize=(7, 3.8))
    for marker, (name, (gap, (low, high))) in zip(MARKERS, curves.items(), strict=False):
        spread = [gap - low, high - gap]
        ax.errorbar(sizes, gap, spread, marker=marker, capsize=3, label=name)
    ax.axhline(0, color=NEUTRAL, lw=0.8)
    ax.set(xscale="log", xlabel="set size N", ylabel="average gap (dB)")
    if curves:
        ax.legend()
    return figure


def copy_panels(
    copies: Mapping[int, tuple[float, float, float]],
    correlations: Mapping[int, Tensor],
    baseline: Mapping[int, Tensor],
) -> Figure:
    """Draw the fraction of copies against N, and how close samples come to their training set.

    Parameters
    ----------
    copies : mapping of int to tuple of float
        Fraction of samples that are copies at each N, with its lower and upper end.
    correlations : mapping of int to Tensor, shape (samples,)
        Correlation of each sample with its nearest training image, for each N.
    baseline : mapping of int to Tensor, shape (images,)
        The same for held-out images.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    fraction, low, high = np.array(list(copies.values())).T
    spread = [fraction - low, high - fraction]
    left.errorbar(list(copies), fraction, spread, fmt="o-", color=TRAIN, capsize=3)
    left.set(xscale="log", xlabel="set size N", ylabel="fraction of copies", ylim=(-0.04, 1.04))
    for name, colour, found in (
        ("held-out images", NEUTRAL, baseline),
        ("samples", TRAIN, correlations),
    ):
        quartiles = [np.quantile(c, [0.25, 0.5, 0.75]) for c in found.values()]
        first, middle, third = np.array(quartiles).T
        spread = [middle - first, third - middle]
        right.errorbar(list(found), middle, spread, fmt="o-", color=colour, capsize=3, label=name)
    right.set(xscale="log", xlabel="set size N", ylabel="correlation with nearest")
    right.legend(loc="lower left")
    return figure


def gain_panels(rows: Sequence[Mapping[str, Any]], questions: Sequence[str]) -> Figure:
    """Draw one panel for each question that the recipe study asked.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of ``benchmarks/recipe.json``.
    questions : sequence of str
        Which of its questions, three panels a line.

    Returns
    -------
    Figure
    """
    lines = -(-len(questions) // 3)
    figure, axes = plt.subplots(lines, 3, figsize=(10, 3 * lines), sharex=True)
    for ax, question in zip(axes.flat, questions, strict=True):
        asked = [row for row in rows if row["question"] == question]
        against = next(row["against"] for row in asked if "against" in row)
        gain_axes(ax, asked)
        ax.set_title(f"{question}\nagainst: {against}", fontsize=10)
    return figure


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


def variance_axes(ax: Axes, drawn: Mapping[str, Tensor], images: Tensor) -> None:
    """Draw how much samples vary in the leading principal components of images, as a ratio.

    Parameters
    ----------
    ax : Axes
    drawn : mapping of str to Tensor, shape (n, 1, h, w)
        Samples, by the name of the sampler.
    images : Tensor, shape (m, 1, h, w)
        What they should vary like.
    """
    shifts = np.linspace(-0.2, 0.2, len(drawn))
    components = principal_components(images)
    reference = (images.flatten(1).double() @ components).numpy().var(axis=0)
    for shift, (name, samples) in zip(shifts, drawn.items(), strict=True):
        own = (samples.flatten(1).double() @ components).numpy()
        ratio = own.var(axis=0) / reference
        low, high = bootstrap(lambda i, own=own: own[i].var(axis=0) / reference, len(samples))
        x = np.arange(1, len(ratio) + 1) + shift
        ax.errorbar(x, ratio, [ratio - low, high - ratio], fmt="o", label=name)
    ax.axhline(1, color=NEUTRAL, lw=1)
    ax.set(xlabel="principal component", ylabel="variance of samples / of images", yscale="log")
    ax.legend(ncols=len(drawn), fontsize=8)
