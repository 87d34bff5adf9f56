"""The best denoiser of discs: their posterior mean, by importance sampling.

Five numbers make a disc, each uniform between its limits. Given a noisy disc,
their posterior has no closed form, but five dimensions are few enough to sample.
Numbers are taken in units of their limits, so that the prior is 1 on a cube.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.images.discs import limits, render, tangents

DIMENSIONS = 5
ANYWHERE = 0.35  # of the draws have any place and radius: the rest may be too narrow
CELLS = (10, 10, 4)  # of rows, columns and radii: those that fit better get more draws
FREEDOM = 5.0  # degrees of freedom of the other draws: a heavier tail than the posterior's
STEPS = 30
RENDERED = 2048  # discs at once


@dataclass(frozen=True)
class Discs:
    """E[x | y] if x is a disc of `denoise_lib.images.discs`.

    The most likely disc is found by damped Gauss-Newton steps from the best of
    a grid, for each of some radii. Two thirds of the draws come from a Student distribution around
    it whose scale is Laplace's (the curvature of the posterior there). The rest
    have a place and a radius from anywhere, more often where a disc fits, and
    grey levels from their normal posterior given these. Each is weighted by
    posterior over proposal. Images whose effective sample size is below what is
    required get more draws. With an effective sample size of m, the mean
    squared error is too large by a share of about 1/m: one in a hundred.

    Parameters
    ----------
    size : int
        Side of the images in pixels.
    samples : int
        Draws a round, for each image.
    required : float
        Least effective sample size, (sum w)^2 / sum w^2.
    rounds : int
        Largest number of rounds.
    seed : int
        Of the draws.
    """

    size: int
    samples: int = 512
    required: float = 100
    rounds: int = 200
    seed: int = 0

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return the posterior mean; the shapes are those of `estimate`."""
        return self.estimate(y, sigma)[0]

    def estimate(self, y: Tensor, sigma: float | None) -> tuple[Tensor, Tensor]:
        """Return the posterior mean and how many independent draws it is worth.

        Parameters
        ----------
        y : Tensor, shape (n, 1, size, size)
        sigma : float
            Noise level, above 0.

        Returns
        -------
        mean : Tensor, like ``y``
        effective : Tensor of float64, shape (n,)
            Effective sample sizes.

        Raises
        ------
        ParameterError
            If sigma is missing, or some image has not enough draws after all rounds.
        """
        if sigma is None or not sigma > 0:
            raise ParameterError("sigma", sigma, "this closed form has to be told a level above 0")
        noisy = y.detach().cpu().flatten(1).double()
        mode = most_likely(noisy, sigma, self.size)
        root = _laplace(mode, sigma, self.size)
        cells = _likely_cells(noisy, sigma, self.size)
        generator = torch.Generator().manual_seed(self.seed)
        total = torch.zeros(len(y), dtype=torch.float64)
        squares, weighted = total.clone(), torch.zeros_like(noisy)
        few = torch.arange(len(y))
        for _ in range(self.rounds):
            for part in few.split(max(1, RENDERED // self.samples)):
                w, images = self._draw(
                    noisy[part], mode[part], root[part], cells[part], sigma, generator
                )
                total[part] += w.sum(dim=1)
                squares[part] += w.square().sum(dim=1)
                weighted[part] += torch.einsum("ns,nsd->nd", w, images)
            effective = total.square() / squares
            few = torch.nonzero(effective < self.required)[:, 0]
            if not len(few):
                return (weighted / total[:, None]).reshape(y.shape).to(y), effective
        raise ParameterError(
            "rounds", self.rounds, f"{len(few)} images have too few effective samples: give more"
        )

    def _draw(
        self,
        noisy: Tensor,
        mode: Tensor,
        root: Tensor,
        cells: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """Return the weights (n, samples) and the discs (n, samples, d) of one round."""
        n, s = len(noisy), self.samples
        normal = torch.randn((n, s, DIMENSIONS), generator=generator, dtype=torch.float64)
        # chi-squared of five degrees of freedom: Student draws are normal ones over its root
        chi = torch.randn((n, s, int(FREEDOM)), generator=generator, dtype=torch.float64)
        standard = normal / (chi.square().mean(dim=2, keepdim=True)).sqrt()
        near = mode[:, None] + standard @ root.mT
        cell = torch.multinomial(cells, s, replacement=True, generator=generator)
        corner = torch.stack(torch.unravel_index(cell, CELLS), dim=2)
        anywhere = torch.rand((n, s, 3), generator=generator, dtype=torch.float64)
        anywhere = (corner + anywhere) / torch.tensor(CELLS)
        wide = torch.rand((n, s, 1), generator=generator) < ANYWHERE
        where = torch.where(wide, anywhere, near[..., :3])
        part = _parts(where.clamp(0, 1).flatten(0, 1), self.size).view(n, s, -1)
        grey, root_grey = _fitted_grey(part, noisy)
        own = grey + sigma * torch.linalg.solve_triangular(
            root_grey.mT, normal[..., :2, None], upper=True
        ).squeeze(-1)
        shades = torch.where(wide, own, near[..., 3:])
        draws = torch.cat([where, shades], dim=2)
        images = shades[..., 1:] + part * (shades[..., :1] - shades[..., 1:])
        above = _log_likelihood(noisy[:, None], images, sigma) - _log_likelihood(
            noisy, _images(mode, self.size), sigma
        ).unsqueeze(1)
        inside = ((draws >= 0) & (draws <= 1)).all(dim=2)
        in_cell = cells.gather(1, _cell_of(where)) * cells.shape[1]
        proposal = ANYWHERE * in_cell * _normal(shades - grey, root_grey, sigma)
        proposal += (1 - ANYWHERE) * _student(draws - mode[:, None], root)
        return torch.where(inside, above.exp() / proposal, 0.0), images


def most_likely(noisy: Tensor, sigma: float, size: int) -> Tensor:
    """Return the numbers of the most likely discs, in units of their limits.

    Parameters
    ----------
    noisy : Tensor of float64, shape (n, size * size)
    sigma : float
    size : int

    Returns
    -------
    Tensor of float64, shape (n, 5), values in [0, 1]
    """
    fit, where, grey = _scan(noisy, size)
    # one start for each radius: from a wrong one, steps lead to a disc that only fits nearby
    radii = CELLS[2]
    best = fit.unflatten(1, (-1, radii)).argmax(dim=1) * radii + torch.arange(radii)  # (n, radii)
    shades = grey.gather(1, best[..., None].expand(-1, -1, 2))
    at = torch.cat([where[best], shades], dim=2).flatten(0, 1)
    noisy = noisy.repeat_interleave(radii, dim=0)
    damping = torch.full((len(at), 1), 1e-3, dtype=torch.float64)
    value = _log_likelihood(noisy, _images(at, size), sigma)
    for _ in range(STEPS):
        slopes = _slopes(at, size)
        gradient = torch.einsum("nkd,nd->nk", slopes, noisy - _images(at, size)) / sigma**2
        precision = slopes @ slopes.mT / sigma**2
        diagonal = torch.diagonal(precision, dim1=1, dim2=2) + 1
        step = torch.linalg.solve(precision + torch.diag_embed(damping * diagonal), gradient)
        new = (at + step).clamp(0, 1)
        reached = _log_likelihood(noisy, _images(new, size), sigma)
        better = reached > value
        at, value = torch.where(better[:, None], new, at), torch.where(better, reached, value)
        damping = torch.where(better[:, None], damping / 5, damping * 5).clamp(1e-9, 1e9)
    chosen = value.unflatten(0, (-1, radii)).argmax(dim=1)
    return at.unflatten(0, (-1, radii))[torch.arange(len(chosen)), chosen]


def _scan(noisy: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return how well discs at the middles of `CELLS` fit, their grey levels fitted.

    Returns
    -------
    fit : Tensor, shape (n, cells)
        Squared distance that each takes off, up to a number that all share.
    where : Tensor, shape (cells, 3)
    grey : Tensor, shape (n, cells, 2)
    """
    sides = [(torch.arange(k, dtype=torch.float64) + 0.5) / k for k in CELLS]
    where = torch.cartesian_prod(*sides)
    part = _parts(where, size)
    both = torch.stack([part, 1 - part], dim=1)
    products, squares = torch.einsum("gkd,nd->ngk", both, noisy), both @ both.mT
    grey = torch.linalg.solve(squares, products[..., None])[..., 0].clamp(0, 1)
    fit = 2 * (grey * products).sum(dim=2) - torch.einsum("ngk,gkl,ngl->ng", grey, squares, grey)
    return fit, where, grey


def _likely_cells(noisy: Tensor, sigma: float, size: int) -> Tensor:
    """Return how often each cell is drawn, as (n, cells): half evenly, half where discs fit."""
    fit, _, _ = _scan(noisy, size)
    # a middle says little of its cell where noise is weak: the likelihood's square root
    likely = torch.softmax(fit / (4 * sigma**2), dim=1)
    return (likely + 1 / fit.shape[1]) / 2


def _cell_of(where: Tensor) -> Tensor:
    """Return the number of the cell of each place and radius (n, s, 3), the nearest if outside."""
    counts = torch.tensor(CELLS)
    row, column, radius = (
        (where * counts).long().clamp(min=torch.zeros(3).long(), max=counts - 1).unbind(2)
    )
    return (row * CELLS[1] + column) * CELLS[2] + radius


def _laplace(mode: Tensor, sigma: float, size: int) -> Tensor:
    """Return a root of Laplace's covariance, no wider than the prior's, as (n, 5, 5)."""
    slopes = _slopes(mode, size)
    prior = 12 * torch.eye(DIMENSIONS, dtype=torch.float64)  # 1 / variance of uniform numbers
    return torch.linalg.cholesky(torch.linalg.inv(slopes @ slopes.mT / sigma**2 + prior))


def _student(offsets: Tensor, root: Tensor) -> Tensor:
    """Return the density of the Student distribution of scale root root^T at (n, s, 5)."""
    scaled = torch.linalg.solve_triangular(root, offsets.mT, upper=False)
    spread = scaled.square().sum(dim=1)
    half = (FREEDOM + DIMENSIONS) / 2
    constant = math.lgamma(half) - math.lgamma(FREEDOM / 2)
    constant -= DIMENSIONS / 2 * math.log(FREEDOM * math.pi)
    volume = torch.diagonal(root, dim1=1, dim2=2).log().sum(dim=1, keepdim=True)
    return torch.exp(constant - volume - half * torch.log1p(spread / FREEDOM))


def _fitted_grey(part: Tensor, noisy: Tensor) -> tuple[Tensor, Tensor]:
    """Return the grey levels that fit best, and a root of the Gram matrix of their images.

    Parameters
    ----------
    part : Tensor, shape (n, s, d)
        What discs cover of each pixel.
    noisy : Tensor, shape (n, d)

    Returns
    -------
    grey : Tensor, shape (n, s, 2)
    root : Tensor, shape (n, s, 2, 2)
        Lower triangular.
    """
    area, square = part.sum(dim=2), part.square().sum(dim=2)
    shared = area - square
    gram = torch.stack([square, shared, shared, part.shape[2] - 2 * area + square], dim=2)
    root = torch.linalg.cholesky(gram.unflatten(2, (2, 2)))
    on_disc = torch.einsum("nsd,nd->ns", part, noisy)
    products = torch.stack([on_disc, noisy.sum(dim=1, keepdim=True) - on_disc], dim=2)
    return torch.cholesky_solve(products[..., None], root)[..., 0], root


def _normal(offsets: Tensor, root: Tensor, sigma: float) -> Tensor:
    """Return the density of the normal distribution of precision root root^T / sigma^2."""
    scaled = (root.mT @ offsets[..., None])[..., 0] / sigma
    volume = torch.diagonal(root, dim1=-2, dim2=-1).prod(dim=-1) / sigma**2
    return volume * torch.exp(-scaled.square().sum(dim=-1) / 2) / (2 * math.pi)


def _log_likelihood(noisy: Tensor, images: Tensor, sigma: float) -> Tensor:
    return -(noisy - images).square().sum(dim=-1) / (2 * sigma**2)


def _numbers(unit: Tensor, size: int) -> Tensor:
    low, high = limits(size)
    return low + (high - low) * unit


def _parts(where: Tensor, size: int) -> Tensor:
    """Return what discs at (n, 3) places and radii cover of each pixel, as (n, d)."""
    shades = torch.tensor([1.0, 0.0], dtype=where.dtype).expand(len(where), 2)
    return _images(torch.cat([where, shades], dim=1), size)


def _images(unit: Tensor, size: int) -> Tensor:
    return render(_numbers(unit, size), size).flatten(1)


def _slopes(unit: Tensor, size: int) -> Tensor:
    """Return derivatives of discs by their numbers in units of the limits, as (n, 5, d)."""
    low, high = limits(size)
    return tangents(_numbers(unit, size), size).flatten(2) * (high - low)[:, None]
