"""What was memorized: copies among samples, and the gap between seen and unseen images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from denoise_lib.measures.psnr import log_average, psnr
from denoise_lib.measures.similarity import NEAR_DUPLICATE, contrasts

COPY_RATIO = 1 / 3


def distance_ratios(samples: Tensor, training: Tensor, others: Tensor) -> np.ndarray:
    """Return nearest over second-nearest distance of each sample to the training images.

    Distances are between images with their mean removed and scaled to unit
    norm. The second is taken after near-duplicates of the nearest are removed
    (correlation above 0.95); where no other training image is left, as at
    N = 1, it is the nearest of ``others``. Below `COPY_RATIO` a sample counts
    as a copy (Yoon et al., 2023; Carlini et al., 2023).

    Parameters
    ----------
    samples : Tensor, shape (n, 1, h, w)
    training : Tensor, shape (N, 1, h, w)
    others : Tensor, shape (m, 1, h, w)
        Images of the class that were not trained on.

    Returns
    -------
    ndarray, shape (n,)
    """
    seen, unseen = contrasts(training), contrasts(others)
    ratios = []
    for sample in contrasts(samples):
        correlation = seen @ sample
        first = int(correlation.argmax())
        distinct = seen @ seen[first] <= NEAR_DUPLICATE
        second = correlation[distinct] if bool(distinct.any()) else unseen @ sample
        near, far = (_distance(c) for c in (correlation[first], second.max()))
        ratios.append(near / far)
    return np.array(ratios)


def _distance(correlation: Tensor) -> float:
    """Return the distance of two unit vectors."""
    return float(torch.sqrt((2 - 2 * correlation).clamp_min(0)))


def gap(train_errors: np.ndarray, held_out_errors: np.ndarray) -> np.ndarray:
    """Return train minus held-out PSNR in dB at each noise level.

    Parameters
    ----------
    train_errors, held_out_errors : ndarray, shape (levels, images)
        Squared errors (`denoise_lib.measures.psnr.squared_errors`).
    """
    return psnr(train_errors.mean(axis=1)) - psnr(held_out_errors.mean(axis=1))


def average_gaps(
    sigmas: Sequence[float],
    seen: Sequence[np.ndarray],
    unseen: Sequence[np.ndarray],
    low: float,
    high: float,
) -> np.ndarray:
    """Return the gap of several networks, averaged over log sigma in [`low`, `high`].

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    seen, unseen : sequence of ndarray, shape (levels, images)
        Squared errors of each network on training and on held-out images.
    low, high : float

    Returns
    -------
    ndarray, shape (networks,)
        In dB.
    """
    pairs = zip(seen, unseen, strict=True)
    return np.array([log_average(sigmas, gap(s, u), low, high) for s, u in pairs])


def transition_size(
    sizes: Sequence[int], gaps: Sequence[float] | np.ndarray, reference: int = 10
) -> float:
    """Return N*, the set size at which the gap is half its value at N = `reference`.

    Parameters
    ----------
    sizes : sequence of int
        Set sizes N, rising, `reference` among them.
    gaps : sequence of float
        Train minus held-out PSNR at each N, averaged over noise levels.
    reference : int

    Returns
    -------
    float
        Interpolated in log N where the gap first falls below the half; NaN if
        it never does.

    Examples
    --------
    >>> round(transition_size([10, 100, 1000], [8.0, 6.0, 2.0]))
    316
    """
    start = list(sizes).index(reference)
    half = gaps[start] / 2
    for i in range(start + 1, len(sizes)):
        if gaps[i] <= half < gaps[i - 1]:
            part = (gaps[i - 1] - half) / (gaps[i - 1] - gaps[i])
            log_n = (1 - part) * np.log(sizes[i - 1]) + part * np.log(sizes[i])
            return float(np.exp(log_n))
    return float("nan")
