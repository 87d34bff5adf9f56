"""The images of another class with their pixels in another order, the same for all.

Every statistic of a pixel and every correlation between two is kept; only who is
whose neighbour changes, and with it what a convolution can see at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from denoise_lib.files import sha256

SEED = 20231004


class Plain(Protocol):
    """What a class must offer to be shuffled."""

    @property
    def duplicates_removed(self) -> int:
        """Copies that were left out."""
        ...

    def take(self, subset: str, n: int | None = None) -> Tensor:
        """Return the first ``n`` images of a set (all for None)."""
        ...


@lru_cache(maxsize=4)
def permutation(size: int) -> Tensor:
    """Return the order of the pixels: which of the plain image stands at each place.

    Returns
    -------
    Tensor of int64, shape (size**2,)
    """
    # the bits of a bit generator, and so their order, are promised never to change
    return torch.from_numpy(np.argsort(np.random.PCG64(SEED).random_raw(size**2)))


def shuffle(images: Tensor) -> Tensor:
    """Return images with their pixels in the order of `permutation`.

    Parameters
    ----------
    images : Tensor, shape (..., size, size)

    Returns
    -------
    Tensor, shape (..., size, size)
    """
    return _reordered(images, permutation(images.shape[-1]))


def unshuffle(images: Tensor) -> Tensor:
    """Return what `shuffle` made of images to what it was, to look at it.

    Parameters
    ----------
    images : Tensor, shape (..., size, size)

    Returns
    -------
    Tensor, shape (..., size, size)
    """
    return _reordered(images, torch.argsort(permutation(images.shape[-1])))


def _reordered(images: Tensor, order: Tensor) -> Tensor:
    return images.flatten(-2)[..., order.to(images.device)].view(images.shape)


@dataclass(frozen=True)
class ShuffledSets:
    """The sets of another class, each image with its pixels in the same new order.

    Parameters
    ----------
    plain : Plain
        Sets of the class whose pixels are shuffled.
    """

    plain: Plain

    @property
    def duplicates_removed(self) -> int:
        """Copies that were left out of the plain class."""
        return self.plain.duplicates_removed

    def take(self, subset: str, n: int | None = None) -> Tensor:
        """Return the first ``n`` images of ``subset`` (those the plain class gives for None).

        Returns
        -------
        Tensor of float32, shape (n, 1, size, size)
        """
        return shuffle(self.plain.take(subset, n))

    def content_hash(self, subset: str, n: int) -> str:
        """Return the SHA-256 of the first ``n`` images of ``subset``."""
        return sha256(self.take(subset, n).numpy().tobytes())
