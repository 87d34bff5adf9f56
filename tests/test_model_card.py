"""The zoo's model card says what the files beside it say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from denoise_lib import model_card
from denoise_lib.images import CLASSES
from denoise_lib.model_card import card, write_card
from denoise_lib.networks import NETWORKS
from denoise_lib.plan import TrainingPlan
from denoise_lib.zoo import entries

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def this_book(monkeypatch):
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(ROOT))


def test_the_card_is_that_of_the_files():
    found = (ROOT / "zoo" / "README.md").read_text(encoding="utf-8")
    assert found == card(entries()), "run: denoise-lib zoo --write-card"


def test_every_network_has_a_row_and_the_zoo_is_small():
    text = card(entries())
    for path in (ROOT / "zoo").glob("*.safetensors"):
        assert text.count(f"| `{path.stem}` |") == 1
    assert sum(path.stat().st_size for path in (ROOT / "zoo").iterdir()) <= 60e6


def test_the_three_lines_load_a_network():
    _, code, *_ = card(entries()).split("```")
    names = {"y": torch.rand(2, 1, 32, 32)}
    lines = [line for line in code.removeprefix("python\n").splitlines() if line]
    assert len(lines) == 3
    exec("\n".join(lines), names)
    assert names["x_hat"].shape == names["y"].shape


def test_every_class_and_kind_of_network_is_described():
    assert set(model_card.TRAINING_DATA) == set(CLASSES)
    assert set(model_card.NETWORKS) == set(NETWORKS)


def test_the_study_is_the_one_that_the_book_cites():
    study = yaml.safe_load((ROOT / "CITATION.cff").read_text())["preferred-citation"]
    for author in study["authors"]:
        assert f"{author['given-names']} {author['family-names']}" in model_card.STUDY
    for what in (study["title"], str(study["year"]), study["url"]):
        assert what in model_card.STUDY


def test_recipes_that_differ_are_told_apart():
    square = TrainingPlan.from_dict(
        {"normalization": True, "recipe": {"sigma_law": "square", "averaging": 0.1}}
    )
    told = model_card._recipe(square)
    assert "3 u²" in told and "normalization" in told and "10%" in told


def test_an_empty_zoo_has_a_card(tmp_path, monkeypatch):
    (tmp_path / "nbs" / "chapters").mkdir(parents=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path))
    assert write_card().read_text().startswith("# The trained denoisers")
