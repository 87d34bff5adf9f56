"""The book's chapters: their names, their files, and what a source notebook says."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.files import project_root, sha256

PROFILES = ("smoke", "classroom", "published", "paper")

Cell = dict[str, Any]


def chapters() -> list[str]:
    """Return the names of the chapters: in the order of the table of contents, then the rest."""
    names = {path.stem for path in (project_root() / "nbs" / "chapters").glob("*.ipynb")}
    contents = project_root() / "book" / "_toc.yml"
    listed = _files(yaml.safe_load(contents.read_text())) if contents.exists() else []
    in_order = [Path(file).stem for file in listed if file.startswith("chapters/")]
    return [name for name in in_order if name in names] + sorted(names - set(in_order))


def _files(node: Any) -> list[str]:
    """Return every file that a table of contents lists, in order."""
    if isinstance(node, list):
        return [file for item in node for file in _files(item)]
    if not isinstance(node, dict):
        return []
    own = [node["file"]] if "file" in node else []
    return own + [file for value in node.values() for file in _files(value)]


def suggest(word: object, known: Iterable[str]) -> str:
    """Return the remedy for a name that is not among ``known``: the nearest one, or all.

    Examples
    --------
    >>> suggest("smok", ["smoke", "paper"])
    "did you mean 'smoke'?"
    >>> suggest("xyz", ["smoke", "paper"])
    'choose one of smoke, paper'
    """
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known) or '(none)'}"


def check_chapter(chapter: str) -> None:
    """Raise `ParameterError` unless there is such a chapter."""
    if chapter not in chapters():
        raise ParameterError("chapter", chapter, f"no such chapter, {suggest(chapter, chapters())}")


def check_profile(profile: str) -> None:
    """Raise `ParameterError` unless there is such a profile."""
    if profile not in PROFILES:
        raise ParameterError("profile", profile, f"no such profile, {suggest(profile, PROFILES)}")


def source_path(chapter: str) -> Path:
    """Return the notebook that a chapter is run from."""
    return project_root() / "nbs" / "chapters" / f"{chapter}.ipynb"


def profile_path(chapter: str, profile: str) -> Path:
    """Return the parameters of a chapter at a profile."""
    return project_root() / "nbs" / "profiles" / profile / f"{chapter}.yaml"


def book_path(chapter: str) -> Path:
    """Return the chapter as readers see it: the source, run at the published profile."""
    return project_root() / "book" / "chapters" / f"{chapter}.ipynb"


def results_path(chapter: str) -> Path:
    """Return what the chapter of the book recorded."""
    return project_root() / "book" / "results" / f"{chapter}.json"


def run_path(chapter: str, profile: str) -> Path:
    """Return where a run goes that is not the book's."""
    return project_root() / "_build" / "runs" / profile / f"{chapter}.ipynb"


def read_notebook(path: Path) -> dict[str, Any]:
    """Return a notebook as it stands in its file, the source of each cell as one string."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            cell["source"] = "".join(cell["source"])
    except (ValueError, KeyError, TypeError) as error:
        raise DenoiseLibError(f"{path} is not a Jupyter notebook ({error})") from error
    return notebook


def tags(cell: Cell) -> list[str]:
    """Return the tags of a cell."""
    return cell.get("metadata", {}).get("tags", [])


def source_hash(notebook: dict[str, Any]) -> str:
    """Return the SHA-256 of what a notebook says: its cells and their tags, in order."""
    said = [[cell["cell_type"], cell["source"], tags(cell)] for cell in notebook["cells"]]
    return sha256(json.dumps(said).encode())


def chapter_number(chapter: str) -> int:
    """Return the number of a chapter in the book, which its source notebook's metadata states.

    It is not its place in the table of contents: chapters may be added out of order.
    """
    check_chapter(chapter)
    stated = read_notebook(source_path(chapter)).get("metadata", {}).get("denoise_book", {})
    if type(stated.get("chapter")) is not int:
        raise DenoiseLibError(
            f"nbs/chapters/{chapter}.ipynb does not say which chapter it is: "
            'put "denoise_book": {"chapter": 2}, say, into its metadata'
        )
    return stated["chapter"]
