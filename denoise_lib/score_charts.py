"""The charts of the chapters on scores and on bias and variance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from denoise_lib.figures import MARKERS, NEUTRAL, TRAIN
from denoise_lib.measures.statistics import bootstrap
from denoise_lib.optimal.mixtures import GaussianMixture


def line_panels(
    law: GaussianMixture, sigmas: Sequence[float], y: Tensor, brute: Mapping[float, Tensor]
) -> Figure:
    """Draw the densities of noisy numbers, and their best denoisers below.

    Parameters
    ----------
    law : GaussianMixture
        Of numbers (d = 1).
    sigmas : sequence of float
        One column for each.
    y : Tensor, shape (n, 1)
        Where the posterior mean was integrated numerically.
    brute : mapping of float to Tensor, shape (n, 1)
        That mean, for each sigma.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(2, len(sigmas), figsize=(9, 5), sharex=True, sharey="row")
    fine = torch.linspace(float(y.min()), float(y.max()), 400, dtype=torch.float64)[:, None]
    clean = law.log_density(fine).exp()
    for sigma, (top, bottom) in zip(sigmas, axes.T, strict=True):
        top.fill_between(fine[:, 0], clean, color=NEUTRAL, alpha=0.25, lw=0, label="x")
        top.plot(fine, law.log_density(fine, sigma).exp(), color=TRAIN, label="y = x + sigma z")
        top.set(title=f"sigma = {sigma:g}")
        bottom.plot(fine, fine, color=NEUTRAL, ls="--", lw=1, label="y itself")
        tweedie = fine + sigma**2 * law.score(fine, sigma)
        bottom.plot(fine, tweedie, color=TRAIN, label="y + sigma^2 score")
        bottom.plot(
            y, brute[sigma], "o", ms=4, color="black", mfc="none", label="mean of x given y"
        )
        bottom.set(xlabel="y")
    axes[0, 0].set_ylabel("density")
    axes[1, 0].set_ylabel("estimate of x")
    axes[0, 0].legend(fontsize=9)
    axes[1, 0].legend(fontsize=9)
    return figure


def _plane(reach: float, points: int) -> tuple[np.ndarray, Tensor]:
    side = np.linspace(-reach, reach, points)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    return side, torch.from_numpy(grid.reshape(-1, 2))


def _shade(ax: Axes, law: GaussianMixture, sigma: float, reach: float) -> None:
    """Show a density in grey, its square root so that faint parts can be seen."""
    side, grid = _plane(reach, 121)
    density = law.log_density(grid, sigma).exp().sqrt().reshape(len(side), -1)
    ends = (-reach, reach, -reach, reach)
    ax.imshow(density, origin="lower", extent=ends, cmap="Greys", aspect="equal", alpha=0.8)
    ax.set(xticks=[], yticks=[], xlim=(-reach, reach), ylim=(-reach, reach))


def field_panels(law: GaussianMixture, sigmas: Sequence[float], reach: float = 2.2) -> Figure:
    """Draw the steps of the best denoiser, f*(y) - y, over the density of noisy points.

    Parameters
    ----------
    law : GaussianMixture
        Of points in the plane (d = 2).
    sigmas : sequence of float
        One panel for each.
    reach : float
        Half the side of each panel.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(1, len(sigmas), figsize=(9, 3.3))
    _, grid = _plane(0.95 * reach, 15)
    for ax, sigma in zip(axes, sigmas, strict=True):
        _shade(ax, law, sigma, reach)
        step = law(grid, sigma) - grid
        ax.quiver(*grid.T, *step.T, color=TRAIN, angles="xy", scale_units="xy", scale=2, width=6e-3)
        ax.set(title=f"sigma = {sigma:g}")
    return figure


def walk_panels(law: GaussianMixture, paths: Tensor, shown: int = 6, reach: float = 2.2) -> Figure:
    """Draw the estimates of some points on their way from noise, and where all of them end.

    Parameters
    ----------
    law : GaussianMixture
        Of points in the plane.
    paths : Tensor, shape (steps, n, 2)
    shown : int
        How many paths are drawn whole.
    reach : float
        Half the side of each panel.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.4))
    for ax in (left, right):
        _shade(ax, law, 0.05, reach)
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, shown))
    for path, colour in zip(paths[:, :shown].unbind(dim=1), colours, strict=True):
        left.plot(*path.T, color=colour, lw=0.9)
        left.plot(*path[0], "o", color=colour, mfc="white", ms=6)
        left.plot(*path[-1], "o", color=colour, ms=6)
    left.set(title=f"{shown} walks, from open to full circles")
    right.plot(*paths[-1].T, ".", color=TRAIN, ms=3)
    right.set(title=f"where {paths.shape[1]} of them end")
    return figure


