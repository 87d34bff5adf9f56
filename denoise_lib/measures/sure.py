"""The error of a denoiser, estimated from noisy images alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.jacobian import trace
from denoise_lib.measures.psnr import Denoiser


def sure(
    denoiser: Denoiser, noisy: Tensor, sigma: float, *, probes: int = 16, seed: int = 0
) -> np.ndarray:
    """Return Stein's unbiased estimate of the mean squared error at each noisy image.

    ``2 sigma^2 tr J(y) / d + ||y - f(y)||^2 / d - sigma^2`` with d pixels
    (Stein, Annals of Statistics, 1981). Its mean over images and noise is that
    of the squared error; for one image it may be far off, and negative.

    Parameters
    ----------
    denoiser : callable
        As for `denoise_lib.jacobian.linearize`.
    noisy : Tensor, shape (n, c, h, w)
        Clean images plus Gaussian noise of level ``sigma``.
    sigma : float
        Known noise level.
    probes, seed : int
        As for `denoise_lib.jacobian.trace`.

    Returns
    -------
    ndarray of float64, shape (n,)
        In squared units of a pixel, as `denoise_lib.measures.psnr.squared_errors`.
    """
    if sigma <= 0:
        raise ParameterError("sigma", sigma, "give the level of the noise, above 0")
    divergence, _ = trace(denoiser, noisy, sigma, probes=probes, seed=seed)
    with torch.no_grad():
        residual = (noisy - denoiser(noisy, sigma)).double().square().mean(dim=(1, 2, 3))
    d = noisy[0].numel()
    estimate = 2 * sigma**2 * divergence.double() / d + residual - sigma**2
    return estimate.cpu().numpy()
