"""The charts of the chapter on images of known regularity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from denoise_lib.figures import MARKERS, NEUTRAL, TRAIN, size_colours
from denoise_lib.measures.psnr import input_psnr, psnr
from denoise_lib.measures.regularity import ideal_slope, local_slopes

Ends = Mapping[float, tuple[float, float]]  # of sigma, by alpha
Errors = Mapping[float, np.ndarray]  # of `squared_errors`, by alpha


def _colours(errors: Errors) -> dict[float, Any]:
    shades = size_colours(range(len(errors)))
    return dict(zip(errors, shades.values(), strict=True))


def local_panel(sigmas: Sequence[float], errors: Errors, ranges: Ends) -> Figure:
    """Draw local slopes against input PSNR, with the range chosen for each regularity.

    Parameters
    ----------
    sigmas : sequence of float
    errors : mapping of float to ndarray, shape (len(sigmas), images)
        By alpha.
    ranges : mapping of float to (float, float)
        Smallest and largest sigma of the range.
    """
    figure, ax = plt.subplots(figsize=(7, 4))
    colours = _colours(errors)
    for marker, (alpha, e) in zip(MARKERS, errors.items(), strict=False):
        where, slopes = local_slopes(sigmas, e)
        ax.plot(where, slopes, marker + ":", color=colours[alpha], lw=1, mfc="none")
        high, low = input_psnr(np.array(ranges[alpha]))
        inside = (where > low) & (where < high)
        label = f"alpha = {alpha:g}"
        ax.plot(
            where[inside], slopes[inside], marker + "-", color=colours[alpha], lw=2, label=label
        )
        ax.axhline(ideal_slope(alpha), color=colours[alpha], lw=0.8, ls="--")
    ax.set(xlabel="input PSNR (dB)", ylabel="local slope")
    ax.legend()
    return figure


def slope_panels(
    sigmas: Sequence[float],
    errors: Errors,
    ranges: Ends,
    rows: Mapping[str, Mapping[float, tuple[float, float, float]]],
    paper: Mapping[float, float],
) -> Figure:
    """Draw output against input PSNR, and the fitted slopes against regularity.

    Parameters
    ----------
    sigmas, errors, ranges
        As for `local_panel`.
    rows : mapping of str to mapping of float to (value, low, high)
        For each denoiser, its slope at each alpha with the ends of its interval.
    paper : mapping of float to float
        What the paper measured.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 5.2))
    colours = _colours(errors)
    x = input_psnr(np.asarray(sigmas))
    left.plot(x, x, color=NEUTRAL, lw=1, ls="--", label="nothing done")
    for marker, (alpha, e) in zip(MARKERS, errors.items(), strict=False):
        out = psnr(e.mean(axis=1))
        left.plot(x, out, marker, color=colours[alpha], mfc="none", label=f"alpha = {alpha:g}")
        inside = [ranges[alpha][0] <= s <= ranges[alpha][1] for s in sigmas]
        line = np.polyfit(x[inside], out[inside], 1)
        left.plot(x[inside], np.polyval(line, x[inside]), color=colours[alpha], lw=2)
    left.set(xlabel="input PSNR (dB)", ylabel="output PSNR (dB)")
    left.legend(fontsize=9)
    fine = np.linspace(0.8, 5.2, 100)
    right.plot(fine, [ideal_slope(a) for a in fine], color=NEUTRAL, label="alpha / (alpha + 1)")
    right.plot(*zip(*paper.items(), strict=True), "x", color="black", ms=8, label="the paper")
    shades = (TRAIN, "#1f5a85", NEUTRAL, "#1f5a85", "#5b8c2a")
    for i, (name, row) in enumerate(rows.items()):
        at = np.array(list(row)) + 0.07 * (i + 1)
        value, low, high = np.array(list(row.values())).T
        bars = np.abs([value - low, high - value])
        right.errorbar(
            at, value, bars, fmt=MARKERS[i], ms=6, color=shades[i], mfc="none", label=name
        )
    right.set(xlabel="regularity alpha", ylabel="slope")
    # below the panel: seven rows inside would cover points
    right.legend(fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.17))
    return figure


