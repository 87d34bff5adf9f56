"""What is installed: the ranges, the pins, conda's file and the locked JavaScript agree."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from denoise_lib.assets import vendor
from denoise_lib.errors import DenoiseLibError

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DIRECT = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]


def lock_lines() -> list[str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pins() -> dict[str, str]:
    pairs = (line.split("==") for line in lock_lines())
    return {canonicalize_name(name): version for name, version in pairs}


def test_the_lock_holds_exact_versions_and_nothing_else() -> None:
    exact = re.compile(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*")
    assert [line for line in lock_lines() if not exact.fullmatch(line)] == []


def test_the_lock_suits_machines_without_cuda() -> None:
    assert [name for name in pins() if name.startswith(("nvidia", "cuda", "triton"))] == []


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_within_its_range(requirement: Requirement) -> None:
    assert requirement.specifier.contains(pins()[canonicalize_name(requirement.name)])


def test_the_pins_suit_the_oldest_python() -> None:
    oldest = f"{PROJECT['requires-python'].removeprefix('>=')}.0"
    needs = {name: metadata(name).get("Requires-Python") or "" for name in pins()}
    assert {name: need for name, need in needs.items() if oldest not in SpecifierSet(need)} == {}


def test_conda_environment_agrees_with_the_lock() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    by_conda = dict(
        re.fullmatch(r"([a-z-]+)(.*)", entry).groups() for entry in listed if isinstance(entry, str)
    )
    assert by_pip == ["-r requirements.lock", "-e ."]
    assert by_conda["pytorch-cpu"].endswith(f"<={pins()['torch']}")
    assert SpecifierSet(by_conda["pytorch-cpu"]).contains(pins()["torch"])
    assert SpecifierSet(PROJECT["requires-python"]).contains(by_conda["python"].strip("=") + ".0")


def test_the_javascript_lock_has_checksums_and_no_addresses() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    fetched = {name: entry for name, entry in packages.items() if name}
    assert [name for name, entry in fetched.items() if not entry.get("integrity")] == []
    assert [name for name, entry in fetched.items() if "resolved" in entry] == []


def test_the_repository_address_is_the_same_everywhere() -> None:
    address = PROJECT["urls"]["Repository"]
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert config["repository"]["url"] == citation["repository-code"] == address
    assert config["author"] == citation["authors"][0]["name"] == PROJECT["authors"][0]["name"]
    assert citation["version"] == PROJECT["version"]


def test_missing_javascript_without_a_network_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "book" / "_assets").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty"))
    with pytest.raises(DenoiseLibError, match="must be fetched once, with a network") as caught:
        vendor(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "book" / "_assets" / "vendor").exists()
