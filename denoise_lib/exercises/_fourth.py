"""Checks of the fourth meeting's exercises: variance from a pair, bias without variance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise_lib.exercises._answers import Answer, Check, Mistake, compared


def _estimates() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what two networks and the best denoiser make of eight noisy images."""
    random = np.random.default_rng(0)
    best = random.random((8, 1, 5, 5))
    bias = 0.1 * random.standard_normal(best.shape)
    first, second = (best + bias + 0.2 * random.standard_normal(best.shape) for _ in range(2))
    return first, second, best


def _check_variance(answer: Answer) -> Iterator[str]:
    first, second, _ = _estimates()
    apart = ((first - second) ** 2).mean()
    mistakes: list[Mistake] = [
        (apart, "Both networks vary: the difference of the two has twice the variance of one."),
        (np.sqrt(apart / 2), "That is a standard deviation."),
        (np.sqrt(apart) / 2, "That is a standard deviation."),
        (apart / 4, "Once too often halved."),
        (apart / 2 * 25, "It is asked for a pixel: the mean over pixels, not their sum."),
        (apart / 2 * 200, "It is asked for a pixel: the mean, not the sum."),
        (
            ((first - second) ** 2).mean(axis=(1, 2, 3)) @ np.ones(8) / 2,
            "It is a mean over images, not their sum.",
        ),
        (
            (first - second).var() / 2,
            "Subtract no mean: what both networks do differently on average is variance, too.",
        ),
        (np.abs(first - second).mean() / 2, "The difference is squared, not absolute."),
    ]
    otherwise = "If the two differ by 0.2 in every pixel, the variance is 0.02. What is yours?"
    yield from compared(answer(first, second), apart / 2, mistakes, otherwise)


def _check_bias_squared(answer: Answer) -> Iterator[str]:
    first, second, best = _estimates()
    one, other = first - best, second - best
    right = (one * other).mean()
    mean = (one + other) / 2
    mistakes: list[Mistake] = [
        ((one**2).mean(), "One network's distance to the best holds its variance, too."),
        ((other**2).mean(), "One network's distance to the best holds its variance, too."),
        (
            ((one**2).mean() + (other**2).mean()) / 2,
            "The networks' distances to the best hold their variance, too.",
        ),
        (
            (mean**2).mean(),
            "The mean of two networks still holds half their variance. Which product does not?",
        ),
        (mean.mean() ** 2, "Square before you average over pixels: errors of both signs cancel."),
        (right * 25, "It is asked for a pixel: the mean over pixels, not their sum."),
        ((first * second).mean(), "Compare each network with the best denoiser first."),
    ]
    otherwise = (
        "Two networks whose errors have nothing to do with each other have no bias in common: "
        "what does yours give for them?"
    )
    yield from compared(answer(first, second, best), right, mistakes, otherwise)


CHECKS: dict[str, Check] = {"variance": _check_variance, "bias_squared": _check_bias_squared}
