"""Train the small networks from which the book's recipe was chosen.

Run several side by side, one thread each: every network is trained once.

    OMP_NUM_THREADS=1 python benchmarks/recipe_study.py
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import filelock
from safetensors.torch import save_file

from denoise_lib.files import cache_dir, replacing
from denoise_lib.training import Recipe, TrainingPlan, train

LARGEST = 33_490
IMAGES = 160_000
BASE = {"sigma_law": "log", "sigma_max": 3.0, "weight_power": 1.0}


def plan(n=LARGEST, image_class="fashion", norm=False, seed=0, images=IMAGES, **recipe):
    return TrainingPlan(
        image_class=image_class, n_images=n, seed=seed, normalization=norm, images_trained=images,
        recipe=Recipe(**{**BASE, **recipe}),
    )  # fmt: skip


CHOSEN = {"learning_rate": 4e-3}
STUDY = {
    "base": (plan(), "bfloat16"),
    "square-0.5": (plan(sigma_law="square", weight_power=0.5), "bfloat16"),
    "averaging": (plan(averaging=0.1), "bfloat16"),
    "weight-0.5": (plan(weight_power=0.5), "bfloat16"),
    "weight-1.5": (plan(weight_power=1.5), "bfloat16"),
    "rate-2e-3": (plan(learning_rate=2e-3), "bfloat16"),
    "rate-4e-3": (plan(**CHOSEN), "bfloat16"),
    "normalized": (plan(norm=True, **CHOSEN), "bfloat16"),
    "one-image": (plan(n=1, **CHOSEN), "bfloat16"),
    "rate-8e-3": (plan(learning_rate=8e-3), "bfloat16"),
    "one-image-float32": (plan(n=1, **CHOSEN), "float32"),
    "sigma-max-1.5": (plan(sigma_max=1.5, **CHOSEN), "bfloat16"),
    "one-image-seed-1": (plan(n=1, seed=1, **CHOSEN), "bfloat16"),
    "float32": (plan(**CHOSEN), "float32"),
    "seed-1": (plan(seed=1, **CHOSEN), "bfloat16"),
    "garments": (plan(n=15_990, image_class="fashion:0,2,3,4,6", **CHOSEN), "bfloat16"),
    "paper-scaled": (
        plan(norm=True, sigma_law="square", sigma_max=1.0, weight_power=0.0, batch=128),
        "bfloat16",
    ),
}


def folder() -> Path:
    return cache_dir() / "recipe-study"


def train_all() -> None:
    folder().mkdir(parents=True, exist_ok=True)
    for name, (wanted, precision) in STUDY.items():
        path = folder() / f"{name}.safetensors"
        lock = filelock.FileLock(folder() / f".{name}.lock")
        try:
            with lock.acquire(timeout=0):
                if path.exists():
                    continue
                training = train(
                    wanted, precision=precision, checkpoint=folder() / f".{name}.checkpoint"
                )
                last = 0
                while True:
                    try:
                        progress = next(training)
                    except StopIteration as stop:
                        trained = stop.value
                        break
                    if progress.images_seen > last + 16000:
                        last = progress.images_seen
                        print(name, progress, flush=True)
                record = {
                    "plan": asdict(wanted), "how": trained.how, "curve": trained.curve,
                }  # fmt: skip
                with replacing(path) as temporary:
                    save_file(
                        {k: v.contiguous() for k, v in trained.network.state_dict().items()},
                        temporary, {"record": json.dumps(record)},
                    )  # fmt: skip
                (folder() / f".{name}.checkpoint").unlink(missing_ok=True)
                print(name, "done", trained.how, flush=True)
        except filelock.Timeout:
            continue


if __name__ == "__main__":
    os.nice(int(os.environ.get("NICE", "0")))
    train_all()
    sys.exit()
