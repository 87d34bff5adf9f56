"""Install what a notebook of the book needs and this Python lacks; move nothing that is there.

The first code cell of every chapter calls this on Colab, whose torch must stay: it fits its GPUs.

    python tools/colab.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def installed() -> dict[str, str]:
    """Return the version of every installed distribution, by its canonical name."""
    return {canonicalize_name(each.name): each.version for each in distributions()}


def lacking(present: dict[str, str]) -> list[str]:
    """Return those of the library's dependencies of which no version is present."""
    listed = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    return [text for text in listed if canonicalize_name(Requirement(text).name) not in present]


def main() -> int:
    """Install the dependencies that are lacking; return pip's exit status."""
    present = installed()
    wanted = lacking(present)
    if not wanted:
        return 0
    print("installing", ", ".join(wanted))
    with tempfile.TemporaryDirectory() as folder:
        # what is there is a constraint: pip stops rather than replaces it
        keep = Path(folder) / "keep.txt"
        keep.write_text("".join(f"{name}=={number}\n" for name, number in present.items()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(keep)]
        return subprocess.run([*command, *wanted], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
