"""The workflows of a public host call what there is, and nothing that a stranger can write into."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from denoise_lib.chapters import PROFILES
from denoise_lib.cli import app

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
    return workflow


def scripts(workflow: dict[Any, Any]) -> list[str]:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def test_there_is_one_that_publishes_and_one_by_hand() -> None:
    assert [path.stem for path in WORKFLOWS] == ["publish", "rerun"]
    # YAML reads the bare word "on" as true
    assert set(read(WORKFLOWS[0])[True]) == {"push", "pull_request"}
    assert set(read(WORKFLOWS[1])[True]) == {"workflow_dispatch"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_exists(path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = get_command(app).commands  # type: ignore[attr-defined]
    text = "\n".join(scripts(read(path)))
    made = re.findall(r"\bmake ([a-z]+)", text)
    called = re.findall(r"denoise-lib ([a-z]+)((?:[^\n]* --[a-z-]+)*)", text)
    assert made and called
    assert [name for name in made if name not in targets] == []
    for name, options in called:
        known = [flag for each in commands[name].params for flag in each.opts]
        assert [flag for flag in re.findall(r"--[a-z-]+", options) if flag not in known] == []
    for name in re.findall(r"^(\.[\w/]+)$", text, re.MULTILINE):
        assert (ROOT / name).is_file()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_script_is_made_of_what_somebody_else_wrote(path: Path) -> None:
    assert [script for script in scripts(read(path)) if "${{" in script] == []


def test_the_profiles_offered_are_profiles() -> None:
    inputs = read(WORKFLOWS[1])[True]["workflow_dispatch"]["inputs"]
    assert set(inputs["profile"]["options"]) <= set(PROFILES)
