"""How a denoiser shrinks: what its eigenvalues say, checked against its errors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.jacobian import Spectrum
from denoise_lib.optimal.mixtures import GaussianMixture


def softness(eigenvalues: Tensor) -> float:
    """Return ``1 - sum lambda^2 / sum lambda``: 0 for a projection, 1/2 if all factors are 1/2.

    Parameters
    ----------
    eigenvalues : Tensor, shape (d,)
        Of positive sum. Values below 0 or above 1 lower the result.
    """
    total = float(eigenvalues.sum())
    if total <= 0:
        raise ParameterError("eigenvalues", total, "a positive sum is needed")
    return 1 - float(eigenvalues.square().sum()) / total


def share_inside(eigenvalues: Tensor, margin: float) -> float:
    """Return the share of eigenvalues between ``-margin`` and ``1 + margin``."""
    inside = (eigenvalues >= -margin) & (eigenvalues <= 1 + margin)
    return float(inside.double().mean())


def rank(eigenvalues: Tensor, above: float = 0.5) -> int:
    """Return how many eigenvalues are larger than ``above``: what is kept rather than removed."""
    return int((eigenvalues > above).sum())


def error_along(basis: Tensor, error: Tensor, sigma: float) -> np.ndarray:
    """Return the energy of an error along each vector of a basis, in units of the noise.

    Were the denoiser the best one and the basis that of its Jacobian, the mean
    of the k-th number over images and noise would be the k-th eigenvalue.

    Parameters
    ----------
    basis : Tensor, shape (d, k)
        Orthonormal columns.
    error : Tensor, d numbers
        Clean less denoised image.
    sigma : float
        Noise level.

    Returns
    -------
    ndarray, shape (k,)
    """
    along = basis.T @ error.flatten().to(basis)
    return (along.square() / sigma**2).cpu().numpy()


def energy_ratio(spectrum: Spectrum, along: np.ndarray, k: int) -> float:
    """Return the energy of an error along k vectors, over the sum of the k largest eigenvalues.

    Parameters
    ----------
    spectrum : Spectrum
    along : ndarray
        What `error_along` returned, of the spectrum's own vectors or of others.
    k : int
    """
    return float(along[:k].sum() / spectrum.eigenvalues[:k].sum())


def mixture_slopes(
    mixture: GaussianMixture, sigma: float, y: Tensor, told: float | None = None
) -> Tensor:
    """Return the derivative of the best denoiser of numbers.

    Parameters
    ----------
    mixture : GaussianMixture
        In one dimension.
    sigma : float
        Noise level of ``y``.
    y : Tensor, shape (n, 1)
    told : float, optional
        Another noise level that the denoiser is told, for a control.

    Returns
    -------
    Tensor of float64, shape (n,)
        Equals Var[x | y] / sigma^2 where the level told is the right one.
    """
    at = y.double().clone().requires_grad_()
    with torch.enable_grad():
        out = mixture(at, sigma if told is None else told)
        (slopes,) = torch.autograd.grad(out.sum(), at)
    return slopes[:, 0]
