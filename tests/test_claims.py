"""What a notebook records, and what the ledger makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from denoise_lib.claims import RECORD_MIME, record
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.ledger import Criterion, ledger, load, status
from denoise_lib.ledger_page import page, write_page
from tests.project import make_project

ROW: dict[str, Any] = {
    "id": "held-out-gap",
    "chapter": "tiny",
    "sentence": "The gap closes.",
    "source": "Kadkhodaie et al. 2024, figure 1",
    "quantity": "gap",
    "criterion": "< 1",
    "control": {"quantity": "gap_at_one", "text": "the gap at N = 1"},
    "paper": "about 0",
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def write_claims(project: Path, *rows: Any) -> None:
    path = project / "book/claims.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(list(rows)))


def write_results(project: Path, **intervals: tuple[float, float]) -> None:
    path = project / "book/results/tiny.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [
        {"quantity": name, "value": (low + high) / 2, "low": low, "high": high, "n": 5,
         "networks": ["aaa"]}
        for name, (low, high) in intervals.items()
    ]  # fmt: skip
    provenance = {"profile": "published", "run": {"commit": "abc"}}
    path.write_text(json.dumps({"records": records, "provenance": provenance}))


# ---------------------------------------------------------------- record


def test_record_shows_a_line_and_carries_the_numbers(monkeypatch):
    shown: list = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    record("n_star", 812.4, (640, 1010.4), n=2000, networks=["bbb", "aaa"])
    (data,) = shown
    assert data["text/plain"] == "n_star = 812 (95 % interval 640 to 1,010)"
    assert "n_star" in data["text/html"] and "812" in data["text/html"]
    assert data[RECORD_MIME] == {
        "quantity": "n_star", "value": 812.4, "low": 640, "high": 1010.4, "n": 2000,
        "networks": ["aaa", "bbb"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "value", "interval"),
    [
        ("a", float("nan"), (0, 1)),
        ("a", 0, (0, float("inf"))),
        ("a", 0, (1, 0)),
        ("not a name", 0, (0, 0)),
    ],
)
def test_what_cannot_be_recorded_is_refused(quantity, value, interval):
    with pytest.raises(ParameterError):
        record(quantity, value, interval)


# ---------------------------------------------------------------- criteria and status


@pytest.mark.parametrize(
    ("text", "low", "high", "all_", "none"),
    [
        ("> 0.9", 0.91, 1, True, False),
        ("> 0.9", 0.9, 1, False, False),
        (">= 0.9", 0.9, 1, True, False),
        ("> 0.9", 0.8, 0.9, False, True),
        (">=0.9", 0.8, 0.9, False, False),
        ("< -5e-1", -1, -0.6, True, False),
        ("<= 5", 4, 6, False, False),
        ("< 5", 5, 6, False, True),
        ("between 0.4 and 0.6", 0.4, 0.6, True, False),
        ("between 0.4 and 0.6", 0.7, 0.8, False, True),
        ("between 0.4 and 0.6", 0.3, 0.8, False, False),
    ],
)
def test_criteria(text, low, high, all_, none):
    criterion = Criterion.parse(text)
    assert (criterion.holds_all(low, high), criterion.holds_none(low, high)) == (all_, none)


@given(
    st.floats(-9, 9), st.floats(-9, 9), st.sampled_from(["<", "<=", ">", ">="]), st.floats(-9, 9)
)
def test_an_interval_never_meets_a_criterion_both_wholly_and_nowhere(a, b, sign, end):
    criterion = Criterion.parse(f"{sign} {end!r}")
    low, high = sorted((a, b))
    assert not (criterion.holds_all(low, high) and criterion.holds_none(low, high))


@pytest.mark.parametrize("text", ["", "0.9", "== 1", "> x", "between 2 and 1", "> 1 or < 0"])
def test_other_criteria_are_refused(text):
    with pytest.raises(ParameterError, match="criterion"):
        Criterion.parse(text)


@pytest.mark.parametrize(
    ("measured", "control", "expected"),
    [
        ((0.1, 0.9), (3, 4), "holds"),
        ((0.1, 1.1), (3, 4), "fails"),  # the interval is too wide
        ((2, 3), (3, 4), "fails"),
        ((0.1, 0.9), (0.5, 0.8), "fails"),  # the control meets it too: it says nothing
        ((0.1, 0.9), (0.5, 4), "fails"),  # the control may meet it
        (None, (3, 4), "not measured"),
        ((0.1, 0.9), None, "not measured"),
    ],
)
def test_status(project, measured, control, expected):
    write_claims(project, ROW)
    given = {"gap": measured, "gap_at_one": control}
    results = {n: {"low": i[0], "high": i[1]} for n, i in given.items() if i}
    assert status(load()[0], results) == expected


# ---------------------------------------------------------------- the ledger


def test_ledger_rows(project):
    write_claims(project, ROW, {**ROW, "id": "other", "quantity": "absent", "revised": "a typo"})
    write_results(project, gap=(0.1, 0.3), gap_at_one=(3, 4))
    measured, other = ledger()
    assert measured == {
        **ROW, "chapter": 7, "value": 0.2, "low": 0.1, "high": 0.3, "status": "holds",
        "revised": None, "remark": None, "profile": "published", "networks": ["aaa"],
        "commit": "abc", "control": {**ROW["control"], "value": 3.5, "low": 3, "high": 4},
    }  # fmt: skip
    assert (other["status"], other["value"], other["commit"]) == ("not measured", None, None)
    assert other["revised"] == "a typo"


def test_the_page_of_the_ledger_says_what_the_ledger_says(project):
    row = {**ROW, "sentence": "It *falls*.", "remark": "Nobody knows why."}
    write_claims(project, ROW, {**row, "id": "b"}, {**row, "id": "c", "quantity": "absent"})
    write_results(project, gap=(0.1, 0.3), gap_at_one=(0.5, 4))
    text = page()
    assert "0 hold, 2 fail, 1 is not measured" in text
    assert text.count("claim-fails") == 2 and text.count("claim-not-measured") == 1
    assert "0.2 (0.1 to 0.3)" in text and "2.25 (0.5 to 4)" in text
    assert "Nobody knows why." in text and "It *falls*." in text
    write_page()
    assert (project / "book" / "ledger.md").read_text() == text


def test_a_chapter_that_has_not_run_is_not_measured(project):
    write_claims(project, ROW)
    assert [row["status"] for row in ledger()] == ["not measured"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"criterion": "about 1"}, "held-out-gap: criterion = 'about 1'"),
        ({"chapter": "tinny"}, "did you mean 'tiny'"),
        ({"controls": 1}, "no such field, did you mean 'control'"),
        ({"sentence": None}, "sentence = None: is missing"),
        ({"quantity": 5}, "quantity = 5: has a wrong type"),
        ({"control": {"quantity": "x"}}, "give 'quantity' and 'text'"),
        ({"control": {"quantity": "gap", "text": "x"}}, "is the quantity itself"),
    ],
)
def test_a_wrong_row_is_named_in_one_line(project, change, says):
    write_claims(project, {**ROW, **change})
    with pytest.raises(DenoiseLibError) as error:
        load()
    assert says in str(error.value) and "\n" not in str(error.value)


def test_claims_that_are_no_list_of_rows_are_refused(project):
    with pytest.raises(DenoiseLibError, match="no claims"):
        load()
    write_claims(project, ROW, ROW)
    with pytest.raises(DenoiseLibError, match="two claims"):
        load()
    write_claims(project, "text")
    with pytest.raises(DenoiseLibError, match="row 1"):
        load()
    (project / "book/claims.yml").write_text("a: [")
    with pytest.raises(DenoiseLibError, match="not YAML"):
        load()


def test_damaged_results_are_named(project):
    write_claims(project, ROW)
    write_results(project)
    (project / "book/results/tiny.json").write_text("{")
    with pytest.raises(DenoiseLibError, match=r"tiny\.json is damaged"):
        ledger()
