"""The page of the ledger: every claim of the book with what was measured, and what became of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from denoise_lib.chapters import chapters
from denoise_lib.claims import shown
from denoise_lib.files import project_root
from denoise_lib.ledger import ledger, load
from denoise_lib.pages import chapter_title, write_changed

MARKS = {"holds": "✓", "fails": "✗", "not measured": "–"}

INTRODUCTION = """\
# The ledger of claims

Every statement that this book tests stands here: what the paper (or later work) says, in our words;
the quantity that a chapter measures for it; the criterion that the quantity has to meet; and a
*control*, on which the same criterion must fail, because there the statement is false.

A claim **holds** if the whole 95 % interval of its quantity meets the criterion and no part of the
control's interval does; otherwise it **fails**. Claims and criteria were written down before the
networks were measured; one that was changed afterwards says so. Claims that fail stay.

The same table, for programs: `denoise-lib claims --json`.
"""


def page_path() -> Path:
    """Return the file of the page."""
    return project_root() / "book" / "ledger.md"


def page() -> str:
    """Return the page in MyST Markdown."""
    named = {claim.id: claim.chapter for claim in load()}
    rows = ledger()
    parts = [INTRODUCTION, f"**{_count(rows)}.**\n"]
    for chapter in [name for name in chapters() if name in named.values()]:
        own = [row for row in rows if named[row["id"]] == chapter]
        parts.append(f"## Chapter {own[0]['chapter']}. {chapter_title(chapter)}\n")
        parts.append(f"{_count(own)}. Measured in [the chapter](chapters/{chapter}.ipynb).\n")
        parts += [_card(row) for row in own]
    return "\n".join(parts)


def write_page() -> None:
    """Bring the page up to date with claims and results, if the book has claims."""
    if not page_path().with_name("claims.yml").exists():
        return
    write_changed(page_path(), page())


def _count(rows: list[dict[str, Any]]) -> str:
    found = Counter(row["status"] for row in rows)
    left = found["not measured"]
    return (
        f"{found['holds']} hold{'s' * (found['holds'] == 1)}, "
        f"{found['fails']} fail{'s' * (found['fails'] == 1)}, "
        f"{left} {'is' if left == 1 else 'are'} not measured"
    )


def _card(row: dict[str, Any]) -> str:
    status, control = row["status"], row["control"]
    lines = [
        f":::{{card}} {MARKS[status]} {row['sentence']}",
        f":class-card: claim claim-{status.replace(' ', '-')}",
        "",
        f"**{status.capitalize()}.** `{row['quantity']}` = {_measured(row)}; "
        f"criterion: {row['criterion']}; the paper: {row['paper']}.",
        "",
        f"*Control*, {control['text']}: {_measured(control)}.",
    ]
    for name in ("remark", "revised"):
        if row[name]:
            lines += ["", f"*{name.capitalize()}.* {row[name]}"]
    lines += ["", f"Source: {row['source']}.", ":::", ""]
    return "\n".join(lines)


def _measured(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "not measured"
    return f"{shown(row['value'])} ({shown(row['low'])} to {shown(row['high'])})"
