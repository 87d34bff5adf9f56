"""Memory that networks free stays with the process, for the next layer to use."""

from __future__ import annotations

import ctypes
import platform
from functools import lru_cache

# of malloc.h
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
NEVER = 2**31 - 1


@lru_cache
def keep_freed_memory() -> bool:
    """Ask the C library to give no memory back to the system before the process ends.

    Every layer of a network wants some megabytes for what it returns. Glibc takes
    so much from the system each time, which clears it page by page, and gives it back
    when it is freed: that costs a network of 16 channels a quarter of its time. Where
    there is another C library, nothing happens.

    Returns
    -------
    bool
        Whether the C library does so.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))