def band(
    ax: Axes, x: Sequence[float], statistic: Callable[..., np.ndarray], n: int, label: str, i: int
) -> None:
    """Draw a statistic of n images as a line with its 95 % bootstrap interval.

    Parameters
    ----------
    ax : Axes
    x : sequence of float
    statistic : callable
        Given the indices of images, it returns one value for each of ``x``.
    n : int
        How many images there are.
    label : str
    i : int
        Which colour and marker, from 0.
    """
    colour = plt.get_cmap("viridis")(min(i / 5, 0.95))
    low, high = bootstrap(statistic, n)
    middle = statistic(np.arange(n))
    ax.plot(x, middle, marker=MARKERS[i % len(MARKERS)], ms=5, color=colour, label=label)
    ax.fill_between(x, low, high, color=colour, alpha=0.25, lw=0)


def _mean(values: np.ndarray) -> Callable[..., np.ndarray]:
    """Return the statistic of images that averages them, for values of shape (levels, images)."""
    return lambda i: values[:, i].mean(axis=1)


def optimum_panels(
    sigmas: Sequence[float],
    excess: Mapping[str, Callable[..., np.ndarray]],
    score_error: Mapping[str, Callable[..., np.ndarray]],
    n: int,
) -> Figure:
    """Draw how far networks are from the best denoiser: in decibels, and as scores.

    Parameters
    ----------
    sigmas : sequence of float
    excess : mapping of str to callable
        By the name of the denoiser: given indices of images, decibels above the least
        error at each sigma.
    score_error : mapping of str to callable
        The same for the energy of the error of the score, as a share of the score's.
    n : int
        How many images there are.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True)
    for ax, measured in ((left, excess), (right, score_error)):
        for i, (name, statistic) in enumerate(measured.items()):
            band(ax, sigmas, statistic, n, name, i)
        ax.set(xscale="log", xlabel="sigma")
    left.axhline(0, color=NEUTRAL, lw=1)
    # linear up to 1 dB, so that the curves near the optimum can be told apart
    left.set_yscale("symlog", linthresh=1)
    left.set(ylabel="dB above the least error")
    right.set(yscale="log", ylabel="share of the score that is wrong")
    left.legend(fontsize=9)
    return figure


def slope_panel(
    sigmas: Sequence[float], slopes: Mapping[str, Callable[..., np.ndarray]], n: int
) -> Figure:
    """Draw the slope of the noise regressed on the residual, which is 1 for a posterior mean.

    Parameters
    ----------
    sigmas : sequence of float
    slopes : mapping of str to callable
        By the name of the denoiser: given indices of images, the slope at each sigma.
    n : int
        How many images there are.

    Returns
    -------
    Figure
    """
    figure, ax = plt.subplots(figsize=(6, 3.6))
    for i, (name, statistic) in enumerate(slopes.items()):
        band(ax, sigmas, statistic, n, name, 3 * i)
    ax.axhline(1, color=NEUTRAL, lw=1, ls="--")
    ax.set(xscale="log", xlabel="sigma", ylabel="slope of noise on residual")
    ax.legend()
    return figure


def blind_panels(
    factors: Sequence[float],
    deviations: Mapping[str, np.ndarray],
    sigmas: Sequence[float],
    estimates: Mapping[str, np.ndarray],
) -> Figure:
    """Draw what "bias-free" and "blind" mean: f(ty) against t f(y), and sigma from the residual.

    Parameters
    ----------
    factors : sequence of float
        t, at which f(ty) was compared with t f(y).
    deviations : mapping of str to ndarray, shape (factors, images)
        Relative differences, by the name of the denoiser.
    sigmas : sequence of float
        True noise levels.
    estimates : mapping of str to ndarray, shape (levels, images)
        Estimated over true level, by the name of the estimator.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    for i, (name, deviation) in enumerate(deviations.items()):
        colour = plt.get_cmap("viridis")(0.6 * i)
        left.loglog(factors, deviation.mean(axis=1), f"{MARKERS[i]}-", color=colour, label=name)
    left.set(xlabel="t", ylabel="|f(ty) - t f(y)| / |t f(y)|", ylim=(1e-8, 30))
    for i, (name, ratio) in enumerate(estimates.items()):
        colour = plt.get_cmap("viridis")(0.3 * i)
        low, middle, high = np.quantile(ratio, [0.025, 0.5, 0.975], axis=1)
        right.plot(sigmas, middle, f"{MARKERS[i]}-", color=colour, label=name)
        right.fill_between(sigmas, low, high, color=colour, alpha=0.25, lw=0)
    right.axhline(1, color=NEUTRAL, lw=1, ls="--")
    right.set(xscale="log", yscale="log", xlabel="true sigma", ylabel="estimated / true sigma")
    right.set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    for ax in (left, right):
        ax.legend(fontsize=9)
    return figure


