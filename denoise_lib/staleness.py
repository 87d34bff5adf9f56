"""Whether a chapter of the book still is what its sources would give today."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from denoise_lib.chapters import (
    book_path,
    read_notebook,
    results_path,
    source_hash,
    source_path,
)
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import project_root, sha256
from denoise_lib.parameters import check_parameters

PACKAGE = Path(__file__).parent
NAME = "denoise_lib"
# How a network was trained stands in its own file, which is compared by itself; the command line
# draws nothing. What the training imports (networks, images) still counts.
NOT_COMPARED = {NAME, f"{NAME}.training", f"{NAME}.recorded", f"{NAME}.cli"}


def stale(chapter: str) -> list[str]:
    """Return why a chapter of the book is not what its sources would give today.

    Compared are the source notebook, its parameters, the data files it reads, the
    network files that its record names, and the code of the library modules it imports, without
    comments and docstrings. A network that has arrived since makes no chapter
    stale.

    Parameters
    ----------
    chapter : str

    Returns
    -------
    list of str
        Reasons; none if the chapter is fresh.
    """
    parameters = check_parameters(chapter, "published")
    source = read_notebook(source_path(chapter))
    if not book_path(chapter).exists():
        return ["it has never been run"]
    ran = read_notebook(book_path(chapter))["metadata"].get("denoise_book", {})
    if "source" not in ran:
        return ["it does not say what it was run from"]
    reasons = []
    if ran["source"] != source_hash(source):
        reasons.append(f"nbs/chapters/{chapter}.ipynb changed")
    reasons += [
        f"parameter {name} changed" for name in _changed(ran["parameters"], as_json(parameters))
    ]
    reasons += _network_reasons(ran["networks"])
    reasons += [f"{file} changed" for file in _changed(ran["data"], data_hashes(source))]
    reasons += [f"{module} changed" for module in _changed(ran["code"], code_hashes(source))]
    if _recorded_provenance(chapter) != ran:
        reasons.append(f"book/results/{chapter}.json is missing or from another run")
    return reasons


def data_hashes(notebook: dict[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of the data files that a source notebook's metadata says it reads."""
    files = notebook["metadata"].get("denoise_book", {}).get("data", [])
    try:
        return {file: sha256((project_root() / file).read_bytes()) for file in files}
    except OSError as error:
        raise DenoiseLibError(f"a chapter reads a file that is not there: {error}") from error


def as_json(value: Any) -> Any:
    """Return a value as it reads after a way through JSON: tuples become lists."""
    return json.loads(json.dumps(value))


def _changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the keys whose values differ, or that only one side has."""
    missing = object()
    return [
        key for key in sorted({*before, *now}) if before.get(key, missing) != now.get(key, missing)
    ]


def _network_reasons(networks: dict[str, str]) -> Iterator[str]:
    for plan_hash, file_hash in networks.items():
        path = project_root() / "zoo" / f"{plan_hash}.safetensors"
        if not path.exists():
            yield f"network {plan_hash} is no longer in the zoo"
        elif sha256(path.read_bytes()) != file_hash:
            yield f"network {plan_hash} changed"


def _recorded_provenance(chapter: str) -> Any:
    try:
        return json.loads(results_path(chapter).read_text(encoding="utf-8"))["provenance"]
    except (OSError, ValueError, KeyError):
        return None


def code_hashes(notebook: dict[str, Any]) -> dict[str, str]:
    """Return a hash of the code of every module of this library that a notebook imports.

    Those that the modules themselves import are among them. The style sheets of
    a package count as its code: its widgets carry them.
    """
    code = "\n".join(
        # IPython's magics are no Python; a block may hold nothing else
        re.sub(r"(?m)^([ \t]*)[%!].*$", r"\1pass", cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    )
    waiting = list(_imports(_parse(code, "a cell of the notebook")))
    hashes: dict[str, str] = {}
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        path = _module_file(module)
        if module in seen or path is None:
            continue
        seen.add(module)
        tree = _parse(path.read_text(encoding="utf-8"), str(path))
        waiting += _imports(tree)
        if module not in NOT_COMPARED:
            hashes[module] = sha256((_canonical(tree) + _style_sheets(path)).encode())[:16]
    return dict(sorted(hashes.items()))


def _parse(code: str, where: str) -> ast.Module:
    try:
        return ast.parse(code)
    except SyntaxError as error:
        raise DenoiseLibError(f"{where} is not Python: {error}") from error


def _imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that code may import: every dotted name and its parents."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == NAME:
                yield from (".".join(parts[: i + 1]) for i in range(len(parts)))


def _module_file(module: str) -> Path | None:
    """Return the file of a module, or None for a name that is no module (a function, say)."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in candidates if file.is_file()), None)


def _style_sheets(path: Path) -> str:
    """Return the text of the style sheets of a package, if this is its ``__init__.py``."""
    sheets = sorted(path.parent.glob("*.css")) if path.name == "__init__.py" else []
    return "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)


def _canonical(node: Any) -> str:
    """Return a syntax tree as text, without docstrings.

    Unlike `ast.dump` it leaves out what is empty, and so reads the same in
    every version of Python that has the same syntax.
    """
    if isinstance(node, list):
        return f"[{','.join(map(_canonical, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, ast.Constant):
        fields = {"value": node.value}
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    inside = ",".join(f"{name}={_canonical(value)}" for name, value in fields.items())
    return f"{type(node).__name__}({inside})"
