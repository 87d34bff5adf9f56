"""What training will cost, from the networks that have been trained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from denoise_lib import forecast as forecasting
from denoise_lib import training, zoo
from denoise_lib.forecast import Forecast, forecast, images_left, operations
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import Trained
from tests.test_training import TINY


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "nbs" / "chapters").mkdir(parents=True)
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(tmp_path))
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def keep_record(plan: TrainingPlan, seconds: float, device: str = "cpu") -> None:
    """Put a network into the zoo that says how long it took, on two threads."""
    how = {"device": device, "threads": 2, "seconds": seconds}
    trained = Trained(plan.build(), [{"train": [1.0], "tuning": [1.0]}], how)
    zoo.store(plan, trained, zoo.zoo_dir() / f"{plan.hash}.safetensors")


def test_operations_of_a_chain_of_convolutions():
    plan = TrainingPlan(network="bfcnn", width=5, blocks=4, image_size=10)
    assert operations(plan) == 9 * 10 * 10 * (5 + 5 * 5 + 5 * 5 + 5)


def test_cost_is_that_of_the_nearest_network_by_images_and_operations(home):
    keep_record(TINY, 72.0)
    keep_record(replace(TINY, n_images=10), 72.0)
    keep_record(replace(TINY, width=16), 720.0)
    keep_record(replace(TINY, n_images=11), 50.0)  # too short to tell
    keep_record(replace(TINY, width=5), 1e6, device="cuda")
    twice = replace(TINY, seed=3, images_trained=6400)
    wider = replace(TINY, width=5)
    costs = forecast([twice, wider], "cpu")
    assert costs.images_left == {twice: 6400, wider: 3200}
    assert costs.hours[twice] == pytest.approx(2 * 2 * 72 / 3600)
    ratio = operations(wider) / operations(TINY)
    assert costs.hours[wider] == pytest.approx(ratio * 2 * 72 / 3600)
    assert costs.core_hours == pytest.approx(sum(costs.hours.values()))
    assert zoo.machine()["machine"] in costs.source


def test_other_processors_do_not_tell(home, monkeypatch):
    monkeypatch.setattr(forecasting, "MEASURED_SECONDS", 0.05)
    here = zoo.machine()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(zoo, "machine", lambda: here | {"features": "none of these"})
        keep_record(TINY, 1e6)
    assert "measurement" in forecast([TINY], "cpu").source
    keep_record(replace(TINY, seed=1), 72.0)
    costs = forecast([TINY], "cpu")
    assert costs.hours[TINY] == pytest.approx(2 * 72 / 3600)
    assert here["features"] in costs.source


def test_without_any_network_it_is_measured(home, monkeypatch):
    monkeypatch.setattr(forecasting, "MEASURED_SECONDS", 0.05)
    threads = torch.get_num_threads()
    wider = replace(TINY, width=8)
    costs = forecast([TINY, wider], "cpu")
    assert 0 < costs.hours[TINY] < costs.hours[wider] and "measurement" in costs.source
    assert torch.get_num_threads() == threads
    assert forecast([], "cpu").core_hours == 0


def test_what_a_checkpoint_has_seen_is_not_left(home):
    assert images_left(TINY) == 3200
    path = zoo.checkpoint_path(TINY)
    state = training._State(TINY, torch.device("cpu"))
    state.step = 60
    state.save(path)
    assert images_left(TINY) == 3200 - 60 * 32
    other = replace(TINY, seed=1)
    path.rename(zoo.checkpoint_path(other))
    assert images_left(other) == 3200  # it is not a checkpoint of that plan
    zoo.checkpoint_path(other).write_bytes(b"half")
    assert images_left(other) == 3200


def test_wall_time_is_that_of_the_last_to_end():
    plans = [replace(TINY, seed=seed) for seed in range(4)]
    costs = Forecast({}, dict(zip(plans, [1.0, 3.0, 1.0, 2.0], strict=True)), "")
    assert costs.wall_hours(1) == 7 and costs.wall_hours(2) == 4 and costs.wall_hours(9) == 3
