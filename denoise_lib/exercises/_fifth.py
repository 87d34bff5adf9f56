"""Checks of the fifth meeting's exercises: shrinkage in a basis, and what its factors should be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise_lib.exercises._answers import Answer, Check, Mistake, compared


def _basis() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an image of six pixels, an orthonormal basis in columns, and factors."""
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.standard_normal((6, 6)))[0]
    return random.standard_normal(6), basis, np.linspace(1, 0, 6)


def _check_shrink(answer: Answer) -> Iterator[str]:
    y, basis, factors = _basis()
    right = basis @ (factors * (basis.T @ y))
    mistakes: list[Mistake] = [
        (
            basis.T @ (factors * (basis @ y)),
            "The vectors are the columns of the basis, not its rows.",
        ),
        (factors * (basis.T @ y), "Those are coefficients. Go back to pixels."),
        (factors * y, "It shrinks pixels. Shrink coefficients."),
        (basis @ (basis.T @ y), "Nothing is shrunk: that is y again."),
        (y, "Nothing is shrunk."),
        (basis @ ((1 - factors) * (basis.T @ y)), "It removes what should be kept."),
    ]
    otherwise = "Shrink one vector of the basis: it should come out multiplied by its factor."
    yield from compared(answer(y, basis, factors), right, mistakes, otherwise)


def _check_oracle(answer: Answer) -> Iterator[str]:
    c, sigma = np.array([2.0, -1.0, 0.3, 0.0]), 0.5
    right = c**2 / (c**2 + sigma**2)
    threshold = 1 - sigma**2 / np.maximum(c**2, 1e-300)
    mistakes: list[Mistake] = [
        (sigma**2 / (c**2 + sigma**2), "That is the part that is removed."),
        (c**2 / (c**2 + sigma), "Compare energies: sigma enters squared."),
        (np.abs(c) / (np.abs(c) + sigma), "Compare energies: both enter squared."),
        ((np.abs(c) > sigma) * 1.0, "It keeps or kills. Between the two a factor is better."),
        (threshold, "Some factors are negative. Minimize again."),
        (np.maximum(0, threshold), "Close. Minimize the error of a (c + sigma z), in a."),
    ]
    otherwise = "At |c| = sigma, signal and noise weigh the same: which factor is fair?"
    yield from compared(answer(c, sigma), right, mistakes, otherwise)


def _check_effective_dimension(answer: Answer) -> Iterator[str]:
    random = np.random.default_rng(1)
    directions = np.linalg.qr(random.standard_normal((9, 9)))[0]
    spectrum = np.array([1, 0.9, 0.7, 0.4, 0.2, 0.1, 0, 0, -0.1])
    jacobian = directions @ np.diag(spectrum) @ directions.T
    jacobian += 0.3 * np.triu(random.standard_normal((9, 9)), 1)  # not symmetric: no trace changes
    mistakes: list[Mistake] = [
        (np.linalg.matrix_rank(jacobian), "That counts every direction that is not quite lost."),
        ((jacobian**2).sum(), "That adds up squares. A direction kept by half counts for half."),
        (np.sqrt((jacobian**2).sum()), "That is a length. Add up the factors themselves."),
        (np.linalg.svd(jacobian)[1].sum(), "Singular values are never negative; factors can be."),
        (jacobian.sum(), "That adds up all entries. Which are what a pixel keeps of itself?"),
        (float(np.linalg.det(jacobian)), "That is a product: one lost direction and it is zero."),
        (np.trace(jacobian) / 9, "That is a share of all directions. Their number is asked for."),
    ]
    otherwise = "A projection on three directions should have 3. What does yours say?"
    yield from compared(answer(jacobian), np.trace(jacobian), mistakes, otherwise)


CHECKS: dict[str, Check] = {
    "shrink": _check_shrink,
    "oracle_factors": _check_oracle,
    "effective_dimension": _check_effective_dimension,
}
