"""Whether two networks became one function: how alike they draw, and how alike they denoise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.measures.psnr import Denoiser, add_noise
from denoise_lib.measures.similarity import contrasts

_CHUNK = 4000


def shared_sizes(a: Collection[int], b: Collection[int]) -> list[int]:
    """Return the set sizes, rising, for which there is a network on either set.

    Raises
    ------
    DenoiseLibError
        If there is none: two networks are the least that can be compared.
    """
    sizes = sorted(set(a) & set(b))
    if not sizes:
        raise DenoiseLibError(
            f"no set size has two networks (on A: {sorted(a)}, on B: {sorted(b)}): "
            "train those that the profile names with 'denoise-lib train'"
        )
    return sizes


def cosines(a: Tensor, b: Tensor, *, centred: bool) -> Tensor:
    """Return the cosine of each image of ``a`` with each of ``b``.

    Parameters
    ----------
    a, b : Tensor, shape (n, 1, h, w) and (m, 1, h, w)
    centred : bool
        False takes the images as they are, as the paper does; True removes the
        mean of each first, which makes the cosine the correlation.

    Returns
    -------
    Tensor, shape (n, m)
    """
    return _units(a, centred) @ _units(b, centred).T


def paired_cosines(a: Tensor, b: Tensor, *, centred: bool) -> np.ndarray:
    """Return the cosine of each image of ``a`` with the one at its place in ``b``.

    Parameters
    ----------
    a, b : Tensor, shape (n, 1, h, w)
    centred : bool
        As for `cosines`.

    Returns
    -------
    ndarray, shape (n,)
    """
    return (_units(a, centred) * _units(b, centred)).sum(dim=1).numpy()


def _units(images: Tensor, centred: bool) -> Tensor:
    """Return images as vectors of length one, shape (n, h w)."""
    if centred:
        return contrasts(images)
    flat = images.flatten(1)
    return flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-12)


def nearest(a: Tensor, b: Tensor, *, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return for each image of ``a`` its highest cosine with ``b``, and with which.

    Parameters
    ----------
    a, b : Tensor, shape (n, 1, h, w) and (m, 1, h, w)
        ``b`` may be large: it is read in chunks.
    centred : bool
        As for `cosines`.

    Returns
    -------
    value : ndarray, shape (n,)
    index : ndarray of int, shape (n,)
    """
    best = [cosines(a, part, centred=centred).max(dim=1) for part in b.split(_CHUNK)]
    value, chunk = torch.stack([found.values for found in best]).max(dim=0)
    indices = torch.stack([found.indices for found in best])
    index = indices.gather(0, chunk[None])[0] + _CHUNK * chunk
    return value.numpy(), index.numpy()


