"""The quality rule of the zoo: what each network is judged on, and the verdict.

The rule was written down before the held-out images were looked at. It has two parts.

1. *Above the identity line*: at none of `SIGMAS` is the output's PSNR below the input's.
2. *Levelled off*: at none of `denoise_lib.training.CURVE_SIGMAS` does the stored learning
   curve gain `LEVEL_DB` or more over the last `LAST_PART` of the training images.

Networks of more than `FEW_IMAGES` training images are judged on images that they were not
trained on: held-out ones for the first part, tuning ones for the second. The others memorize
their training images, which is their purpose, and are judged on those.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from denoise_lib import images
from denoise_lib.files import project_root, sha256, write_text
from denoise_lib.measures.psnr import input_psnr, psnr, squared_errors
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import CURVE_SIGMAS, FEW_IMAGES
from denoise_lib.zoo import Entry, entries, load
from denoise_lib.zoo_samples import sample_file, sampled, write_samples

SIGMAS = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
N_IMAGES = 200
NOISE_SEED = 4
LEVEL_DB = 0.1
LAST_PART = 0.2
RULE = {
    "sigmas": list(SIGMAS),
    "n_images": N_IMAGES,
    "noise_seed": NOISE_SEED,
    "level_db": LEVEL_DB,
    "last_part": LAST_PART,
    "few_images": FEW_IMAGES,
}
"""What a stored measurement depends on beside the network's file."""


@dataclass(frozen=True)
class Verdict:
    """What became of one network.

    Parameters
    ----------
    margin_db : float
        Smallest of output minus input PSNR over `SIGMAS`.
    margin_sigma : float
        Where it is smallest.
    gain_db : float
        Largest rise of the learning curve over the last part of the images.
    gain_sigma : float
        Where it is largest.
    """

    margin_db: float
    margin_sigma: float
    gain_db: float
    gain_sigma: float

    @property
    def above(self) -> bool:
        """Whether the curve lies on or above the identity line everywhere."""
        return self.margin_db >= 0

    @property
    def level(self) -> bool:
        """Whether the learning curve has levelled off at every noise level."""
        return self.gain_db < LEVEL_DB


def results_file() -> Path:
    """Return where the measurements are kept."""
    return project_root() / "book" / "results" / "zoo.json"


def judged_on_training(plan: TrainingPlan) -> bool:
    """Say whether a network has so few images that it is judged on those."""
    return plan.n_images <= FEW_IMAGES


def judged_images(plan: TrainingPlan) -> Tensor:
    """Return the `N_IMAGES` clean images on which the PSNR curve of a network is measured.

    Few training images are repeated (each time with other noise), and so are
    held-out ones where a class has fewer.

    Returns
    -------
    Tensor of float32, shape (N_IMAGES, 1, size, size)
    """
    if judged_on_training(plan):
        some = images.load(plan.image_class, plan.image_size, plan.subset, plan.n_images)
    else:
        some = images.load(plan.image_class, plan.image_size, "held-out")[:N_IMAGES]
    return some[torch.arange(N_IMAGES) % len(some)]


def curve(
    denoiser: nn.Module, plan: TrainingPlan, sigmas: tuple[float, ...] = SIGMAS
) -> list[float]:
    """Return the output PSNR in dB of a network at each of ``sigmas``."""
    errors = squared_errors(denoiser, judged_images(plan), sigmas, seed=NOISE_SEED)
    return psnr(errors.mean(axis=1)).round(3).tolist()


def last_gains(record: dict[str, Any]) -> np.ndarray:
    """Return how many dB a stored learning curve gains over the last part of its images.

    Parameters
    ----------
    record : dict
        Of a network, as `denoise_lib.zoo.store` writes it.

    Returns
    -------
    ndarray, shape (len(CURVE_SIGMAS),)
        From the last point at or before that part to the end, on the images
        that the network is judged on.
    """
    kind = "train" if judged_on_training(TrainingPlan.from_dict(record["plan"])) else "tuning"
    points = record["curve"]
    start = (1 - LAST_PART) * points[-1]["images"]
    before = [point for point in points if point["images"] <= start][-1]
    return np.subtract(points[-1][kind], before[kind])


def verdict(psnr_db: list[float], record: dict[str, Any]) -> Verdict:
    """Judge one network by its measured curve and the learning curve in its record."""
    margins = np.subtract(psnr_db, input_psnr(np.array(SIGMAS)))
    gains = last_gains(record)
    worst, last = int(margins.argmin()), int(gains.argmax())
    return Verdict(float(margins[worst]), SIGMAS[worst], float(gains[last]), CURVE_SIGMAS[last])


def stored() -> dict[str, dict[str, Any]]:
    """Return the measurements that were made by the present rule, by plan hash."""
    path = results_file()
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return dict(found["networks"]) if found["rule"] == RULE else {}


def fresh(entry: Entry, row: dict[str, Any] | None) -> bool:
    """Say whether a stored row is of this very file, and its sprite the one that was drawn."""
    if row is None or row["sha256"] != sha256(entry.path.read_bytes()):
        return False
    plan = TrainingPlan.from_dict(entry.record["plan"])
    if not sampled(plan):
        return row["samples_sha256"] is None
    sprite = sample_file(plan)
    return sprite.exists() and sha256(sprite.read_bytes()) == row["samples_sha256"]


def measure() -> Path:
    """Measure every network that is new or changed, draw its samples, and forget those gone.

    Returns
    -------
    Path
        `results_file`, which holds a row for each network of the zoo.
    """
    before, rows = stored(), {}
    for entry in entries():
        plan = TrainingPlan.from_dict(entry.record["plan"])
        row = before.get(plan.hash)
        if not fresh(entry, row):
            row = _row(entry, plan)
        rows[plan.hash] = row
        # after each network: an interruption costs one
        text = json.dumps({"rule": RULE, "networks": before | rows}, indent=1, sort_keys=True)
        write_text(results_file(), text + "\n")
    text = json.dumps({"rule": RULE, "networks": rows}, indent=1, sort_keys=True)
    write_text(results_file(), text + "\n")
    kept = {f"{name}.png" for name, row in rows.items() if row and row["samples_sha256"]}
    for sprite in (project_root() / "book" / "_assets" / "zoo").glob("*.png"):
        if sprite.name not in kept:
            sprite.unlink()
    return results_file()


def _row(entry: Entry, plan: TrainingPlan) -> dict[str, Any]:
    denoiser, _ = load(entry.path)
    drawn = write_samples(denoiser, plan) if sampled(plan) else None
    found = curve(denoiser, plan)
    return {
        "sha256": sha256(entry.path.read_bytes()),
        "psnr": found,
        "samples_sha256": drawn,
    }
