"""Gaussian fields with a known power spectrum: the class whose best denoiser is known.

Zero-mean, periodic and stationary, never clipped. The standard deviation of a
pixel is 0.25 and the spectrum falls like ``1 / (1 + |k|^2)^1.5`` with the
number k of periods across the image.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denoise_lib.images.generated import BLOCK, GeneratedSets

PIXEL_STD = 0.25
DECAY = 1.5


def spectrum(size: int) -> Tensor:
    """Return the variance of each orthonormal Fourier coefficient.

    Parameters
    ----------
    size : int
        Side of the field in pixels.

    Returns
    -------
    Tensor of float64, shape (size, size)
        Eigenvalues of the covariance, in the order of `torch.fft.fft2`; their
        mean is the variance of a pixel.
    """
    k = torch.fft.fftfreq(size, dtype=torch.float64) * size
    power = (1 + k[:, None] ** 2 + k[None, :] ** 2) ** -DECAY
    return power * (PIXEL_STD**2 / power.mean())


class GaussianSets(GeneratedSets):
    """Sets of Gaussian fields."""

    def block(self, stream: int, number: int) -> Tensor:
        """Return one block of fields."""
        indices = range(number * BLOCK, (number + 1) * BLOCK)
        shape = (self.size, self.size)
        white = [np.random.default_rng([stream, i]).standard_normal(shape) for i in indices]
        amplitude = torch.sqrt(spectrum(self.size))
        fields = torch.fft.ifft2(amplitude * torch.fft.fft2(torch.from_numpy(np.stack(white))))
        return fields.real.float()


def image_sets(size: int) -> GaussianSets:
    """Return the sets of Gaussian fields of ``size`` pixels."""
    return GaussianSets(size)
