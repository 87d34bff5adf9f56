"""The page of run times: what each chapter took, as its executed notebook says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from denoise_lib.chapters import book_path, chapters, read_notebook
from denoise_lib.files import project_root
from denoise_lib.pages import chapter_title, write_changed
from denoise_lib.provenance import trained

INTRODUCTION = """\
# Run times

<!-- Written by `denoise-lib book` from the executed chapters: do not edit. -->

How long each chapter took to run for this book, with its networks read from `zoo/`, and how long
those networks had taken to train, one after the other. All were run on {machines}.
All times are minutes. A chapter that shares networks with another counts them too.
"""
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
    return "\n".join([text, HEAD, *rows, together, ""])


def write_page() -> None:
    """Bring the page up to date, if this book has it."""
    if page_path().exists():
        write_changed(page_path(), page())


def _ran(chapter: str) -> dict[str, Any]:
    if not book_path(chapter).exists():
        return {}
    ran: dict[str, Any] = read_notebook(book_path(chapter))["metadata"].get("denoise_book", {})
    return ran
