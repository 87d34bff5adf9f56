"""What may go wrong while networks are trained and kept: kill -9, a full disk, damaged files."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn.datasets  # noqa: F401  # loaded once in the server below, as is torch._dynamo
import torch
import torch._dynamo
from safetensors.torch import save

from denoise_lib import training, zoo
from denoise_lib.errors import DamagedFileError, DenoiseLibError
from denoise_lib.training import Trained, train
from tests.test_training import LONGER, TINY, finish

# A server that has loaded torch, and done nothing with it, starts processes at once.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.test_faults"])
SEVERAL = [replace(LONGER, seed=seed) for seed in range(2)]


@pytest.fixture
def home(tmp_path, monkeypatch, one_thread) -> Path:
    (tmp_path / "nbs" / "chapters").mkdir(parents=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path))
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def trained() -> Trained:
    return finish(train(TINY))


def train_several(home: Path, plans: list, said: Connection) -> None:
    os.environ["DENOISE_LIB_CACHE"] = str(home / "cache")
    torch.set_num_threads(1)
    training.CHECKPOINT_SECONDS = 0.05
    training.YIELD_SECONDS = 0
    for plan in plans:
        zoo.obtain(plan, home / "zoo", on_progress=lambda now: said.send(now.images_seen))


def start(home: Path, plans: list) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=train_several, args=(home, plans, there))
    process.start()
    there.close()
    return process, here


def same_weights(path: Path, plan) -> bool:
    network, _ = zoo.load(path)
    whole = finish(train(plan)).network.state_dict()
    return all(
        value.equal(zoo.stored(name, whole[name]).float())
        for name, value in network.state_dict().items()
    )


def step_of(plan) -> int:
    """Return the step of a plan's checkpoint, which must be whole; past the end if it is done."""
    if (zoo.zoo_dir() / f"{plan.hash}.safetensors").exists():
        return plan.steps
    state = training._State(plan, torch.device("cpu"))
    if zoo.checkpoint_path(plan).exists():
        state.load(zoo.checkpoint_path(plan))
    return state.step


def test_killed_at_random_moments_no_file_is_wrong_and_no_checkpoint_lost(home):
    random = np.random.default_rng()
    steps = [0, 0]
    for _ in range(3):
        process, said = start(home, SEVERAL)
        said.recv()  # it has begun
        time.sleep(random.uniform(0, 0.3))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        for path in zoo.zoo_dir().glob("*.safetensors"):
            zoo.load(path)
        before, steps = steps, [step_of(plan) for plan in SEVERAL]
        assert all(old <= new for old, new in zip(before, steps, strict=True))
    process, said = start(home, SEVERAL)
    while said.poll(60):
        try:
            said.recv()
        except EOFError:
            break
    process.join()
    assert process.exitcode == 0
    assert {path.name for path in zoo.zoo_dir().iterdir()} == {
        f"{plan.hash}.safetensors" for plan in SEVERAL
    }
    assert [path for path in (home / "cache/checkpoints").iterdir() if path.suffix != ".lock"] == []
    assert same_weights(zoo.find(SEVERAL[0]), SEVERAL[0])


def test_one_that_waits_takes_over_from_one_that_is_killed(home):
    first, from_first = start(home, [LONGER])
    while not zoo.checkpoint_path(LONGER).exists():
        from_first.recv()
    second, from_second = start(home, [LONGER])
    first.kill()
    first.join()
    assert first.exitcode == -signal.SIGKILL
    kept = step_of(LONGER) * LONGER.recipe.batch
    assert from_second.recv() == kept + LONGER.recipe.batch > LONGER.recipe.batch
    while not from_second.closed:
        try:
            from_second.recv()
        except EOFError:
            break
    second.join()
    assert second.exitcode == 0 and same_weights(zoo.find(LONGER), LONGER)


def test_half_a_file_that_a_killed_process_left_is_swept_away(home):
    half = [zoo.zoo_dir() / f".{TINY.hash}.safetensors.abc", zoo.checkpoint_path(TINY)]
    half[1] = half[1].with_name(f".{half[1].name}.def")
    for path in half:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    zoo.obtain(TINY, zoo.zoo_dir(), on_progress=lambda _: None)
    assert not any(path.exists() for path in half)


