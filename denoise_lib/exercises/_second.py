"""Checks of the second meeting's exercises: the perfect memorizer, and what a copy is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise_lib.exercises._answers import Answer, Check, Mistake, compared


def _few_images() -> tuple[np.ndarray, np.ndarray]:
    """Return five small images, and a noisy one beside the second."""
    random = np.random.default_rng(0)
    images = random.random((5, 6, 6))
    return images, images[1] + 0.3 * random.standard_normal((6, 6))


def _memorizer(y: np.ndarray, images: np.ndarray, sigma: float, power: float = 2) -> np.ndarray:
    """Return the posterior mean; ``power`` 2 is right, others are mistakes of the exponent."""
    distances = ((y - images) ** 2).sum(axis=(1, 2))
    exponents = -distances / (power * sigma**2)
    weights = np.exp(exponents - exponents.max())
    return np.einsum("i,ihw->hw", weights / weights.sum(), images)


def _check_memorizer(answer: Answer) -> Iterator[str]:
    images, y = _few_images()
    distances = ((y - images) ** 2).sum(axis=(1, 2))
    closest = images[distances.argmin()]
    for sigma in (1.0, 0.5):
        right = _memorizer(y, images, sigma)
        raw = np.exp(-distances / (2 * sigma**2))
        lengths = np.exp(-np.sqrt(distances) / (2 * sigma**2))
        mistakes: list[Mistake] = [
            (closest, "It chooses the nearest image. Squared error prefers an average."),
            (images.mean(axis=0), "All images count alike. Which of them could have become y?"),
            (np.einsum("i,ihw->hw", raw, images), "The weights do not add up to one."),
            (_memorizer(y, images, sigma, 1), "Look at the exponent of the Gaussian density."),
            (
                np.einsum("i,ihw->hw", lengths / lengths.sum(), images),
                "The exponent holds the squared distance.",
            ),
            (
                _memorizer(y, images, sigma, 2 * 36),
                "The distance is a sum over pixels, not a mean.",
            ),
            (_memorizer(y, images, 1.0), "It is right at sigma = 1 only. Where does sigma enter?"),
        ]
        otherwise = "Take two images and y between them: which weights must come out?"
        yield from compared(answer(y, images, sigma), right, mistakes, otherwise)
    # all exponentials are zero in floating point unless the largest exponent is taken out
    given = answer(y, images, 0.01)
    if not np.isfinite(np.asarray(given, dtype=float)).all():
        yield "At weak noise it is not finite: every weight becomes zero. Which factor cancels?"
    yield from compared(given, closest, [], "At weak noise only the nearest image should be left.")


def _check_gap(answer: Answer) -> Iterator[str]:
    seen, unseen = np.array([0.001, 0.002, 0.009]), np.array([0.02, 0.05, 0.03])
    right = 10 * np.log10(unseen.mean() / seen.mean())
    mistakes: list[Mistake] = [
        (-right, "Training images are the easier ones: the gap should be positive here."),
        (right * np.log(10), "Decibels are defined with the logarithm to base 10."),
        (
            np.mean(10 * np.log10(unseen / seen)),
            "Average the errors over images first; then compare in decibels.",
        ),
        (unseen.mean() - seen.mean(), "That is a difference of errors, not of decibels."),
        (right / 2, "Squared errors are given: the factor is 10, not 5."),
        (right * 2, "The errors are squared already: the factor is 10, not 20."),
    ]
    otherwise = "If the error on unseen images is ten times as large, the gap is 10 dB. Is yours?"
    yield from compared(answer(seen, unseen), right, mistakes, otherwise)


CHECKS: dict[str, Check] = {"memorizer": _check_memorizer, "gap": _check_gap}
