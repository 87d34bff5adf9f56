"""How a network learns what its plan says: `train`, a generator of progress."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from denoise_lib import images
from denoise_lib.devices import pick_device, worth_compiling
from denoise_lib.errors import DamagedFileError, ParameterError
from denoise_lib.files import write_bytes
from denoise_lib.images.generated import AVAILABLE, GeneratedSets
from denoise_lib.images.sets import check_n_images
from denoise_lib.measures.psnr import psnr, squared_errors
from denoise_lib.plan import Recipe, TrainingPlan, entropy
from denoise_lib.recorded import Recorded

YIELD_SECONDS = 1
CHECKPOINT_SECONDS = 60
CURVE_POINTS = 25
CURVE_STEPS = 50
CURVE_IMAGES = 64
CURVE_SIGMAS = (0.03, 0.1, 0.3, 1.0)
PRECISIONS = ("bfloat16", "float32-end", "float32")
FLOAT32_END = 0.2  # part of the steps that "float32-end" takes in float32
FEW_IMAGES = 100  # that are learned so well that bfloat16 would show (page "The recipe")


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Parameters
    ----------
    images_seen, images_total : int
    images_a_second : float
        Since this process started or resumed.
    train_psnr, tuning_psnr : float
        Output PSNR in dB, averaged over log sigma in [0.03, 1], when last measured.
    """

    images_seen: int
    images_total: int
    images_a_second: float
    train_psnr: float
    tuning_psnr: float

    @property
    def seconds_left(self) -> float:
        """Estimate of the time to the end."""
        return (self.images_total - self.images_seen) / max(self.images_a_second, 1e-9)


@dataclass
class Trained:
    """What a training ends with.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode, on the processor, float32.
    curve : list of dict
        PSNR on training and tuning images at each of `CURVE_SIGMAS`, as training went.
    how : dict
        How it was computed: device, precision, compile, seconds.
    """

    network: nn.Module
    curve: list[dict[str, Any]]
    how: dict[str, Any]


@lru_cache(maxsize=4)
def _order(seed: int, n: int, epoch: int) -> np.ndarray:
    return np.random.default_rng(entropy(seed, "order", epoch)).permutation(n)


