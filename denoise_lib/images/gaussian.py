"""Gaussian fields with a known power spectrum: the class whose best denoiser is known.

Zero-mean, periodic and stationary, never clipped. The standard deviation of a
pixel is 0.25 and the spectrum falls like ``1 / (1 + |k|^2)^1.5`` with the
number k of periods across the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from denoise_lib.files import sha256
from denoise_lib.images.sets import SUBSETS, check_n_images

PIXEL_STD = 0.25
DECAY = 1.5
AVAILABLE = 1_000_000


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


@dataclass(frozen=True)
class GaussianSets:
    """Sets of Gaussian fields, each field made from its set and its index alone.

    Parameters
    ----------
    size : int
        Side in pixels.
    """

    size: int
    duplicates_removed: int = 0

    def take(self, subset: str, n: int | None = None) -> Tensor:
        """Return the first ``n`` fields of ``subset`` (1,000 for None).

        Returns
        -------
        Tensor of float32, shape (n, 1, size, size)
        """
        check_n_images(n, AVAILABLE, subset)
        return _fields(self.size, SUBSETS.index(subset), 1000 if n is None else n)

    def content_hash(self, subset: str, n: int) -> str:
        """Return the SHA-256 of the first ``n`` fields of ``subset``."""
        return sha256(self.take(subset, n).numpy().tobytes())


@lru_cache(maxsize=8)
def _fields(size: int, stream: int, n: int) -> Tensor:
    white = np.stack(
        [np.random.default_rng([stream, i]).standard_normal((size, size)) for i in range(n)]
    )
    amplitude = torch.sqrt(spectrum(size))
    fields = torch.fft.ifft2(amplitude * torch.fft.fft2(torch.from_numpy(white))).real
    return fields.float()[:, None]


def image_sets(size: int) -> GaussianSets:
    """Return the sets of Gaussian fields of ``size`` pixels."""
    return GaussianSets(size)
