"""How fast output PSNR rises with input PSNR, and over which noise levels that can be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denoise_lib.errors import ParameterError
from denoise_lib.measures.psnr import input_psnr, psnr


def ideal_slope(alpha: float) -> float:
    """Return alpha / (alpha + 1), the best slope on C^alpha images (paper, section 3.2).

    Examples
    --------
    >>> ideal_slope(3)
    0.75
    """
    return alpha / (alpha + 1)


def local_slopes(sigmas: Sequence[float], errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope of output against input PSNR between neighbouring noise levels.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels.
    errors : ndarray, shape (len(sigmas), images)
        What `denoise_lib.measures.psnr.squared_errors` returned.

    Returns
    -------
    where, slopes : ndarray, shape (len(sigmas) - 1,)
        Input PSNR half-way between two levels, in dB, and the slope there.
    """
    x, y = input_psnr(np.asarray(sigmas)), psnr(errors.mean(axis=1))
    return (x[1:] + x[:-1]) / 2, np.diff(y) / np.diff(x)


def plateau(sigmas: Sequence[float], errors: np.ndarray, decibels: float) -> tuple[float, float]:
    """Return the range of sigma over which the local slope changes the least.

    Where images meet the grid of pixels, or a network is trained too little,
    the slope drifts; a power law is a slope that stays.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    errors : ndarray, shape (len(sigmas), images)
        On tuning images.
    decibels : float
        Least length of the range, in dB of input PSNR.

    Returns
    -------
    low, high : float
        Two of ``sigmas``. Of several ranges as good, that of the weakest noise.
    """
    x, (_, slopes) = input_psnr(np.asarray(sigmas)), local_slopes(sigmas, errors)
    drift = {}
    for i in range(len(x)):
        # the shortest range from level i that is long enough, rounding forgiven
        long_enough = np.flatnonzero(x[i] - x >= decibels - 1e-6)
        if len(long_enough):
            drift[i, int(long_enough[0])] = float(np.std(slopes[i : long_enough[0]]))
    if not drift:
        raise ParameterError("sigmas", list(sigmas), f"they span less than {decibels:g} dB")
    first, last = min(drift, key=lambda ends: drift[ends])
    return sigmas[first], sigmas[last]
