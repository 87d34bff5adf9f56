"""Choose the recipe: train small networks that differ in one thing each, and measure them.

    make recipe

About 80 minutes of one core, once; what is trained stays in the user's cache and
is not trained again. Everything is measured on *tuning* images, and written to
``benchmarks/recipe.json``, from which the page "The recipe" is drawn.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from rich.progress import track
from safetensors.torch import load_file, save_file
from torch import nn

from denoise_lib import images, zoo
from denoise_lib.files import cache_dir, replacing, write_text
from denoise_lib.measures.psnr import psnr, squared_errors
from denoise_lib.measures.statistics import bootstrap
from denoise_lib.plan import Recipe, TrainingPlan
from denoise_lib.progress import show_training
from denoise_lib.training import train

LARGEST = 33_490
SIGMAS = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0]
JUDGED = 300
RESULTS = Path(__file__).with_name("recipe.json")


@dataclass(frozen=True)
class Trial:
    """One network of the study.

    Parameters
    ----------
    question : str
        What it helps to decide.
    label : str
        What is different in it.
    against : str
        The trial it is compared with, image by image and with the same noise.
    n_images, seed : int
    normalization : bool
    precision : {"bfloat16", "float32-end", "float32"}
    recipe : dict
        What differs from the plainest recipe of the study.
    """

    question: str
    label: str
    against: str = ""
    n_images: int = LARGEST
    seed: int = 0
    normalization: bool = False
    precision: str = "bfloat16"
    recipe: dict[str, Any] = field(default_factory=dict)

    @property
    def plan(self) -> TrainingPlan:
        """The plan of the network: 160,000 training images, a quarter of the book's."""
        plainest = {"learning_rate": 1e-3, "sigma_law": "log", "sigma_max": 3.0}
        return TrainingPlan(
            n_images=self.n_images,
            seed=self.seed,
            normalization=self.normalization,
            images_trained=160_000,
            recipe=Recipe(**plainest | self.recipe),
        )


CHOSEN = {"learning_rate": 4e-3}
SQUARE = {"sigma_law": "square"}
PAPER = {**SQUARE, "sigma_max": 1.0, "weight_power": 0.0, "batch": 128}
OURS, ONE = "rate-4e-3", "one-image"
STUDY = {
    "base": Trial("weighting", "uniform log sigma, 1/sigma"),
    "weight-0.5": Trial(
        "weighting", "uniform log sigma, 1/sigma^0.5", "base", recipe={"weight_power": 0.5}
    ),
    "weight-1.5": Trial(
        "weighting", "uniform log sigma, 1/sigma^1.5", "base", recipe={"weight_power": 1.5}
    ),
    "square-0.5": Trial(
        "weighting", "sigma = 3 u^2, 1/sigma^0.5", "base", recipe={**SQUARE, "weight_power": 0.5}
    ),
    "rate-2e-3": Trial("learning rate", "2e-3", "base", recipe={"learning_rate": 2e-3}),
    "rate-4e-3": Trial("learning rate", "4e-3", "base", recipe=CHOSEN),
    "sigma-max-1.5": Trial("largest sigma", "1.5", OURS, recipe={**CHOSEN, "sigma_max": 1.5}),
    "averaging": Trial(
        "averaging", "running average of weights", "base", recipe={"averaging": 0.1}
    ),
    "normalized": Trial(
        "normalization", "by the standard deviation", OURS, normalization=True, recipe=CHOSEN
    ),
    "paper-scaled": Trial(
        "the paper's recipe", "scaled down", OURS, normalization=True, recipe=PAPER
    ),
    "float32": Trial("precision", "largest N, float32", OURS, precision="float32", recipe=CHOSEN),
    "seed-1": Trial("precision", "largest N, another seed", OURS, seed=1, recipe=CHOSEN),
    "one-image": Trial("precision", "N = 1", n_images=1, recipe=CHOSEN),
    "one-image-float32": Trial(
        "precision", "N = 1, float32", ONE, n_images=1, precision="float32", recipe=CHOSEN
    ),
    "one-image-float32-end": Trial(
        "precision",
        "N = 1, float32 at the end",
        ONE,
        n_images=1,
        precision="float32-end",
        recipe=CHOSEN,
    ),
    "one-image-seed-1": Trial(
        "precision", "N = 1, another seed", ONE, n_images=1, seed=1, recipe=CHOSEN
    ),
}


