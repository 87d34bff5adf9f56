"""The ledger: what the paper claims, beside what the chapters of this book recorded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from denoise_lib.chapters import (
    chapter_number,
    check_chapter,
    profile_path,
    results_path,
    suggest,
)
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.files import project_root

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_REQUIRED = ("id", "chapter", "sentence", "source", "quantity", "criterion", "control", "paper")
_OPTIONAL = ("revised", "remark")


@dataclass(frozen=True)
class Criterion:
    """A range that a quantity must lie in, ends included or not.

    Parameters
    ----------
    low, high : float
        Ends; infinite where there is none.
    closed : bool
        Whether the ends themselves are in it.
    """

    low: float
    high: float
    closed: bool

    @classmethod
    def parse(cls, text: str) -> Criterion:
        """Return the criterion that ``> 0.9``, ``<= 5`` or ``between 0.4 and 0.6`` states."""
        if found := re.fullmatch(rf"between ({_NUMBER}) and ({_NUMBER})", text):
            low, high = map(float, found.groups())
            if low < high:
                return cls(low, high, True)
        elif found := re.fullmatch(rf"(<=?|>=?) ?({_NUMBER})", text):
            sign, end = found[1], float(found[2])
            low, high = (end, float("inf")) if sign[0] == ">" else (float("-inf"), end)
            return cls(low, high, sign.endswith("="))
        raise ParameterError(
            "criterion", text, "write '> 0.9', '>= 0.9', '< 5', '<= 5' or 'between 0.4 and 0.6'"
        )

    def holds_all(self, low: float, high: float) -> bool:
        """Say whether the whole interval meets the criterion."""
        if self.closed:
            return self.low <= low and high <= self.high
        return self.low < low and high < self.high

    def holds_none(self, low: float, high: float) -> bool:
        """Say whether no part of the interval meets the criterion."""
        if self.closed:
            return high < self.low or self.high < low
        return high <= self.low or self.high <= low


@dataclass(frozen=True)
class Claim:
    """One row of ``book/claims.yml``.

    Parameters
    ----------
    id : str
    chapter : str
        Name of the notebook that measures it.
    sentence : str
        The claim, in our words.
    source : str
        Who claims it, and where.
    quantity : str
        What the chapter records.
    criterion : str
        What the quantity must meet, its whole 95 % interval.
    control : dict
        ``quantity`` and ``text``: what the criterion must fail on.
    paper : float or str
        The figure of the paper.
    revised : str, optional
        Why the criterion was changed after it had been measured.
    remark : str, optional
        What a reader should know of the outcome: why it fails here, say.
    """

    id: str
    chapter: str
    sentence: str
    source: str
    quantity: str
    criterion: str
    control: dict[str, str]
    paper: float | str
    revised: str | None = None
    remark: str | None = None


def load() -> list[Claim]:
    """Return the claims of the book, checked.

    Raises
    ------
    ParameterError
        Names the row and what is wrong in it.
    """
    path = project_root() / "book" / "claims.yml"
    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DenoiseLibError(f"there are no claims: {path} cannot be read") from error
    except yaml.YAMLError as error:
        raise DenoiseLibError(f"claims.yml is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(rows, list):
        raise DenoiseLibError("claims.yml must be a list of claims")
    claims: dict[str, Claim] = {}
    for i, row in enumerate(rows):
        claim = _checked(row, i)
        if claim.id in claims:
            raise ParameterError("claims.yml: id", claim.id, "two claims have it: rename one")
        claims[claim.id] = claim
    return list(claims.values())


def _checked(row: Any, i: int) -> Claim:
    if not isinstance(row, dict):
        raise ParameterError(f"claims.yml: row {i + 1}", row, "give 'id: ...', 'chapter: ...' ...")
    where = f"claims.yml: {row.get('id', f'row {i + 1}')}"
    for key in row:
        if key not in _REQUIRED + _OPTIONAL:
            raise ParameterError(
                where, key, f"no such field, {suggest(key, _REQUIRED + _OPTIONAL)}"
            )
    for key in _REQUIRED:
        if row.get(key) in (None, "", {}):
            raise ParameterError(f"{where}: {key}", row.get(key), "is missing")
    kinds = {"control": dict, "paper": int | float | str}
    for key in (*_REQUIRED, *_OPTIONAL):
        types = None | str if key in _OPTIONAL else kinds.get(key, str)
        if not isinstance(row.get(key), types):
            raise ParameterError(f"{where}: {key}", row[key], "has a wrong type: quote texts")
    control = row["control"]
    if set(control) != {"quantity", "text"} or not all(
        isinstance(v, str) for v in control.values()
    ):
        raise ParameterError(f"{where}: control", control, "give 'quantity' and 'text', both texts")
    if control["quantity"] == row["quantity"]:
        raise ParameterError(f"{where}: control", control["quantity"], "is the quantity itself")
    try:
        Criterion.parse(row["criterion"])
        check_chapter(row["chapter"])
    except ParameterError as error:
        raise DenoiseLibError(f"{where}: {error}") from error
    return Claim(**row)


def status(claim: Claim, results: dict[str, dict[str, Any]]) -> str:
    """Return ``holds``, ``fails`` or ``not measured``.

    A claim holds if the whole 95 % interval of its quantity meets the
    criterion and no part of its control's interval does.

    Parameters
    ----------
    claim : Claim
    results : dict
        What the chapter recorded, by quantity.
    """
    measured, control = results.get(claim.quantity), results.get(claim.control["quantity"])
    if measured is None or control is None:
        return "not measured"
    criterion = Criterion.parse(claim.criterion)
    holds = criterion.holds_all(measured["low"], measured["high"])
    return "holds" if holds and criterion.holds_none(control["low"], control["high"]) else "fails"


def classroom_claim(chapter: str) -> str | None:
    """Return the id of the claim that a chapter's classroom profile says passes there, too."""
    text = profile_path(chapter, "classroom").read_text(encoding="utf-8")
    named = re.search(r"^# The claim that passes here too: ([\w-]+)", text, re.MULTILINE)
    return named[1] if named else None


def ledger() -> list[dict[str, Any]]:
    """Return the claims with what was measured, one row a claim."""
    rows = []
    for claim in load():
        provenance, results = _results(results_path(claim.chapter))
        measured = results.get(claim.quantity, {})
        control = results.get(claim.control["quantity"], {})
        rows.append(
            {
                "id": claim.id,
                "chapter": chapter_number(claim.chapter),
                "sentence": claim.sentence,
                "source": claim.source,
                "quantity": claim.quantity,
                "criterion": claim.criterion,
                "control": claim.control | _range(control),
                "paper": claim.paper,
                **_range(measured),
                "status": status(claim, results),
                "revised": claim.revised,
                "remark": claim.remark,
                "profile": provenance.get("profile") if measured else None,
                "networks": measured.get("networks", []),
                "commit": provenance.get("run", {}).get("commit") if measured else None,
            }
        )
    return rows


def _range(measured: dict[str, Any]) -> dict[str, Any]:
    return {key: measured.get(key) for key in ("value", "low", "high")}


def _results(path: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return a chapter's provenance and its records by quantity; both empty if it has not run."""
    if not path.exists():
        return {}, {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored["provenance"], {row["quantity"]: row for row in stored["records"]}
    except (ValueError, KeyError, TypeError) as error:
        raise DenoiseLibError(f"{path} is damaged ({error}): run its chapter again") from error
