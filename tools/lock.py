"""Write requirements.lock: the newest versions that pyproject.toml allows, found by pip.

Run by ``make lock``, with the oldest Python that the project supports: some of
the newest packages need a newer one (tests/test_packaging.py notices). It
installs the project with all its extras into a throw-away environment and
lists what came. Left out are the project itself and what belongs to one kind of
machine only (the CUDA packages, the local part of torch's version), which pip
adds again where it is needed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADER = """\
# Every package of the book, pinned; within the ranges of pyproject.toml.
# Made by `make lock`. Install with: pip install -r requirements.lock && pip install --no-deps -e .
"""
# Moved by hand only: the records of the networks in zoo/ name the torch that trained them.
HELD = ("torch==2.13.0",)
MACHINE_ONLY = re.compile(r"^(nvidia-|cuda-|triton\b|pip==|wheel==|denoise-lib\b)", re.IGNORECASE)


def main() -> None:
    """Resolve in a fresh environment and write the lock."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder, "bin", "python")), "-m", "pip"]
        # setuptools builds the project itself: with it pinned, no build needs the network
        subprocess.run(
            [*pip, "install", *HELD, "setuptools", f"{ROOT}[book,cluster,test]"], check=True
        )
        listed = subprocess.run(
            [*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True
        ).stdout.split()
    pins = [re.sub(r"\+.*", "", pin) for pin in listed if not MACHINE_ONLY.match(pin)]
    pins.sort(key=str.lower)
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(pins) + "\n")
    sys.stdout.write(f"requirements.lock: {len(pins)} packages\n")


if __name__ == "__main__":
    main()
