"""How alike two images are: the cosine of their contrasts, in chunks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

NEAR_DUPLICATE = 0.95


def contrasts(images: Tensor) -> Tensor:
    """Return images as unit vectors with their mean removed.

    Parameters
    ----------
    images : Tensor, shape (n, 1, h, w)

    Returns
    -------
    Tensor, shape (n, h * w)
        The scalar product of two is their correlation.
    """
    flat = images.flatten(1)
    centred = flat - flat.mean(dim=1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-12)


def correlations(a: Tensor, b: Tensor, chunk: int = 2000) -> Iterator[Tensor]:
    """Yield the correlations of ``a`` with all of ``b``, a chunk of ``a`` at a time.

    Parameters
    ----------
    a, b : Tensor, shape (n, 1, h, w) and (m, 1, h, w)
    chunk : int
        Images of ``a`` at once.

    Yields
    ------
    Tensor, shape (at most chunk, m)
    """
    others = contrasts(b).T
    for part in a.split(chunk):
        yield contrasts(part) @ others


def near_duplicates(a: Tensor, b: Tensor) -> int:
    """Return how many images of ``a`` have a near-duplicate in ``b``.

    Near-duplicates are images whose correlation is above `NEAR_DUPLICATE`.
    """
    return sum(int((c.amax(dim=1) > NEAR_DUPLICATE).sum()) for c in correlations(a, b))


def nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return for each image of ``a`` its highest correlation with ``b``, and with which.

    Returns
    -------
    correlation : Tensor, shape (n,)
    index : Tensor of int, shape (n,)
    """
    best = [c.max(dim=1) for c in correlations(a, b)]
    return torch.cat([b.values for b in best]), torch.cat([b.indices for b in best])
