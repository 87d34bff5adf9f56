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
import os
import subprocess
import sys

if "google.colab" in sys.modules and not os.path.exists("tools/colab.py"):
    # elsewhere, and the second time, this cell does nothing
    address = "https://github.com/denoise-book/denoise-book"
    subprocess.run(["git", "clone", "--depth", "1", address], check=True)
    os.chdir("denoise-book")
    sys.path.insert(0, os.getcwd())
    subprocess.run([sys.executable, "tools/colab.py"], check=True)"""


@pytest.mark.parametrize("chapter", chapters())
def test_the_first_code_cell_of_a_chapter_sets_up_colab(chapter: str) -> None:
    cells = read_notebook(source_path(chapter))["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert "".join(first["source"]) == CELL
    assert first["id"] == "colab" and first["metadata"] == {"tags": ["remove-cell"]}


def test_the_cell_fetches_the_book_and_calls_the_script_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    called: list[list[str]] = []

    def run(command: list[str], *, check: bool) -> None:
        called.append(command)
        if command[0] == "git":
            (tmp_path / "denoise-book" / "tools").mkdir(parents=True)
            (tmp_path / "denoise-book" / "tools" / "colab.py").touch()

    monkeypatch.setattr(subprocess, "run", run)
    exec(CELL, {})  # not on Colab
    assert called == []
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    exec(CELL, {})
    exec(CELL, {})
    assert [command[0] for command in called] == ["git", sys.executable]
    assert Path.cwd() == tmp_path / "denoise-book" == Path(sys.path[0])


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
