"""Checks of the sixth meeting's exercises: a slope in decibels, a projection, noise left."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise_lib.exercises._answers import Answer, Check, Mistake, compared


def _check_psnr_slope(answer: Answer) -> Iterator[str]:
    sigmas = np.array([0.02, 0.05, 0.1, 0.3])
    mse = 0.3 * sigmas**1.2 * np.array([1, 1.1, 0.95, 1.02])
    x, y = -20 * np.log10(sigmas), -10 * np.log10(mse)
    right = np.polyfit(x, y, 1)[0]
    mistakes: list[Mistake] = [
        (2 * right, "Noise of level sigma has the squared error sigma^2: which PSNR is that?"),
        (right / 2, "The errors are squared already."),
        (-right, "Both axes are decibels of quality: more noise is less of both."),
        (-2 * right, "Both axes are decibels of quality: more noise is less of both."),
        (1 / right, "The output stands above the input: slope of which on which?"),
        ((x @ y) / (x @ x), "The line need not go through zero."),
        (
            (y[-1] - y[0]) / (x[-1] - x[0]),
            "Two points make a line, but four were given: fit them all.",
        ),
        (np.polyfit(sigmas**2, mse, 1)[0], "Both axes are in decibels."),
        (np.polyfit(x, y, 1)[1], "That is where the line starts, not its slope."),
    ]
    otherwise = "A denoiser that returns what it is given has slope 1. What do you get for it?"
    yield from compared(answer(sigmas, mse), right, mistakes, otherwise)


def _check_project(answer: Answer) -> Iterator[str]:
    random = np.random.default_rng(0)
    # neither orthogonal nor of length one, as the tangents of discs
    tangents = random.standard_normal((12, 3)) * (1, 3, 0.5)
    tangents[:, 1] += 2 * tangents[:, 0]
    v = random.standard_normal(12)
    unit = tangents / np.linalg.norm(tangents, axis=0)
    right = tangents @ np.linalg.lstsq(tangents, v, rcond=None)[0]
    mistakes: list[Mistake] = [
        (
            tangents @ (tangents.T @ v),
            "That holds for vectors of length one at right angles; these are neither.",
        ),
        (unit @ (unit.T @ v), "They have length one now, but stand at no right angles."),
        (v - right, "That is what is left outside. The part inside is asked for."),
    ]
    if np.shape(given := answer(v, tangents)) == (3,):
        yield "Those are coefficients. Return the vector that they make."
    otherwise = "Project twice: the second time nothing should change. Does it with yours?"
    yield from compared(given, right, mistakes, otherwise)


def _check_dimensions_left(answer: Answer) -> Iterator[str]:
    random = np.random.default_rng(0)
    clean = random.random((7, 1, 6, 6))
    sigma = 0.2
    estimate = clean + 0.05 * random.standard_normal(clean.shape)
    energy = ((estimate - clean) ** 2).sum(axis=(1, 2, 3)).mean()
    right = energy / sigma**2
    mistakes: list[Mistake] = [
        (right / 36, "A mean over pixels gives the share of noise left. Add pixels up."),
        (right * 7, "It is a mean over images, not their sum."),
        (energy / sigma, "Compare energies: sigma enters squared."),
        (energy, "Compare with the energy of the noise in one direction."),
        (36 - right, "That is how many dimensions were removed."),
        (np.sqrt(right), "That is a length. Energies are compared."),
    ]
    otherwise = "If nothing is denoised, all 36 dimensions of noise are left. Are they?"
    yield from compared(answer(clean, estimate, sigma), right, mistakes, otherwise)


CHECKS: dict[str, Check] = {
    "psnr_slope": _check_psnr_slope,
    "project": _check_project,
    "dimensions_left": _check_dimensions_left,
}