def folder() -> Path:
    """Return where the networks of the study are kept, in float32."""
    return cache_dir() / "recipe-study"


def train_one(name: str) -> str:
    """Train one network of the study unless it is there; a killed training is resumed."""
    torch.set_num_threads(1)
    trial, path = STUDY[name], folder() / f"{name}.safetensors"
    if path.exists() and zoo.read_record(path)["plan"] == asdict(trial.plan):
        return name
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = folder() / f".{name}.checkpoint"
    training = train(trial.plan, device="cpu", precision=trial.precision, checkpoint=checkpoint)
    trained = show_training(training, name, lambda _: None)
    record = {"plan": asdict(trial.plan), "how": trained.how, "curve": trained.curve}
    with replacing(path) as temporary:
        save_file(
            {k: v.contiguous() for k, v in trained.network.state_dict().items()},
            temporary,
            {"record": json.dumps(record)},
        )
    checkpoint.unlink(missing_ok=True)
    return name


def rounded(network: nn.Module, trial: Trial) -> nn.Module:
    """Return the network as the zoo stores it."""
    copy = trial.plan.build().eval()
    copy.load_state_dict(
        {name: zoo.stored(name, value).float() for name, value in network.state_dict().items()}
    )
    return copy


@cache
def judged(name: str) -> tuple[nn.Module, np.ndarray]:
    """Return a network of the study and its squared errors, at every level, image by image."""
    trial = STUDY[name]
    network = trial.plan.build().eval()
    network.load_state_dict(load_file(folder() / f"{name}.safetensors"))
    return network, squared_errors(network, judged_on(trial), SIGMAS)


def judged_on(trial: Trial) -> torch.Tensor:
    """Return the images: tuning images, but for N = 1 the one image, which is all it knows."""
    if trial.n_images == 1:
        return images.load("fashion", 32, "A", 1).repeat(JUDGED, 1, 1, 1)
    return images.load("fashion", 32, "tuning")[:JUDGED]


def gain(errors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the PSNR minus that of the reference, at every level."""
    return psnr(errors.mean(axis=1)) - psnr(reference.mean(axis=1))


def measure(name: str) -> dict[str, Any]:
    """Return what the page shows of one network."""
    trial = STUDY[name]
    network, errors = judged(name)
    kept = squared_errors(rounded(network, trial), judged_on(trial), SIGMAS)
    row = {
        "question": trial.question,
        "label": trial.label,
        "plan": asdict(trial.plan),
        "sigmas": SIGMAS,
        "psnr": psnr(errors.mean(axis=1)).round(3).tolist(),
        "stored_gain": gain(kept, errors).round(4).tolist(),
        "how": zoo.read_record(folder() / f"{name}.safetensors")["how"],
    }
    if trial.against:
        _, reference = judged(trial.against)
        low, high = bootstrap(lambda i: gain(errors[:, i], reference[:, i]), JUDGED)
        row |= {"against": STUDY[trial.against].label}
        row |= {"gain": gain(errors, reference).round(3).tolist()}
        row |= {"gain_low": low.round(3).tolist(), "gain_high": high.round(3).tolist()}
    return row


def main(jobs: int = typer.Option(os.cpu_count() or 1, help="Networks trained side by side.")):
    """Train what is missing of the study, measure all of it, and write recipe.json."""
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes started below
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for _ in track(pool.map(train_one, STUDY), "training", len(STUDY)):
            pass
    rows = {name: measure(name) for name in track(STUDY, "measuring")}
    results = {"rows": rows, "measured_on": zoo.machine()}
    write_text(RESULTS, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
