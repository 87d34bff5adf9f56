"""The benchmark writes its table, and its plain way does the library's work. Never a time."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import plain
from denoise_lib import images
from denoise_lib.images import discs
from denoise_lib.jacobian import jacobian
from denoise_lib.networks import UNet

ROOT = Path(__file__).parents[1]


def bench(*options):
    command = [sys.executable, "-m", "benchmarks.bench", "--quick", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.browser
def test_quick_run_writes_and_prints_the_table(book, tmp_path):
    run = bench("--output", tmp_path, "--site", book)
    assert not run.returncode, run.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert [row["work"] for row in results["rows"]] == [
        "training UNet 2 channels", "networks to a given PSNR",
        "c_alpha 80x80", "discs 32x32", "sampling 2 samples",
        "jacobian 16x16, backward()", "jacobian 16x16, autograd.grad",
        "jacobian 16x16, top 4, autograd.grad", "jacobian 16x16, top 4, our whole one",
    ]  # fmt: skip
    for row in results["rows"]:
        assert set(row) == {"work", "plain_seconds", "ours_seconds", "ratio"}
        assert row["ratio"] == row["plain_seconds"] / row["ours_seconds"] > 0
    assert [(use["work"], use["side"]) for use in results["flops"]] == [
        (work, side)
        for work in ("training UNet 2 channels", "sampling 2 samples")
        for side in ("plain", "ours")
    ]
    (spent,) = results["shares"].values()
    assert spent["convolutions"] > 0 and sum(spent.values()) == pytest.approx(1, abs=0.01)
    assert results["machine"] and {"python", "torch", "numpy"} < set(results["versions"])
    assert results["browser"]["steps"] == 3 and results["browser"]["milliseconds_a_step"] > 0
    page = (tmp_path / "README.md").read_text()
    assert page.strip() == run.stdout.strip()
    assert all(f"| {row['work']} |" in page for row in results["rows"])
    elsewhere = json.loads((ROOT / "benchmarks/gpu.json").read_text())
    for row in elsewhere["rows"]:
        assert row["ratio"] == row["plain_seconds"] / row["ours_seconds"]
        assert f"| {row['work']} | {row['place']} | {row['plain_seconds']:.3g}" in page


def test_book_that_is_not_built_is_asked_for(tmp_path):
    run = bench("--output", tmp_path, "--site", tmp_path)
    assert run.returncode and "make book" in run.stderr and not list(tmp_path.iterdir())


def test_plain_discs_are_the_same_discs():
    parameters = images.image_sets("discs", 32).parameters("A", 10)
    drawn = np.stack([plain.disc_image(disc, 32) for disc in parameters.numpy()])
    apart = np.abs(drawn - discs.render(parameters, 32)[:, 0].numpy())
    # matplotlib draws a circle as a polygon, and rounds colours to 8 bits
    assert apart.max() < 0.1 and apart.mean() < 0.005


def test_plain_c_alpha_images_have_the_same_law():
    random = np.random.default_rng(0)
    loop = np.stack([plain.c_alpha_image(random, 2.0, 16) for _ in range(2000)])
    ours = images.load("c_alpha:2", 16, "A", 2000)[:, 0].numpy()
    assert np.allclose(loop.mean(axis=(0, 2)), ours.mean(axis=(0, 2)), atol=0.03)
    assert np.allclose(loop.std(axis=(0, 2)), ours.std(axis=(0, 2)), atol=0.02)
    assert np.allclose(
        np.quantile(loop, [0.1, 0.5, 0.9]), np.quantile(ours, [0.1, 0.5, 0.9]), atol=0.03
    )


def test_plain_jacobian_is_the_same_matrix():
    denoiser, y = UNet(2, 2).eval(), torch.rand(1, 1, 8, 8)
    for all_grads in (False, True):
        torch.testing.assert_close(
            plain.jacobian(denoiser, y, all_grads=all_grads), jacobian(denoiser, y)
        )


def test_plain_training_counts_its_images():
    clean = torch.rand(4, 1, 8, 8)
    network = plain.UNet(2, 3, normalization=False)
    steps = plain.training(clean, network, plain.Recipe(batch=3))
    assert [next(steps) for _ in range(2)] == [3, 3]
