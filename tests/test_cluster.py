"""The sweep over a Dask cluster: real workers, one of them killed; SLURM without SLURM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster

from denoise_lib import cluster, zoo
from denoise_lib.cluster import connected, slurm_cluster, train_on_cluster
from denoise_lib.errors import ParameterError
from denoise_lib.sweep import train_shown
from denoise_lib.training import train
from tests.test_training import LONGER, TINY, finish

# A worker notes what it begins to train, and how far that had come.
WORKER = """
import asyncio, os, sys
from distributed import Worker
from denoise_lib import training, zoo
training.CHECKPOINT_SECONDS = 0.1

def noted(plan, *, checkpoint, **how):
    with open(sys.argv[2], "a") as log:
        log.write(f"{os.getpid()} {plan.hash} {checkpoint.exists()}\\n")
    return training.train(plan, checkpoint=checkpoint, **how)

async def main():
    async with Worker(sys.argv[1], nthreads=1) as worker:
        await worker.finished()

zoo.train = noted
asyncio.run(main())
"""


@pytest.fixture
def home(tmp_path, monkeypatch, one_thread) -> Path:
    (tmp_path / "nbs" / "chapters").mkdir(parents=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path))
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(cluster.__file__).parents[1]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


@pytest.fixture
def scheduler(home):
    """Give a scheduler without workers."""
    with LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1") as running:
        yield running


@pytest.fixture
def here(home):
    """Give a client of a worker in this process: quick to start, and not to be killed."""
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as running,
        Client(running) as client,
    ):
        yield client


def test_a_worker_is_killed_and_nothing_finished_is_trained_twice(home, scheduler):
    plans = [replace(LONGER, seed=seed) for seed in range(4)]
    log = home / "log"
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, scheduler.scheduler_address, str(log)])
        for _ in range(2)
    ]
    arrived: list = []
    killed: list = []

    def end(plan, problem):
        assert problem is None
        arrived.append(plan.hash)
        deadline = time.monotonic() + 120
        while (
            not killed and time.monotonic() < deadline
        ):  # one that trains something else, and has left a checkpoint of it
            began = [line.split() for line in log.read_text().splitlines()]
            at_work = [
                (int(pid), name)
                for pid, name, _ in began
                if name not in arrived
                and (home / "cache" / "checkpoints" / f"{name}.safetensors").exists()
            ]
            if at_work:
                killed.append(at_work[0])
                os.kill(at_work[0][0], signal.SIGKILL)
            time.sleep(0.01)

    try:
        with connected(scheduler.scheduler_address, 1) as client:
            client.wait_for_workers(2, timeout=120)
            train_on_cluster(plans, zoo.zoo_dir(), client, on_progress=lambda *_: None, on_end=end)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    ((pid, lost),) = killed
    assert sorted(arrived) == sorted(plan.hash for plan in plans)
    began = [line.split() for line in log.read_text().splitlines()]
    times = Counter(name for _, name, _ in began)
    assert times == Counter({plan.hash: 1 for plan in plans} | {lost: 2})
    first, second = ((int(who), resumed) for who, name, resumed in began if name == lost)
    assert first == (pid, "False") and second[0] != pid and second[1] == "True"
    for plan in plans:
        network, record = zoo.load(zoo.zoo_dir() / f"{plan.hash}.safetensors")
        assert record["how"]["threads"] == 1
        if plan.hash == lost:
            whole = finish(train(plan)).network.state_dict()
            for name, value in network.state_dict().items():
                assert value.equal(zoo.stored(name, whole[name]).float())


def test_the_file_comes_back_and_problems_are_told(home, here):
    told: list = []
    too_many = replace(TINY, n_images=100_000)
    ends: dict = {}
    train_on_cluster(
        [too_many, TINY],
        home / "zoo",
        here,
        on_progress=lambda plan, now: told.append((plan, now.images_seen)),
        on_end=ends.__setitem__,
    )
    assert "n_images = 100000" in ends[too_many] and ends[TINY] is None
    assert told[-1] == (TINY, 3200)
    zoo.load(home / "zoo" / f"{TINY.hash}.safetensors")


def test_what_comes_back_is_checked(home, here, monkeypatch):
    monkeypatch.setattr(cluster, "_train_here", lambda plan: b"half a file")
    ends: dict = {}
    train_on_cluster(
        [TINY], home / "zoo", here, on_progress=lambda *_: None, on_end=ends.__setitem__
    )
    assert "cannot be read" in ends[TINY]
    assert not list((home / "zoo").iterdir())


def test_an_interrupted_sweep_stops_its_workers(home, here):
    endless = replace(TINY, images_trained=32_000_000)

    def interrupt(plan, now):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on_cluster(
            [endless], home / "zoo", here, on_progress=interrupt, on_end=lambda *_: None
        )
    deadline = time.monotonic() + 60
    while any(here.processing().values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    # the worker is free again: the lock that one training holds has been let go
    train_on_cluster(
        [TINY], home / "zoo", here, on_progress=lambda *_: None, on_end=lambda *_: None
    )
    assert zoo.find(TINY, zoo_only=True)


def test_the_sweep_over_a_cluster_shows_itself(home, here, capsys):
    train_shown([TINY], zoo.zoo_dir(), scheduler=here.scheduler.address)
    assert "on 1 workers" in capsys.readouterr().out
    assert zoo.find(TINY, zoo_only=True)


def test_a_scheduler_that_is_not_there_or_not_fit_is_refused(home, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.2)
    with pytest.raises(ParameterError, match="start one first"), connected("tcp://127.0.0.1:9", 1):
        pass
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
        ) as running,
        pytest.raises(ParameterError, match="--nthreads 1"),
        connected(running.scheduler_address, 1),
    ):
        pass


def test_what_a_slurm_job_asks_for_stands_in_dasks_own_file(home):
    asked = {"cores": 4, "queue": "night", "walltime": "02:00:00", "worker-extra-args": ["--x"]}
    with (
        dask.config.set({f"jobqueue.slurm.{name}": value for name, value in asked.items()}),
        slurm_cluster() as running,
    ):
        script = running.job_script()
    for line in ("#SBATCH -p night", "#SBATCH -t 02:00:00", "#SBATCH --cpus-per-task=4"):
        assert line in script.splitlines()
    assert "--nworkers 4" in script and script.rstrip().endswith("--x --nthreads 1")


# the job script is removed once sbatch has answered: it is read before
SBATCH = """#!/bin/sh
job=$(cat "$1")
setsid sh -c "$job" >/dev/null 2>&1 &
echo "Submitted batch job $!"
"""


def test_slurm_jobs_train(home, monkeypatch):
    tools = home / "bin"
    tools.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", '#!/bin/sh\nkill -- "-$1"\n')):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    train_shown([TINY], zoo.zoo_dir(), jobs=1, scheduler="slurm")
    assert zoo.find(TINY, zoo_only=True)
