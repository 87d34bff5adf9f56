"""On Colab a chapter fetches the book and what is lacking; elsewhere that cell does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from denoise_lib.chapters import chapters, read_notebook, source_path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import colab

CELL = """\
import sys

if "google.colab" in sys.modules:  # elsewhere, this cell does nothing
    !git clone --quiet --depth 1 https://github.com/denoise-book/denoise-book
    %cd denoise-book
    !{sys.executable} tools/colab.py"""


@pytest.mark.parametrize("chapter", chapters())
def test_the_first_code_cell_of_a_chapter_sets_up_colab(chapter: str) -> None:
    cells = read_notebook(source_path(chapter))["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert "".join(first["source"]) == CELL
    assert first["id"] == "colab" and first["metadata"] == {"tags": ["remove-cell"]}


def test_only_what_is_lacking_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    present = {**colab.installed(), "torch": "2.9.0+cu126"}
    del present["papermill"], present["pywavelets"]
    asked: list[str] = []

    def pip(command: list[str], *, check: bool) -> subprocess.CompletedProcess[str]:
        asked.extend(command)
        keep = Path(command[command.index("--constraint") + 1]).read_text()
        assert "torch==2.9.0+cu126\n" in keep
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(colab, "installed", lambda: present)
    monkeypatch.setattr(colab.subprocess, "run", pip)
    assert colab.main() == 0
    assert [word.split(">")[0] for word in asked[-2:]] == ["papermill", "pywavelets"]


def test_where_nothing_is_lacking_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colab.subprocess, "run", None)
    assert colab.lacking(colab.installed()) == []
    assert colab.main() == 0