def test_no_more_than_a_minute_lies_between_two_checkpoints(home, monkeypatch):
    plan = replace(TINY, images_trained=6400)
    clock = iter(range(10_000))  # a second a step
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    saved = [0]
    monkeypatch.setattr(training._State, "save", lambda state, path: saved.append(state.step))
    finish(train(plan, checkpoint=home / "checkpoint"))
    assert len(saved) > 3 and max(np.diff([*saved, plan.steps])) <= 61


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let the system refuse to write files of more bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("when", ["at a checkpoint", "at the end"])
def test_a_full_disk_is_one_line_and_leaves_the_last_checkpoint(home, monkeypatch, when):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(training, "YIELD_SECONDS", 0)
    checkpoint = zoo.checkpoint_path(TINY)
    begun = train(TINY, checkpoint=checkpoint)
    next(begun), next(begun), next(begun)
    begun.close()
    before = checkpoint.read_bytes()
    if when == "at the end":
        monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 3600)
    with no_file_above(2000), pytest.raises(DenoiseLibError, match="free some space") as caught:
        zoo.obtain(TINY, zoo.zoo_dir(), on_progress=lambda _: None)
    assert "\n" not in str(caught.value) and "Traceback" not in str(caught.value)
    assert checkpoint.read_bytes() == before
    left = [path.name for path in checkpoint.parent.iterdir() if path.suffix != ".lock"]
    assert left == [checkpoint.name]
    assert not zoo.zoo_dir().exists() or not list(zoo.zoo_dir().iterdir())
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 3600)
    assert same_weights(zoo.obtain(TINY, zoo.zoo_dir(), on_progress=lambda _: None), TINY)


def test_a_cache_that_may_not_be_written_to_is_one_line(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(home / "file"))
    with pytest.raises(DenoiseLibError, match="cannot be written"):
        zoo.obtain(TINY, zoo.zoo_dir(), on_progress=lambda _: None)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.999])
def test_a_truncated_file_is_refused(home, trained, part):
    path = zoo.zoo_dir() / f"{TINY.hash}.safetensors"
    zoo.store(TINY, trained, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    for read in (zoo.load, zoo.read_record):
        with pytest.raises(DamagedFileError, match="delete it"):
            read(path)


class Hostile:
    """An object whose unpickling leaves a witness."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return Path.touch, (self.witness,)


def test_a_pickle_is_refused_and_not_run(home):
    path, witness = home / f"{TINY.hash}.safetensors", home / "witness"
    pickle.loads(pickle.dumps(Hostile(witness)))
    assert witness.exists()  # it would work
    witness.unlink()
    path.write_bytes(pickle.dumps(Hostile(witness)))
    with pytest.raises(DamagedFileError):
        zoo.load(path)
    torch.save({"weights": Hostile(witness)}, path)
    with pytest.raises(DamagedFileError):
        zoo.load(path)
    assert not witness.exists()


PLAN = asdict(TINY)


@pytest.mark.parametrize(
    "record",
    [
        "",
        "null",
        "__import__('pathlib').Path('witness').touch()",
        "[" * 100_000,
        json.dumps({"plan": None}),
        json.dumps({"plan": []}),
        json.dumps({"plan": {**PLAN, "recipe": 3}}),
        json.dumps({"plan": {**PLAN, "__class__": "os.system"}}),
        json.dumps({"plan": {**PLAN, "n_images": "__import__('os')"}}),
        json.dumps({"plan": {**PLAN, "seed": 7}}),
        json.dumps({"plan": PLAN}),
    ],
)
def test_a_sealed_file_with_a_made_up_record_is_refused(home, monkeypatch, record):
    monkeypatch.chdir(home)
    weights = {"last.weight": torch.zeros(1)}
    path = home / f"{TINY.hash}.safetensors"
    metadata = {"record": record, "sha256": zoo._seal(record, weights)}
    path.write_bytes(save(weights, metadata))
    with pytest.raises(DamagedFileError, match="delete it"):
        zoo.load(path)
    assert not (home / "witness").exists()


def test_a_made_up_plan_under_its_own_name_is_refused(home):
    plan = replace(TINY, width="__import__('os')")
    weights = {"last.weight": torch.zeros(1)}
    record = json.dumps({"plan": asdict(plan)})
    path = home / f"{plan.hash}.safetensors"
    path.write_bytes(save(weights, {"record": record, "sha256": zoo._seal(record, weights)}))
    with pytest.raises(DamagedFileError, match="holds no network of its plan"):
        zoo.load(path)