def batch_indices(seed: int, n: int, batch: int, step: int) -> np.ndarray:
    """Return which of ``n`` images the batch of ``step`` holds.

    Epochs follow each other without a gap: every image is seen once before any
    is seen twice. A function of its arguments alone, so that a resumed training
    sees what the uninterrupted one would have seen.

    Parameters
    ----------
    seed : int
    n : int
        Images in the training set.
    batch, step : int

    Returns
    -------
    ndarray of int, shape (batch,)

    Examples
    --------
    >>> seen = [int(i) for step in range(5) for i in batch_indices(0, 10, 4, step)]
    >>> sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    True
    """
    position = np.arange(step * batch, (step + 1) * batch)
    return np.array([_order(seed, n, p // n)[p % n] for p in position.tolist()])


def clean_batches(plan: TrainingPlan, device: torch.device) -> Callable[[int], Tensor]:
    """Return a function that gives the clean images of a step.

    Where images are made, and the training set is at least as large as the training
    is long, each step makes its own images, in the order of the set, and every
    image is seen once: no set is held in memory. Else the whole set is held, on the
    device where it fits, and `batch_indices` says which of it a step sees. Both are
    functions of the step alone.

    Parameters
    ----------
    plan : TrainingPlan
    device : torch.device
        Where the images are wanted.

    Returns
    -------
    callable
        From a step, counted from 0, to a Tensor of shape (batch, 1, size, size).

    Raises
    ------
    ParameterError
        If the plan asks for images that there are not.
    """
    sets = images.image_sets(plan.image_class, plan.image_size)
    batch = plan.recipe.batch
    if isinstance(sets, GeneratedSets) and plan.n_images >= plan.images_trained:
        check_n_images(plan.n_images, AVAILABLE, plan.subset)
        # not made ahead: on one core this takes a few hundredths of a step
        return lambda step: sent(
            sets.between(plan.subset, step * batch, (step + 1) * batch), device
        )
    held = sets.take(plan.subset, plan.n_images)
    if fits(held, device):
        held = held.to(device)

    def chosen(step: int) -> Tensor:
        index = torch.from_numpy(batch_indices(plan.seed, plan.n_images, batch, step))
        return sent(held[sent(index, held.device)], device)

    return chosen


def fits(images: Tensor, device: torch.device) -> bool:
    """Say whether a training set leaves a GPU at least half of its free memory for the network."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= free // 2


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; the processor does not wait until it has arrived there.

    Only memory that is pinned can be copied while the processor goes on.
    """
    if values.device.type == device.type:
        return values
    pinned = values.pin_memory() if device.type == "cuda" else values
    return pinned.to(device, non_blocking=True)


def draw_sigma(recipe: Recipe, u: Tensor) -> Tensor:
    """Return noise levels from uniform numbers ``u`` in [0, 1].

    Parameters
    ----------
    recipe : Recipe
    u : Tensor

    Returns
    -------
    Tensor, shape of ``u``

    Examples
    --------
    >>> draw_sigma(Recipe(sigma_law="square", sigma_max=1.0), torch.tensor([0.5, 1.0])).tolist()
    [0.25, 1.0]
    """
    if recipe.sigma_law == "square":
        return recipe.sigma_max * u.square()
    low, high = math.log(recipe.sigma_min), math.log(recipe.sigma_max)
    return torch.exp(low + (high - low) * u)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Say whether a device multiplies bfloat16 numbers itself.

    A processor that does not imitates it, more than ten times slower than
    float32 (measured with AVX2 alone: 19 images a second against 261); so does
    a GPU older than Ampere, as those that notebooks are lent.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return True
    # an older torch does not say: float32 is then never the slow choice
    can = getattr(torch.cpu, "get_capabilities", dict[str, bool])()
    return any(can.get(feature) for feature in ("avx512_bf16", "amx_bf16", "bf16"))


def usual_precision(plan: TrainingPlan, device: torch.device) -> str:
    """Return the precision of activations in which a plan is trained unless told otherwise.

    Float32 where a device does not multiply in bfloat16; else bfloat16, with
    float32 at the end up to N = 100, where its rounding would show.
    """
    if not multiplies_bfloat16(device):
        return "float32"
    return "float32-end" if plan.n_images <= FEW_IMAGES else "bfloat16"


def _learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    rise = min(1.0, (step + 1) * recipe.batch / max(recipe.warmup, 1))
    return recipe.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / steps))


class _State:
    """Everything that a checkpoint must hold: weights, their average, Adam's moments, the curve."""

    def __init__(self, plan: TrainingPlan, device: torch.device) -> None:
        self.plan = plan
        network = plan.build().to(device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        start = self.network.state_dict() if plan.recipe.averaging else {}
        self.average = {k: v.detach().clone() for k, v in start.items()}
        # a recorded step can only be told a new rate by a number that lies on the GPU
        self.on_gpu = device.type == "cuda"
        rate = plan.recipe.learning_rate
        self.adam = torch.optim.Adam(
            self.network.parameters(),
            lr=torch.tensor(rate, device=device) if self.on_gpu else rate,
            capturable=self.on_gpu,
            fused=True,
        )
        self.step = 0
        self.seconds = 0.0
        self.curve: list[dict[str, Any]] = []
        self.computed: list[dict[str, Any]] = []  # how, once for each way that was used

    def set_rate(self, rate: float) -> None:
        """Set the size of the next step."""
        (group,) = self.adam.param_groups
        if self.on_gpu:
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate

    def average_weights(self) -> None:
        """Move the running average towards the present weights."""
        window = max(1.0, self.plan.recipe.averaging * self.step)
        with torch.no_grad():
            now = self.network.state_dict()
            torch._foreach_lerp_(list(self.average.values()), list(now.values()), 1 / window)

    def result(self) -> nn.Module:
        """Return a copy of the network with the weights that are kept."""
        network = self.plan.build()
        kept = self.average or self.network.state_dict()
        network.load_state_dict({k: v.cpu() for k, v in kept.items()})
        return network

    def save(self, path: Path) -> None:
        """Write a checkpoint, all at once or not at all."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for i, moments in self.adam.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{k}": v for k, v in moments.items()}
        progress = {
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "computed": self.computed,
        }
        metadata = {"plan": self.plan.hash, "progress": json.dumps(progress)}
        stored = {k: v.contiguous().cpu() for k, v in tensors.items()}
        write_bytes(path, save_tensors(stored, metadata))

    def load(self, path: Path) -> None:
        """Continue from a checkpoint of the same plan."""
        try:
            with safe_open(path, "pt") as stored:
                metadata = stored.metadata()
                tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
        except Exception as error:
            raise DamagedFileError(
                f"checkpoint {path} cannot be read ({error}): delete it to start again"
            ) from error
        if metadata.get("plan") != self.plan.hash:
            raise DamagedFileError(
                f"checkpoint {path} belongs to another plan: delete it to start again"
            )
        groups: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "adam": {}}
        for key, value in tensors.items():
            group, _, name = key.partition(".")
            groups[group][name] = value
        self.network.load_state_dict(groups["network"])
        for name, value in groups["average"].items():
            self.average[name].copy_(value)
        moments: dict[int, dict[str, Tensor]] = {}
        parameters = list(self.network.parameters())
        for name, value in groups["adam"].items():
            index, _, moment = name.partition(".")
            if value.dim():  # Adam walks a weight and its moments in the order of their memory
                value = torch.empty_like(parameters[int(index)]).copy_(value)
            moments.setdefault(int(index), {})[moment] = value
        self.adam.load_state_dict({**self.adam.state_dict(), "state": moments})
        progress = json.loads(metadata["progress"])
        self.step, self.seconds = progress["step"], progress["seconds"]
        self.curve, self.computed = progress["curve"], progress["computed"]


def _curve_point(network: nn.Module, seen: Tensor, tuning: Tensor) -> dict[str, list[float]]:
    """Return the PSNR of the network as it stands, on a few training and tuning images."""
    point = {}
    network.eval()
    for name, some in (("train", seen), ("tuning", tuning)):
        # few images are repeated with fresh noise, so that N = 1 is no noisier than the rest
        some = some[torch.arange(CURVE_IMAGES) % len(some)]
        errors = squared_errors(network, some, CURVE_SIGMAS, seed=1)
        point[name] = psnr(errors.mean(axis=1)).round(3).tolist()
    network.train()
    return point


def train(
    plan: TrainingPlan,
    *,
    device: str = "auto",
    precision: str | None = None,
    compile: bool | None = None,
    checkpoint: Path | None = None,
) -> Generator[Progress, None, Trained]:
    """Train a network, yielding progress; the generator returns the `Trained` network.

    Noise and order are functions of (seed, step): a training that was killed
    and resumed gives the weights of the uninterrupted one, to the byte (on a
    processor; a GPU may add in another order). No step asks the GPU for a
    number, so the next one is prepared while it computes: only the curve, a
    checkpoint and the end wait for it.

    Parameters
    ----------
    plan : TrainingPlan
        What is learned.
    device : str
        ``"auto"`` (a GPU if there is one), ``"cpu"``, ``"cuda"`` ...
    precision : {"bfloat16", "float32-end", "float32"}, optional
        Of the activations while training; weights and their moments are float32.
        ``float32-end`` turns to float32 for the last fifth. None takes what
        `usual_precision` says.
    compile : bool, optional
        Use `torch.compile`; None compiles where it repays its minute.
    checkpoint : Path, optional
        File to resume from if it is there, rewritten every minute.

    Yields
    ------
    Progress
        About every second.

    Raises
    ------
    ParameterError
        If the plan asks for images that there are not.
    DamagedFileError
        If the checkpoint is damaged or belongs to another plan.
    """
    where = pick_device(device)
    precision = precision or usual_precision(plan, where)
    if precision not in PRECISIONS:
        raise ParameterError("precision", precision, f"choose one of {', '.join(PRECISIONS)}")
    reduced_steps = {"bfloat16": plan.steps, "float32": 0}.get(
        precision, round((1 - FLOAT32_END) * plan.steps)
    )
    recipe, size = plan.recipe, plan.image_size
    clean_of = clean_batches(plan, where)
    few = min(plan.n_images, CURVE_IMAGES)
    seen = images.load(plan.image_class, size, plan.subset, few).to(where)
    tuning = images.load(plan.image_class, size, "tuning").to(where)[:CURVE_IMAGES]
    state = _State(plan, where)
    if checkpoint is not None and checkpoint.exists():
        state.load(checkpoint)
    state.network.train()

    def weighted_loss(clean: Tensor, noisy: Tensor, sigma: Tensor, reduced: bool) -> Tensor:
        with torch.autocast(where.type, torch.bfloat16, enabled=reduced):
            estimate = state.network(noisy)
        errors = (estimate.float() - clean).square().mean(dim=(1, 2, 3))
        return (errors / (sigma + 0.01) ** recipe.weight_power).mean()

    compiled = worth_compiling(plan, where) if compile is None else compile
    loss_of = torch.compile(weighted_loss) if compiled else weighted_loss
    way = {
        "device": where.type,
        "precision": precision,
        "compiled": compiled,
        "threads": torch.get_num_threads(),
    }
    if state.computed[-1:] != [way]:
        state.computed.append(way)
    random = torch.Generator(where)

    def take_step(clean: Tensor, reduced: bool) -> None:
        sigma = draw_sigma(recipe, torch.rand(recipe.batch, generator=random, device=where))
        noise = torch.randn(clean.shape, generator=random, device=where)
        noisy = clean + sigma[:, None, None, None] * noise
        state.adam.zero_grad(set_to_none=True)
        loss_of(clean, noisy, sigma, reduced).backward()
        state.adam.step()

    step_on = Recorded(take_step, random) if where.type == "cuda" else take_step
    curve_every = max(CURVE_STEPS, plan.steps // CURVE_POINTS)
    started = last_saved = last_yield = time.monotonic()
    first_step, seconds_before = state.step, state.seconds

    while state.step < plan.steps:
        if state.step % curve_every == 0:
            point = _curve_point(state.network, seen, tuning)
            state.curve.append({"images": state.step * recipe.batch, **point})
        random.manual_seed(entropy(plan.seed, "noise", state.step))
        state.set_rate(_learning_rate(recipe, state.step, plan.steps))
        step_on(clean_of(state.step), state.step < reduced_steps)
        state.step += 1
        if recipe.averaging:
            state.average_weights()

        now = time.monotonic()
        state.seconds = seconds_before + now - started
        if checkpoint is not None and now - last_saved > CHECKPOINT_SECONDS:
            state.save(checkpoint)
            last_saved = now
        if now - last_yield >= YIELD_SECONDS or state.step == plan.steps:
            last_yield = now
            speed = (state.step - first_step) * recipe.batch / (now - started)
            latest = state.curve[-1]
            yield Progress(
                state.step * recipe.batch,
                plan.steps * recipe.batch,
                speed,
                float(np.mean(latest["train"])),
                float(np.mean(latest["tuning"])),
            )
    network = state.result()
    point = _curve_point(network, seen.cpu(), tuning.cpu())
    state.curve.append({"images": state.step * recipe.batch, **point})
    how = {**state.computed[-1], "seconds": round(state.seconds, 1)}
    if len(state.computed) > 1:  # it was resumed in another way: its bytes are nobody else's
        how["before"] = state.computed[:-1]
    return Trained(network.eval(), state.curve, how)
