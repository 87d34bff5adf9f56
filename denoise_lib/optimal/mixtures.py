"""The best denoiser and the score of a mixture of Gaussians, exact in any dimension.

Noise of level sigma turns each Gaussian of the mixture into a wider one, so
everything is known: the density of noisy values, its score, and E[x | y]. With
a single component fitted to images this is the best linear denoiser of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from denoise_lib.errors import ParameterError


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of k Gaussians in d dimensions.

    Parameters
    ----------
    weights : Tensor, shape (k,)
        Positive, of sum 1.
    means : Tensor, shape (k, d)
    covariances : Tensor, shape (k, d, d)
        Symmetric and non-negative; a zero matrix makes a point mass.

    Examples
    --------
    >>> coin = GaussianMixture(
    ...     torch.tensor([0.5, 0.5]), torch.tensor([[-1.0], [1.0]]), torch.zeros(2, 1, 1)
    ... )
    >>> round(coin(torch.tensor([[0.5]]), 1.0).item(), 4)  # tanh(y / sigma^2)
    0.4621
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def __post_init__(self) -> None:
        if self.means.ndim != 2:
            raise ParameterError("means", tuple(self.means.shape), "give them as (k, d)")
        k, d = self.means.shape
        if self.weights.shape != (k,) or self.covariances.shape != (k, d, d):
            shapes = tuple(self.weights.shape), tuple(self.covariances.shape)
            raise ParameterError(
                "weights, covariances", shapes, f"for {k} means of {d} numbers: {(k,)}, {(k, d, d)}"
            )
        if not (self.weights > 0).all() or abs(float(self.weights.double().sum()) - 1) > 1e-5:
            raise ParameterError("weights", self.weights.tolist(), "positive numbers of sum 1")
        lowest = float(self._axes[0].min())
        if lowest < 0:
            raise ParameterError("covariances", lowest, "no eigenvalue may be negative")

    @classmethod
    def fit(cls, images: Tensor) -> GaussianMixture:
        """Return the one Gaussian that has the mean and the covariance of images.

        Its posterior mean is the best denoiser among all affine ones.

        Parameters
        ----------
        images : Tensor, shape (n, c, h, w)
        """
        flat = images.flatten(1).double()
        mean = flat.mean(dim=0)
        centred = flat - mean
        covariance = centred.T @ centred / len(flat)
        return cls(torch.ones(1, dtype=torch.float64), mean[None], covariance[None])

    @cached_property
    def _axes(self) -> tuple[Tensor, Tensor]:
        """Eigenvalues, shape (k, d), and eigenvectors, shape (k, d, d), of the covariances."""
        values, vectors = torch.linalg.eigh(self.covariances.double())
        # rounding leaves the zero eigenvalues of a fitted covariance a little below zero
        rounding = 1e-10 * values.abs().amax(dim=1, keepdim=True)
        return torch.where(values.abs() <= rounding, 0.0, values), vectors

    def _terms(self, y: Tensor, sigma: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return log weights times densities (n, k), offsets in the axes of each component
        (n, k, d), variances with and without noise (k, d)."""
        values, vectors = (part.to(y.device) for part in self._axes)
        total = values + sigma**2
        if not float(total.min()) > 0:
            raise ParameterError("sigma", sigma, "above 0 where a covariance is singular")
        offsets = y.flatten(1).double()[:, None] - self.means.to(y.device).double()
        offsets = torch.einsum("nkd,kde->nke", offsets, vectors)
        exponents = (offsets.square() / total + torch.log(2 * np.pi * total)).sum(dim=-1) / 2
        return self.weights.to(y.device).double().log() - exponents, offsets, total, values

    def _turned_back(self, coordinates: Tensor) -> Tensor:
        """Return points (n, k, d) given in the axes of each component in those of the space."""
        return torch.einsum("nke,kde->nkd", coordinates, self._axes[1].to(coordinates.device))

    def log_density(self, y: Tensor, sigma: float = 0.0) -> Tensor:
        """Return log p_sigma(y), the log density of x + sigma z.

        Parameters
        ----------
        y : Tensor, shape (n, ...)
            d numbers each.
        sigma : float
            Noise level.

        Returns
        -------
        Tensor of float64, shape (n,)
        """
        return self._terms(y, sigma)[0].logsumexp(dim=1)

    def score(self, y: Tensor, sigma: float = 0.0) -> Tensor:
        """Return the gradient of log p_sigma at y; arguments as for `log_density`.

        Returns
        -------
        Tensor, like ``y``
        """
        parts, offsets, total, _ = self._terms(y, sigma)
        slopes = -self._turned_back(offsets / total)
        return (parts.softmax(dim=1)[..., None] * slopes).sum(dim=1).reshape(y.shape).to(y)

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return E[x | y]: the mean of each component's own estimate, weighted by how likely it is.

        Parameters
        ----------
        y : Tensor, shape (n, ...)
            d numbers each.
        sigma : float
            Noise level: a closed form needs it.

        Returns
        -------
        Tensor, like ``y``
        """
        if sigma is None:
            raise ParameterError("sigma", sigma, "a closed form has to be told the noise level")
        parts, offsets, total, values = self._terms(y, sigma)
        means = self.means.to(y.device).double() + self._turned_back(offsets * values / total)
        return (parts.softmax(dim=1)[..., None] * means).sum(dim=1).reshape(y.shape).to(y)

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Return ``n`` points of the mixture, the same ones for the same seed.

        Returns
        -------
        Tensor of float64, shape (n, d)
        """
        if n < 1:
            raise ParameterError("n", n, "give 1 point or more")
        random = torch.Generator().manual_seed(seed)
        which = torch.multinomial(self.weights.double(), n, replacement=True, generator=random)
        values, vectors = self._axes
        white = torch.randn((n, 1, self.means.shape[1]), generator=random, dtype=torch.float64)
        steps = torch.einsum("nke,nde->nd", white * values[which].sqrt()[:, None], vectors[which])
        return self.means[which].double() + steps
