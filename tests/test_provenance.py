"""Under every chapter stands where its numbers come from; the page of run times agrees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from denoise_lib import run_times
from denoise_lib.chapters import book_path, chapters, read_notebook
from denoise_lib.ledger import classroom_claim, load
from denoise_lib.provenance import trained, with_provenance
from denoise_lib.zoo import read_record, zoo_dir
from tests.browser import opened

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def this_book(monkeypatch):
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(ROOT))


@pytest.mark.parametrize("chapter", [name for name in chapters() if book_path(name).exists()])
def test_the_line_says_what_the_run_left(chapter):
    text = book_path(chapter).read_text(encoding="utf-8")
    ran = read_notebook(book_path(chapter))["metadata"]["denoise_book"]
    cell = json.loads(with_provenance(text, chapter))["cells"][-1]["source"]
    run = ran["run"]
    for what in (f"`{ran['profile']}`", run["commit"], run["machine"], f"{run['minutes']:g} min"):
        assert what in cell
    assert all(f"{name} {version}" in cell for name, version in run["versions"].items())
    assert f"{len(ran['networks'])} network" in cell
    for profile in ("published", "classroom"):
        assert f"denoise-lib run {chapter} --profile {profile}" in cell
    assert book_path(chapter).read_text(encoding="utf-8") == text


def test_a_notebook_that_was_not_run_is_left_alone():
    text = json.dumps({"cells": [], "metadata": {}})
    assert with_provenance(text, "tiny") == text


def test_minutes_and_seeds_are_those_of_the_files():
    names = [path.stem for path in sorted(zoo_dir().glob("*.safetensors"))[:2]]
    records = [read_record(zoo_dir() / f"{name}.safetensors") for name in names]
    seeds, minutes = trained([*names, "none"])
    assert seeds == sorted({record["plan"]["seed"] for record in records})
    assert minutes == pytest.approx(sum(r["how"]["seconds"] for r in records) / 60)


@pytest.mark.parametrize("chapter", [name for name in chapters() if name != "recipe"])
def test_every_classroom_names_a_claim_of_its_chapter(chapter):
    named = classroom_claim(chapter)
    assert [claim.chapter for claim in load() if claim.id == named] == [chapter]


def test_what_the_classroom_took_is_shown_and_fits_a_meeting(tmp_path, monkeypatch):
    measured = {
        "score": {"minutes": 3.5, "machine": "a laptop"},
        "misfit": {"minutes": 4, "machine": "a laptop", "claim": classroom_claim("misfit"),
                   "status": "holds", "value": 1.25, "low": 1, "high": 2},
    }  # fmt: skip
    path = tmp_path / "classroom.json"
    path.write_text(json.dumps(measured))
    kept = run_times.classroom_path()
    monkeypatch.setattr(run_times, "classroom_path", lambda: path)
    text = run_times.page()
    assert "| 3.5 |  |  |" in text and "| holds (1.25) |" in text and "Measured on a laptop" in text
    for chapter, found in json.loads(kept.read_text()).items() if kept.exists() else ():
        assert found["minutes"] <= 5, chapter
        assert found.get("status", "holds") == "holds", chapter


def test_run_times_are_those_of_the_chapters():
    text = run_times.page_path().read_text(encoding="utf-8")
    assert text == run_times.page(), "run: denoise-lib book"
    for chapter in chapters():
        if book_path(chapter).exists():
            assert f"(chapters/{chapter}.ipynb)" in text


@pytest.mark.browser
@pytest.mark.parametrize("name", ["zoo.html", "run-times.html", "chapters/score.html"])
def test_new_pages_fit_a_phone(site: str, browser: Browser, name: str) -> None:
    with opened(browser, site + name, width=360) as shown:
        assert shown.problems == []
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= 360
        if name.startswith("chapters"):
            assert shown.page.locator(".provenance").count() == 1
            assert shown.page.locator(".rerun pre").count() >= 2