def level_panel(seen: np.ndarray, scheduled: Sequence[float]) -> Figure:
    """Draw the noise level that a blind network sees in each sample, step after step.

    Parameters
    ----------
    seen : ndarray, shape (steps, samples)
        NaN after a sample has stopped.
    scheduled : sequence of float
        What it would be if every step did what was planned.

    Returns
    -------
    Figure
    """
    figure, ax = plt.subplots(figsize=(6, 3.4))
    ax.semilogy(seen, color=TRAIN, lw=0.8, alpha=0.7)
    ax.semilogy(scheduled, color="black", ls="--", label="scheduled")
    ax.plot([], [], color=TRAIN, label="seen in each sample")
    ax.set(xlabel="step", ylabel="sigma")
    ax.legend()
    return figure


def kept_panel(
    variances: np.ndarray,
    lines: Mapping[str, np.ndarray],
    modes: np.ndarray,
    drawn: Mapping[str, np.ndarray],
) -> Figure:
    """Draw how much of the variance of each mode a sampler keeps.

    Parameters
    ----------
    variances : ndarray, shape (m,)
        Variances of modes at which the recursion was computed.
    lines : mapping of str to ndarray, shape (m,)
        Share kept by the recursion, by the name of the sampler.
    modes : ndarray, shape (g,)
        Mean variances of groups of modes of a field.
    drawn : mapping of str to ndarray, shape (samples, g)
        Share kept in those groups by each sample that was drawn.

    Returns
    -------
    Figure
    """
    figure, ax = plt.subplots(figsize=(7, 4))
    for i, (name, line) in enumerate(lines.items()):
        colour = plt.get_cmap("viridis")(0.4 * i)
        ax.plot(variances, line, color=colour, ls=("-", "--", ":")[i % 3], label=name)
        if name in drawn:
            kept = drawn[name]
            low, high = bootstrap(lambda j, kept=kept: kept[j].mean(axis=0), len(kept))
            middle = kept.mean(axis=0)
            spread = [middle - low, high - middle]
            ax.errorbar(modes, middle, spread, fmt=MARKERS[i], color=colour, capsize=3, ms=5)
    ax.axhline(1, color=NEUTRAL, lw=1)
    ax.set(
        xscale="log", xlabel="variance of the mode", ylabel="variance drawn / true", ylim=(0, 1.3)
    )
    ax.legend()
    return figure


