"""Student notebooks come from the solved ones; checks pass solutions and name mistakes."""

import json

import numpy as np
import pytest

from denoise_lib import exercises
from denoise_lib.errors import ParameterError
from tests.wrong_answers import WRONG, truth

SOLVED = exercises.solved_notebooks()
NOTHING = "Nothing is returned yet."


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
