"""What may go wrong around a run: kill -9, a read-only cache, two at once, an old Python."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from denoise_lib import experiments, zoo
from denoise_lib.book import fingerprint
from denoise_lib.errors import DenoiseLibError
from denoise_lib.training import train
from tests.project import BODY, make_project, write_notebook
from tests.test_training import TINY, finish

ROOT = Path(__file__).parents[1]
NOBODY = 65534
RUN = [sys.executable, "-m", "denoise_lib.cli", "run", "tiny", "--profile", "published"]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    return make_project(tmp_path, monkeypatch)


def wait_for(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def kill(process: subprocess.Popen) -> None:
    """Kill a process and all that it started, as a power cut does."""
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


# ---------------------------------------------------------------- kill -9


def test_a_chapter_killed_while_it_runs_leaves_the_last_good_one(project):
    experiments.run("tiny", "published", progress=False)
    kept = [project / "book/chapters/tiny.ipynb", project / "book/results/tiny.json"]
    good = [path.read_bytes() for path in kept]
    slow = "import pathlib, time\npathlib.Path('begun').touch()\ntime.sleep(60)"
    write_notebook(project / "nbs/chapters/tiny.ipynb", BODY, slow)
    process = subprocess.Popen(RUN, start_new_session=True, stderr=subprocess.DEVNULL)
    wait_for(project / "begun")
    kill(process)
    assert [path.read_bytes() for path in kept] == good
    assert sorted(path.name for path in (project / "book/chapters").iterdir()) == ["tiny.ipynb"]
    write_notebook(project / "nbs/chapters/tiny.ipynb", BODY, "1 + 1")
    experiments.run("tiny", "published", progress=False)
    assert kept[0].read_bytes() != good[0]


CONFIG = """\
title: tiny
only_build_toc_files: true
execute: {execute_notebooks: "off"}
"""
BUILD = """
from pathlib import Path
from denoise_lib import book
# what a tiny book lacks: scripts of others, networks and slides
book.vendor = book.export_networks = lambda root: None
book.write_slides = lambda root, site: None
book.build(Path("."), strict=True)
"""


def test_a_build_that_was_killed_is_built_again(tmp_path, monkeypatch):
    for name in ("book", "denoise_lib"):
        (tmp_path / name).mkdir()
    (tmp_path / "_config.yml").write_text(CONFIG)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / "book/_toc.yml").write_text("format: jb-book\nroot: index\n")
    (tmp_path / "book/index.md").write_text("# Tiny\n\nOne page.\n")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command = [sys.executable, "-c", BUILD]
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True)
    wait_for(tmp_path / "_build/.doctrees")
    kill(process)
    # nothing says that this site is whole
    assert not (tmp_path / "_build/html.sha256").exists()
    subprocess.run(command, cwd=tmp_path, check=True)
    assert "One page." in (tmp_path / "_build/html/index.html").read_text()
    assert (tmp_path / "_build/html.sha256").read_text() == fingerprint(tmp_path)


# ---------------------------------------------------------------- two at once


def test_two_runs_of_a_chapter_at_once_leave_one_whole_chapter(project):
    both = [subprocess.Popen(RUN, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=120)[0].strip() != "" for process in both] == [True, True]
    assert [process.returncode for process in both] == [0, 0]
    chapter = nbformat.read(project / "book/chapters/tiny.ipynb", 4)
    nbformat.validate(chapter)
    results = json.loads((project / "book/results/tiny.json").read_text())
    assert [row["quantity"] for row in results["records"]] == ["nothing", "spread"]
    assert results["provenance"]["source"] == chapter.metadata.denoise_book.source


# ---------------------------------------------------------------- a read-only cache


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can enter, as pytest's own cannot."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be a user whom permissions bind; root becomes nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_cache_is_read_and_not_written_to(open_folder, monkeypatch):
    (open_folder / "nbs/chapters").mkdir(parents=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(open_folder))
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(open_folder / "cache"))
    zoo.store(TINY, finish(train(TINY)), zoo.user_dir() / f"{TINY.hash}.safetensors")
    folders = [path for path in open_folder.rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        with unprivileged():
            with pytest.raises(PermissionError):
                (zoo.user_dir() / "witness").touch()
            zoo.get_denoiser(TINY)  # what is there is used
            with pytest.raises(DenoiseLibError, match="cannot be written") as error:
                zoo.obtain(TINY, zoo.user_dir() / "new", on_progress=lambda _: None)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------- the wrong Python


@pytest.mark.parametrize("body", ["import sys; sys.version_info = (3, 10, 12)", None])
def test_an_old_or_missing_python_is_one_line_that_says_what_to_do(tmp_path, monkeypatch, body):
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    python = tmp_path / "old-python"
    if body is not None:
        python.write_text(f"#!/bin/sh\nexec \"{sys.executable}\" -c \"{body}; exec('''$2''')\"\n")
        python.chmod(0o755)
    done = subprocess.run(
        ["make", "setup", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "older than Python 3.11; try: make setup PYTHON=python3.12" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 1)])
def test_a_python_that_is_new_enough_is_taken(tmp_path, version):
    """The check above fails for want of a version, and for nothing else."""
    text = (ROOT / "Makefile").read_text()
    (check,) = {part for part in text.split("'") if part.startswith("import sys; sys.exit(")}
    code = f"import sys; sys.version_info = {version}; {check}"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
