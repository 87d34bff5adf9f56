"""Image classes by name, each dealt into the same disjoint sets."""

from __future__ import annotations

import difflib
from typing import Protocol

from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.images.sets import SUBSETS

CLASSES = (
    "fashion", "photos", "gaussian", "digits", "c_alpha", "discs", "ray", "sines", "shuffled",
    "folder",
)  # fmt: skip


class Sets(Protocol):
    """What every image class offers: prefixes of its disjoint sets, and their hash."""

    @property
    def duplicates_removed(self) -> int:
        """Copies that were left out."""
        ...

    def take(self, subset: str, n: int | None = None) -> Tensor:
        """Return the first ``n`` images of a set (all for None)."""
        ...

    def content_hash(self, subset: str, n: int) -> str:
        """Return the SHA-256 of the first ``n`` images of a set."""
        ...


def image_sets(image_class: str, size: int) -> Sets:
    """Return the disjoint sets of an image class.

    Parameters
    ----------
    image_class : str
        ``"fashion"``, ``"fashion:0,2,3,4,6"`` (some labels of it), ``"photos"``,
        ``"digits"``, ``"gaussian"``, ``"c_alpha:2"`` (of regularity 2), ``"discs"``,
        ``"ray"``, ``"sines"``, ``"shuffled:fashion"`` (any class, its pixels in
        another order) or ``"folder:faces"`` (pictures prepared under that name).
    size : int
        Side of the images in pixels.

    Returns
    -------
    Sets

    Raises
    ------
    ParameterError
        If there is no such class, or not at that size.
    """
    name, _, labels = image_class.partition(":")
    # each class is imported where it is asked for: scikit-learn and pooch take a while to load
    if name == "fashion":
        from denoise_lib.images import fashion

        try:
            wanted = tuple(int(label) for label in labels.split(",")) if labels else range(10)
        except ValueError:
            raise ParameterError(
                "image_class", image_class, "labels are digits, as in fashion:0,2,3,4,6"
            ) from None
        return fashion.image_sets(tuple(wanted), size)
    if name == "photos" and not labels:
        from denoise_lib.images import photos

        return photos.image_sets(size)
    if name == "shuffled":
        from denoise_lib.images import shuffled

        if not labels:
            raise ParameterError(
                "image_class", image_class, "name the class to shuffle, as in shuffled:fashion"
            )
        return shuffled.ShuffledSets(image_sets(labels, size))
    if name == "gaussian" and not labels:
        from denoise_lib.images import gaussian

        return gaussian.image_sets(size)
    if name == "digits" and not labels:
        from denoise_lib.images import digits

        return digits.image_sets(size)
    if name == "c_alpha":
        from denoise_lib.images import c_alpha

        try:
            alpha = float(labels)
        except ValueError:
            raise ParameterError(
                "image_class", image_class, "give the regularity, a number, as in c_alpha:2"
            ) from None
        return c_alpha.image_sets(alpha, size)
    if name in ("discs", "ray", "sines") and not labels:
        from denoise_lib.images import discs

        return discs.image_sets(name, size)
    if name == "folder":
        from denoise_lib.images import folder

        if not labels:
            raise ParameterError(
                "image_class", image_class, "name the prepared pictures, as in folder:faces"
            )
        return folder.image_sets(labels, size)
    near = difflib.get_close_matches(name, CLASSES, n=1)
    raise ParameterError(
        "image_class",
        image_class,
        f"did you mean {near[0]!r}?" if near else f"classes are {', '.join(CLASSES)}",
    )


def load(image_class: str, size: int, subset: str, n: int | None = None) -> Tensor:
    """Return the first ``n`` images of one set of a class (all for None).

    Returns
    -------
    Tensor of float32, shape (n, 1, size, size)
    """
    if subset not in SUBSETS:
        raise ParameterError("subset", subset, f"sets are {', '.join(SUBSETS)}")
    return image_sets(image_class, size).take(subset, n)


def typical(image_class: str, size: int, n: int = 32) -> Tensor:
    """Return the image of median contrast of the first ``n`` held-out ones.

    Returns
    -------
    Tensor of float32, shape (1, size, size)
    """
    held_out = load(image_class, size, "held-out", n)
    return held_out[held_out.std(dim=(1, 2, 3)).argsort()[n // 2]]
