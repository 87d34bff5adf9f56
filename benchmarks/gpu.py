"""A machine with a GPU: training and samples on its processor, then on the GPU.

The page of `make bench` shows the last that was measured:

    python -m benchmarks.gpu

It takes four minutes, and memory of the GPU for 512 images of 80x80 in float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import plain
from benchmarks.bench import (
    CORES,
    Effort,
    Row,
    papers_trial,
    rate,
    sampling_row,
    training_rows,
    turn_by_turn,
)
from denoise_lib.experiments import named_plans
from denoise_lib.files import write_text
from denoise_lib.images import image_sets
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import train
from denoise_lib.zoo import get_denoiser, machine

RESULTS = Path(__file__).with_name("gpu.json")
# such a machine is lent by the minute: fewer turns than on one's own
EFFORT = Effort(turns=1, seconds=2.0, matrices=(2048, 4096))
FOR_EVER = 10**9


def on_processor(effort: Effort) -> Iterator[Row]:
    """Measure training and samples without the GPU."""
    yield from training_rows(effort)[0]
    torch.set_num_threads(CORES)
    yield samples(effort, "cpu")


def samples(effort: Effort, device: str) -> Row:
    """Measure samples of the book's network of the largest N."""
    plan = TrainingPlan(n_images=papers_trial()["plan"]["n_images"])
    return sampling_row(effort, get_denoiser(plan, allow_training=False, device=device))[0]


def plans(effort: Effort) -> dict[str, TrainingPlan]:
    """Return what is trained on the GPU: the book's networks, and the paper's; all on discs."""
    usual = TrainingPlan("discs", plain.SIZE, n_images=1000, images_trained=FOR_EVER)
    named = {f"training UNet {w} channels": replace(usual, width=w) for w in effort.widths}
    paper = next(plan for plan in named_plans("paper") if plan.image_class == "discs")
    paper = replace(paper, n_images=1000, images_trained=FOR_EVER)
    return named | {"training the paper's UNet, 80x80": paper}


def plain_training(plan: TrainingPlan) -> Iterator[int]:
    """Yield images trained, in the plain way."""
    clean = image_sets(plan.image_class, plan.image_size).take("A", plan.n_images).cuda()
    yield from plain.training(clean, plan.build().cuda(), plan.recipe)


def our_training(plan: TrainingPlan) -> Iterator[int]:
    """Yield images trained by the library: about a second's at a time."""
    seen = 0
    for progress in train(plan, device="cuda"):
        yield progress.images_seen - seen
        seen = progress.images_seen


def on_gpu(effort: Effort) -> Iterator[Row]:
    """Measure training and samples on the GPU."""
    for work, plan in plans(effort).items():
        ways = plain_training(plan), our_training(plan)
        for _ in range(2):  # compiled, and recorded
            next(ways[1])
        sides = (lambda way=way: 1000 / rate(way, effort.seconds) for way in ways)
        yield turn_by_turn(work, effort.turns, *sides)
        torch.cuda.empty_cache()
    yield samples(effort, "cuda")


def main() -> None:
    """Measure, and keep each row in ``gpu.json`` as it comes."""
    here = machine()
    found: list[dict[str, Any]] = []
    results = {
        "machine": f"{here['machine']}, {here['features']}",
        "versions": here["versions"],
        "rows": found,
    }
    for place, rows in (
        ("processor", on_processor(EFFORT)),
        ("GPU", on_gpu(replace(EFFORT, turns=2))),
    ):
        for row in rows:
            found.append(asdict(row) | {"ratio": row.ratio, "place": place})
            print(f"{place}, {row.work}: {row.ratio:.3g}")
            write_text(RESULTS, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
