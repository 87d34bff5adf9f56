"""The parameters of a chapter: declared in its notebook, given by a profile, checked here."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from pprint import pformat
from typing import TYPE_CHECKING, Any

import yaml

from denoise_lib.chapters import (
    PROFILES,
    Cell,
    check_chapter,
    check_profile,
    profile_path,
    read_notebook,
    source_path,
    suggest,
    tags,
)
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.files import project_root

if TYPE_CHECKING:
    from denoise_lib.plan import TrainingPlan

# numbers of a plan that may be zero; all others must be above it, and none below
MAY_BE_ZERO = ("seed", "warmup", "weight_power", "averaging")


def parameters_cell(notebook: dict[str, Any], chapter: str) -> Cell:
    """Return the one cell that is tagged ``parameters``."""
    tagged = [cell for cell in notebook["cells"] if "parameters" in tags(cell)]
    if len(tagged) != 1:
        raise DenoiseLibError(
            f"chapter {chapter} has {len(tagged)} cells tagged 'parameters': give it one"
        )
    return tagged[0]


def _assignments(code: str, chapter: str) -> dict[str, ast.expr]:
    """Return the value that each line ``name = value`` of a parameters cell gives, unevaluated."""
    found: dict[str, ast.expr] = {}
    try:
        for statement in ast.parse(code).body:
            if isinstance(statement, ast.Assign):
                (target,), value = statement.targets, statement.value
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                target, value = statement.target, statement.value
            else:
                raise ValueError(f"line {statement.lineno} is not 'name = value'")
            if not isinstance(target, ast.Name):
                raise ValueError(f"line {statement.lineno} does not assign to one name")
            ast.literal_eval(value)
            found[target.id] = value
    except (SyntaxError, ValueError) as error:
        raise DenoiseLibError(
            f"chapter {chapter}: its parameters cell may hold only comments and plain "
            f"assignments of literal values ({error})"
        ) from error
    return found


def declared_parameters(chapter: str) -> dict[str, Any]:
    """Return the parameters that a chapter declares, with their defaults."""
    check_chapter(chapter)
    code = parameters_cell(read_notebook(source_path(chapter)), chapter)["source"]
    return {n: ast.literal_eval(value) for n, value in _assignments(code, chapter).items()}


def with_values(code: str, values: dict[str, Any], chapter: str) -> str:
    """Return the code of a parameters cell with other values in it, its comments kept.

    Examples
    --------
    >>> with_values("n = 1  # images", {"n": 10}, "score")
    'n = 10  # images'
    """
    lines = code.encode().splitlines(keepends=True)  # columns of a syntax tree count bytes
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    whole = code.encode()
    assignments = _assignments(code, chapter)
    for name, node in sorted(
        assignments.items(), key=lambda item: (item[1].lineno, item[1].col_offset), reverse=True
    ):
        if name not in values or ast.literal_eval(node) == values[name]:
            continue
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        shown = pformat(values[name], width=88, sort_dicts=False)
        shown = shown.replace("\n", "\n" + " " * node.col_offset)
        whole = whole[:start] + shown.encode() + whole[end:]
    return whole.decode()


def check_parameters(
    chapter: str, profile: str, overrides: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the value of every parameter of a chapter at a profile, checked.

    papermill writes names and values into code: what is not declared, or is
    not of the declared type, is refused here, before anything runs.

    Parameters
    ----------
    chapter : str
    profile : str
        One of `PROFILES`.
    overrides : dict, optional
        Values that replace the profile's.

    Returns
    -------
    dict
        In the order of the chapter's parameters cell.

    Raises
    ------
    ParameterError
        Names the parameter and the remedy.
    """
    defaults = declared_parameters(chapter)
    check_profile(profile)
    given = {**profile_values(chapter, profile), **(overrides or {})}
    values = dict(defaults)
    for name, value in given.items():
        if name not in defaults:
            remedy = f"chapter {chapter} has no such parameter, {suggest(name, defaults)}"
            raise ParameterError(str(name), value, remedy)
        _check_plain(name, value)
        _check_type(name, value, defaults[name])
        values[name] = tuple(value) if isinstance(defaults[name], tuple) else value
    if values.get("profile", profile) != profile:
        raise ParameterError(
            "profile",
            values["profile"],
            f"this is a run at {profile!r}: its YAML must say 'profile: {profile}'",
        )
    planned(values)
    return values