def nearest_of_own(
    samples: Sequence[Tensor], training: Sequence[Tensor], *, centred: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return how close the samples of each network come to its own training images.

    Parameters
    ----------
    samples : sequence of Tensor, shape (n, 1, h, w)
        What each network drew.
    training : sequence of Tensor, shape (N, 1, h, w)
        What each was trained on.
    centred : bool
        As for `cosines`.

    Returns
    -------
    value : ndarray, shape (n, networks)
        Highest cosine with a training image.
    index : ndarray of int, shape (n, networks)
        Which training image that is.
    """
    pairs = zip(samples, training, strict=True)
    values, indices = zip(*(nearest(*pair, centred=centred) for pair in pairs), strict=True)
    return np.stack(values, axis=1), np.stack(indices, axis=1)


@dataclass(frozen=True)
class Agreement:
    """How alike the samples of two networks are.

    Parameters
    ----------
    across : ndarray, shape (n, n)
        Cosine of sample i of the first network with sample j of the second.
    """

    across: np.ndarray

    @property
    def same(self) -> np.ndarray:
        """Cosines of the samples from the same noise, shape (n,)."""
        return np.diagonal(self.across)

    @property
    def other(self) -> np.ndarray:
        """Cosines of each sample of the first with those from other noise, shape (n, n - 1)."""
        n = len(self.across)
        return self.across[~np.eye(n, dtype=bool)].reshape(n, n - 1)

    @property
    def retrieved(self) -> np.ndarray:
        """Whether the most similar sample of the second comes from the same noise, shape (n,).

        By chance that is so for one sample in n, however alike all images of a class are.
        """
        return self.across.argmax(axis=1) == np.arange(len(self.across))


def agree(a: Tensor, b: Tensor, *, centred: bool) -> Agreement:
    """Compare the samples of two networks, drawn from the same noise at the same place.

    Parameters
    ----------
    a, b : Tensor, shape (n, 1, h, w)
    centred : bool
        As for `cosines`.

    Returns
    -------
    Agreement
    """
    if a.shape != b.shape:
        raise ParameterError(
            "samples", [tuple(a.shape), tuple(b.shape)], "give as many images of either network"
        )
    return Agreement(cosines(a, b, centred=centred).numpy())


def crossing_size(
    sizes: Sequence[int], together: Sequence[float], nearest: Sequence[float]
) -> float:
    """Return the set size N at which samples become more alike than like their training images.

    Parameters
    ----------
    sizes : sequence of int
        Set sizes N, rising.
    together : sequence of float
        Median cosine of the two networks' samples at each N.
    nearest : sequence of float
        Median cosine of samples with their nearest training images at each N.

    Returns
    -------
    float
        Interpolated in log N where the first of them rises above the second
        for the first time; NaN if it never does.

    Examples
    --------
    >>> round(crossing_size([10, 100, 1000], [0.4, 0.7, 0.9], [1.0, 0.9, 0.7]))
    316
    """
    ahead = np.asarray(together) - np.asarray(nearest)
    for i in range(1, len(sizes)):
        if ahead[i - 1] < 0 <= ahead[i]:
            part = ahead[i - 1] / (ahead[i - 1] - ahead[i])
            log_n = (1 - part) * np.log(sizes[i - 1]) + part * np.log(sizes[i])
            return float(np.exp(log_n))
    return float("nan")


@torch.inference_mode()
def estimates(
    denoiser: Denoiser, images: Tensor, sigmas: Sequence[float], *, seed: int = 0, batch: int = 250
) -> Tensor:
    """Return what a denoiser makes of noisy images at every noise level.

    Parameters
    ----------
    denoiser : callable
        ``(y, sigma) -> x_hat``.
    images : Tensor, shape (n, 1, h, w)
        Clean images.
    sigmas : sequence of float
        Noise levels.
    seed : int
        Of the noise, which is that of `denoise_lib.measures.psnr.squared_errors`:
        two denoisers given the same seed see the same noisy images.
    batch : int
        Images denoised at once.

    Returns
    -------
    Tensor, shape (len(sigmas), n, 1, h, w)
    """
    levels = [
        torch.cat(
            [
                denoiser(add_noise(clean, sigma, seed + j), sigma).cpu()
                for j, clean in enumerate(images.split(batch))
            ]
        )
        for sigma in sigmas
    ]
    return torch.stack(levels)


def squared_distance(a: Tensor, b: Tensor) -> np.ndarray:
    """Return the squared difference of images, averaged over pixels.

    Half of it, between what two networks trained on disjoint sets make of the
    same noisy images, estimates the variance term of their error.

    Parameters
    ----------
    a, b : Tensor, shape (levels, n, 1, h, w), or one that broadcasts to it

    Returns
    -------
    ndarray of float64, shape (levels, n)
    """
    return (a - b).double().square().mean(dim=(-3, -2, -1)).numpy()


def share(half: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the part of the error that two networks do not have in common.

    It is 1 minus the correlation of their errors: 1 if they err independently
    of one another, 0 if they are the same function.

    Parameters
    ----------
    half : ndarray, shape (levels, images)
        Half the `squared_distance` between the two.
    error : ndarray, shape (levels, images)
        Their squared error, the mean of both.

    Returns
    -------
    ndarray, shape (levels,)
        Ratio of the means over images.
    """
    return half.mean(axis=1) / error.mean(axis=1)
