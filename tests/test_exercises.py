"""Student notebooks come from the solved ones; checks pass solutions and name mistakes."""

import json

import numpy as np
import pytest

from denoise_lib import exercises
from denoise_lib.errors import ParameterError

SOLVED = exercises.solved_notebooks()
NOTHING = "Nothing is returned yet."


def truth(y, sigma):
    return np.tanh(y / sigma**2)


def slope(y, sigma):
    return (truth(y, sigma) - y) / sigma**2


def by_exponentials(y, sigma):
    one, other = np.exp(y / sigma**2), np.exp(-y / sigma**2)
    return (one - other) / (one + other)


def decibels(clean, estimate):
    return 10 * np.log10(1 / np.mean((clean - estimate) ** 2))


def through_zero(top, bottom):
    return top @ bottom / (bottom @ bottom)


def each_image(clean, estimate):
    return ((clean - estimate) ** 2).mean(axis=(1, 2, 3))


# an answer that students give, and a word of what they should be told
WRONG = [
    ("best_guess", lambda y, s: None, "Nothing"),
    ("best_guess", lambda y, s: y.mean(), "shape"),
    ("best_guess", lambda y, s: undefined(y), "NameError"),  # noqa: F821
    ("best_guess", by_exponentials, "not finite"),
    ("best_guess", lambda y, s: y, "leaves that range"),
    ("best_guess", lambda y, s: (truth(y, s) + 1) / 2, "mirror"),
    ("best_guess", lambda y, s: -truth(y, s), "falls"),
    ("best_guess", lambda y, s: np.sign(y), "decides"),
    ("best_guess", lambda y, s: np.tanh(y / s), "sigma = 1 only"),
    ("best_guess", lambda y, s: np.tanh(y), "sigma = 1 only"),
    ("best_guess", lambda y, s: np.tanh(y / (2 * s**2)), "differs"),
    ("best_guess", lambda y, s: np.clip(y, -1, 1), "differs"),
    ("score", lambda y, s: None, "Nothing"),
    ("score", lambda y, s: -slope(y, s), "sign"),
    ("score", lambda y, s: slope(y, s) * s, "sigma = 1 only"),
    ("score", lambda y, s: slope(y, s) * s**2, "sigma = 1 only"),
    ("score", truth, "not the slope"),
    ("psnr", lambda a, b: None, "Nothing"),
    ("psnr", lambda a, b: 10 * np.log10(1 / each_image(a, b)), "shape"),
    ("psnr", lambda a, b: -decibels(a, b), "sign"),
    ("psnr", lambda a, b: -10 * np.log(np.mean((a - b) ** 2)), "base 10"),
    ("psnr", lambda a, b: np.mean(-10 * np.log10(each_image(a, b))), "decibels never"),
    ("psnr", lambda a, b: -10 * np.log10(20 * np.mean((a - b) ** 2)), "over pixels, not its sum"),
    ("psnr", lambda a, b: -10 * np.log10(np.sum((a - b) ** 2)), "not a sum"),
    ("psnr", lambda a, b: decibels(a, b) / 2, "half"),
    ("psnr", lambda a, b: -10 * np.log10(np.mean(np.abs(a - b))), "absolute"),
    ("psnr", lambda a, b: 0.0, "by hand"),
    ("step_slope", lambda x, y, f: None, "Nothing"),
    ("step_slope", lambda x, y, f: -through_zero(x - y, f - y), "sign"),
    ("step_slope", lambda x, y, f: through_zero(f - y, x - y), "reverse"),
    ("step_slope", lambda x, y, f: np.polyfit(f - y, x - y, 1)[0], "no means"),
    ("step_slope", lambda x, y, f: np.corrcoef(f - y, x - y)[0, 1], "correlation"),
    ("step_slope", lambda x, y, f: through_zero(x, f - y), "not x"),
    ("step_slope", lambda x, y, f: 1.0, "Double"),
]


@pytest.mark.parametrize(("task", "answer", "told"), WRONG)
def test_a_typical_mistake_is_named(task, answer, told):
    assert told in exercises.problem(task, answer)


def test_mistakes_of_every_task_are_tried():
    assert {task for task, _, _ in WRONG} == set(exercises.CHECKS)


def code(path, *, solutions=True):
    return [
        "".join(cell["source"])
        for cell in json.loads(path.read_text())["cells"]
        if cell["cell_type"] == "code"
        and (solutions or "solution" not in cell["metadata"].get("tags", []))
    ]


@pytest.mark.parametrize("solved", SOLVED, ids=lambda path: path.stem)
def test_solutions_pass_their_checks(solved, capsys):
    exec("\n".join(code(solved)), {})
    said = capsys.readouterr().out.splitlines()
    assert said and all(line.endswith(": right.") for line in said)


@pytest.mark.parametrize("solved", SOLVED, ids=lambda path: path.stem)
def test_the_students_notebook_is_the_solved_one_without_solutions(solved, capsys):
    path = exercises.student_path(solved)
    assert path.read_text() == exercises.student_notebook(solved)
    assert code(path) == code(solved, solutions=False) != code(solved)
    exec("\n".join(code(path)), {})
    said = capsys.readouterr().out.splitlines()
    assert said and all(line.endswith(NOTHING) for line in said)


def test_there_is_a_first_exercise():
    assert "first" in [path.stem for path in SOLVED]


def test_posterior_mean_of_the_checks_is_that_of_draws():
    random = np.random.default_rng(0)
    x = random.choice([-1.0, 1.0], 400_000)
    y = x + 0.8 * random.standard_normal(400_000)
    for at in (-1.0, 0.3, 0.7):
        near = np.abs(y - at) < 0.05
        assert x[near].mean() == pytest.approx(truth(at, 0.8), abs=0.03)


def test_an_unknown_task_is_refused_with_the_nearest():
    with pytest.raises(ParameterError, match="best_guess"):
        exercises.check("best_gues", truth)
