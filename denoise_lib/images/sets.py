"""Disjoint sets of images: what networks are trained on, and what they are judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.files import sha256

SUBSETS = ("A", "B", "C", "D", "held-out", "tuning")
SPLIT_SEED = 20231004


@dataclass(frozen=True)
class ImageSets:
    """The six disjoint sets of one image class.

    Networks are trained on prefixes of A and of B (halves of the images), and
    at the smallest N of C and D too. What the book reports is measured on
    ``held-out``; every choice is made on ``tuning``.

    Parameters
    ----------
    images : dict of str to ndarray of uint8, shape (n, size, size)
        The images of each set, in the fixed order whose prefixes are used.
    duplicates_removed : int
        Exact copies that were left out before splitting.
    """

    images: dict[str, np.ndarray]
    duplicates_removed: int = 0

    def take(self, subset: str, n: int | None = None) -> Tensor:
        """Return the first ``n`` images of ``subset`` (all of them for None).

        Returns
        -------
        Tensor of float32, shape (n, 1, size, size), values in [0, 1]
        """
        images = self.images[subset]
        check_n_images(n, len(images), subset)
        return torch.from_numpy(images[:n].astype(np.float32) / 255)[:, None]

    def content_hash(self, subset: str, n: int) -> str:
        """Return the SHA-256 of the first ``n`` images of ``subset``."""
        return sha256(np.ascontiguousarray(self.images[subset][:n]).tobytes())


def check_n_images(n: int | None, available: int, subset: str) -> None:
    """Raise `ParameterError` unless ``n`` images can be taken from a set of ``available``."""
    if n is not None and not 1 <= n <= available:
        raise ParameterError(
            "n_images", n, f"set {subset} has {available} images: give a number from 1 to that"
        )


def split(
    train: np.ndarray, test: np.ndarray, *, n_held_out: int, n_tuning: int, n_few: int
) -> ImageSets:
    """Remove exact duplicates and deal images into disjoint sets, always the same way.

    Held-out and tuning images come from ``test``; C and D get ``n_few`` images
    each of the rest, and A and B a half each of what is left.

    Parameters
    ----------
    train, test : ndarray of uint8, shape (n, size, size)
    n_held_out, n_tuning, n_few : int
        Sizes of the small sets.

    Returns
    -------
    ImageSets
    """
    if len(test) <= n_held_out + n_tuning:
        raise ParameterError(
            "image_class", f"{len(test)} test images",
            f"too few to hold out {n_held_out} and tune on {n_tuning}: take more labels",
        )  # fmt: skip
    everything = np.concatenate([test, train])
    rows = np.ascontiguousarray(everything.reshape(len(everything), -1))
    rows = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
    first = np.zeros(len(everything), dtype=bool)
    first[np.unique(rows, return_index=True)[1]] = True

    random = np.random.default_rng(SPLIT_SEED)
    from_test = random.permutation(np.flatnonzero(first[: len(test)]))
    judged = n_held_out + n_tuning
    rest = np.flatnonzero(first)
    rest = random.permutation(rest[~np.isin(rest, from_test[:judged])])
    few, half = 2 * n_few, (len(rest) - 2 * n_few) // 2
    parts = {
        "held-out": from_test[:n_held_out],
        "tuning": from_test[n_held_out:judged],
        "C": rest[:n_few],
        "D": rest[n_few:few],
        "A": rest[few : few + half],
        "B": rest[few + half : few + 2 * half],
    }
    return ImageSets(
        {name: everything[index] for name, index in parts.items()},
        duplicates_removed=int((~first).sum()),
    )
