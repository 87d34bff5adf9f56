"""A machine with a GPU: training on its processor and on the GPU; samples and Jacobians on the GPU.

`make bench` shows the last that was measured:

    python -m benchmarks.gpu

It takes about four minutes, and memory of the GPU for 512 images of 80x80 in float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import plain
from benchmarks.bench import (
    CORES,
    Effort,
    Row,
    jacobian_rows,
    papers_trial,
    rate,
    sampling_row,
    training_rows,
    turn_by_turn,
    use_of_machine,
)
from denoise_lib.experiments import named_plans
from denoise_lib.files import write_text
from denoise_lib.images import image_sets
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import train
from denoise_lib.zoo import get_denoiser, machine

RESULTS = Path(__file__).with_name("gpu.json")
# such a machine is lent by the minute: fewer turns than on one's own
EFFORT = Effort(turns=1, seconds=2.0, matrices=(2048, 4096), large_turns=1)
ON_GPU = replace(EFFORT, turns=2, matrices=(4096, 8192))
FOR_EVER = 10**9


def show(rows: list[Row]) -> list[Row]:
    """Print what has been measured, as it comes."""
    for row in rows:
        print(f"{row.work}: {row.plain_seconds:.4g} s, {row.ours_seconds:.4g} s, {row.ratio:.3g}")
    return rows


def book_network(device: str, plan: TrainingPlan) -> nn.Module:
    """Return a network of the zoo."""
    return get_denoiser(plan, allow_training=False, device=device)


LARGEST = TrainingPlan(n_images=papers_trial()["plan"]["n_images"])
PHOTOS = TrainingPlan("photos", 40, n_images=640_000, images_trained=640_000)


def on_processor(effort: Effort) -> tuple[list[Row], list[dict[str, Any]]]:
    """Measure training and samples without the GPU."""
    rows, use, _ = training_rows(effort)
    show(rows)
    torch.set_num_threads(CORES)
    row, _ = sampling_row(effort, book_network("cpu", LARGEST))
    return rows + show([row]), use


def plans(effort: Effort) -> dict[str, TrainingPlan]:
    """Return what is trained on the GPU: the book's networks, and the paper's; all on discs."""
    usual = TrainingPlan("discs", plain.SIZE, n_images=1000, images_trained=FOR_EVER)
    named = {f"training UNet {w} channels, GPU": replace(usual, width=w) for w in effort.widths}
    paper = next(plan for plan in named_plans("paper") if plan.image_class == "discs")
    paper = replace(paper, n_images=1000, images_trained=FOR_EVER)
    return named | {"training the paper's UNet, 80x80, GPU": paper}


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


def operations_per_image(plan: TrainingPlan) -> float:
    """Return the floating-point operations of one image's forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        plan.build()(torch.zeros(1, 1, plan.image_size, plan.image_size)).sum().backward()
    return counter.get_total_flops()


def best_product(effort: Effort, precision: str) -> float:
    """Return the operations a second of the fastest matrix product."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    try:
        return max(
            rate(plain.product(n, dtype, "cuda"), effort.seconds / 4)
            for _ in range(effort.turns)
            for n in effort.matrices
        )
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def training_on_gpu(effort: Effort) -> tuple[list[Row], list[dict[str, Any]]]:
    """Measure training, and how much of the GPU either way uses."""
    # torch multiplies in TF32 in the convolutions of the plain way, unless it is told not to
    best = {"plain": best_product(effort, "tf32"), "ours": best_product(effort, "bfloat16")}
    rows, use, thousand = [], [], 1000.0
    for work, plan in plans(effort).items():
        ways = plain_training(plan), our_training(plan)
        for _ in range(2):  # compiled, and recorded
            next(ways[1])
        sides = (lambda way=way: thousand / rate(way, effort.seconds) for way in ways)
        row = turn_by_turn(work, effort.turns, *sides)
        rows += show([row])
        used = use_of_machine(row, thousand * operations_per_image(plan), best, "bfloat16")
        used[0]["precision"] = "tf32"
        use += used
        torch.cuda.empty_cache()
    return rows, use


def on_gpu(effort: Effort) -> tuple[list[Row], list[dict[str, Any]]]:
    """Measure what is done on the GPU."""
    rows, use = training_on_gpu(effort)
    row, _ = sampling_row(effort, book_network("cuda", LARGEST))
    show([row])
    both = (book_network("cuda", plan) for plan in (LARGEST, PHOTOS))
    others = [row, *show(jacobian_rows(effort, *both))]
    return rows + [replace(other, work=f"{other.work}, GPU") for other in others], use


def main() -> None:
    """Measure, and keep what was found in ``gpu.json``."""
    rows, use = on_processor(EFFORT)
    more_rows, more_use = on_gpu(ON_GPU)
    here = machine()
    results = {
        "rows": [asdict(row) | {"ratio": row.ratio} for row in rows + more_rows],
        "flops": use + more_use,
        "machine": f"{here['machine']}, {here['features']}",
        "versions": here["versions"],
    }
    write_text(RESULTS, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
