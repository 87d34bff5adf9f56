"""Training is a function of its plan: killed and resumed, twice, or side by side."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from denoise_lib import images, training
from denoise_lib.errors import DamagedFileError, ParameterError
from denoise_lib.images.generated import GeneratedSets
from denoise_lib.plan import Recipe, TrainingPlan, plans
from denoise_lib.training import batch_indices, draw_sigma, train, usual_precision

TINY = TrainingPlan(
    image_class="digits", image_size=8, n_images=50, width=4, blocks=2, images_trained=3200
)


def finish(generator):
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def weights(trained):
    return {k: v.numpy().tobytes() for k, v in trained.network.state_dict().items()}


def test_same_plan_same_bytes_and_another_seed_others():
    first, second = finish(train(TINY)), finish(train(TINY))
    assert weights(first) == weights(second)
    assert weights(first) != weights(finish(train(replace(TINY, seed=1))))
    assert first.curve == second.curve


def test_training_learns():
    trained = finish(train(replace(TINY, n_images=1)))
    start, end = (np.mean(trained.curve[i]["train"]) for i in (0, -1))
    assert end > start + 5
    assert not trained.network.training


@pytest.mark.parametrize("averaging", [0.0, 0.5])
@pytest.mark.parametrize("normalization", [False, True])
def test_resumed_training_gives_the_same_bytes(tmp_path, monkeypatch, averaging, normalization):
    plan = replace(TINY, normalization=normalization, recipe=Recipe(averaging=averaging))
    whole = finish(train(plan))
    checkpoint = tmp_path / "checkpoint"
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)  # after every step
    monkeypatch.setattr(training, "YIELD_SECONDS", 0)
    interrupted = train(plan, checkpoint=checkpoint)
    for _ in range(30):
        next(interrupted)
    interrupted.close()
    done = training._State(plan, torch.device("cpu"))
    done.load(checkpoint)
    assert 0 < done.step < plan.steps
    resumed = finish(train(plan, checkpoint=checkpoint))
    assert weights(resumed) == weights(whole) and resumed.curve == whole.curve


LONGER = replace(TINY, images_trained=16_000)
KILLED = """
import sys
from pathlib import Path
from denoise_lib import training, zoo
from tests.test_training import LONGER
training.CHECKPOINT_SECONDS = 0
zoo.obtain(LONGER, Path(sys.argv[1]), on_progress=lambda p: None)
"""


def test_killed_with_9_and_run_again_gives_the_bytes_of_the_uninterrupted_one(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    checkpoint = tmp_path / "cache" / "checkpoints" / f"{LONGER.hash}.safetensors"
    command = [sys.executable, "-c", KILLED, str(tmp_path / "zoo")]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL  # it had not finished
    assert checkpoint.exists() and not list((tmp_path / "zoo").glob("*"))
    subprocess.run(command, check=True)
    stored = load_file(tmp_path / "zoo" / f"{LONGER.hash}.safetensors")
    whole = finish(train(LONGER)).network.state_dict()
    assert {k: v.numpy().tobytes() for k, v in stored.items()} == {
        k: v.to(stored[k].dtype).numpy().tobytes() for k, v in whole.items()
    }
    assert not checkpoint.exists()


def test_a_training_that_was_resumed_in_another_way_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(training, "YIELD_SECONDS", 0)
    begun = train(TINY, checkpoint=tmp_path / "checkpoint", precision="float32")
    next(begun), next(begun)
    begun.close()
    trained = finish(train(TINY, checkpoint=tmp_path / "checkpoint", precision="float32-end"))
    assert trained.how["precision"] == "float32-end"
    assert [way["precision"] for way in trained.how["before"]] == ["float32"]
    assert "before" not in finish(train(TINY)).how


def test_reduced_precision_is_used_only_where_it_is_fast_and_does_not_show(monkeypatch):
    many, cpu = replace(TINY, n_images=training.FEW_IMAGES + 1), torch.device("cpu")
    for features, precisions in (
        ({"avx512_bf16": True}, ("float32-end", "bfloat16")),
        ({"bf16": True}, ("float32-end", "bfloat16")),
        ({"avx512_f": True, "avx2": True}, ("float32", "float32")),
        ({}, ("float32", "float32")),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda f=features: f, raising=False)
        assert (usual_precision(TINY, cpu), usual_precision(many, cpu)) == precisions
    for has, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has, **_: has)
        assert usual_precision(many, torch.device("cuda")) == precision


def test_checkpoint_that_is_damaged_or_of_another_plan_is_refused(tmp_path):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(b"half a file")
    with pytest.raises(DamagedFileError, match="delete it to start again"):
        next(train(TINY, checkpoint=checkpoint))
    save_file({"x": torch.zeros(1)}, checkpoint, {"plan": "another"})
    with pytest.raises(DamagedFileError, match="another plan"):
        next(train(TINY, checkpoint=checkpoint))


def test_every_image_is_seen_once_before_any_is_seen_twice():
    seen = np.concatenate([batch_indices(0, 50, 32, step) for step in range(25)])
    for epoch in seen.reshape(-1, 50):
        assert sorted(epoch) == list(range(50))
    assert not np.array_equal(seen[:50], seen[50:100])
    assert (batch_indices(0, 1, 32, 7) == 0).all()


FRESH = replace(TINY, image_class="discs", n_images=3200)


def test_images_that_are_made_are_seen_once_each_in_order_and_never_held(tmp_path, monkeypatch):
    taken = []
    take = GeneratedSets.take
    monkeypatch.setattr(
        GeneratedSets, "take", lambda self, subset, n=None: taken.append(n) or take(self, subset, n)
    )
    of_step = training.clean_batches(FRESH, torch.device("cpu"))
    seen = torch.cat([of_step(step) for step in range(FRESH.steps)])
    whole = finish(train(FRESH))
    # None: a thousand tuning images
    assert set(taken) == {training.CURVE_IMAGES, None}
    assert torch.equal(seen, images.load("discs", 8, "A", 3200))

    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(training, "YIELD_SECONDS", 0)
    interrupted = train(FRESH, checkpoint=tmp_path / "checkpoint")
    for _ in range(10):
        next(interrupted)
    interrupted.close()
    resumed = finish(train(FRESH, checkpoint=tmp_path / "checkpoint"))
    assert weights(resumed) == weights(whole) and resumed.curve == whole.curve

    # one image fewer than the training is long: the set is held, and shuffled as ever
    held = training.clean_batches(replace(FRESH, n_images=3199), torch.device("cpu"))
    index = torch.from_numpy(batch_indices(0, 3199, 32, 7))
    assert taken[-1] == 3199 and torch.equal(held(7), images.load("discs", 8, "A", 3199)[index])
    with pytest.raises(ParameterError, match="n_images"):
        next(train(replace(FRESH, n_images=10**8)))


def test_laws_of_sigma():
    u = torch.linspace(0, 1, 1001)
    log = draw_sigma(Recipe(), u)
    assert log[0].item() == pytest.approx(0.01) and log[-1].item() == pytest.approx(3)
    assert log[500].item() == pytest.approx((0.01 * 3) ** 0.5, rel=1e-4)
    square = draw_sigma(Recipe(sigma_law="square", sigma_max=1.0), u)
    torch.testing.assert_close(square, u**2)


def test_hash_names_what_is_learned():
    assert TINY.hash == replace(TINY).hash
    changed = [replace(TINY, seed=1), replace(TINY, recipe=Recipe(batch=16))]
    assert len({TINY.hash, *(plan.hash for plan in changed)}) == 3


def test_grids_of_plans():
    grid = {"image_class": "digits", "image_size": 8, "blocks": 2, "n_images": [1, 10]}
    named = plans([{**grid, "subset": ["A", "B"]}, {**grid, "recipe": {"batch": 16}}])
    assert [(p.n_images, p.subset) for p in named[:4]] == [(1, "A"), (1, "B"), (10, "A"), (10, "B")]
    assert named[4].recipe.batch == 16 and len(named) == 6
    assert len(plans([grid, grid])) == 2


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"n_images": 0}, "n_images"),
        ({"image_size": 10}, "image_size"),
        ({"subset": "held-out"}, "subset"),
        ({"network": "vit"}, "network"),
        ({"images_trained": 3}, "images_trained"),
        ({"recipe": {"sigma_law": "cube"}}, "sigma_law"),
        ({"recipe": {"sigma_min": -1}}, "sigma_min"),
        ({"widht": 8}, "widht"),
        ({"recipe": {"bach": 8}}, "recipe.bach"),
    ],
)
def test_bad_plans_are_refused_by_name(bad, name):
    with pytest.raises(ParameterError, match=name):
        plans([{"image_class": "digits", "image_size": 8, "blocks": 2, **bad}])


def test_bad_ways_of_training_are_refused_by_name():
    with pytest.raises(ParameterError, match="device"):
        next(train(TINY, device="warp"))
    with pytest.raises(ParameterError, match="precision"):
        next(train(TINY, precision="int4"))
    with pytest.raises(ParameterError, match="n_images"):
        next(train(replace(TINY, n_images=100_000)))


@pytest.mark.cuda
def test_training_on_a_gpu_learns_the_same_thing():
    trained = finish(train(replace(TINY, n_images=1), device="cuda", compile=False))
    on_cpu = finish(train(replace(TINY, n_images=1), device="cpu"))
    ends = [np.mean(t.curve[-1]["train"]) for t in (trained, on_cpu)]
    assert ends[0] == pytest.approx(ends[1], abs=1.0)
