"""What the checks of all exercises do with an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Answer = Callable[..., Any]
Check = Callable[[Answer], Iterator[str]]
Mistake = tuple[np.ndarray | float, str]


def values(given: Any, like: np.ndarray | float) -> tuple[np.ndarray, str | None]:
    """Return an answer as an array, and what is wrong with its form."""
    if given is None or given is ...:
        return np.array(np.nan), "Nothing is returned yet."
    found, shape = np.asarray(given, dtype=float), np.shape(like)
    if found.shape != shape:
        return found, f"It returns shape {found.shape}; shape {shape} was asked for."
    if not np.isfinite(found).all():
        return found, "Some values are not finite. Which number on the way becomes too large?"
    return found, None


def compared(
    given: Any, right: np.ndarray | float, mistakes: Sequence[Mistake], otherwise: str
) -> Iterator[str]:
    """Yield what is wrong with an answer: its form, a mistake that is known, or something else.

    Parameters
    ----------
    given : object
        What a student's function returned.
    right : ndarray or float
        What it should have.
    mistakes : sequence of (ndarray or float, str)
        What students return instead, and what they should be told.
    otherwise : str
        What to tell them if it is none of these.
    """
    found, wrong = values(given, right)
    if wrong:
        yield wrong
    if not np.allclose(found, right):
        for mistake, message in mistakes:
            if np.allclose(found, mistake):
                yield message
        yield otherwise
