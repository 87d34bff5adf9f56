"""The README's two commands once more, as a user without privileges and without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOBODY = "65534"
BUILT = ("book/_assets/vendor", "book/_assets/networks", "_build/tools")
NOWHERE = "http://127.0.0.1:9"  # the port of discard: nothing answers
NO_NETWORK = {
    name: NOWHERE
    for lower in ("http_proxy", "https_proxy", "all_proxy", "npm_config_registry")
    for name in (lower, lower.upper())
} | {"no_proxy": "", "PIP_NO_INDEX": "1"}


@pytest.fixture
def copy(book: Path) -> Iterator[Path]:
    """The book as it is after ``make book``, in a folder that is nobody's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for file in filter(None, listed.stdout.split("\0")):
            if (ROOT / file).is_file():
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, folder / file)  # with its time: make compares them
        (folder / "_build").mkdir()
        for made in BUILT:
            shutil.copytree(ROOT / made, folder / made)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", NOBODY, folder], check=True)
        yield folder


def make(copy: Path, command: str, **variables: str) -> str:
    """Run a command of the README there; return what it says."""
    words = command.split()
    if os.geteuid() == 0:
        # nobody may read here what this user may, and write nothing but the copy; access(2), which
        # make asks, does not know of that, but a shell that make does not know does not ask
        words.append("SHELL=/bin/bash")
        reading = ("--inh-caps", "-all,+dac_read_search", "--ambient-caps", "+dac_read_search")
        user = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", *reading]
    else:
        user = []
    home = copy / "_build" / "home"
    done = subprocess.run(
        [*user, *words],
        cwd=copy,
        env={
            **os.environ,
            **NO_NETWORK,
            "HOME": str(home),
            "DENOISE_LIB_CACHE": str(home / "cache"),
            "PYTHONPATH": str(copy),  # this copy of the library, not the installed one
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.browser
def test_the_readmes_commands_as_an_unprivileged_user_without_a_network(copy: Path) -> None:
    readme = (copy / "README.md").read_text("utf-8")
    commands = re.findall(r"^(make \w+) +#", readme, re.MULTILINE)
    assert commands == ["make book", "make test"]
    said = make(copy, commands[0])
    assert "Installing" not in said and (copy / "_build/html/chapters/score.html").is_file()
    # a few of the tests, one of them in a browser: all of them are this very run
    few = "test_search_finds_a_page or test_errors_are_one_line_on_stderr_and_exit_2"
    said = make(copy, commands[1], PYTEST_ADDOPTS=f"-q -p no:cacheprovider -k '{few}'")
    assert re.search(r"\d\d? passed", said) and "failed" not in said
