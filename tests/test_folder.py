"""A folder of pictures as an image class, with the errors that a real folder brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from denoise_lib import training
from denoise_lib.cli import app
from denoise_lib.errors import DamagedFileError, MissingDataError, ParameterError
from denoise_lib.images import folder, load
from denoise_lib.plan import Recipe, TrainingPlan

N = 130


@pytest.fixture
def pictures(tmp_path) -> Path:
    """130 colour pictures in two folders, and what else lies about in a real one."""
    random = np.random.default_rng(0)
    source = tmp_path / "pictures"
    (source / "more").mkdir(parents=True)
    for i in range(N):
        coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        pixels = coarse.resize((30, 24 + i % 3), Image.Resampling.BICUBIC)
        place = source / ("more" if i % 2 else ".")
        pixels.save(place / f"{i:03}.png")
    first = Image.open(source / "000.png")
    first.save(source / "copy.png")
    first.resize((60, 48), Image.Resampling.BICUBIC).save(source / "enlarged.jpg", quality=95)
    Image.fromarray(np.zeros((5, 50), np.uint8)).save(source / "thin.png")
    (source / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    half = (source / "000.png").read_bytes()
    (source / "half.png").write_bytes(half[: len(half) // 2])
    (source / "notes.txt").write_text("no picture")
    return source


def test_a_real_folder_is_prepared_and_what_was_left_out_is_counted(pictures, cache):
    report = folder.prepare(pictures, "mine", 16)
    assert report == folder.Prepared(N, 2, 1, ("broken.jpg", "half.png"))
    sets = folder.image_sets("mine", 16)
    assert {name: len(images) for name, images in sets.images.items()} == {
        "held-out": 6, "tuning": 3, "C": 10, "D": 10, "A": 50, "B": 50,
    }  # fmt: skip
    assert sets.duplicates_removed == 2
    every = np.concatenate(list(sets.images.values())).reshape(-1, 256)
    assert len(np.unique(every, axis=0)) == len(every)  # no image is in two sets
    assert load("folder:mine", 16, "A", 4).shape == (4, 1, 16, 16)


def test_the_middle_square_is_kept_grey_and_sixteen_bits_are_scaled(tmp_path):
    wide = np.zeros((8, 24, 3), np.uint8)
    wide[:, 8:16] = (30, 30, 30)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    deep = np.full((8, 8), 257 * 100, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.all(folder._square(tmp_path / "wide.png", 8) == 30)
    assert np.all(folder._square(tmp_path / "deep.png", 8) == 100)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(2, 9), st.integers(0, 10_000))
def test_near_duplicates_are_those_of_the_plain_loop(n, chunk, seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, 16, 16)).astype(np.uint8)
    again = random.integers(0, n, n // 2)
    images[random.integers(0, n, n // 2)] = images[again] // 2 + 20
    rows = images.reshape(n, -1)
    c = np.corrcoef(rows).reshape(n, n)
    plain = [any(c[i, j] > 0.9 for j in range(i)) for i in range(n)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "CHUNK", chunk)
        assert folder.near_duplicates(images, 0.9).tolist() == plain


def test_a_network_of_the_papers_size_trains_on_a_folder(tmp_path, cache, monkeypatch):
    # one image at one noise level is judged, not many: this network is slow without a GPU
    monkeypatch.setattr(training, "CURVE_IMAGES", 1)
    monkeypatch.setattr(training, "CURVE_SIGMAS", (0.1,))
    random = np.random.default_rng(1)
    for i in range(folder.LEAST):
        pixels = random.integers(0, 256, (90, 100, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.jpg")
    folder.prepare(tmp_path, "faces", 80)
    plan = TrainingPlan(
        image_class="folder:faces", image_size=80, width=64, n_images=10, normalization=True,
        images_trained=2, recipe=Recipe(batch=1),
    )  # fmt: skip
    before = plan.build().state_dict()
    stepping = training.train(plan, device="cpu", precision="float32")
    with pytest.raises(StopIteration) as end:
        while True:
            next(stepping)
    after = end.value.value.network.state_dict()
    moved = [not torch.equal(before[name], after[name]) for name in before]
    assert sum(p.numel() for p in plan.build().parameters()) == 7_659_264
    assert any(moved) and all(torch.isfinite(value).all() for value in after.values())


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [("a b", 16, "name = 'a b'"), ("../up", 16, "name ="), ("", 16, "name =")],
)
def test_a_name_that_is_none_is_refused(pictures, cache, name, size, says):
    with pytest.raises(ParameterError, match=says):
        folder.prepare(pictures, name, size)


def test_too_few_pictures_are_counted_in_one_line(pictures, cache):
    with pytest.raises(MissingDataError) as error:
        folder.prepare(pictures, "mine", 25)
    text = str(error.value)
    assert "100 are needed" in text and "too small" in text and "2 unreadable" in text
    assert "\n" not in text and not folder.stored_path("mine", 25).exists()


def test_what_is_missing_or_damaged_says_what_to_do(tmp_path, pictures, cache):
    with pytest.raises(MissingDataError, match="is not a folder"):
        folder.prepare(tmp_path / "none", "mine", 16)
    with pytest.raises(MissingDataError, match="denoise-lib data --folder"):
        load("folder:mine", 16, "A", 1)
    with pytest.raises(ParameterError, match="as in folder:faces"):
        load("folder", 16, "A", 1)
    folder.prepare(pictures, "mine", 16)
    path = folder.stored_path("mine", 16)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DamagedFileError, match="delete it"):
        load("folder:mine", 16, "A", 1)


def test_the_command_says_what_it_did(pictures, cache):
    done = CliRunner().invoke(
        app, ["data", "--folder", str(pictures), "--name", "mine", "--size", "16"]
    )
    assert done.exit_code == 0, done.output
    assert f"{N} images of 16x16" in done.output and "unreadable: broken.jpg" in done.output
    assert "image_class: folder:mine" in done.output
