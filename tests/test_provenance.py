"""Under every chapter stands where its numbers come from; the page of run times agrees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from denoise_lib import run_times
from denoise_lib.chapters import book_path, chapters, read_notebook
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
