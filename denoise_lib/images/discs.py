"""Classes of low dimension: discs (5 numbers), sines (2) and one image times an intensity (1).

At low noise the best denoiser projects on the tangent space of such a class:
its error is the dimension times sigma^2, spread over all pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from denoise_lib.errors import ParameterError
from denoise_lib.images.generated import AVAILABLE, BLOCK, GeneratedSets, random_words, uniform
from denoise_lib.images.sets import SUBSETS, check_n_images

# Of a disc's row, column, radius (as parts of the side), foreground and background: each is
# uniform between its limits and independent of the others. A disc never touches the border.
LOWEST = (0.25, 0.25, 0.1, 0.0, 0.0)
HIGHEST = (0.75, 0.75, 0.24, 1.0, 1.0)
PORTRAIT = (slice(16, 208), slice(128, 320))


def limits(size: int) -> Tensor:
    """Return the lowest and the highest parameters of the discs of a class.

    Returns
    -------
    Tensor of float64, shape (2, 5)
        Row, column and radius in pixels; foreground and background.
    """
    unit = torch.tensor([size, size, size, 1, 1], dtype=torch.float64)
    return torch.tensor([LOWEST, HIGHEST], dtype=torch.float64) * unit


class DiscSets(GeneratedSets):
    """Sets of images of one disc."""

    def block(self, stream: int, number: int) -> Tensor:
        """Return one block of discs, with values in [0, 1]."""
        parameters = self._parameters(stream, number * BLOCK, BLOCK)
        return render(parameters, self.size)[:, 0].float().clamp_(0, 1)

    def parameters(self, subset: str, n: int) -> Tensor:
        """Return what the first ``n`` discs of ``subset`` are drawn from.

        Returns
        -------
        Tensor of float64, shape (n, 5)
            As `render` takes them.
        """
        check_n_images(n, AVAILABLE, subset)
        return self._parameters(SUBSETS.index(subset), 0, n)

    def _parameters(self, stream: int, first: int, n: int) -> Tensor:
        low, high = limits(self.size)
        return low + (high - low) * torch.from_numpy(
            uniform(random_words("discs", stream, first, n, 5))
        )


class _Circle:
    """The circle of each disc against the pixel grid: what areas and their derivatives share.

    The area of a disc in a pixel is the mixed difference, over the pixel's four
    corners, of the area A(x, y) of the disc to the left of x and below y. With
    s(t) = sqrt(r^2 - t^2) on [-r, r] and 0 outside, H its integral, and
    q = s(y), up to terms that depend on x or on y alone and drop out,

        A(x, y) = sign(y) (H(x) - clip(H(x), H(-q), H(q))) + y clip(x, -q, q).

    Square roots and arc sines are taken of the grid's lines only; what is done
    for each pixel is multiplied, added and clipped.
    """

    def __init__(self, parameters: Tensor, size: int) -> None:
        row, column, radius, _, _ = parameters.T[..., None]
        corner = torch.arange(size + 1, dtype=parameters.dtype)
        self.radius = radius[..., None]
        self.x, self.y = (corner - column)[:, None, :], (corner - row)[:, :, None]
        self.half_x, self.half_y = self._half_chord(self.x), self._half_chord(self.y)

    def _half_chord(self, t: Tensor) -> Tensor:
        return torch.sqrt((self.radius.square() - t.square()).clamp(min=0))

    def _angle(self, t: Tensor) -> Tensor:
        return torch.asin((t / self.radius).clamp(-1, 1))

    def _half_area(self, t: Tensor) -> Tensor:
        area = t * self._half_chord(t) + self.radius.square() * self._angle(t)
        return area / 2

    def coverage(self) -> Tensor:
        """Return the part of each pixel that the disc covers, exactly."""
        edge = self._half_area(self.half_y)
        along = self._half_area(self.x)
        area = self.y.sign() * (along - along.clamp(-edge, edge))
        return _in_pixels(area.addcmul_(self.y, self.x.clamp(-self.half_y, self.half_y)))

    def by_row(self) -> Tensor:
        """Return the derivative of `coverage` by the row of the centre."""
        return -_in_pixels(self.x.clamp(-self.half_y, self.half_y))

    def by_column(self) -> Tensor:
        """Return the derivative of `coverage` by the column of the centre."""
        return -_in_pixels(self.y.clamp(-self.half_x, self.half_x))

    def by_radius(self) -> Tensor:
        """Return the derivative of `coverage` by the radius: the length of the arc in a pixel."""
        edge, along = self._angle(self.half_y), self._angle(self.x)
        return self.radius * _in_pixels(self.y.sign() * (along - along.clamp(-edge, edge)))


def _in_pixels(at_corners: Tensor) -> Tensor:
    return at_corners.diff(dim=-1).diff(dim=-2)


def render(parameters: Tensor, size: int) -> Tensor:
    """Draw discs; the value of a pixel is the exact mean of the disc's image over its square.

    Parameters
    ----------
    parameters : Tensor, shape (n, 5)
        Row and column of the centre and radius, in pixels from the upper left
        corner of the image; foreground and background. In float64 the area
        covered is exact to 1e-12; in float32, which differences of areas do not
        suit, to 0.004 at 80 pixels.
    size : int

    Returns
    -------
    Tensor, shape (n, 1, size, size)
    """
    foreground, background = parameters.T[3:, :, None, None]
    part = _Circle(parameters, size).coverage()
    return torch.addcmul(background, part, foreground - background)[:, None]


def tangents(parameters: Tensor, size: int) -> Tensor:
    """Return what spans the tangent space of the class at each disc.

    Parameters
    ----------
    parameters : Tensor, shape (n, 5)
        As in `render`.
    size : int

    Returns
    -------
    Tensor, shape (n, 5, size, size)
        Exact derivatives of the image by row, column, radius, foreground and
        background; neither orthogonal nor of length 1.
    """
    circle = _Circle(parameters, size)
    difference = (parameters[:, 3] - parameters[:, 4])[:, None, None]
    part = circle.coverage()
    moves = [circle.by_row(), circle.by_column(), circle.by_radius()]
    return torch.stack([*(difference * move for move in moves), part, 1 - part], dim=1)


class SineSets(GeneratedSets):
    """Sets of sine waves of one frequency, varying in amplitude and phase.

    ``amplitude (1 + sin(u + phase)) / 2`` with u growing by one period along
    each side. The added constant keeps images in [0, 1]; with it the class is
    a cone of dimension 2 (the length of (a, b) added to a sin u + b cos u)
    in a space of three dimensions. Amplitude and phase are uniform.
    """

    def block(self, stream: int, number: int) -> Tensor:
        """Return one block of sine waves."""
        numbers = torch.from_numpy(uniform(random_words("sines", stream, number * BLOCK, BLOCK, 2)))
        amplitude, phase = numbers.T[:, :, None, None]
        steps = torch.arange(self.size, dtype=torch.float64)
        turns = (steps[:, None] + steps[None, :]) / self.size
        return (amplitude * (1 + torch.sin(2 * math.pi * (turns + phase))) / 2).float()


class RaySets(GeneratedSets):
    """Sets of one image, `portrait`, times an intensity that is uniform on [0, 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        largest = PORTRAIT[0].stop - PORTRAIT[0].start
        if self.size > largest:
            raise ParameterError("image_size", self.size, f"give at most {largest} pixels")

    def block(self, stream: int, number: int) -> Tensor:
        """Return one block of multiples of the portrait."""
        intensity = uniform(random_words("ray", stream, number * BLOCK, BLOCK, 1))
        return (torch.from_numpy(intensity)[:, :, None] * portrait(self.size)).float()


@lru_cache(maxsize=4)
def portrait(size: int) -> Tensor:
    """Return the image that rays go through: a face, its brightest pixel 1.

    It is Eileen Collins's, from a photograph of NASA in the public domain that
    comes with scikit-image.

    Returns
    -------
    Tensor of float64, shape (size, size)
    """
    from skimage.color import rgb2gray
    from skimage.data import astronaut

    grey = torch.from_numpy(np.ascontiguousarray(rgb2gray(astronaut())[PORTRAIT]))
    small = functional.adaptive_avg_pool2d(grey[None], size)[0]
    return small / small.max()


def image_sets(image_class: str, size: int) -> GeneratedSets:
    """Return the sets of ``"discs"``, ``"sines"`` or ``"ray"`` of ``size`` pixels."""
    classes: dict[str, Callable[[int], GeneratedSets]]
    classes = {"discs": DiscSets, "sines": SineSets, "ray": RaySets}
    return classes[image_class](size)
