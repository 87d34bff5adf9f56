"""Bias and variance of denoisers, from the scalar products of their errors.

Two networks f and g trained on disjoint sets differ by what they learned from
one set and not from the other: half of E||f - g||^2 is the *variance* part of
their error, and no best denoiser is needed to measure it. Where the best
denoiser f* is known, E<f - f*, g - f*> is the *squared bias*: what both of them
miss. The two add up to the mean of their squared distances from f*.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.measures.psnr import Denoiser, add_noise, log_average


@dataclass(frozen=True)
class ErrorProducts:
    """Scalar products of the errors of several denoisers, all on the same noisy images.

    Each measure below is one of every image and level, averaged over pixels,
    shape (levels, images): averages and bootstrap intervals are taken over the
    last axis, and differences between denoisers are paired.

    Parameters
    ----------
    names : tuple
        Of the denoisers.
    values : ndarray, shape (levels, images, k, k)
        ``<f_i(y) - x, f_j(y) - x> / d``.
    """

    names: tuple[Hashable, ...]
    values: np.ndarray

    def product(self, a: Hashable, b: Hashable) -> np.ndarray:
        """Return ``<f_a - x, f_b - x> / d``."""
        for name in (a, b):
            if name not in self.names:
                known = ", ".join(map(str, self.names))
                raise ParameterError("denoiser", name, f"measured were {known}")
        return self.values[:, :, self.names.index(a), self.names.index(b)]

    def squared_error(self, a: Hashable) -> np.ndarray:
        """Return ``||f_a - x||^2 / d``."""
        return self.product(a, a)

    def squared_distance(self, a: Hashable, b: Hashable) -> np.ndarray:
        """Return ``||f_a - f_b||^2 / d``."""
        return self.product(a, a) + self.product(b, b) - 2 * self.product(a, b)

    def variance(self, a: Hashable, b: Hashable) -> np.ndarray:
        """Return half the squared distance of two denoisers trained on disjoint sets."""
        return self.squared_distance(a, b) / 2

    def bias_squared(self, a: Hashable, b: Hashable, optimum: Hashable) -> np.ndarray:
        """Return ``<f_a - f*, f_b - f*> / d``: the error that two denoisers share.

        It may be negative for one image; its mean over sets, noise and images is not.
        """
        shared = self.product(a, b) + self.product(optimum, optimum)
        return shared - self.product(a, optimum) - self.product(b, optimum)

    def excess(self, a: Hashable, reference: Hashable) -> np.ndarray:
        """Return how much the squared error of one denoiser exceeds that of another."""
        return self.squared_error(a) - self.squared_error(reference)


@torch.inference_mode()
def error_products(
    denoisers: Mapping[Hashable, Denoiser],
    images: Tensor,
    sigmas: Sequence[float],
    *,
    seed: int = 0,
    batch: int = 250,
) -> ErrorProducts:
    """Denoise the same noisy images with every denoiser and multiply their errors.

    Parameters
    ----------
    denoisers : mapping of name to callable
        ``(y, sigma) -> x_hat``.
    images : Tensor, shape (n, c, h, w)
        Clean images.
    sigmas : sequence of float
        Noise levels.
    seed : int
        Of the noise, drawn as `denoise_lib.measures.psnr.squared_errors` draws it.
    batch : int
        Images denoised at once.

    Returns
    -------
    ErrorProducts
    """
    values = np.empty((len(sigmas), len(images), len(denoisers), len(denoisers)))
    for level, sigma in enumerate(sigmas):
        for j, clean in enumerate(images.split(batch)):
            noisy = add_noise(clean, sigma, seed + j)
            errors = torch.stack(
                [(f(noisy, sigma) - clean).flatten(1).double() for f in denoisers.values()], dim=1
            )
            products = errors @ errors.mT / errors.shape[-1]
            values[level, j * batch : j * batch + len(clean)] = products.cpu().numpy()
    return ErrorProducts(tuple(denoisers), values)


def noise_shares(
    sigmas: Sequence[float], errors: Sequence[np.ndarray], low: float, high: float
) -> np.ndarray:
    """Return squared errors as shares of the noise energy, averaged over log sigma.

    Dividing by sigma^2 weighs the noise levels as the bound on the
    Kullback-Leibler divergence does (`kl_integrand`).

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels, rising.
    errors : sequence of ndarray, shape (levels, images)
        One for each denoiser, averaged over pixels.
    low, high : float
        Range of sigma.

    Returns
    -------
    ndarray, shape (len(errors),)
    """
    squares = np.asarray(sigmas) ** 2
    return np.array([log_average(sigmas, e.mean(axis=1) / squares, low, high) for e in errors])


def exponent(sizes: Sequence[int], values: np.ndarray) -> float:
    """Return the power of N that positive values follow, by least squares in log against log N.

    Parameters
    ----------
    sizes : sequence of int
        Set sizes N, at least two.
    values : ndarray, shape (len(sizes),)

    Examples
    --------
    >>> round(exponent([10, 100, 1000], np.array([3.0, 0.3, 0.03])), 6)
    -1.0
    """
    if len(sizes) < 2:
        raise ParameterError("sizes", list(sizes), "two set sizes or more make a slope")
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def kl_integrand(sigmas: Sequence[float], distances: np.ndarray, pixels: int) -> np.ndarray:
    """Return the integrand of the paper's equation 5, for an integral over log sigma.

    Parameters
    ----------
    sigmas : sequence of float
        Noise levels.
    distances : ndarray, shape (levels, images)
        ``||f - f*||^2 / d``, or how much the error of f exceeds that of f*: their
        averages are equal.
    pixels : int
        d: a divergence belongs to whole images.

    Returns
    -------
    ndarray, shape (levels,)
        ``E||f - f*||^2 / sigma^2``, in nats for every factor e of sigma.
    """
    return pixels * distances.mean(axis=1) / np.asarray(sigmas) ** 2


def kl_bound(sigmas: Sequence[float], distances: np.ndarray, pixels: int) -> float:
    """Return the integral of `kl_integrand` between the smallest and the largest sigma.

    It bounds, in nats, by how much the divergence KL(p || p_f) of the densities
    smoothed by the smallest sigma exceeds that of those smoothed by the largest
    (equation 5 of the paper is the limit of both: 0 and infinity).
    """
    integrand = kl_integrand(sigmas, distances, pixels)
    return float(np.trapezoid(integrand, np.log(sigmas)))
