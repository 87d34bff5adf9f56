"""The page of reliability promises only what a test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book/reliability.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]
# a row of names and one of dashes stand above every table
PROMISES = [row for row in ROWS if not row.endswith("| test |") and not row.startswith("|---")]
NAMED = re.compile(r"`(tests/test_\w+\.py)::(test_\w+)` \|$")


def test_every_row_names_a_test() -> None:
    assert len(PROMISES) > 25
    assert [row for row in PROMISES if not NAMED.search(row)] == []


@pytest.mark.parametrize("named", sorted({m.groups() for m in map(NAMED.search, PROMISES) if m}))
def test_the_test_exists_and_runs_everywhere(named: tuple[str, str]) -> None:
    file, name = named
    functions = {
        node.name: node
        for node in ast.parse((ROOT / file).read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert name in functions, f"{file} has no {name}"
    marks = [ast.unparse(mark) for mark in functions[name].decorator_list]
    assert [mark for mark in marks if "skip" in mark or "xfail" in mark or "cuda" in mark] == []
