"""What is freed stays with the process, where the C library can be asked for it."""

import platform
import subprocess
import sys

GROWN = """
import resource, sys
import numpy as np
from denoise_lib.memory import keep_freed_memory

def resident():  # bytes
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

asked = sys.argv[1] == "ask"
if asked:
    assert keep_freed_memory()
before = resident()
values = np.ones(2**23)  # 64 MB
del values
print(resident() - before)
"""


def kept(how: str) -> int:
    """Return how many bytes a process still holds of 64 MB that it has freed."""
    done = subprocess.run(
        [sys.executable, "-c", GROWN, how], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def test_freed_memory_stays_where_the_library_asks_for_it():
    if platform.libc_ver()[0] == "glibc":
        assert kept("ask") > 60e6
        assert kept("do not") < 4e6
    else:
        from denoise_lib.memory import keep_freed_memory

        assert not keep_freed_memory()
