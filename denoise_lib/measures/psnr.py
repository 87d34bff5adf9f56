"""Peak signal-to-noise ratio of denoisers: 10 log10(1 / MSE), images in [0, 1], nothing clipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError

Denoiser = Callable[..., Tensor]


def psnr(mse: np.ndarray | float) -> np.ndarray:
    """Return the PSNR in dB of a mean squared error (already averaged over images)."""
    return -10 * np.log10(np.asarray(mse))


def input_psnr(sigma: np.ndarray | float) -> np.ndarray:
    """Return the PSNR in dB of an image with Gaussian noise of standard deviation ``sigma``.

    Examples
    --------
    >>> float(input_psnr(0.1))
    20.0
    """
    return psnr(np.asarray(sigma) ** 2)


def add_noise(images: Tensor, sigma: float, seed: int) -> Tensor:
    """Return ``images`` plus Gaussian noise that depends on ``seed`` and their shape alone.

    Parameters
    ----------
    images : Tensor, shape (n, c, h, w)
    sigma : float
        Standard deviation of the noise.
    seed : int
        The same seed gives the same noise at every sigma, only scaled.
    """
    if sigma < 0:
        raise ParameterError("sigma", sigma, "a noise level is 0 or more")
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(images.shape, generator=generator)
    return images + sigma * noise.to(images)


@torch.inference_mode()
def squared_errors(
    denoiser: Denoiser, images: Tensor, sigmas: Sequence[float], *, seed: int = 0, batch: int = 250
) -> np.ndarray:
    """Return the mean squared error of every image at every noise level.

    Parameters
    ----------
    denoiser : callable
        ``(y, sigma) -> x_hat``.
    images : Tensor, shape (n, c, h, w)
        Clean images.
    sigmas : sequence of float
        Noise levels.
    seed : int
        Of the noise; the same noise, scaled, at every sigma.
    batch : int
        Images denoised at once.

    Returns
    -------
    ndarray of float64, shape (len(sigmas), n)
        Averaged over the pixels of each image.
    """
    errors = np.empty((len(sigmas), len(images)))
    for i, sigma in enumerate(sigmas):
        for j, clean in enumerate(images.split(batch)):
            estimate = denoiser(add_noise(clean, sigma, seed + j), sigma)
            error = (estimate - clean).double().square().mean(dim=(1, 2, 3))
            errors[i, j * batch : j * batch + len(clean)] = error.cpu().numpy()
    return errors


def around(sigmas: Sequence[float], low: float, high: float) -> list[float]:
    """Return the noise levels that an average over [`low`, `high`] needs.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    low, high : float

    Examples
    --------
    >>> around([0.02, 0.05, 0.1, 0.3, 1.0], 0.05, 0.5)
    [0.05, 0.1, 0.3, 1.0]
    """
    after, before = [*sigmas[1:], np.inf], [-np.inf, *sigmas[:-1]]
    neighbours = zip(before, sigmas, after, strict=True)
    return [s for previous, s, following in neighbours if following > low and previous < high]


def log_average(sigmas: Sequence[float], values: np.ndarray, low: float, high: float) -> float:
    """Return the average of a curve over log sigma in [`low`, `high`].

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    values : ndarray, shape (len(sigmas),)
    low, high : float
        Range inside the measured one.

    Examples
    --------
    >>> float(log_average([0.01, 0.1, 1.0], np.array([0.0, 1.0, 2.0]), 0.01, 1.0))
    1.0
    """
    if not sigmas[0] <= low < high <= sigmas[-1]:
        raise ParameterError("sigmas", list(sigmas), f"measure from {low} or below to {high}")
    inside = [s for s in sigmas if low < s < high]
    x = np.log([low, *inside, high])
    y = np.interp(x, np.log(sigmas), values)
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))


def psnr_slope(sigmas: Sequence[float], errors: np.ndarray, low: float, high: float) -> float:
    """Return the slope of output against input PSNR, by least squares over sigma in a range.

    Parameters
    ----------
    sigmas : sequence of float
    errors : ndarray, shape (len(sigmas), images)
        What `squared_errors` returned.
    low, high : float
        Range of sigma of the fit.
    """
    inside = (np.asarray(sigmas) >= low) & (np.asarray(sigmas) <= high)
    out = psnr(errors[inside].mean(axis=1))
    return float(np.polyfit(input_psnr(np.asarray(sigmas)[inside]), out, 1)[0])
