"""What the generated pages of the book share."""

from __future__ import annotations

from pathlib import Path

from denoise_lib.chapters import read_notebook, source_path
from denoise_lib.files import write_text


def write_changed(path: Path, text: str) -> None:
    """Write a file unless it already holds the text: an untouched file makes nothing stale."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def chapter_title(chapter: str) -> str:
    """Return the title of a chapter, the first line of its notebook."""
    first: str = read_notebook(source_path(chapter))["cells"][0]["source"]
    return first.splitlines()[0].lstrip("# ")
