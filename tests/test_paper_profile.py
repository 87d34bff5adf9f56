"""The profile of the paper's scale: it says what the paper did, and its networks take steps."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import dask
import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from denoise_lib import forecast, training, zoo
from denoise_lib.chapters import chapters
from denoise_lib.cli import app
from denoise_lib.cluster import slurm_cluster
from denoise_lib.experiments import missing, named_plans
from denoise_lib.forecast import PAPER_HOURS, PAPER_PLAN, gpu_hours, images_left
from denoise_lib.images import folder
from denoise_lib.parameters import check_parameters, profile_values
from denoise_lib.plan import Recipe, TrainingPlan
from denoise_lib.recorded import STEPS_BEFORE

ROOT = Path(__file__).parents[1]
NAMED = sorted(path.stem for path in (ROOT / "nbs/profiles/paper").glob("*.yaml"))
PUBLISHED = set(named_plans("published"))
PLANS = [plan for plan in named_plans("paper") if plan not in PUBLISHED]
KINDS = sorted({(plan.image_class, plan.image_size, plan.network, plan.blocks) for plan in PLANS})


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A small folder of pictures, prepared as CelebA would be."""
    root = tmp_path_factory.mktemp("faces")
    random = np.random.default_rng(1)
    (root / "pictures").mkdir()
    for i in range(folder.LEAST):
        pixels = random.integers(0, 256, (92, 84, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"pictures/{i}.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DENOISE_LIB_CACHE", str(root / "cache"))
        for size in (40, 80):
            folder.prepare(root / "pictures", "celeba", size)
        yield
    folder.image_sets.cache_clear()


@pytest.mark.parametrize("chapter", NAMED)
def test_every_parameter_is_accepted(chapter):
    if chapter in chapters():
        assert check_parameters(chapter, "paper")["profile"] == "paper"
    else:
        assert set(profile_values(chapter, "paper")) >= {"profile", "networks"}


def test_networks_are_trained_as_the_paper_says():
    assert {"memorization", "convergence", "regularity"} <= set(NAMED)
    for plan in PLANS:
        assert (plan.width, plan.normalization, plan.images_trained) == (64, True, 250_000_000)
        assert plan.recipe == Recipe(
            batch=512, learning_rate=1e-3, warmup=0, sigma_law="square", sigma_max=1.0,
            weight_power=0.0,
        )  # fmt: skip
        assert plan.steps == 488_281
    parameters = {plan.network: sum(p.numel() for p in plan.build().parameters()) for plan in PLANS}
    assert parameters == {"unet": 7_659_264, "bfcnn": 702_784}
    most = max(plan.n_images for plan in PLANS)
    assert {plan.image_size for plan in PLANS if plan.n_images == most} == {80}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}-{kind[2]}")
def test_its_networks_take_steps(faces, monkeypatch, kind):
    # one image at one noise level is judged, not many: these networks are slow without a GPU
    monkeypatch.setattr(training, "CURVE_IMAGES", 1)
    monkeypatch.setattr(training, "CURVE_SIGMAS", (0.1,))
    named = next(
        plan for plan in PLANS
        if (plan.image_class, plan.image_size, plan.network, plan.blocks) == kind
    )  # fmt: skip
    plan = replace(named, n_images=10, images_trained=2, recipe=replace(named.recipe, batch=1))
    before = plan.build().state_dict()
    stepping = training.train(plan, device="cpu", precision="float32", compile=False)
    with pytest.raises(StopIteration) as end:
        while True:
            next(stepping)
    after = end.value.value.network.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert all(torch.isfinite(value).all() for value in after.values())


def test_gpu_hours_are_the_papers_by_operations_and_images(monkeypatch):
    assert gpu_hours([PAPER_PLAN], "A100") == pytest.approx(PAPER_HOURS["A100"])
    assert gpu_hours([PAPER_PLAN, PAPER_PLAN], "A100") == pytest.approx(2 * PAPER_HOURS["A100"])
    quarter = replace(PAPER_PLAN, image_size=40)
    assert gpu_hours([quarter], "A100") == pytest.approx(PAPER_HOURS["A100"] / 4)
    monkeypatch.setattr(forecast, "images_left", lambda plan: plan.images_trained // 2)
    assert gpu_hours([PAPER_PLAN], "A100") == pytest.approx(PAPER_HOURS["A100"] / 2)


def test_a_dry_run_prints_the_gpu_hours(tmp_path, monkeypatch):
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path))
    lacking = missing("paper")
    assert set(PLANS) <= set(lacking)
    said = CliRunner().invoke(app, ["train", "--profile", "paper", "--dry-run"])
    assert said.exit_code == 0, said.output
    for gpu, words in (("A100", "{} GPU hours on an NVIDIA A100"), ("H200", "{} on an H200")):
        assert words.format(f"{gpu_hours(lacking, gpu):.2g}") in said.output
    printed = CliRunner().invoke(app, ["train", "--profile", "paper", "--json"])
    assert json.loads(printed.stdout)["a100_hours"] == pytest.approx(gpu_hours(lacking, "A100"))
    assert images_left(PLANS[0]) == PLANS[0].steps * 512


def test_a_set_that_does_not_fit_the_gpu_stays_with_the_processor(monkeypatch):
    held = torch.zeros(10, 1, 8, 8)
    for free, fitting in ((2 * held.nbytes, True), (2 * held.nbytes - 2, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free, 0))
        assert training.fits(held, torch.device("cuda")) is fitting
    assert training.fits(held, torch.device("cpu"))


CUDA = TrainingPlan(
    image_class="digits", image_size=8, n_images=500, width=8, blocks=2, normalization=True,
    images_trained=3200,
)  # fmt: skip


@pytest.mark.cuda
@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("held", [True, False], ids=["on the GPU", "with the processor"])
def test_no_step_waits_for_the_gpu(monkeypatch, compile, held):
    monkeypatch.setattr(training, "YIELD_SECONDS", 0)
    monkeypatch.setattr(training, "fits", lambda *_: held)
    stepping = training.train(CUDA, device="cuda", compile=compile)
    for _ in range(STEPS_BEFORE + 2):  # the curve, what a step prepares, and its recording
        next(stepping)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(20):
            next(stepping)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_page_names_the_networks_that_a_gpu_has_trained():
    page = (ROOT / "book/run-it-yourself.md").read_text("utf-8")
    trained = [e.record for e in zoo.entries(zoo.zoo_dir()) if e.record["how"]["device"] == "cuda"]
    assert trained
    for record in trained:
        gpu = record["how"]["machine"].split(", ")[-1]
        assert f"`{record['hash']}`" in page and gpu in page


def test_what_the_page_asks_of_slurm_is_what_a_job_asks_for():
    page = (ROOT / "book/run-it-yourself.md").read_text("utf-8")
    (asked,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    values = yaml.safe_load(asked)["jobqueue"]["slurm"]
    named = {f"jobqueue.slurm.{name}": value for name, value in values.items()}
    with dask.config.set(named), slurm_cluster() as cluster:
        script = cluster.job_script()
    for line in ("-p gpu", "--cpus-per-task=8", "-t 24:00:00", "--gres=gpu:1"):
        assert f"#SBATCH {line}\n" in script
    assert script.rstrip().endswith("--nthreads 1") and "--nworkers" not in script
