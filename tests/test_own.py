"""A reader's folder of pictures goes through chapters 2, 3 and 6, or is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from denoise_lib import own
from denoise_lib.cli import app
from denoise_lib.images import folder

N = 660


@pytest.fixture
def cache(cache, tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(own, "project_root", lambda: tmp_path)  # results stay out of the book
    return cache


@pytest.fixture
def pictures(tmp_path) -> Path:
    """Colour pictures of several sizes and kinds, and a broken one."""
    random = np.random.default_rng(0)
    source = tmp_path / "pictures"
    source.mkdir()
    for i in range(N):
        mode = ("RGB", "L", "RGBA", "CMYK")[i % 4]
        coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8)).convert(mode)
        ending = "png" if mode == "RGBA" else "jpg"
        size = (20 + i % 7, 16 + i % 5)
        coarse.resize(size, Image.Resampling.BICUBIC).save(source / f"{i:03}.{ending}")
    (source / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    return source


def call(*words: str):
    return CliRunner().invoke(app, ["own", *words])


def test_a_folder_goes_through_the_three_chapters(tmp_path, pictures, cache):
    given = ["--folder", str(pictures), "--name", "mine", "--size", "8", "--profile", "smoke"]
    done = call(*given)
    assert done.exit_code == 0, done.output
    assert "1 unreadable" in done.stdout and "unreadable: broken.jpg" in done.stdout
    largest = len(folder.image_sets("mine", 8).images["A"])
    for chapter in own.CHAPTERS:
        path = tmp_path / f"_build/own/mine/{chapter}.ipynb"
        assert f"wrote {path}" in done.stdout
        cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in cells)
        results = json.loads(path.with_suffix(".json").read_text())
        (network,) = results["provenance"]["parameters"]["networks"]
        assert network["image_class"] == "folder:mine"
        assert np.max(network["n_images"]) == largest
        assert len(results["records"]) > 3
    again = call(*given)
    assert again.exit_code == 2 and "give other pictures another name" in again.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--folder", "nowhere"], "nowhere is not a folder"),
        (["--name", "none"], "no images 'none' of 32 pixels are prepared"),
        (["--name", "../up"], "name = '../up'"),
        (["--profile", "smok"], "did you mean 'smoke'?"),
    ],
)
def test_what_cannot_be_used_is_one_line(cache, words, says):
    done = call(*words)
    assert done.exit_code == 2 and says in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("left", "needed"), [(50, "100 are needed"), (150, "640 are needed")])
def test_too_few_pictures_are_counted(pictures, cache, left, needed):
    for path in sorted(pictures.glob("*"))[left:]:
        path.unlink()
    done = call("--folder", str(pictures), "--size", "8")
    assert done.exit_code == 2 and needed in done.stderr
    assert not folder.stored_path("mine", 8).exists()  # more pictures may take the same name


def test_a_size_that_no_network_takes_is_refused_before_training(pictures, cache):
    done = call("--folder", str(pictures), "--size", "9", "--profile", "smoke")
    assert done.exit_code == 2 and "image_size = 9" in done.stderr
