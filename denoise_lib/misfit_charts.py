"""The charts of the chapter on classes that do not suit the bias of networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from denoise_lib.figures import MARKERS, NEUTRAL, STYLES, size_colours
from denoise_lib.measures.psnr import input_psnr, psnr
from denoise_lib.measures.statistics import bootstrap


def error_panels(
    sigmas: Sequence[float], errors: Mapping[str, Mapping[str, np.ndarray]], d: int
) -> Figure:
    """Draw how many dimensions of noise are left, one panel for each class.

    Parameters
    ----------
    sigmas : sequence of float
    errors : mapping of str to mapping of str to ndarray, shape (len(sigmas), images)
        Mean squared errors a pixel, by class, then by denoiser.
    d : int
        Pixels of an image.
    """
    figure, axes = plt.subplots(1, len(errors), figsize=(9.5, 4), squeeze=False)
    squares = np.asarray(sigmas) ** 2
    for ax, (name, by) in zip(axes[0], errors.items(), strict=True):
        colours = size_colours(range(len(by)))
        for i, (denoiser, e) in enumerate(by.items()):
            low, high = bootstrap(lambda k, e=e: d * e[:, k].mean(axis=1) / squares, e.shape[1])
            middle = d * e.mean(axis=1) / squares
            ax.plot(sigmas, middle, MARKERS[i] + STYLES[i], color=colours[i], label=denoiser)
            ax.fill_between(sigmas, low, high, color=colours[i], alpha=0.2, lw=0)
        ax.set(xscale="log", title=name, xlabel="sigma", ylim=(0, None))
    axes[0, 0].set_ylabel("squared error / sigma^2")
    axes[0, 0].legend(fontsize=9)
    return figure


def vector_rows(rows: Mapping[str, tuple[np.ndarray, Sequence[str]]]) -> Figure:
    """Draw rows of vectors as images, each scaled to its own largest value.

    Parameters
    ----------
    rows : mapping of str to (ndarray of shape (k, h, w), sequence of str)
        Vectors, and a title for each.
    """
    columns = max(len(vectors) for vectors, _ in rows.values())
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(1.45 * columns, 1.75 * len(rows)), squeeze=False
    )
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    for line, (name, (vectors, titles)) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, fontsize=10)
        for ax, vector, title in zip(line, vectors, titles, strict=False):
            reach = np.abs(vector).max()
            ax.imshow(vector, cmap="gray", vmin=-reach, vmax=reach, interpolation="nearest")
            ax.set_title(title, fontsize=10)
    return figure


def spectrum_panels(values: Mapping[float, np.ndarray], angles: Mapping[str, np.ndarray]) -> Figure:
    """Draw eigenvalues at several noise levels, and cosines of principal angles.

    Parameters
    ----------
    values : mapping of float to ndarray, shape (images, k)
        Eigenvalues, by sigma.
    angles : mapping of str to ndarray, shape (images, 5)
        Cosines, falling, by the name of the tangent space.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4))
    colours = size_colours(range(max(len(values), len(angles))))
    for i, (sigma, v) in enumerate(values.items()):
        k = np.arange(1, v.shape[1] + 1)
        left.plot(k, v.mean(axis=0), STYLES[i], color=colours[i], label=f"sigma = {sigma:g}")
    left.axvline(5.5, color=NEUTRAL, lw=0.8)
    left.set(xscale="log", xlabel="k", ylabel="eigenvalue")
    left.legend(fontsize=9)
    for i, (name, c) in enumerate(angles.items()):
        low, high = bootstrap(lambda j, c=c: c[j].mean(axis=0), len(c))
        middle, k = c.mean(axis=0), np.arange(1, 6) + 0.1 * i
        bars = np.abs([middle - low, high - middle])
        right.errorbar(k, middle, bars, fmt=MARKERS[i], color=colours[i], capsize=3, label=name)
    right.set(xlabel="principal angle", ylabel="cosine", ylim=(0, 1.05))
    right.legend(fontsize=9)
    return figure


def twin_panels(
    sigmas: Sequence[float],
    errors: Mapping[str, np.ndarray],
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> Figure:
    """Draw output against input PSNR, and learning curves.

    Parameters
    ----------
    sigmas : sequence of float
    errors : mapping of str to ndarray, shape (len(sigmas), images)
        By denoiser.
    curves : mapping of str to (images seen, PSNR), ndarrays of shape (points,)
        By network.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2))
    x = input_psnr(np.asarray(sigmas))
    left.plot(x, x, color=NEUTRAL, lw=1, ls=":", label="nothing done")
    colours = size_colours(range(len(errors)))
    for i, (name, e) in enumerate(errors.items()):
        low, high = bootstrap(lambda k, e=e: psnr(e[:, k].mean(axis=1)), e.shape[1])
        line = MARKERS[i] + STYLES[i]
        left.plot(x, psnr(e.mean(axis=1)), line, color=colours[i], mfc="none", label=name)
        left.fill_between(x, low, high, color=colours[i], alpha=0.2, lw=0)
        if name in curves:
            right.plot(*curves[name], STYLES[i], color=colours[i], label=name)
    left.set(xlabel="input PSNR (dB)", ylabel="output PSNR (dB)")
    left.legend(fontsize=9)
    right.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:,.0f}")
    right.set(xlabel="training images seen (thousands)", ylabel="mean tuning PSNR (dB)")
    right.legend(fontsize=9)
    return figure
