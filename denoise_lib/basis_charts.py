"""The charts of the chapter on geometry-adaptive harmonic bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from denoise_lib.figures import MARKERS, NEUTRAL, STYLES, size_colours
from denoise_lib.jacobian import Spectrum

Points = Mapping[str, tuple[float, float, float]]  # value, low, high, by basis


def gallery(images: Mapping[str, np.ndarray], basis: Spectrum, ks: Sequence[int]) -> Figure:
    """Draw images of one picture, and eigenvectors below them.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (h, w)
        Grey, in [0, 1]: clean, noisy, denoised.
    basis : Spectrum
    ks : sequence of int
        Which eigenvectors, counted from 1. Each is scaled to its own largest
        value; grey is zero.
    """
    columns = 6
    rows = 1 + -(-len(ks) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 1.72 * rows))
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (name, image) in zip(axes[0], images.items(), strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(name, fontsize=10)
    side = next(iter(images.values())).shape
    for ax, k in zip(axes[1:].flat, ks, strict=False):
        vector = basis.eigenvectors[:, k - 1].reshape(side).cpu().numpy()
        reach = np.abs(vector).max()
        ax.imshow(vector, cmap="gray", vmin=-reach, vmax=reach, interpolation="nearest")
        ax.set_title(f"k = {k}: {float(basis.eigenvalues[k - 1]):.2f}", fontsize=10)
    return figure


def spectrum_panels(
    eigenvalues: Mapping[str, np.ndarray], energies: Mapping[str, np.ndarray]
) -> Figure:
    """Draw eigenvalues, and the energy that is left out by the first k vectors.

    Parameters
    ----------
    eigenvalues : mapping of str to ndarray, shape (d,)
        Falling, by network.
    energies : mapping of str to ndarray, shape (k,)
        Share of an image's energy outside the first 1, 2, ... k vectors, by basis.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2))
    for ax, curves in ((left, eigenvalues), (right, energies)):
        colours = size_colours(range(len(curves)))
        for i, (name, values) in enumerate(curves.items()):
            k = np.arange(1, len(values) + 1)
            ax.plot(k, values, STYLES[i % 4], color=colours[i], label=name)
        ax.set(xscale="log", xlabel="k")
        ax.legend(fontsize=9)
    left.axhline(1, color=NEUTRAL, lw=0.8)
    left.axhline(0, color=NEUTRAL, lw=0.8)
    left.set_ylabel("eigenvalue")
    right.set(yscale="log", ylabel="share of energy left out")
    return figure


def coefficient_panels(
    eigenvalues: Mapping[str, np.ndarray], coefficients: Mapping[str, np.ndarray], sigma: float
) -> Figure:
    """Draw eigenvalues at single images, and the images' coefficients, against k.

    Parameters
    ----------
    eigenvalues : mapping of str to ndarray, shape (k,)
        Falling, by image.
    coefficients : mapping of str to ndarray, shape (k,)
        ``<x, e_k>`` of the clean image, by image; their sizes are drawn.
    sigma : float
        Level of the noise, the size of its coefficients in every basis.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2))
    colours = size_colours(range(len(eigenvalues)))
    for i, (name, values) in enumerate(eigenvalues.items()):
        k = np.arange(1, len(values) + 1)
        left.plot(k, values, STYLES[i % 4], color=colours[i], lw=2, label=name)
        sizes = np.maximum(np.abs(coefficients[name]), 1e-4)
        right.plot(k, sizes, MARKERS[i], color=colours[i], ms=4, mfc="none", label=name)
    left.axhline(1, color=NEUTRAL, lw=0.8)
    right.axhline(sigma, color=NEUTRAL, lw=1, ls="--", label="size of the noise")
    left.set(xlabel="k", ylabel="eigenvalue", ylim=(0, None))
    right.set(xlabel="k", ylabel="size of coefficient", yscale="log")
    left.legend(fontsize=9)
    right.legend(fontsize=9)
    return figure


def frequency_axes(curves: Mapping[str, np.ndarray]) -> Figure:
    """Draw how fast vectors oscillate along a contour, against k.

    Parameters
    ----------
    curves : mapping of str to ndarray, shape (images, k)
        Cycles a pixel along the contour, by basis; means over images and over
        five neighbouring k are drawn.
    """
    figure, ax = plt.subplots(figsize=(7, 4))
    colours = size_colours(range(len(curves)))
    for i, (name, rows) in enumerate(curves.items()):
        fives = rows[:, : rows.shape[1] // 5 * 5].mean(axis=0).reshape(-1, 5).mean(axis=1)
        k = 3 + 5 * np.arange(len(fives))
        ax.plot(k, fives, MARKERS[i] + STYLES[i % 4], color=colours[i], mfc="none", label=name)
    ax.set(xlabel="k", ylabel="cycles a pixel along the contour", ylim=(0, None))
    ax.legend(fontsize=9)
    return figure


def number_panels(measures: Mapping[str, Points]) -> Figure:
    """Draw the number of each basis, one panel for each measure.

    Parameters
    ----------
    measures : mapping of str to mapping of str to (value, low, high)
        By measure, then by basis.
    """
    names = list(dict.fromkeys(name for points in measures.values() for name in points))
    figure, axes = plt.subplots(
        1, len(measures), figsize=(9.5, 0.42 * len(names) + 1.4), sharey=True, squeeze=False
    )
    for ax, (title, points) in zip(axes[0], measures.items(), strict=True):
        for i, name in enumerate(names):
            if name in points:
                value, low, high = points[name]
                bar = [[value - low], [high - value]]
                ax.errorbar(value, i, xerr=np.abs(bar), fmt=MARKERS[i % 8], color="black", ms=6)
        ax.set(
            title=title, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5)
        )
        ax.grid(axis="y", color="#dddddd", lw=0.6)
    return figure


def overlap_axes(curves: Mapping[str, tuple[Sequence[int], Points]]) -> Figure:
    """Draw how far two subspaces of k leading vectors agree, against k.

    Parameters
    ----------
    curves : mapping of str to (ks, mapping of str to (value, low, high))
        By pair of bases; the points in the order of ``ks``.
    """
    figure, ax = plt.subplots(figsize=(7, 4))
    colours = size_colours(range(len(curves)))
    for i, (name, (ks, points)) in enumerate(curves.items()):
        value, low, high = np.array(list(points.values())).T
        bars = np.abs([value - low, high - value])
        ax.errorbar(
            ks, value, bars, fmt=MARKERS[i] + STYLES[i % 4], color=colours[i], label=name,
            mfc="none",
        )  # fmt: skip
    ax.set(xscale="log", xlabel="k", ylabel="overlap of the first k vectors", ylim=(0, 1))
    ax.legend(fontsize=9)
    return figure
