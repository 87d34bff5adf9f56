"""A few samples of each network of a real class, kept as one small picture a network."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from torch import nn

from denoise_lib.figures import tile
from denoise_lib.files import project_root, sha256, write_bytes
from denoise_lib.plan import TrainingPlan
from denoise_lib.sampling import sample

REAL = ("fashion", "photos")
SEEDS = (1, 2, 3, 4)


def sampled(plan: TrainingPlan) -> bool:
    """Say whether a network's class is photographs of things, so that its samples tell a reader."""
    return plan.image_class.partition(":")[0] in REAL


def sample_file(plan: TrainingPlan) -> Path:
    """Return the picture of a network's samples."""
    return project_root() / "book" / "_assets" / "zoo" / f"{plan.hash}.png"


def write_samples(denoiser: nn.Module, plan: TrainingPlan) -> str:
    """Draw one sample a seed, the same noise for every network, into one row.

    Returns
    -------
    str
        SHA-256 of the picture.
    """
    drawn = sample(denoiser, plan.image_size, SEEDS).images
    data = io.BytesIO()
    Image.fromarray(tile(drawn, len(SEEDS))).save(data, "png", optimize=True)
    write_bytes(sample_file(plan), data.getvalue())
    return sha256(data.getvalue())
