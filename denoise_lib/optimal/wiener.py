"""The best denoiser of a stationary Gaussian field: Wiener's filter."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denoise_lib.errors import ParameterError


@dataclass(frozen=True)
class Wiener:
    """E[x | y] for a zero-mean periodic stationary Gaussian field x.

    Each Fourier coefficient of variance S shrinks by S / (S + sigma^2).

    Parameters
    ----------
    spectrum : Tensor, shape (h, w)
        Variance of each orthonormal Fourier coefficient
        (`denoise_lib.images.gaussian.spectrum`).
    """

    spectrum: Tensor

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return the best estimate of the field.

        Parameters
        ----------
        y : Tensor, shape (n, 1, h, w)
        sigma : float
            Noise level: a closed form needs it.
        """
        if sigma is None:
            raise ParameterError("sigma", sigma, "a closed form has to be told the noise level")
        gain = self.spectrum / (self.spectrum + sigma**2)
        return torch.fft.ifft2(gain * torch.fft.fft2(y.double())).real.to(y)