def variance_panels(
    panels: Mapping[str, tuple[Sequence[float], Mapping[int, np.ndarray]]],
) -> Figure:
    """Draw the variance of denoisers, as a share of the noise energy, at each noise level.

    Parameters
    ----------
    panels : mapping of str to (sequence of float, mapping of int to ndarray)
        By the title of the panel: noise levels, and for each N half the squared
        distance of two networks, shape (levels, images).

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(9, 3.8), sharey=True)
    for ax, (title, (sigmas, variances)) in zip(axes, panels.items(), strict=True):
        squares = np.asarray(sigmas) ** 2
        for i, (size, v) in enumerate(variances.items()):

            def share(
                j: np.ndarray, v: np.ndarray = v, squares: np.ndarray = squares
            ) -> np.ndarray:
                return v[:, j].mean(axis=1) / squares

            band(ax, sigmas, share, v.shape[1], f"N = {size:,}", i)
        ax.set(title=title, xscale="log", yscale="log", xlabel="sigma")
        if variances:
            ax.legend(fontsize=8)
    axes[0].set_ylabel("variance / sigma^2")
    return figure


Curve = tuple[Sequence[int], np.ndarray, np.ndarray, np.ndarray]


def fall_panels(panels: Mapping[str, Mapping[str, Curve]], ylabel: str) -> Figure:
    """Draw quantities against the set size N, both on logarithmic scales.

    Parameters
    ----------
    panels : mapping of str to (mapping of str to tuple)
        By the titles of the panels and the names of the curves: sizes N, values, and
        the lower and upper ends of their intervals.
    ylabel : str

    Returns
    -------
    Figure
        Where an interval reaches zero or below, its bar leaves the panel.
    """
    width = 4.5 if len(panels) < 3 else 3.2
    figure, axes = plt.subplots(1, len(panels), figsize=(width * len(panels), 3.8), sharey=True)
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for i, (name, (sizes, values, low, high)) in enumerate(curves.items()):
            colour = plt.get_cmap("viridis")(0.4 * i)
            style = f"{MARKERS[i]}{('-', '--', ':')[i % 3]}"
            spread = [values - low, high - values]
            ax.errorbar(sizes, values, spread, fmt=style, color=colour, capsize=3, label=name)
        ax.set(title=title, xscale="log", yscale="log", xlabel="set size N")
        if curves:
            ax.legend(fontsize=8)
    axes[0].set_ylabel(ylabel)
    return figure


def check_panel(
    sigmas: Sequence[float],
    excess: Mapping[int, np.ndarray],
    distances: Mapping[int, np.ndarray],
) -> Figure:
    """Draw two ways to the same number: excess error, and squared distance to the optimum.

    Parameters
    ----------
    sigmas : sequence of float
    excess, distances : mapping of int to ndarray, shape (levels, images)
        For each N.

    Returns
    -------
    Figure
        Lines are distances, points with 95 % intervals are excess errors.
    """
    figure, ax = plt.subplots(figsize=(6.5, 4))
    for i, size in enumerate(excess):
        colour = plt.get_cmap("viridis")(min(i / 5, 0.95))
        ax.plot(sigmas, distances[size].mean(axis=1), color=colour, label=f"N = {size:,}")
        measured = excess[size]
        low, high = bootstrap(lambda j, e=measured: e[:, j].mean(axis=1), measured.shape[1])
        middle = measured.mean(axis=1)
        spread = [middle - low, high - middle]
        ax.errorbar(sigmas, middle, spread, fmt=MARKERS[i], color=colour, capsize=2, ms=4)
    ax.set(xscale="log", yscale="log", xlabel="sigma", ylabel="squared error a pixel")
    if excess:
        ax.legend(fontsize=9)
    return figure


def extreme_panels(
    sigmas: Sequence[float],
    errors: Mapping[str, np.ndarray],
    variances: Mapping[str, np.ndarray],
) -> Figure:
    """Draw error and variance of denoisers of several kinds, as shares of the noise energy.

    Parameters
    ----------
    sigmas : sequence of float
    errors, variances : mapping of str to ndarray, shape (levels, images)
        By the name of the kind.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, sharey=True)
    squares = np.asarray(sigmas) ** 2
    for ax, title, measured in zip(axes, ("error", "variance"), (errors, variances), strict=True):
        for i, (name, values) in enumerate(measured.items()):
            shares = values / squares[:, None]
            band(ax, sigmas, _mean(shares), values.shape[1], name, 2 * i)
        ax.axhline(1, color=NEUTRAL, lw=1, ls="--")
        ax.set(title=f"{title} / sigma^2", xscale="log", yscale="log", xlabel="sigma")
    if errors:
        axes[0].legend(fontsize=9)
    return figure


def kl_panels(
    sigmas: Sequence[float],
    integrands: Mapping[str, Callable[..., np.ndarray]],
    n: int,
    bounds: Mapping[str, Curve],
) -> Figure:
    """Draw the integrand of the bound on the Kullback-Leibler divergence, and the integral.

    Parameters
    ----------
    sigmas : sequence of float
    integrands : mapping of str to callable
        By the name of the denoiser: given indices of images, nats for every factor e of sigma.
    n : int
        How many images there are.
    bounds : mapping of str to tuple
        By the name of the kind: sizes N, integrals, and the ends of their intervals.

    Returns
    -------
    Figure
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    for i, (name, statistic) in enumerate(integrands.items()):
        band(left, sigmas, statistic, n, name, i)
    left.set(xscale="log", yscale="log", xlabel="sigma", ylabel="nats per unit of log sigma")
    for i, (name, (sizes, values, low, high)) in enumerate(bounds.items()):
        colour = plt.get_cmap("viridis")(0.4 * i)
        spread = [values - low, high - values]
        right.errorbar(sizes, values, spread, fmt=f"{MARKERS[i]}-", color=colour, capsize=3,
                       label=name)  # fmt: skip
    right.set(xscale="log", yscale="log", xlabel="set size N", ylabel="integral (nats)")
    for ax in (left, right):
        if ax.has_data():
            ax.legend(fontsize=8)
    return figure
