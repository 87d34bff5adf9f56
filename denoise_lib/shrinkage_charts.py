"""The charts of the chapter on shrinkage."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from denoise_lib.figures import MARKERS, NEUTRAL, STYLES, TRAIN, size_colours

Band = tuple[np.ndarray, np.ndarray, np.ndarray]  # value, low, high


def spectrum_axes(eigenvalues: Mapping[str, np.ndarray]) -> Figure:
    """Draw eigenvalues against their number, from the largest to the smallest.

    Parameters
    ----------
    eigenvalues : mapping of str to ndarray, shape (d,)
        Falling.
    """
    figure, ax = plt.subplots(figsize=(7, 4.2))
    colours = size_colours(range(len(eigenvalues)))
    for level in (0, 1):
        ax.axhline(level, color=NEUTRAL, lw=0.8)
    for i, (name, values) in enumerate(eigenvalues.items()):
        k = np.arange(1, len(values) + 1)
        ax.plot(k, values, STYLES[i % 4], color=colours[i], lw=2, label=name)
    ax.set(xscale="log", xlabel="k", ylabel="eigenvalue")
    ax.legend()
    return figure


def level_axes(sigmas: Sequence[float], curves: Mapping[str, Band], label: str) -> Figure:
    """Draw positive numbers against noise level, both axes logarithmic, with intervals.

    Parameters
    ----------
    sigmas : sequence of float
    curves : mapping of str to (value, low, high)
        Arrays of one number for each level.
    label : str
        What the numbers are.
    """
    figure, ax = plt.subplots(figsize=(7, 4.2))
    colours = size_colours(range(len(curves)))
    for i, (name, (value, low, high)) in enumerate(curves.items()):
        ax.errorbar(
            sigmas, value, np.abs([value - low, high - value]), fmt=MARKERS[i % 5] + STYLES[i % 4],
            color=colours[i], mfc="none", label=name,
        )  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="sigma", ylabel=label)
    ax.set_xticks(sigmas, [f"{sigma:g}" for sigma in sigmas])
    ax.set_xticks([], minor=True)
    ax.legend()
    return figure


def calibration_axes(eigenvalues: np.ndarray, energies: Mapping[str, np.ndarray]) -> Figure:
    """Draw the energy of the error along vectors against the eigenvalue, in groups of vectors.

    Parameters
    ----------
    eigenvalues : ndarray, shape (d,)
        Falling, averaged over images.
    energies : mapping of str to ndarray, shape (d,)
        In units of the noise, averaged over images, by basis.
    """
    edges = np.unique(np.round(np.geomspace(1, len(eigenvalues) + 1, 14)).astype(int)) - 1
    groups = list(itertools.pairwise(edges))
    at = [eigenvalues[a:b].mean() for a, b in groups]
    figure, ax = plt.subplots(figsize=(7, 4.6))
    reach = max(at)
    ax.plot([0, reach], [0, reach], color=NEUTRAL, ls="--", label="the best denoiser")
    for i, (name, energy) in enumerate(energies.items()):
        means = [energy[a:b].mean() for a, b in groups]
        ax.plot(at, means, MARKERS[i], color=("black", TRAIN)[i % 2], ms=7, label=name)
    ax.set(xlabel="eigenvalue", ylabel="error along it / sigma²")
    ax.legend()
    return figure


def mixture_panels(
    y: np.ndarray, estimate: np.ndarray, slope: np.ndarray, bins: np.ndarray, spread: np.ndarray
) -> Figure:
    """Draw the best denoiser of numbers, and its slope beside the measured posterior variance.

    Parameters
    ----------
    y, estimate, slope : ndarray, shape (n,)
    bins, spread : ndarray, shape (m,)
        Centres of bins of y, and the variance of x in them over sigma^2.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
    left.plot(y, y, color=NEUTRAL, ls="--", label="y itself")
    left.plot(y, estimate, color="black", label="best estimate")
    left.set(xlabel="y", ylabel="estimate of x")
    left.legend()
    right.axhline(1, color=NEUTRAL, lw=0.8)
    right.plot(y, slope, color="black", label="slope")
    right.plot(bins, spread, "o", color=TRAIN, mfc="none", label="variance of x / sigma²")
    right.set(xlabel="y")
    right.legend()
    return figure


def filter_images(images: Mapping[str, np.ndarray]) -> Figure:
    """Draw signed images side by side, each scaled to its own largest value; grey is zero.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (h, w)
    """
    figure, axes = plt.subplots(1, len(images), figsize=(2.3 * len(images), 2.6), squeeze=False)
    for ax, (name, image) in zip(axes[0], images.items(), strict=True):
        reach = np.abs(image).max()
        ax.imshow(image, cmap="gray", vmin=-reach, vmax=reach, interpolation="nearest")
        ax.set_title(name, fontsize=11)
        ax.set_axis_off()
    return figure
