"""How differently two sets of images are distributed: the sliced Wasserstein distance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import norm, wasserstein_distance
from torch import Tensor

from denoise_lib.errors import ParameterError


def projections(images: Tensor, directions: int = 128, seed: int = 0) -> np.ndarray:
    """Return the coordinates of images along random directions.

    Parameters
    ----------
    images : Tensor, shape (n, 1, h, w)
    directions : int
        How many unit vectors, uniform on the sphere.
    seed : int
        The same seed gives the same directions.

    Returns
    -------
    ndarray, shape (n, directions)
    """
    generator = torch.Generator().manual_seed(seed)
    flat = images.flatten(1)
    axes = torch.randn(flat.shape[1], directions, generator=generator)
    return (flat @ (axes / axes.norm(dim=0))).numpy()


def sliced_wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean over directions of the Wasserstein-1 distance of two sets.

    It is zero only for equal distributions (Bonneel et al., 2015). Between two
    finite draws from one distribution it is above zero: compare with that floor.

    Parameters
    ----------
    a, b : ndarray, shape (n, directions) and (m, directions)
        What `projections` returned.
    """
    return float(np.mean([wasserstein_distance(x, y) for x, y in zip(a.T, b.T, strict=True)]))


def floor(images: np.ndarray, n: int) -> np.ndarray:
    """Return the distance of groups of ``n`` images from all the others.

    Parameters
    ----------
    images : ndarray, shape (m, directions)
        What `projections` returned.
    n : int
        Size of the group: that of the samples that are judged.

    Returns
    -------
    ndarray, shape (m // n,)
        One distance for each group; groups share no image.
    """
    if not 1 <= n <= len(images) // 2:
        raise ParameterError("n", n, f"of {len(images)} images, compare at most half with the rest")
    groups = [np.arange(i, i + n) for i in range(0, len(images) - n + 1, n)]
    return np.array([sliced_wasserstein(images[g], np.delete(images, g, axis=0)) for g in groups])


def jackknife(
    statistic: Callable[[np.ndarray], float], n: int, level: float = 0.95
) -> tuple[float, float]:
    """Return an interval of a statistic from leaving out one member at a time.

    The bootstrap repeats members, which by itself sets a sample apart from any
    other; a distance of distributions needs an interval that does not.

    Parameters
    ----------
    statistic : callable
        Given an array of indices, it returns the statistic of those members.
    n : int
        How many members there are.
    level : float
        Coverage.

    Returns
    -------
    low, high : float
        The statistic of all, less and plus a multiple of its standard error.
    """
    everyone = np.arange(n)
    left_out = np.array([statistic(np.delete(everyone, i)) for i in everyone])
    error = np.sqrt((n - 1) * left_out.var())
    half_width = norm.ppf((1 + level) / 2) * error
    value = statistic(everyone)
    return value - half_width, value + half_width
