"""Getting files of images from where they are published, Debian packages without root included."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from denoise_lib.errors import DenoiseLibError, MissingDataError


def fetch(
    what: str, ways: Sequence[Callable[[], None]], complete: Callable[[], bool], remedy: str
) -> None:
    """Try one way after another until the files are there.

    Parameters
    ----------
    what : str
        Name of the files, for the message.
    ways : sequence of callable
        Each gets what it can; the first line of its docstring is its name.
    complete : callable
        Says whether every file is there.
    remedy : str
        What the reader can do if no way helped.

    Raises
    ------
    MissingDataError
        Lists the ways and what each said.
    """
    said = []
    for way in ways:
        if complete():
            return
        try:
            way()
        except (OSError, ValueError, subprocess.SubprocessError, DenoiseLibError) as error:
            said.append(f"  {way.__doc__}: {_last_line(error)}")
    if not complete():
        raise MissingDataError("\n".join([f"{what} not found. Tried:", *said, remedy]))


def _last_line(error: Exception) -> str:
    text = getattr(error, "stderr", None) or str(error) or type(error).__name__
    return text.strip().splitlines()[-1]


@contextmanager
def unpacked(*packages: str) -> Iterator[Path]:
    """Download Debian packages and unpack them into a scratch folder, without root.

    Parameters
    ----------
    *packages : str
        Their names.

    Yields
    ------
    Path
        The folder that stands for the root of the file system; gone afterwards.

    Raises
    ------
    DenoiseLibError
        If the system has no apt-get. Where it has one that fails, its own error is passed on.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise DenoiseLibError("this system has no apt-get")
    with tempfile.TemporaryDirectory() as scratch:
        lists, cache = Path(scratch, "lists/partial"), Path(scratch, "cache/archives/partial")
        lists.mkdir(parents=True)
        cache.mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={lists.parent}", "-o", f"Dir::Cache={cache.parent.parent}"]
        try:
            _run(["apt-get", "download", *packages], scratch)
        except subprocess.SubprocessError:  # no package lists on this machine: get them, as a user
            _run(["apt-get", *own, "update"], scratch)
            _run(["apt-get", *own, "download", *packages], scratch)
        for archive in Path(scratch).glob("*.deb"):
            _run(["dpkg-deb", "-x", archive.name, "unpacked"], scratch)
        yield Path(scratch, "unpacked")


def _run(command: list[str], where: str) -> None:
    subprocess.run(command, cwd=where, check=True, capture_output=True, text=True, timeout=300)