def planned(values: dict[str, Any]) -> list[TrainingPlan]:
    """Return the plans that ``networks`` and every parameter ``networks_...`` name, each once."""
    found: dict[TrainingPlan, None] = {}
    for name, grids in values.items():
        if name.partition("_")[0] != "networks" or not grids:
            continue
        # imported here: torch takes seconds to load, and a wrong name can be refused without it
        from denoise_lib.plan import plans

        if not isinstance(grids, list) or not all(isinstance(grid, dict) for grid in grids):
            raise ParameterError(name, grids, "each item is a mapping of a plan's fields")
        try:
            named = plans(grids)
        except TypeError as error:
            raise ParameterError(name, grids, f"a field has a wrong type ({error})") from error
        for plan in named:
            _check_plan(name, plan)
        found |= dict.fromkeys(named)
    return list(found)


def _check_plan(name: str, plan: TrainingPlan) -> None:
    """Refuse what no network can be trained with, before one is."""
    from denoise_lib.images import CLASSES

    kind = plan.image_class
    if not isinstance(kind, str) or kind.partition(":")[0] not in CLASSES:
        remedy = f"no such class, {suggest(str(kind).partition(':')[0], CLASSES)}"
        raise ParameterError(f"{name}: image_class", kind, remedy)
    for part in (plan, plan.recipe):
        defaults = type(part)()
        for field in fields(part):
            value, default = getattr(part, field.name), getattr(defaults, field.name)
            if field.name == "recipe":
                continue
            _check_type(f"{name}: {field.name}", value, default)
            if type(value) in (int, float) and (
                value < 0 or (value == 0 and field.name not in MAY_BE_ZERO)
            ):
                raise ParameterError(f"{name}: {field.name}", value, "give a larger number")


def profile_values(chapter: str, profile: str) -> dict[str, Any]:
    """Return what the YAML of a chapter at a profile says, unchecked."""
    path = profile_path(chapter, profile)
    where = path.relative_to(project_root())
    if not path.exists():
        there = [p for p in PROFILES if profile_path(chapter, p).exists()]
        raise ParameterError(
            "profile", profile, f"there is no {where}; chapter {chapter} has {', '.join(there)}"
        )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DenoiseLibError(f"{where} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise DenoiseLibError(f"{where} must hold one 'parameter: value' a line")
    return values


def _check_plain(name: str, value: Any) -> None:
    """Refuse what cannot be written into code and read back as the same value."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(name, value, "give a finite number")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ParameterError(name, value, f"the key {key!r} must be text: quote it")
            _check_plain(name, item)
    elif isinstance(value, list):
        for item in value:
            _check_plain(name, item)
    elif not isinstance(value, None | bool | int | float | str):
        raise ParameterError(
            name, value, "only text, numbers, true, false, null, lists and mappings can be given"
        )


_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
}


def _fits(value: Any, default: Any) -> bool:
    """Say whether a value is of its default's type; a whole number may stand for a number."""
    if default is None:
        return True
    if isinstance(default, list | tuple):
        return isinstance(value, list)
    allowed = (int, float) if type(default) is float else (type(default),)
    return type(value) in allowed


def _check_type(name: str, value: Any, default: Any) -> None:
    if not _fits(value, default):
        raise ParameterError(
            name, value, f"must be {_KINDS[type(default)]}, as its default {default!r}"
        )
    if isinstance(default, list | tuple):
        types = {type(item) for item in default}
        if types == {int, float}:
            types = {float}
        if len(types) == 1:
            model = next(item for item in default if type(item) in types)
            for item in value:
                if not _fits(item, model):
                    raise ParameterError(
                        name, value, f"{item!r} in it must be {_KINDS[type(model)]}"
                    )


def parse_overrides(chapter: str, pairs: Iterable[str]) -> dict[str, Any]:
    """Return the values that ``name=value`` texts of a command line give.

    A value is read as JSON (``3``, ``1e-3``, ``true``, ``[1, 10]``); anything
    else is text, and so is every value of a parameter whose default is text.
    """
    defaults = declared_parameters(chapter)
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError("-p", pair, "give it as name=value")
        values[name] = text
        if not isinstance(defaults.get(name), str):
            with suppress(ValueError):  # what is no JSON is text; its type is checked later
                values[name] = json.loads(text)
    return values
