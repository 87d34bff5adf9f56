"""What the library says of itself: complete, in numpydoc's form, in the book, and true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

import pytest

import denoise_lib

ROOT = Path(__file__).parents[1]
# the order that numpydoc prescribes
SECTIONS = (
    "Parameters", "Returns", "Yields", "Raises", "Warns", "See Also", "Notes", "References",
    "Examples",
)  # fmt: skip
UNDERLINED = re.compile(r"^([A-Z][A-Za-z ]+)\n(-+)$", re.MULTILINE)
NAMES = re.compile(r"^([*\w, ]+?)(?: : .+)?$")
# what draws the figures of one chapter, and what only the command line and the build use
PRIVATE = re.compile(
    r"\._\w+$|_charts$|\.charts$|_page$|\.(cli|cover|assets|slides|normalise|widgets|optimal|measures)$"
    r"|\.(definitions|formulas|icons|page_mends|provenance|run_times|pages|sparklines|typeset|zoo_samples)$"
)


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(denoise_lib.__path__, "denoise_lib.")
    return [importlib.import_module(module.name) for module in found]


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Give every public function, class and method that a module defines."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        yield f"{module.__name__}.{name}", thing
        if inspect.isclass(thing):
            for own, method in vars(thing).items():
                method = getattr(method, "__func__", getattr(method, "fget", method))
                if inspect.isfunction(method) and not own.startswith("_"):
                    yield f"{module.__name__}.{name}.{own}", method


MODULES = modules()


def problems(thing: object) -> Iterator[str]:
    """Say what is wrong with a docstring."""
    text = inspect.cleandoc(vars(thing).get("__doc__") or getattr(thing, "__doc__", None) or "")
    summary, _, rest = text.partition("\n")
    if not re.search(r"[.?]$", summary) or rest.partition("\n")[0].strip():
        yield f"its first line is no sentence followed by an empty line: {summary!r}"
    found = list(UNDERLINED.finditer(text))
    names = [match[1] for match in found]
    if names != [name for name in SECTIONS if name in names]:
        yield f"sections {names} are not those of numpydoc in its order"
    for match, after in zip_longest(found, found[1:]):
        if len(match[1]) != len(match[2]):
            yield f"section {match[1]} is not underlined as long as it is"
        body = text[match.end() : after.start() if after else None].strip("\n")
        if match[1] == "Parameters":
            documented = [
                name.strip().lstrip("*")
                for line in body.splitlines()
                if line[:1].strip() and (item := NAMES.match(line))
                for name in item[1].split(",")
            ]
            if documented != (taken := arguments(thing)):
                yield f"documents {documented}, takes {taken}"


def arguments(thing: object) -> list[str]:
    return [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]  # type: ignore[arg-type]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_docstrings_are_in_numpydocs_form(module: ModuleType) -> None:
    found = {name: list(problems(thing)) for name, thing in public(module)}
    assert {name: what for name, what in found.items() if what} == {}


def wrong(a: int, b: int) -> None:
    """Do something
    over two lines.

    Returns
    -------
    int

    Parameters
    -----
    b, a : int
    """


def test_what_is_wrong_is_found() -> None:
    first, order, underline, names = problems(wrong)
    assert "first line" in first and "order" in order and "underlined" in underline
    assert names == "documents ['b', 'a'], takes ['a', 'b']"


def test_examples_are_true() -> None:
    tried = [doctest.testmod(module) for module in MODULES]
    assert sum(result.failed for result in tried) == 0
    assert sum(result.attempted for result in tried) > 20


def test_every_module_has_its_place_in_the_reference() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "book/api").glob("*.md"))
    named = re.findall(r"automodule:: (\S+)", pages)
    assert len(named) == len(set(named))
    known = {module.__name__ for module in MODULES}
    # a folder of modules has a place of its own only if it holds something itself
    assert {name for name in known if not PRIVATE.search(name)} == set(named)
