"""The page of the zoo, its verdicts, and what was measured for it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from denoise_lib import zoo_check, zoo_page
from denoise_lib.measures.psnr import input_psnr
from denoise_lib.plan import TrainingPlan
from denoise_lib.sparklines import sparkline
from denoise_lib.training import CURVE_SIGMAS
from denoise_lib.zoo import entries, load
from denoise_lib.zoo_samples import sample_file, sampled

ROOT = Path(__file__).parents[1]
COMMAND = "run: denoise-lib zoo --write-card"
SPRITES_BYTES = 300_000


@pytest.fixture(autouse=True)
def this_book(monkeypatch):
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(ROOT))


def record(n_images: int, kind: str, last: float) -> dict:
    """Return a record whose curve of one kind gains ``last`` dB in the last fifth at sigma 0.1."""
    flat = [30.0] * len(CURVE_SIGMAS)
    risen = [30.0, 30.0 + last, 30.0, 30.0]
    other = {"train": "tuning", "tuning": "train"}[kind]
    curve = [{"images": i, kind: flat, other: flat} for i in (0, 50, 80, 90)]
    plan = {"image_class": "digits", "image_size": 8, "n_images": n_images}
    return {"plan": plan, "curve": [*curve, {"images": 100, kind: risen, other: flat}]}


def test_the_page_is_that_of_the_files():
    assert zoo_page.page_path().read_text(encoding="utf-8") == zoo_page.page(), COMMAND


def test_every_network_was_measured_as_it_is_and_every_sprite_is_the_one_drawn():
    rows = zoo_check.stored()
    found = {entry.record["hash"]: entry for entry in entries()}
    assert set(rows) == set(found), COMMAND
    stale = [name for name, entry in found.items() if not zoo_check.fresh(entry, rows[name])]
    assert stale == [], COMMAND


def test_sprites_are_small_and_none_is_left_over():
    plans = [TrainingPlan.from_dict(entry.record["plan"]) for entry in entries()]
    expected = {sample_file(plan) for plan in plans if sampled(plan)}
    found = set((ROOT / "book" / "_assets" / "zoo").iterdir())
    assert found == expected, COMMAND
    assert sum(path.stat().st_size for path in found) <= SPRITES_BYTES


@pytest.mark.parametrize("n_images", [1, 1000])
def test_a_measured_curve_is_found_again(n_images):
    entry = next(
        entry
        for entry in entries()
        if entry.record["plan"]["image_class"] == "fashion"
        and entry.record["plan"]["n_images"] == n_images
    )
    network, kept = load(entry.path)
    again = zoo_check.curve(network, TrainingPlan.from_dict(kept["plan"]), (0.02, 0.3))
    row = zoo_check.stored()[kept["hash"]]["psnr"]
    sigmas = list(zoo_check.SIGMAS)
    assert np.allclose(again, [row[sigmas.index(0.02)], row[sigmas.index(0.3)]], atol=0.02)


@pytest.mark.parametrize(("n_images", "kind"), [(1, "train"), (100, "train"), (101, "tuning")])
def test_few_images_are_judged_on_themselves(n_images, kind):
    assert zoo_check.last_gains(record(n_images, kind, 0.5)) == pytest.approx([0, 0.5, 0, 0])
    other = {"train": "tuning", "tuning": "train"}[kind]
    assert zoo_check.last_gains(record(n_images, other, 0.5)) == pytest.approx([0, 0, 0, 0])


@pytest.mark.parametrize(("gain", "level"), [(0.09, True), (0.11, False), (-1.0, True)])
def test_a_rise_of_a_tenth_fails(gain, level):
    identity = input_psnr(np.array(zoo_check.SIGMAS)).tolist()
    found = zoo_check.verdict(identity, record(1000, "tuning", gain))
    assert found.level is level
    assert found.above


def test_one_point_below_the_identity_line_fails():
    psnr = input_psnr(np.array(zoo_check.SIGMAS)) + 1
    psnr[2] -= 1.01
    found = zoo_check.verdict(psnr.tolist(), record(1000, "tuning", 0))
    assert not found.above
    assert found.margin_sigma == zoo_check.SIGMAS[2]
    assert found.margin_db == pytest.approx(-0.01)


def test_another_file_rule_or_sprite_is_measured_again(monkeypatch):
    entry = next(entry for entry in entries() if entry.record["plan"]["image_class"] == "fashion")
    row = zoo_check.stored()[entry.record["hash"]]
    assert zoo_check.fresh(entry, row)
    assert not zoo_check.fresh(entry, None)
    assert not zoo_check.fresh(entry, {**row, "sha256": "0"})
    assert not zoo_check.fresh(entry, {**row, "samples_sha256": "0"})
    monkeypatch.setitem(zoo_check.RULE, "level_db", 9.0)
    assert zoo_check.stored() == {}


def test_every_network_is_on_the_page_once_with_its_failures_named():
    page = zoo_page.page()
    rows = zoo_check.stored()
    for entry in entries():
        name = entry.record["hash"]
        assert page.count(f'id="network-{name}"') == 1
        found = zoo_check.verdict(rows[name]["psnr"], entry.record)
        assert (f"(`{name}`)" in page) is not (found.above and found.level)


def test_a_drawing_says_in_words_what_it_shows():
    drawn = sparkline([("curve", [0, 1], [0, 2])], 'a < "b"')
    assert 'aria-label="a &lt; &quot;b&quot;"' in drawn
    assert 'points="3.0,57.0 117.0,3.0"' in drawn


def test_what_is_stored_says_by_which_rule():
    found = json.loads(zoo_check.results_file().read_text(encoding="utf-8"))
    assert found["rule"] == zoo_check.RULE
