"""Code exercises: student notebooks made from solved ones, and checks that give nothing away.

A solved notebook in ``nbs/exercises/solutions`` is the one source. Its cells
tagged ``solution`` come after the empty functions that they fill; the student's
notebook in ``nbs/exercises`` is the same without them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from denoise_lib.chapters import read_notebook, suggest, tags
from denoise_lib.errors import ParameterError
from denoise_lib.files import project_root
from denoise_lib.pages import write_changed

Answer = Callable[..., Any]

# levels and points at which answers of one number are tried; at the smallest level a careless
# exponential overflows
SIGMAS = (0.03, 0.5, 1.0, 2.0)
POINTS = np.linspace(-2.5, 2.5, 21)


def solved_notebooks() -> list[Path]:
    """Return the solved notebooks."""
    return sorted((project_root() / "nbs" / "exercises" / "solutions").glob("*.ipynb"))


def student_path(solved: Path) -> Path:
    """Return where the student's notebook of a solved one belongs."""
    return solved.parents[1] / solved.name


def student_notebook(solved: Path) -> str:
    """Return a solved notebook's text without its solutions."""
    notebook = read_notebook(solved)
    notebook["cells"] = [cell for cell in notebook["cells"] if "solution" not in tags(cell)]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def write_student_notebooks() -> None:
    """Bring the students' notebooks up to date with the solved ones."""
    for solved in solved_notebooks():
        write_changed(student_path(solved), student_notebook(solved))


def check(task: str, answer: Answer) -> None:
    """Print whether a student's function is right, or the first thing that is wrong with it.

    Parameters
    ----------
    task : str
        What was asked: a name in `CHECKS`.
    answer : callable
        The student's function.
    """
    wrong = problem(task, answer)
    print(f"{task}: right." if wrong is None else f"{task}: not yet. {wrong}")


def problem(task: str, answer: Answer) -> str | None:
    """Return the first thing that is wrong with an answer, or None if nothing is.

    Raises
    ------
    ParameterError
        If there is no such task.
    """
    if task not in CHECKS:
        raise ParameterError("task", task, f"no such task, {suggest(task, CHECKS)}")
    try:
        # what overflows is told by the check, not by a warning above it
        with np.errstate(all="ignore"):
            return next(CHECKS[task](answer), None)
    except Exception as error:  # whatever a student's code may raise
        return f"It stops with {type(error).__name__}: {error}."


def _values(given: Any, like: np.ndarray | float) -> tuple[np.ndarray, str | None]:
    """Return an answer as an array, and what is wrong with its form."""
    if given is None or given is ...:
        return np.array(np.nan), "Nothing is returned yet."
    values, shape = np.asarray(given, dtype=float), np.shape(like)
    if values.shape != shape:
        return values, f"It returns shape {values.shape}; shape {shape} was asked for."
    if not np.isfinite(values).all():
        return values, "Some values are not finite. Which number on the way becomes too large?"
    return values, None


def _truth(y: np.ndarray, sigma: float) -> np.ndarray:
    """Return E[x | y] for x = -1 or 1 with equal chance."""
    return np.tanh(y / sigma**2)


def _check_best_guess(answer: Answer) -> Iterator[str]:
    found = {}
    for sigma in SIGMAS:
        values, wrong = _values(answer(POINTS.copy(), sigma), POINTS)
        if wrong:
            yield wrong
        found[sigma] = values
        if np.abs(values).max() > 1 + 1e-9:
            yield "An average of -1 and 1 lies between them; yours leaves that range."
        if not np.allclose(values, -values[::-1]):
            yield "Seen in a mirror, the problem is the same: y and -y need opposite answers."
        if values[-1] < values[0]:
            yield "The larger y is, the likelier x = 1; your answer falls."
    if all(np.isin(np.abs(values), (0, 1)).all() for values in found.values()):
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
        found[sigma], wrong = _values(answer(POINTS.copy(), sigma), POINTS)
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
    value, wrong = _values(answer(clean, estimate), 0.0)
    if wrong:
        yield wrong
    mse = np.mean(errors**2)
    right = 10 * np.log10(1 / mse)
    known = {
        -right: "A smaller error should give more decibels. Check the sign.",
        10 * np.log(1 / mse): "Decibels are defined with the logarithm to base 10.",
        np.mean(10 * np.log10(1 / errors**2)): "Average errors over images first, decibels never.",
        right - 10 * np.log10(20): "The error of an image is its mean over pixels, not its sum.",
        right - 10 * np.log10(40): "The error is a mean over pixels and images, not a sum.",
        right / 2: "It is half of what it should be. Is your error squared?",
        -10 * np.log10(np.mean(errors)): "Your error is absolute, not squared.",
    }
    for mistake, message in known.items():
        if np.isclose(value, mistake):
            yield message
    if not np.isclose(value, right):
        yield "Try it on an estimate that is off by 0.1 in every pixel: by hand, and with yours."


def _check_step_slope(answer: Answer) -> Iterator[str]:
    random = np.random.default_rng(0)
    # two values with unequal chances, so that means are not zero
    x = np.where(random.random(4000) < 0.8, 1.0, -1.0)
    y = x + random.standard_normal(4000)
    step = 0.7 * (np.tanh(y) - y)
    value, wrong = _values(answer(x, y, y + step), 0.0)
    if wrong:
        yield wrong
    noise = x - y
    right = noise @ step / (step @ step)
    centred = step - step.mean()
    known = {
        -right: "Check the sign: which way goes the noise, which way the step?",
        noise @ step / (noise @ noise): "It regresses the step on the noise, not the reverse.",
        noise @ centred / (centred @ centred): "The line goes through zero: subtract no means.",
        np.corrcoef(noise, step)[0, 1]: "That is a correlation; a slope depends on lengths.",
        x @ step / (step @ step): "What is explained is x - y, not x.",
    }
    for mistake, message in known.items():
        if np.isclose(value, mistake):
            yield message
    if not np.isclose(value, right):
        yield "Double a step: what should happen to the slope, and what happens to yours?"


CHECKS: dict[str, Callable[[Answer], Iterator[str]]] = {
    "best_guess": _check_best_guess,
    "score": _check_score,
    "psnr": _check_psnr,
    "step_slope": _check_step_slope,
}
