"""Checks of the first meeting's exercises: best guess, score, decibels, posterior mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise_lib.exercises._answers import Answer, Check, Mistake, compared, values

# levels and points at which answers of one number are tried; at the smallest level a careless
# exponential overflows
SIGMAS = (0.03, 0.5, 1.0, 2.0)
POINTS = np.linspace(-2.5, 2.5, 21)


def _truth(y: np.ndarray, sigma: float) -> np.ndarray:
    """Return E[x | y] for x = -1 or 1 with equal chance."""
    return np.tanh(y / sigma**2)


def _check_best_guess(answer: Answer) -> Iterator[str]:
    found = {}
    for sigma in SIGMAS:
        given, wrong = values(answer(POINTS.copy(), sigma), POINTS)
        if wrong:
            yield wrong
        found[sigma] = given
        if np.abs(given).max() > 1 + 1e-9:
            yield "An average of -1 and 1 lies between them; yours leaves that range."
        if not np.allclose(given, -given[::-1]):
            yield "Seen in a mirror, the problem is the same: y and -y need opposite answers."
        if given[-1] < given[0]:
            yield "The larger y is, the likelier x = 1; your answer falls."
    if all(np.isin(np.abs(given), (0, 1)).all() for values in found.values()):
        yield "It always decides for one of the two values. Squared error prefers an average."
    right = {sigma: np.allclose(found[sigma], _truth(POINTS, sigma)) for sigma in SIGMAS}
    if right[1.0] and not all(right.values()):
        yield "It is right at sigma = 1 only. How does sigma enter the density of the noise?"
    if not all(right.values()):
        yield (
            "It differs from the mean of x given y. Draw many x and y, keep those with y near "
            "0.3, say, and average their x: what does your function say there?"
        )


def _check_score(answer: Answer) -> Iterator[str]:
    truth, found = {}, {}
    for sigma in SIGMAS:
        found[sigma], wrong = values(answer(POINTS.copy(), sigma), POINTS)
        if wrong:
            yield wrong
        truth[sigma] = (_truth(POINTS, sigma) - POINTS) / sigma**2
    if all(np.allclose(found[sigma], -truth[sigma]) for sigma in SIGMAS):
        yield "It points away from likely numbers. Check the sign."
    right = [np.allclose(found[sigma], truth[sigma]) for sigma in SIGMAS]
    if np.allclose(found[1.0], truth[1.0]) and not all(right):
        yield "It is right at sigma = 1 only. What are the units of a slope of log density?"
    if not all(right):
        yield (
            "It is not the slope of the log density of y. Write that density down for one "
            "sigma, and compare with its difference quotient."
        )


def _check_psnr(answer: Answer) -> Iterator[str]:
    # two images with very different errors: averages of MSE and of decibels differ
    clean = np.full((2, 1, 4, 5), 0.5)
    errors = np.array([0.2, 0.01])
    estimate = clean + errors[:, None, None, None]
    right = 10 * np.log10(1 / np.mean(errors**2))
    mistakes: list[Mistake] = [
        (-right, "A smaller error should give more decibels. Check the sign."),
        (right * np.log(10), "Decibels are defined with the logarithm to base 10."),
        (
            np.mean(10 * np.log10(1 / errors**2)),
            "Average errors over images first, decibels never.",
        ),
        (
            right - 10 * np.log10(20),
            "The error of an image is its mean over pixels, not its sum.",
        ),
        (right - 10 * np.log10(40), "The error is a mean over pixels and images, not a sum."),
        (right / 2, "It is half of what it should be. Is your error squared?"),
        (-10 * np.log10(np.mean(errors)), "Your error is absolute, not squared."),
    ]
    otherwise = "Try it on an estimate that is off by 0.1 in every pixel: by hand, and with yours."
    yield from compared(answer(clean, estimate), right, mistakes, otherwise)


def _check_step_slope(answer: Answer) -> Iterator[str]:
    random = np.random.default_rng(0)
    # two values with unequal chances, so that means are not zero
    x = np.where(random.random(4000) < 0.8, 1.0, -1.0)
    y = x + random.standard_normal(4000)
    step = 0.7 * (np.tanh(y) - y)
    noise = x - y
    right = noise @ step / (step @ step)
    centred = step - step.mean()
    mistakes: list[Mistake] = [
        (-right, "Check the sign: which way goes the noise, which way the step?"),
        (noise @ step / (noise @ noise), "It regresses the step on the noise, not the reverse."),
        (
            noise @ centred / (centred @ centred),
            "The line goes through zero: subtract no means.",
        ),
        (
            np.corrcoef(noise, step)[0, 1],
            "That is a correlation; a slope depends on lengths.",
        ),
        (x @ step / (step @ step), "What is explained is x - y, not x."),
    ]
    otherwise = "Double a step: what should happen to the slope, and what happens to yours?"
    yield from compared(answer(x, y, y + step), right, mistakes, otherwise)


CHECKS: dict[str, Check] = {
    "best_guess": _check_best_guess,
    "score": _check_score,
    "psnr": _check_psnr,
    "step_slope": _check_step_slope,
}
