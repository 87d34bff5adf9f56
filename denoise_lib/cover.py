"""The picture of the home page and of README.md: a figure of a chapter, as its notebook drew it."""

from __future__ import annotations

from pathlib import Path

from denoise_lib.chapters import book_path, chapters, read_notebook
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import project_root
from denoise_lib.pages import write_changed

CHAPTER, CELL = "memorization", "samples-figure"


def cover_path() -> Path:
    """Return the file of the picture."""
    return project_root() / "book" / "_assets" / "cover.svg"


def cover() -> str:
    """Return the figure as SVG, taken from the executed chapter."""
    return figure(CHAPTER, CELL)[0]


def figure(chapter: str, cell_id: str) -> tuple[str, str]:
    """Return a figure of an executed chapter as SVG, and its description in words.

    Raises
    ------
    DenoiseLibError
        If the chapter has no such figure.
    """
    for cell in read_notebook(book_path(chapter))["cells"]:
        for output in cell.get("outputs", []) if cell["id"] == cell_id else []:
            if "image/svg+xml" in output.get("data", {}):
                shown = cell["metadata"].get("mystnb", {})
                alt = shown.get("image", {}).get("alt", "")
                return "".join(output["data"]["image/svg+xml"]), alt
    raise DenoiseLibError(f"chapter {chapter} has no figure in its cell {cell_id}: run it again")


def write_cover() -> None:
    """Bring the picture up to date with the chapter, if the book has it."""
    if CHAPTER in chapters():
        write_changed(cover_path(), cover())
