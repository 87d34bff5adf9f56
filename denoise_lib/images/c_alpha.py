"""Geometric C^alpha images: two regular backgrounds on the two sides of a regular contour.

The paper's algorithm 2 (appendix E). Uniform white noise, filtered by
``|omega|^-alpha``, gives the contour in one dimension and the backgrounds in
two. The backgrounds are rescaled to different ranges, one reaching up to 1 and
the other down to 0, and joined above and below the contour with a ramp of
`BLUR` pixels across it.

The frequency zero has no ``|omega|^-alpha``. In the contour, which may lie
anywhere, it has the gain of the lowest frequency; a background loses its mean
in the rescaling anyway. The contour's height has the mean 1/2 and the standard
deviation `CONTOUR_STD` of the side, whatever alpha and the number of pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.images.generated import BLOCK, GeneratedSets, random_words, uniform

CONTOUR_STD = 0.2
BLUR = 2.0
# 16 random bits make one number of the noise: white enough for a filter that averages many.
NOISE_STD = 2**16 / math.sqrt(12)


@dataclass(frozen=True)
class CAlphaSets(GeneratedSets):
    """Sets of geometric C^alpha images.

    The same set and index give the same noise for every ``alpha``: images of
    two classes differ in their regularity only.

    Parameters
    ----------
    size : int
        Side in pixels.
    alpha : float
        Regularity of the contour and of the backgrounds, above 0.
    """

    alpha: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.alpha < math.inf:
            raise ParameterError("alpha", self.alpha, "give a regularity above 0, as in c_alpha:2")

    def block(self, stream: int, number: int) -> Tensor:
        """Return one block of images, with values in [0, 1]."""
        side, area = self.size, self.size**2
        n_words = 3 + math.ceil((2 * area + side) / 4)
        words = random_words("c_alpha", stream, number * BLOCK, BLOCK, n_words)
        noise = words[:, 3:].view(np.int16)
        white = torch.from_numpy(noise[:, : 2 * area].astype(np.float32))
        above, below = backgrounds(white.view(BLOCK, side, side, 2), self.alpha)
        white = torch.from_numpy(noise[:, 2 * area : 2 * area + side].astype(np.float32))
        part = part_above(contour(white / NOISE_STD, self.alpha))
        _rescale(above, below, torch.from_numpy(uniform(words[:, :3])).float())
        return torch.lerp(below, above, part)


def contour(white: Tensor, alpha: float) -> Tensor:
    """Return heights of C^alpha contours in pixels, counted from the upper edge.

    Parameters
    ----------
    white : Tensor, shape (n, size)
        White noise of variance 1.
    alpha : float

    Returns
    -------
    Tensor, shape (n, size)
        One height a column; periodic. Some may lie outside the image.
    """
    size = white.shape[-1]
    k = torch.fft.rfftfreq(size, dtype=torch.float64) * size
    gain = k.clamp(min=1) ** -alpha
    # each frequency but zero and Nyquist's stands for two
    power = 2 * gain.square().sum() - 1 - (gain[-1].square() if size % 2 == 0 else 0)
    gain *= CONTOUR_STD * size / torch.sqrt(power / size)
    return torch.fft.irfft(torch.fft.rfft(white) * gain.to(white), n=size) + size / 2


def backgrounds(white: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Return two C^alpha backgrounds, of zero mean and on no particular scale.

    Parameters
    ----------
    white : Tensor, shape (n, size, size, 2)
        White noise for the one and for the other, contiguous.
    alpha : float

    Returns
    -------
    tuple of two Tensors, shape (n, size, size)
    """
    size = white.shape[1]
    k = torch.fft.fftfreq(size, dtype=torch.float64) * size
    frequency = torch.hypot(k[:, None], k[None, :])
    frequency[0, 0] = math.inf
    # the filter is real and even: one complex transform filters two real images
    spectrum = torch.fft.fft2(torch.view_as_complex(white))
    fields = torch.fft.ifft2(spectrum.mul_((frequency**-alpha).to(white)))
    return fields.real.contiguous(), fields.imag.contiguous()


def part_above(height: Tensor) -> Tensor:
    """Return how much of each pixel lies above a contour.

    It falls from 1 to 0 over `BLUR` pixels across the contour, so measured
    along its normal: steep contours are no more jagged than level ones. A
    contour outside the image leaves all of it on one side.

    Parameters
    ----------
    height : Tensor, shape (n, size)

    Returns
    -------
    Tensor, shape (n, size, size)
    """
    slope = (height.roll(-1, dims=1) - height.roll(1, dims=1)) / 2
    per_pixel = 1 / (BLUR * torch.hypot(torch.ones_like(slope), slope))
    middle = torch.arange(height.shape[1], dtype=height.dtype) + 0.5
    offset = height * per_pixel + 0.5
    part = middle[:, None] * -per_pixel[:, None, :]
    return part.add_(offset[:, None, :]).clamp_(0, 1)


def _rescale(one: Tensor, other: Tensor, numbers: Tensor) -> None:
    """Stretch backgrounds, in place, over [u, 1] and [0, v]; a coin says which is which."""
    coin, u, v = numbers.T[:, :, None, None]
    up = coin < 0.5
    for fields, is_upper in ((one, up), (other, ~up)):
        flat = fields.flatten(1)
        low, high = flat.amin(dim=1)[:, None, None], flat.amax(dim=1)[:, None, None]
        start = torch.where(is_upper, u, 0)
        stretch = (torch.where(is_upper, 1, v) - start) / (high - low)
        fields.sub_(low).mul_(stretch).add_(start).clamp_(0, 1)  # rounding may pass the ends


def image_sets(alpha: float, size: int) -> CAlphaSets:
    """Return the sets of C^alpha images of ``size`` pixels."""
    return CAlphaSets(size, alpha)
