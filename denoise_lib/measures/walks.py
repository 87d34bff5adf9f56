"""The way of samples from noise to images, seen at the same noise levels for every network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.measures.convergence import paired_cosines
from denoise_lib.measures.psnr import Denoiser
from denoise_lib.sampling import LOW_BIAS, Schedule, trajectory


@dataclass(frozen=True)
class Walk:
    """Samples at given noise levels of their way.

    Parameters
    ----------
    levels : ndarray, shape (levels,)
        Noise levels, falling.
    denoised : Tensor, shape (levels, n, 1, h, w)
        What the denoiser made of each sample when the noise in it first was at
        or below the level; of a sample that never came so far, the last.
    images : Tensor, shape (n, 1, h, w)
        What each ended as.
    diverged : Tensor of bool, shape (n,)
        Samples whose noise did not fall to the end of the schedule.
    """

    levels: np.ndarray
    denoised: Tensor
    images: Tensor
    diverged: Tensor


def walk(
    denoiser: Denoiser,
    size: int,
    seeds: Sequence[int],
    levels: Sequence[float] | np.ndarray,
    schedule: Schedule = LOW_BIAS,
    *,
    device: torch.device | str = "cpu",
) -> Walk:
    """Draw one image a seed, and keep what it looked like on its way.

    Parameters
    ----------
    denoiser : callable
        ``(y, sigma) -> x_hat``, of images in [0, 1].
    size : int
        Side of the images.
    seeds : sequence of int
        As for `denoise_lib.sampling.trajectory`.
    levels : sequence of float
        Noise levels at which to look, falling.
    schedule : Schedule
    device : torch.device or str

    Returns
    -------
    Walk
        Its ``images`` are those of `denoise_lib.sampling.sample`.
    """
    falling = np.asarray(levels, dtype=float)
    if len(falling) == 0 or (np.diff(falling) >= 0).any():
        raise ParameterError("levels", list(levels), "give noise levels, from large to small")
    kept = torch.zeros(len(falling), len(seeds), 1, size, size)
    waiting = torch.ones(len(falling), len(seeds), dtype=torch.bool)
    for state in trajectory(denoiser, size, seeds, schedule, device=device):
        sigma, denoised = state.sigma.cpu(), state.denoised.cpu()
        arrived = waiting & (sigma[None] <= torch.from_numpy(falling)[:, None])
        for level in arrived.any(dim=1).nonzero().flatten().tolist():
            kept[level, arrived[level]] = denoised[arrived[level]]
        waiting &= ~arrived
    for level in range(len(falling)):
        kept[level, waiting[level]] = denoised[waiting[level]]
    return Walk(falling, kept, denoised, ~(sigma <= schedule.sigma_end))


def distances(a: Walk, b: Walk) -> np.ndarray:
    """Return how far apart the samples of two walks are at each level.

    Parameters
    ----------
    a, b : Walk
        With the same seeds and levels.

    Returns
    -------
    ndarray, shape (levels, n)
        Between images without their mean, scaled to length one: 0 for the same
        picture, sqrt(2) for uncorrelated ones.
    """
    pairs = zip(a.denoised, b.denoised, strict=True)
    alike = np.stack([paired_cosines(one, two, centred=True) for one, two in pairs])
    return np.sqrt(np.maximum(2 - 2 * alike, 0))


def splitting_level(levels: np.ndarray, distance: np.ndarray) -> float:
    """Return the noise level at which two samples are half as far apart as at the end.

    Parameters
    ----------
    levels : ndarray, shape (levels,)
        Noise levels, falling.
    distance : ndarray, shape (levels,)
        Of one pair (a column of `distances`).

    Returns
    -------
    float
        The first level from which on they stay at least so far apart.
    """
    near = np.flatnonzero(distance < distance[-1] / 2)
    return float(levels[near[-1] + 1] if len(near) else levels[0])
