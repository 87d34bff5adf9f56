"""Exercises have solutions, and code in those of chapters 1 to 4 runs and gives what they say."""

import contextlib
import io
import re

import numpy as np
import pytest

from denoise_lib.chapters import chapters, read_notebook, source_path

EVERY = [name for name in chapters() if name != "recipe"]  # which is no lesson
CHAPTERS = ("score", "memorization", "convergence", "bias_variance")
SOLUTION = re.compile(r"^:::\{solution\} (\S+)\n:class: dropdown\n(.*?)\n:::$", re.M | re.S)
EXERCISE = re.compile(
    r"^:::\{exercise\} ([^\n]+)\n:label: (\S+)\n\n\*\((.+?)\)\* (.*?)\n:::$", re.M | re.S
)


def cell(chapter, name):
    (found,) = [c for c in read_notebook(source_path(chapter))["cells"] if c["id"] == name]
    return "".join(found["source"])


def codes():
    """The code of every solution, by its label."""
    found = {}
    for chapter in CHAPTERS:
        for label, text in SOLUTION.findall(cell(chapter, "exercises")):
            parts = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
            if parts:
                found[label] = "\n".join(parts)
    return found


def steps_too_long(ran):
    assert ran["slopes"][1.0] == pytest.approx(1, abs=0.02)
    assert ran["slopes"][1.1] == pytest.approx(ran["slopes"][1.0] / 1.1)
    assert ran["grown"] == pytest.approx(ran["predicted"], rel=0.15)


def heaps_melt(ran):
    assert (ran["tops"](0.95 * ran["melted"]), ran["tops"](1.05 * ran["melted"])) == (2, 1)


def memorizers_keep_their_gap(ran):
    assert ran["gaps"][10] > ran["gaps"][100] > ran["gaps"][600] > 3


def more_rivals_hide_partners(ran):
    found = list(ran["found"].values())
    assert found[0] > found[-1] > 10 / 2000  # above chance even so


def bound_is_the_divergence(ran):
    assert ran["integral"] == pytest.approx(ran["divergence"])


def sizes_of_scores(ran):
    assert list(ran["wrong"]) == [1, 2, 4] and min(ran["wrong"].values()) > 0


def gaps_of_two_trainings(ran):
    assert set(ran["gaps"]) == {(f, n) for f in (1, 4) for n in (10, 100, 600)}
    assert np.isfinite(list(ran["gaps"].values())).all()


def shares_of_pairs(ran):
    assert set(ran["shares"]) == {(w, n) for w in (4, 16) for n in (10, 100, 600)}
    assert all(0 < share < 1 for share in ran["shares"].values())


def parts_add_up(ran):
    for parts in ran["parts"].values():
        whole = parts["unavoidable"] + parts["bias²"] + parts["variance"]
        assert whole == pytest.approx(parts["error"], rel=0.15)


CHECKS = {
    "ex-score-2": steps_too_long,
    "ex-score-5": heaps_melt,
    "ex-score-6": sizes_of_scores,
    "ex-memorization-3": gaps_of_two_trainings,
    "ex-memorization-6": memorizers_keep_their_gap,
    "ex-convergence-3": more_rivals_hide_partners,
    "ex-convergence-6": shares_of_pairs,
    "ex-bias-variance-4": bound_is_the_divergence,
    "ex-bias-variance-6": parts_add_up,
}


def test_every_solution_with_code_has_a_check():
    assert set(codes()) == set(CHECKS)


@pytest.mark.parametrize("label", CHECKS)
def test_code_of_a_solution_gives_what_it_says(label, no_networks):
    # an hour's training takes a second here: the code is tested, not what it finds
    short, _ = re.subn(r"(?m)^(images_trained.* = )\d+_000", r"\g<1>320", codes()[label])
    ran = {"__name__": label}
    with contextlib.redirect_stderr(io.StringIO()):
        exec(compile(short, label, "exec"), ran)
    CHECKS[label](ran)


@pytest.mark.parametrize("chapter", EVERY)
def test_a_chapter_has_exercises_from_minutes_to_an_hour_each_with_its_solution(chapter):
    text = cell(chapter, "exercises")
    found = EXERCISE.findall(text)
    assert len(found) == text.count(":::{exercise}") >= 4
    assert [label for _, label, _, _ in found] == [label for label, _ in SOLUTION.findall(text)]
    assert any(time == "five minutes" and "rite" in body for _, _, time, body in found)
    assert any(time.startswith("an hour") for _, _, time, _ in found)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_quick_questions_have_one_right_answer(chapter):
    blocks = cell(chapter, "questions").split('<div class="question">')[1:]
    assert len(blocks) == 2
    for block in blocks:
        answers = re.findall(r"<details><summary>(.+?)</summary><p>(.+?)</p></details>", block)
        assert len(answers) == block.count("<summary>") >= 3
        assert (
            sum(said.startswith("Right: ") or said.startswith("Right.") for _, said in answers) == 1
        )
