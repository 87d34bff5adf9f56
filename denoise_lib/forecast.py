"""What training will cost before it begins: images left, core-hours, wall time.

Trained networks say how long they took. Another one is taken to need as much
time for each multiplication as the trained one that is nearest to it in size.
"""

from __future__ import annotations

import heapq
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from denoise_lib.devices import pick_device
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import multiplies_bfloat16
from denoise_lib.zoo import checkpoint_path, entries, machine, user_dir, zoo_dir

MEASURED_SECONDS = 1.0
LONG_SECONDS = 60.0  # a shorter training tells more of its start than of its speed
# What the paper reports for one network of its own (appendix A): 16 hours on four NVIDIA A100.
PAPER_PLAN = TrainingPlan(
    image_size=80, width=64, blocks=3, normalization=True, images_trained=250_000_000
)
# And what this library takes for it on an H200, at 12,800 images a second (benchmarks/gpu.json).
PAPER_HOURS = {"A100": 4 * 16.0, "H200": PAPER_PLAN.images_trained / 12_800 / 3600}


@dataclass(frozen=True)
class Forecast:
    """What the training of some plans still costs.

    Parameters
    ----------
    images_left : dict of TrainingPlan to int
        Training images that no checkpoint has seen.
    hours : dict of TrainingPlan to float
        Of one core, or of one GPU.
    source : str
        What the speed was taken from.
    """

    images_left: dict[TrainingPlan, int]
    hours: dict[TrainingPlan, float]
    source: str

    @property
    def core_hours(self) -> float:
        """Hours of one core (or one GPU) for all plans."""
        return sum(self.hours.values())

    def wall_hours(self, jobs: int) -> float:
        """Hours until the last plan is trained, ``jobs`` at a time and in their order."""
        free_at = [0.0] * jobs
        for hours in self.hours.values():
            heapq.heapreplace(free_at, free_at[0] + hours)
        return max(free_at)


@dataclass(frozen=True)
class _Speed:
    """How long one network took: seconds of one core for each image."""

    plan: TrainingPlan
    seconds: float
    machine: str
    long: bool


def forecast(plans: Sequence[TrainingPlan], device: str = "auto") -> Forecast:
    """Estimate what the training of some plans still costs on a machine like this one.

    Parameters
    ----------
    plans : sequence of TrainingPlan
    device : str

    Returns
    -------
    Forecast
        From the networks in the zoo and in the user's cache that were trained
        on a machine of this kind; where there are none, from a second's
        measurement of the largest network, here.
    """
    left = {plan: images_left(plan) for plan in plans}
    if not plans:
        return Forecast(left, {}, "nothing to train")
    kind = pick_device(device)
    known = _known_speeds(kind.type)
    if known:
        source = f"as fast as {len(known)} networks trained on {known[0].machine}"
    else:
        known = [_measured_speed(max(plans, key=operations), kind)]
        source = "as fast as the largest of them in a second's measurement"
    hours = {plan: left[plan] * _seconds(plan, known) / 3600 for plan in plans}
    return Forecast(left, hours, source)


def gpu_hours(plans: Sequence[TrainingPlan], gpu: str) -> float:
    """Estimate what the training of some plans still costs on one GPU.

    Multiplications are counted on the network itself. A GPU is taken to need as much
    time for each as for those of the paper's own network of 64 channels, which sees
    250 million images of 80x80 pixels: about 64 hours of one A100, as the paper
    reports, and five and a half of an H200, as fast as this library trained it there.
    Small networks keep a GPU less busy than that, so their estimate is too low.

    Parameters
    ----------
    plans : sequence of TrainingPlan
    gpu : {"A100", "H200"}

    Examples
    --------
    >>> gpu_hours([PAPER_PLAN], "A100")
    64.0
    """
    hours_each = PAPER_HOURS[gpu] / (operations(PAPER_PLAN) * PAPER_PLAN.images_trained)
    return sum(operations(plan) * images_left(plan) * hours_each for plan in plans)


def images_left(plan: TrainingPlan) -> int:
    """Return how many training images the user's checkpoint of a plan has not seen."""
    try:
        with safe_open(checkpoint_path(plan), "pt") as file:
            metadata: dict[str, Any] = file.metadata()
        step = json.loads(metadata["progress"])["step"] if metadata["plan"] == plan.hash else 0
    except (SafetensorError, OSError, LookupError, TypeError, ValueError):
        step = 0  # there is none, or none that the training could go on from
    return (plan.steps - step) * plan.recipe.batch


def operations(plan: TrainingPlan) -> int:
    """Return how many multiplications the convolutions of a plan's network need for one image."""
    return _operations(plan.network, plan.width, plan.blocks, plan.image_size)


@lru_cache(maxsize=256)
def _operations(network: str, width: int, blocks: int, size: int) -> int:
    plan = TrainingPlan(network=network, width=width, blocks=blocks, image_size=size)
    counts = []

    def count(layer: nn.Module, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        # as many positions as the input has, also where a transposed convolution doubles them
        assert isinstance(layer.weight, torch.Tensor)
        counts.append(layer.weight.numel() * inputs[0][0, 0].numel())

    model = plan.build()
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        model(torch.zeros(1, 1, size, size))
    return sum(counts)


def _known_speeds(device_type: str) -> list[_Speed]:
    """Return the speeds on record of machines like this one, long trainings before short ones."""
    speeds = []
    for record in (entry.record for folder in (zoo_dir(), user_dir()) for entry in entries(folder)):
        how = record["how"]
        if how["device"] == device_type and _kind(how) == _kind(machine()):
            cores = how["threads"] if device_type == "cpu" else 1
            seconds = how["seconds"] * cores / record["images_seen"]
            plan = TrainingPlan.from_dict(record["plan"])
            long = how["seconds"] >= LONG_SECONDS
            speeds.append(_Speed(plan, seconds, _kind(how), long))
    return [speed for speed in speeds if speed.long] or speeds


def _kind(of: dict[str, Any]) -> str:
    # one name may stand for processors of which the newer trains several times faster
    return f"{of['machine']}, {of.get('features')}"


def _seconds(plan: TrainingPlan, known: list[_Speed]) -> float:
    """Return the seconds of one core that an image of a plan takes."""

    def distance(speed: _Speed) -> tuple[bool, float]:
        other = (speed.plan.network, speed.plan.normalization) != (plan.network, plan.normalization)
        return other, abs(math.log(operations(speed.plan) / operations(plan)))

    nearest = min(map(distance, known))
    return median(
        speed.seconds * operations(plan) / operations(speed.plan)
        for speed in known
        if distance(speed) == nearest
    )


def _measured_speed(plan: TrainingPlan, device: torch.device) -> _Speed:
    """Return the speed of a plan's steps on random images, in one thread, measured for a second."""
    network = plan.build().to(device)
    batch = torch.rand(plan.recipe.batch, 1, plan.image_size, plan.image_size, device=device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        steps, started = -1, 0.0
        while steps < 1 or time.monotonic() - started < MEASURED_SECONDS:
            if steps == 0:  # the first step also prepares
                started = time.monotonic()
            with torch.autocast(device.type, torch.bfloat16, enabled=multiplies_bfloat16(device)):
                loss = network(batch).float().square().mean()
            loss.backward()
            loss.item()  # a GPU works on while this goes on
            steps += 1
        seconds = (time.monotonic() - started) / (steps * plan.recipe.batch)
    finally:
        torch.set_num_threads(threads)
    return _Speed(plan, seconds, _kind(machine()), long=False)
