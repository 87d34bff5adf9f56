"""What a network learns: its plan, and the name that the plan gives it."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import torch

from denoise_lib.errors import ParameterError
from denoise_lib.networks import BFCNN, NETWORKS, UNet


def entropy(seed: int, *stream: int | str) -> int:
    """Return a 32-bit seed for one stream of random numbers of one network."""
    words = [int.from_bytes(s.encode()[:4], "little") if isinstance(s, str) else s for s in stream]
    return int(np.random.SeedSequence([seed, *words]).generate_state(1)[0])


@dataclass(frozen=True)
class Recipe:
    """How the noise is drawn, how the error is weighted, and how steps are taken.

    The defaults are the book's recipe, chosen on tuning images (page "The recipe").

    Parameters
    ----------
    batch : int
        Images a step.
    learning_rate : float
        Of Adam, reached after `warmup` images and then lowered to zero by a cosine.
    warmup : int
        Images over which the learning rate rises.
    sigma_law : {"log", "square"}
        ``log``: log sigma is uniform between `sigma_min` and `sigma_max`;
        ``square``: sigma = `sigma_max` u^2, u uniform on [0, 1] (paper).
    sigma_min, sigma_max : float
        Smallest (of the ``log`` law) and largest noise level.
    weight_power : float
        The squared error is divided by (sigma + 0.01)^`weight_power`.
    averaging : float
        The weights kept are a running average over about this fraction of the
        images seen so far; 0 keeps the last ones.
    """

    batch: int = 32
    learning_rate: float = 4e-3
    warmup: int = 3200
    sigma_law: str = "log"
    sigma_min: float = 0.01
    sigma_max: float = 3.0
    weight_power: float = 1.0
    averaging: float = 0.0

    def __post_init__(self) -> None:
        if self.sigma_law not in ("log", "square"):
            raise ParameterError("sigma_law", self.sigma_law, "laws are 'log' and 'square'")
        if not 0 < self.sigma_min < self.sigma_max:
            raise ParameterError(
                "sigma_min",
                self.sigma_min,
                f"give a level between 0 and sigma_max={self.sigma_max}",
            )
        if self.batch < 1:
            raise ParameterError("batch", self.batch, "give 1 or more images a step")


@dataclass(frozen=True)
class TrainingPlan:
    """What is learned: two plans that are equal give the same network.

    Parameters
    ----------
    image_class : str
        A class of `denoise_lib.images`.
    image_size : int
        Side in pixels.
    subset : {"A", "B", "C", "D"}
        Which of the disjoint sets.
    n_images : int
        Size N of the training set: the first N images of the subset.
    seed : int
        Of the initial weights, the noise and the order of the images.
    network : {"unet", "bfcnn"}
        Architecture.
    width : int
        Channels of the first block (UNet), or of each layer (BF-CNN).
    blocks : int
        Number of blocks (UNet), or of layers (BF-CNN).
    normalization : bool
        The paper's division by the standard deviation.
    images_trained : int
        Training images seen, counting repetitions: the same for every N.
    recipe : Recipe
    """

    image_class: str = "fashion"
    image_size: int = 32
    subset: str = "A"
    n_images: int = 1000
    seed: int = 0
    network: str = "unet"
    width: int = 16
    blocks: int = 3
    normalization: bool = False
    images_trained: int = 640_000
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        if self.network not in NETWORKS:
            raise ParameterError("network", self.network, f"networks are {', '.join(NETWORKS)}")
        if self.subset not in ("A", "B", "C", "D"):
            raise ParameterError("subset", self.subset, "networks are trained on A, B, C or D")
        if self.n_images < 1:
            raise ParameterError("n_images", self.n_images, "give 1 image or more")
        if self.network == "unet" and self.image_size % 2**self.blocks:
            raise ParameterError(
                "image_size",
                self.image_size,
                f"a UNet of {self.blocks} blocks needs a multiple of {2**self.blocks}",
            )
        if self.images_trained < self.recipe.batch:
            raise ParameterError(
                "images_trained", self.images_trained, f"one step needs {self.recipe.batch}"
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingPlan:
        """Return the plan that `dataclasses.asdict` made ``values`` from (keys may be left out)."""
        known = {f.name for f in fields(cls)}
        unknown = [f"plan.{key}" for key in values if key not in known]
        recipe = dict(values.get("recipe", {}))
        unknown += [f"recipe.{key}" for key in recipe if key not in Recipe.__dataclass_fields__]
        if unknown:
            raise ParameterError("plan", unknown, f"a plan has {', '.join(sorted(known))}")
        return cls(**{**values, "recipe": Recipe(**recipe)})

    @property
    def hash(self) -> str:
        """Name of what is learned, 12 hexadecimal digits of the SHA-256 of the plan."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def steps(self) -> int:
        """Number of steps of gradient descent."""
        return self.images_trained // self.recipe.batch

    def build(self) -> UNet | BFCNN:
        """Return the untrained network, its weights drawn from `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(entropy(self.seed, "weights"))
            kind = UNet if self.network == "unet" else BFCNN
            return kind(self.width, self.blocks, self.normalization)

    def __str__(self) -> str:
        return (
            f"{self.image_class} {self.image_size}x{self.image_size}, N = {self.n_images} of set "
            f"{self.subset}, {self.network} of {self.width} channels, seed {self.seed}"
        )


def plans(networks: list[dict[str, Any]]) -> list[TrainingPlan]:
    """Return the plans that a profile names.

    Parameters
    ----------
    networks : list of dict
        Fields of `TrainingPlan`; where a value is a list, one plan for each of
        its items (for several lists, for each combination).

    Returns
    -------
    list of TrainingPlan
        In the order named, each once.

    Examples
    --------
    >>> [plan.n_images for plan in plans([{"n_images": [1, 10], "width": 8}])]
    [1, 10]
    """
    named: dict[TrainingPlan, None] = {}
    for grid in networks:
        choices = [value if isinstance(value, list) else [value] for value in grid.values()]
        for combination in itertools.product(*choices):
            named[TrainingPlan.from_dict(dict(zip(grid, combination, strict=True)))] = None
    return list(named)
