"""Code exercises: student notebooks made from solved ones, and checks that give nothing away.

A solved notebook in ``nbs/exercises/solutions`` is the one source. Its cells
tagged ``solution`` come after the empty functions that they fill; the student's
notebook in ``nbs/exercises`` is the same without them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from denoise_lib.chapters import read_notebook, suggest, tags
from denoise_lib.errors import ParameterError
from denoise_lib.exercises import _fifth as fifth
from denoise_lib.exercises import _first as first
from denoise_lib.exercises import _fourth as fourth
from denoise_lib.exercises import _second as second
from denoise_lib.exercises import _sixth as sixth
from denoise_lib.exercises import _third as third
from denoise_lib.exercises._answers import Answer
from denoise_lib.files import project_root
from denoise_lib.pages import write_changed

CHECKS = first.CHECKS | second.CHECKS | third.CHECKS | fourth.CHECKS | fifth.CHECKS | sixth.CHECKS


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