def size_panels(
    sigmas: Sequence[float],
    by_size: Mapping[int, tuple[Errors, Ends]],
    paper: Mapping[float, float],
) -> Figure:
    """Draw local slopes at several image sizes, one panel for each regularity they share.

    Parameters
    ----------
    sigmas : sequence of float
    by_size : mapping of int to (errors, ranges)
        By side in pixels; as for `local_panel`.
    paper : mapping of float to float
        Slope that the paper measured, by alpha.
    """
    shared = [a for a in paper if all(a in errors for errors, _ in by_size.values())]
    figure, axes = plt.subplots(
        1, len(shared), figsize=(9.5, 4.2), sharex=True, sharey=True, squeeze=False
    )
    colours = size_colours(list(by_size))
    for ax, alpha in zip(axes[0], shared, strict=True):
        for marker, (size, (errors, ranges)) in zip(MARKERS, by_size.items(), strict=False):
            style = {"color": colours[size], "mfc": "none"}
            where, slopes = local_slopes(sigmas, errors[alpha])
            ax.plot(where, slopes, marker + ":", lw=1, **style)
            high, low = input_psnr(np.array(ranges[alpha]))
            inside = (where > low) & (where < high)
            label = f"{size}x{size}"
            ax.plot(where[inside], slopes[inside], marker + "-", lw=2, label=label, **style)
        ax.axhline(ideal_slope(alpha), color=NEUTRAL, lw=1, ls="--", label="alpha / (alpha + 1)")
        ax.axhline(paper[alpha], color=NEUTRAL, lw=1, ls=":", label="the paper")
        ax.set(title=f"alpha = {alpha:g}", xlabel="input PSNR (dB)")
    axes[0, 0].set_ylabel("local slope")
    axes[0, 0].legend(fontsize=9)
    return figure


def below_panels(sigmas: Sequence[float], errors: Errors, rivals: Mapping[str, Errors]) -> Figure:
    """Draw by how much rivals are above or below the networks, one panel for each regularity.

    Parameters
    ----------
    sigmas, errors
        As for `local_panel`: those of the networks, on images of their own regularity.
    rivals : mapping of str to mapping of float to ndarray
        Squared errors by rival, then by alpha.
    """
    figure, axes = plt.subplots(
        1, len(errors), figsize=(9.5, 3.9), sharex=True, sharey=True, squeeze=False
    )
    colours = size_colours(range(len(rivals)))
    x = input_psnr(np.asarray(sigmas))
    for ax, (alpha, e) in zip(axes[0], errors.items(), strict=True):
        ax.axhline(0, color=NEUTRAL, lw=1)
        for i, (name, of) in enumerate(rivals.items()):
            difference = psnr(of[alpha].mean(axis=1)) - psnr(e.mean(axis=1))
            style = MARKERS[i] + ("-", "--", "-.", ":")[i % 4]
            ax.plot(x, difference, style, color=colours[i], mfc="none", ms=5, label=name)
        ax.set(title=f"alpha = {alpha:g}", xlabel="input PSNR (dB)")
    axes[0, 0].set_ylabel("dB above the network")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=9)
    return figure


def oracle_panels(
    curves: Mapping[str, np.ndarray],
    gains: Mapping[str, tuple[Sequence[float], np.ndarray, np.ndarray, np.ndarray]],
) -> Figure:
    """Draw how fast coefficients fall in several bases, and what their oracles gain.

    Parameters
    ----------
    curves : mapping of str to ndarray, shape (k,)
        Mean energy of the sorted coefficients, by basis.
    gains : mapping of str to (sigmas, value, low, high)
        PSNR above that of the network, by basis.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2))
    styles = ["-", "--", "-.", ":"]
    colours = size_colours(range(max(len(curves), len(gains))))
    for i, (name, energy) in enumerate(curves.items()):
        ranks = np.arange(1, len(energy) + 1)
        left.loglog(ranks, energy, styles[i % 4], color=colours[i], label=name)
    left.set(xlabel="rank k", ylabel="mean squared coefficient")
    left.set(ylim=(max(1e-7, *(0.3 * e[-1] for e in curves.values())), None))
    left.legend(fontsize=9)
    right.axhline(0, color=NEUTRAL, lw=1)
    for i, (name, (sigmas, value, low, high)) in enumerate(gains.items()):
        right.errorbar(
            sigmas, value, np.abs([value - low, high - value]), fmt=MARKERS[i] + styles[i % 4],
            color=colours[i], mfc="none", label=name,
        )  # fmt: skip
    right.set(xscale="log", xlabel="sigma", ylabel="dB above the network")
    right.legend(fontsize=9)
    return figure
