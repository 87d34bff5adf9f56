"""The page of run times: what each chapter took, as its executed notebook says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from denoise_lib.chapters import book_path, chapters, read_notebook
from denoise_lib.claims import shown
from denoise_lib.files import project_root
from denoise_lib.ledger import load
from denoise_lib.pages import chapter_title, write_changed
from denoise_lib.provenance import trained

INTRODUCTION = """\
# Run times

<!-- Written by `denoise-lib book` from the executed chapters: do not edit. -->

How long each chapter took to run for this book, with its networks read from `zoo/`, and how long
those networks had taken to train, one after the other. All were run on {machines}.
All times are minutes. A chapter that shares networks with another counts them too.
"""
IN_CLASS = """\
## In class

Each chapter at the profile `classroom`, from nothing: its networks are trained in these minutes,
on two cores. One claim of each chapter is meant to pass at that size.

| chapter | minutes | claim | in class |
|---|---:|---|---|"""
HEAD = """\
| chapter | run | networks | training |
|---|---:|---:|---:|"""


def page_path() -> Path:
    """Return the file of the page."""
    return project_root() / "book" / "run-times.md"


def page() -> str:
    """Return the page in MyST Markdown."""
    rows: list[str] = []
    machines: dict[str, None] = {}
    every: set[str] = set()
    total = 0.0
    for chapter in chapters():
        ran = _ran(chapter)
        if "run" not in ran:
            continue
        networks = list(ran["networks"])
        rows.append(
            f"| [{chapter_title(chapter)}](chapters/{chapter}.ipynb) "
            f"| {ran['run']['minutes']:g} | {len(networks)} | {trained(networks)[1]:.0f} |"
        )
        machines[ran["run"]["machine"]] = None
        total += ran["run"]["minutes"]
        every |= set(networks)
    together = f"| **all** | {total:.1f} | {len(every)} | {trained(sorted(every))[1]:.0f} |"
    text = INTRODUCTION.format(machines=" or ".join(machines) or "no machine yet")
    return "\n".join([text, HEAD, *rows, together, "", *_in_class()])


def classroom_path() -> Path:
    """Return the file of what the classroom profile took (``tools/classroom.py``)."""
    return project_root() / "book" / "results" / "classroom.json"


def _in_class() -> list[str]:
    if not classroom_path().exists():
        return []
    measured = json.loads(classroom_path().read_text(encoding="utf-8"))
    sentences = {claim.id: claim.sentence for claim in load()}
    rows = []
    for chapter, found in measured.items():
        claim = ["", ""]
        if "claim" in found:
            claim = [sentences[found["claim"]], f"{found['status']} ({shown(found['value'])})"]
        link = f"[{chapter_title(chapter)}](chapters/{chapter}.ipynb)"
        rows.append(f"| {' | '.join([link, format(found['minutes'], 'g'), *claim])} |")
    machines = " or ".join(dict.fromkeys(found["machine"] for found in measured.values()))
    return [IN_CLASS, *rows, "", f"Measured on {machines}, with nothing else running.", ""]


def write_page() -> None:
    """Bring the page up to date, if this book has it."""
    if page_path().exists():
        write_changed(page_path(), page())


def _ran(chapter: str) -> dict[str, Any]:
    if not book_path(chapter).exists():
        return {}
    ran: dict[str, Any] = read_notebook(book_path(chapter))["metadata"].get("denoise_book", {})
    return ran
