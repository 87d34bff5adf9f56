"""Sets of images that are made, not stored: any image can be made again from its index."""

from __future__ import annotations

import hashlib
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.images.sets import SUBSETS, check_n_images

# Fast transforms may round differently in batches of different sizes. Images are therefore
# always made in the same blocks, so that an image does not depend on what is made with it.
BLOCK = 32
AVAILABLE = 10_000_000
NOT_ASKED = 1000
HASHED = 10_000


@dataclass(frozen=True)
class GeneratedSets(ABC):
    """Sets of one generated image class; a class says how a block of its images is made.

    Parameters
    ----------
    size : int
        Side of the images in pixels.
    """

    size: int

    def __post_init__(self) -> None:
        if self.size < 2:
            raise ParameterError("image_size", self.size, "give 2 pixels or more")

    @abstractmethod
    def block(self, stream: int, number: int) -> Tensor:
        """Return `BLOCK` images, the first of which has the index ``number * BLOCK``.

        Parameters
        ----------
        stream : int
            Place of the set in `SUBSETS`.
        number : int
            Of the block, from 0.

        Returns
        -------
        Tensor of float32, shape (BLOCK, size, size)
        """

    @property
    def duplicates_removed(self) -> int:
        """Copies left out. None are looked for, as images are made one by one."""
        return 0

    def take(self, subset: str, n: int | None = None) -> Tensor:
        """Return the first ``n`` images of ``subset`` (1,000 for None).

        Returns
        -------
        Tensor of float32, shape (n, 1, size, size)
        """
        check_n_images(n, AVAILABLE, subset)
        return _taken(self, SUBSETS.index(subset), NOT_ASKED if n is None else n)

    def between(self, subset: str, first: int, stop: int) -> Tensor:
        """Return the images of ``subset`` with the indices ``first`` to ``stop - 1``.

        They are made in the time that their blocks take, whatever their index:
        a training that sees every image once need not hold them all.

        Returns
        -------
        Tensor of float32, shape (stop - first, 1, size, size)
        """
        if not 0 <= first < stop <= AVAILABLE:
            raise ParameterError(
                "first, stop", (first, stop), f"give 0 <= first < stop <= {AVAILABLE}"
            )
        return torch.cat(list(self._pieces(SUBSETS.index(subset), first, stop)))[:, None]

    def content_hash(self, subset: str, n: int) -> str:
        """Return the SHA-256 of the first ``n`` images of ``subset``, of `HASHED` at most.

        That many take a second, a training's worth of them minutes. They stand for
        the rest: whatever makes image 100,000 another one (the law, its parameters,
        the generator, rounding) makes the first ten thousand others too.
        """
        check_n_images(n, AVAILABLE, subset)
        digest = hashlib.sha256()
        for piece in self._pieces(SUBSETS.index(subset), 0, min(n, HASHED)):
            digest.update(piece.numpy().tobytes())
        return digest.hexdigest()

    def _pieces(self, stream: int, first: int, stop: int) -> Iterator[Tensor]:
        for start in range(first - first % BLOCK, stop, BLOCK):
            yield self.block(stream, start // BLOCK)[max(first - start, 0) : stop - start]


@lru_cache(maxsize=4)
def _taken(sets: GeneratedSets, stream: int, n: int) -> Tensor:
    return sets.between(SUBSETS[stream], 0, n)


def random_words(
    image_class: str, stream: int, first: int, n_images: int, n_words: int
) -> np.ndarray:
    """Return the random bits that images are made of.

    Every image owns ``n_words`` consecutive words of one long stream, which a
    generator reaches in one jump: no generator is started for each image. The
    stream is that of a bit generator, which NumPy promises never to change.

    Parameters
    ----------
    image_class : str
        Different classes have independent streams.
    stream : int
        Place of the set in `SUBSETS`.
    first : int
        Index of the first image.
    n_images, n_words : int
        How many images; how many words of 64 bits for each.

    Returns
    -------
    ndarray of uint64, shape (n_images, n_words)
    """
    bits = np.random.PCG64(np.random.SeedSequence([zlib.crc32(image_class.encode()), stream]))
    bits.advance(first * n_words)
    return bits.random_raw(n_images * n_words).reshape(n_images, n_words)


def uniform(words: np.ndarray) -> np.ndarray:
    """Return float64 numbers in [0, 1), one for each random word.

    Examples
    --------
    >>> uniform(np.array([0, 2**63], dtype=np.uint64)).tolist()
    [0.0, 0.5]
    """
    return (words >> np.uint64(11)) * 2.0**-53
