"""Where the time of a piece of work goes, by kind of operation, as torch's profiler sees it."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

# Parts of the names of torch's operations. What bears none of them is "other operations".
KINDS = {
    "convolutions": ("conv",),
    "activations": ("relu", "clamp_min", "threshold"),
    "joining channels": ("cat", "slice"),
    "pooling": ("pool",),
    "optimizer, average": ("adam", "lerp"),
    "noise": ("normal_", "uniform_", "random"),
}
OTHER, OUTSIDE = "other operations", "between operations"


def shares(work: Callable[[], object]) -> dict[str, float]:
    """Return the share of each kind of operation in the time of one thread's work.

    Parameters
    ----------
    work : callable
        What is measured; it must compute on one thread.

    Returns
    -------
    dict of str to float
        For each of `KINDS`, other operations, and what is spent outside of any (Python).
    """
    started = time.perf_counter()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as seen:
        work()
        taken = time.perf_counter() - started
    found = dict.fromkeys([*KINDS, OTHER], 0.0)
    for operation in seen.key_averages():
        kind = next(
            (kind for kind, parts in KINDS.items() if any(p in operation.key for p in parts)), OTHER
        )
        found[kind] += operation.self_cpu_time_total / 1e6 / taken
    return found | {OUTSIDE: max(0.0, 1 - sum(found.values()))}
