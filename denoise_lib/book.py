"""Building the static book out of what lies under ``book/``; nothing is executed here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from denoise_lib.assets import vendor
from denoise_lib.browser_export import export_networks
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import sha256, write_text
from denoise_lib.slides import write_slides

# What the pages are made of; tool versions are in the lock.
SOURCES = ("book", "denoise_lib", "_config.yml", "requirements.lock")
WARNING = re.compile(r"WARNING|ERROR|Error:|error:")
WARNINGS_SHOWN = 5
TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def build(root: Path, *, strict: bool = True) -> Path:
    """Build the site into ``_build/html``, unless it is there and nothing has changed.

    Parameters
    ----------
    root : Path
        The book's folder: the one that holds ``_config.yml``.
    strict : bool
        Whether a warning fails the build.

    Returns
    -------
    Path
        The site's first page.

    Raises
    ------
    DenoiseLibError
        If the build fails; the message holds the first warnings and names the log.
    """
    root = root.resolve()
    output = root / "_build"
    output.mkdir(exist_ok=True)
    index = output / "html" / "index.html"
    built = output / "html.sha256"
    with FileLock(output / "build.lock"):
        vendor(root)
        export_networks(root)
        state = fingerprint(root)
        if index.is_file() and built.is_file() and built.read_text() == state:
            return index
        built.unlink(missing_ok=True)
        # pages that were renamed or removed would stay otherwise
        shutil.rmtree(index.parent, ignore_errors=True)
        log, failed = _jupyter_book(root, strict)
        log_file = output / "build.log"
        write_text(log_file, log)
        if failed:
            lines = [line for line in log.splitlines() if WARNING.search(line)]
            first = "\n".join(lines[:WARNINGS_SHOWN]) or "no warning was printed"
            raise DenoiseLibError(f"the book was not built; see {log_file}\n{first}")
        write_slides(root, index.parent)
        if strict:
            write_text(built, state)
    return index


def fingerprint(root: Path) -> str:
    """Return a hash of every file that the site is made of."""
    files: list[Path] = []
    for name in SOURCES:
        path = root / name
        files += [path] if path.is_file() else sorted(path.rglob("*"))
    entries = (
        f"{file.relative_to(root)} {sha256(file.read_bytes())}"
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
    )
    return sha256("\n".join(entries).encode())


def _jupyter_book(root: Path, strict: bool) -> tuple[str, bool]:
    """Run Jupyter Book with this interpreter; return what it said and whether it failed."""
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", "book", "--path-output", ".", "--keep-going", "--all"]
    done = subprocess.run(
        [*command, *(["-W", "-n"] if strict else [])],
        cwd=root,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return TERMINAL_COLOUR.sub("", done.stdout), done.returncode != 0
