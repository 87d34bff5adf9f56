"""Where files live, and writing them so that an interruption leaves nothing half-written."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from denoise_lib.errors import DenoiseLibError


def cache_dir() -> Path:
    """Return the user's cache folder: ``$DENOISE_LIB_CACHE``, else the system's usual place."""
    named = os.environ.get("DENOISE_LIB_CACHE")
    return Path(named).expanduser() if named else user_cache_path("denoise_lib")


def project_root() -> Path:
    """Return the book's folder: the one that holds ``nbs/chapters``.

    It is ``$DENOISE_BOOK_ROOT``, else the current folder or the nearest of its
    parents, else the folder that this package was installed from.

    Raises
    ------
    DenoiseLibError
        If none of them holds the book.
    """
    named = os.environ.get("DENOISE_BOOK_ROOT")
    here = Path.cwd()
    candidates = [Path(named)] if named else [here, *here.parents, Path(__file__).parents[1]]
    for folder in candidates:
        if (folder / "nbs" / "chapters").is_dir():
            return folder.resolve()
    raise DenoiseLibError(
        f"no book in {candidates[0]}: run this in a checkout of the book, "
        "or set DENOISE_BOOK_ROOT to one"
    )


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write ``path`` into one line that names the remedy.

    Parameters
    ----------
    path : Path
        The file that the block writes.

    Raises
    ------
    DenoiseLibError
        If the disk is full, the folder may not be written to, and the like.
    """
    try:
        yield
    except OSError as error:
        raise DenoiseLibError(
            f"{path} cannot be written ({error.strerror or error}): free some space there, or see "
            "that the folder may be written to, and run the same command again"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path`` and rename it to ``path`` if nothing failed.

    Parameters
    ----------
    path : Path
        The file to write or replace; its folder is made if need be.

    Yields
    ------
    Path
        The temporary file to write to.

    Raises
    ------
    DenoiseLibError
        If the system refuses; what was at ``path`` is still there.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.chmod(0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` all at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, all at once or not at all."""
    write_bytes(path, text.encode())
