"""What a chapter measured: a line for its reader, and a record for the ledger of claims.

This file holds only what notebooks import (the ledger is `denoise_lib.ledger`):
a chapter is stale when the code it imports has changed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import SupportsFloat

from denoise_lib.errors import ParameterError

RECORD_MIME = "application/vnd.denoise-book.record+json"


def record(
    quantity: str,
    value: SupportsFloat,
    interval: tuple[SupportsFloat, SupportsFloat],
    *,
    n: int | None = None,
    networks: Iterable[str] | None = None,
) -> None:
    """Show a measured quantity and hand it to the ledger of claims.

    Parameters
    ----------
    quantity : str
        Its name, as in ``book/claims.yml``.
    value : float
    interval : tuple of float
        Ends of the 95 % interval.
    n : int, optional
        How many images (or sets, or samples) the interval was taken over.
    networks : iterable of str, optional
        Hashes of the plans it was measured on; None means all of the chapter's.
    """
    from IPython.display import display

    if not re.fullmatch(r"[A-Za-z][\w.-]*", quantity):
        raise ParameterError("quantity", quantity, "letters, digits, '_', '.' and '-' make a name")
    middle, low, high = float(value), float(interval[0]), float(interval[1])
    if not all(map(math.isfinite, (middle, low, high))):
        raise ParameterError(quantity, (middle, low, high), "only finite numbers are recorded")
    if low > high:
        raise ParameterError(quantity, (low, high), "give the lower end of the interval first")
    row = {"quantity": quantity, "value": middle, "low": low, "high": high, "n": n}
    if networks is not None:
        row["networks"] = sorted(networks)
    numbers = f"{shown(middle)} (95 % interval {shown(low)} to {shown(high)})"
    display(
        {
            "text/plain": f"{quantity} = {numbers}",
            "text/html": f'<p class="recorded"><code>{quantity}</code> = {numbers}</p>',
            RECORD_MIME: row,
        },
        raw=True,
    )


def shown(number: float) -> str:
    """Return a number as a reader wants it: three digits, or all that stand before the point."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
