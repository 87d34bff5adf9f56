"""Intervals by the bootstrap, and statistics that samples must share with images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

RESAMPLES = 1000


def bootstrap(
    statistic: Callable[..., Any], *groups: int, seed: int = 0, level: float = 0.95
) -> tuple[Any, Any]:
    """Return a percentile bootstrap interval of a statistic.

    Parameters
    ----------
    statistic : callable
        Given one array of indices for each group, drawn with replacement, it
        returns the statistic of those members, a number or an array.
    *groups : int
        How many members each group has: images, seeds, sets ...
    seed : int
    level : float
        Coverage.

    Returns
    -------
    low, high : float or ndarray
        Like what ``statistic`` returns.

    Examples
    --------
    >>> x = np.arange(100.0)
    >>> low, high = bootstrap(lambda i: x[i].mean(), len(x))
    >>> bool(low < x.mean() < high)
    True
    """
    random = np.random.default_rng(seed)
    values = [statistic(*(random.integers(0, n, n) for n in groups)) for _ in range(RESAMPLES)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def estimate(
    statistic: Callable[..., Any], *groups: int, seed: int = 0
) -> tuple[Any, tuple[Any, Any]]:
    """Return a statistic of all members of its groups, and its `bootstrap` interval.

    Parameters
    ----------
    statistic, *groups, seed
        As for `bootstrap`.

    Returns
    -------
    value : float or ndarray
    interval : tuple
        Lower and upper end of the 95 % interval.
    """
    value = statistic(*(np.arange(n) for n in groups))
    return value, bootstrap(statistic, *groups, seed=seed)


def pooled(errors: np.ndarray, networks: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the errors of some networks on some images, as of one network on more images.

    Parameters
    ----------
    errors : ndarray, shape (networks, levels, images)
    networks, images : ndarray of int
        Which; networks are counted around, so that one drawing can serve
        set sizes of which one and of which several networks were trained.

    Returns
    -------
    ndarray, shape (levels, chosen networks times chosen images)
    """
    chosen = networks % len(errors) if len(errors) > 1 else np.zeros(1, dtype=int)
    return np.concatenate([errors[k][:, images] for k in chosen], axis=1)


def principal_components(images: Tensor, k: int = 6) -> Tensor:
    """Return the first principal components of images.

    Parameters
    ----------
    images : Tensor, shape (m, 1, h, w)
    k : int

    Returns
    -------
    Tensor of float64, shape (h w, k)
        Orthonormal columns: the coordinates of flattened images are ``images @ components``.
    """
    flat = images.flatten(1).double()
    _, _, components = torch.linalg.svd(flat - flat.mean(dim=0), full_matrices=False)
    return components[:k].T


def fine_energy(images: Tensor) -> np.ndarray:
    """Return the energy of each image above half the Nyquist frequency: its grain.

    Parameters
    ----------
    images : Tensor, shape (n, 1, h, w)

    Returns
    -------
    ndarray, shape (n,)
        Mean square of the image filtered to radial frequencies above a quarter
        of a cycle a pixel; white noise of level sigma has 0.80 sigma^2.
    """
    side = images.shape[-1]
    frequency = torch.fft.fftfreq(side)
    high = frequency[:, None] ** 2 + frequency[None, :] ** 2 > 0.25**2
    power = torch.fft.fft2(images[:, 0].double(), norm="ortho").abs().square()
    return ((power * high).mean(dim=(1, 2))).numpy()
