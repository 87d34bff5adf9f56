"""Trained denoisers: found in the book's zoo or the user's cache, else trained there and then.

A network is one safetensors file, ``<plan hash>.safetensors``, which holds its
weights (all but the last layer's in half precision) and its record: the plan,
how it was computed, its learning curve. A SHA-256 over both stands in the file
and is checked on load.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from denoise_lib import images
from denoise_lib.devices import pick_device
from denoise_lib.errors import DamagedFileError, DenoiseLibError, MissingNetworkError
from denoise_lib.files import cache_dir, project_root, replacing, sha256, write_bytes, writing
from denoise_lib.memory import keep_freed_memory
from denoise_lib.plan import TrainingPlan
from denoise_lib.progress import show_training
from denoise_lib.training import Progress, Trained, train

# Half precision costs nothing that can be measured except in the last convolution, where at N = 1
# it moves the error by 0.1 dB (page "The recipe"): that one keeps its few weights in float32.
STORED_DTYPE = torch.float16
EXACT_LAYER = "last."
_LOCK_SECONDS = 24 * 3600

used: dict[str, str] = {}
"""SHA-256 of every file that `get_denoiser` has loaded in this process, by plan hash."""


def zoo_dir() -> Path:
    """Return the folder of the book's own networks."""
    return project_root() / "zoo"


def user_dir() -> Path:
    """Return the folder of the user's cache for networks trained on this machine."""
    return cache_dir() / "networks"


def find(plan: TrainingPlan, *, zoo_only: bool = False) -> Path | None:
    """Return the file of a trained network, or None if it has not been trained here.

    Parameters
    ----------
    plan : TrainingPlan
    zoo_only : bool
        Look only in the book's zoo, not in the user's cache.
    """
    folders = [user_dir()]
    with suppress(DenoiseLibError):  # where the library is used outside the book's checkout
        folders.insert(0, zoo_dir())
    for folder in folders[: 1 if zoo_only else None]:
        path = folder / f"{plan.hash}.safetensors"
        if path.exists():
            return path
    return None


def get_denoiser(
    plan: TrainingPlan, allow_training: bool = True, device: str = "auto"
) -> nn.Module:
    """Return the trained network of a plan, training it if it is nowhere to be found.

    Parameters
    ----------
    plan : TrainingPlan
    allow_training : bool
        If False, only the book's zoo is read.
    device : str
        Where to train, and where the network is returned.

    Returns
    -------
    nn.Module
        A denoiser ``(y, sigma=None) -> x_hat`` in evaluation mode, float32.

    Raises
    ------
    MissingNetworkError
        If it is not in the zoo and may not be trained.
    DamagedFileError
        If the file does not hold what it promises.
    """
    path = find(plan, zoo_only=not allow_training)
    if path is None:
        if not allow_training:
            raise MissingNetworkError(
                f"network {plan.hash} ({plan}) is not in the zoo: "
                "'denoise-lib train --profile published' trains what is missing"
            )
        path = obtain(plan, user_dir(), device=device)
    keep_freed_memory()
    network, _ = load(path)
    used[plan.hash] = sha256(path.read_bytes())
    return network.to(pick_device(device))


def obtain(
    plan: TrainingPlan,
    folder: Path,
    *,
    device: str = "auto",
    precision: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Train a network into ``folder`` unless it is there, and return its file.

    Two processes asked for the same network train it once: the second waits.
    An interrupted training leaves a checkpoint in the user's cache and goes on
    from it the next time.

    Parameters
    ----------
    plan : TrainingPlan
    folder : Path
        `zoo_dir` or `user_dir`.
    device : str
    precision : str, optional
        As for `denoise_lib.training.train`.
    on_progress : callable, optional
        Called about every second; None shows a progress bar.

    Returns
    -------
    Path
    """
    path, checkpoint = folder / f"{plan.hash}.safetensors", checkpoint_path(plan)
    lock = filelock.FileLock(checkpoint.with_suffix(".lock"), timeout=_LOCK_SECONDS)
    with writing(checkpoint):
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        held = lock.acquire()
    with held:
        if path.exists():
            return path
        for target in (path, checkpoint):  # what a process that was killed was about to write
            for half in target.parent.glob(f".{target.name}.*"):
                half.unlink()
        training = train(plan, device=device, precision=precision, checkpoint=checkpoint)
        trained = show_training(training, str(plan), on_progress)
        store(plan, trained, path)
        checkpoint.unlink(missing_ok=True)
    return path


def checkpoint_path(plan: TrainingPlan) -> Path:
    """Return where a training of this user leaves its last minute, and goes on from."""
    return cache_dir() / "checkpoints" / f"{plan.hash}.safetensors"


def keep(plan: TrainingPlan, data: bytes, folder: Path) -> Path:
    """Write a network file that came from elsewhere into ``folder``, if it is what was asked for.

    Parameters
    ----------
    plan : TrainingPlan
    data : bytes
        The whole file.
    folder : Path

    Returns
    -------
    Path

    Raises
    ------
    DamagedFileError
        As for `load`; nothing is written then.
    """
    path = folder / f"{plan.hash}.safetensors"
    with replacing(path) as temporary:
        temporary.write_bytes(data)
        _load(temporary, plan.hash)
    return path


def store(plan: TrainingPlan, trained: Trained, path: Path) -> None:
    """Write a trained network and its record, in the precision that everyone will measure."""
    weights = {name: stored(name, value) for name, value in trained.network.state_dict().items()}
    last = trained.curve[-1]
    record = {
        "plan": asdict(plan),
        "hash": plan.hash,
        "training_set_sha256": images.image_sets(plan.image_class, plan.image_size).content_hash(
            plan.subset, plan.n_images
        ),
        "images_seen": plan.steps * plan.recipe.batch,
        "train_psnr": round(float(np.mean(last["train"])), 3),
        "tuning_psnr": round(float(np.mean(last["tuning"])), 3),
        "curve": trained.curve,
        "how": trained.how | machine(),
    }
    text = json.dumps(record, sort_keys=True)
    seal = _seal(text, weights)
    write_bytes(path, save_tensors(weights, {"record": text, "sha256": seal}))


def stored(name: str, value: Tensor) -> Tensor:
    """Return a weight in the precision in which the zoo keeps it."""
    return value.to(value.dtype if name.startswith(EXACT_LAYER) else STORED_DTYPE).contiguous()


def _seal(record: str, weights: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(record.encode())
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].numpy().tobytes())
    return digest.hexdigest()


def load(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network and the record of one file, checked.

    Raises
    ------
    DamagedFileError
        If the file cannot be read, is not what was stored, or is of another plan.
    """
    return _load(path, path.stem)


def _load(path: Path, plan_hash: str) -> tuple[nn.Module, dict[str, Any]]:
    record, plan, weights = _read(path, plan_hash)
    try:
        network = plan.build()
        network.load_state_dict({name: value.float() for name, value in weights.items()})
    except Exception as error:  # a record that someone made up can fail in many ways
        raise _damaged(path, "holds no network of its plan") from error
    network.eval().requires_grad_(False)
    # a quarter faster on a processor: 1,100 images of 32x32 a second against 880
    return network.to(memory_format=torch.channels_last), record  # type: ignore[call-overload]


def read_record(path: Path) -> dict[str, Any]:
    """Return the record of one network file, checked as `load` does."""
    return _read(path, path.stem)[0]


def _read(path: Path, plan_hash: str) -> tuple[dict[str, Any], TrainingPlan, dict[str, Tensor]]:
    """Return the record, the plan and the weights of a file, which must be of that plan.

    Nothing in the file is ever run: weights are numbers and the record is JSON.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path, f"cannot be read ({error})") from error
    if metadata.get("sha256") != _seal(metadata.get("record", ""), weights):
        raise _damaged(path, "is damaged (wrong SHA-256)")
    # the seal says that the file is as it was written, not that this library wrote it
    try:
        record = json.loads(metadata["record"])
        plan = TrainingPlan.from_dict(record["plan"])
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _damaged(path, "has no readable record") from error
    if plan.hash != plan_hash:
        raise _damaged(path, f"holds the network {plan.hash}")
    return record, plan, weights


def _damaged(path: Path, what: str) -> DamagedFileError:
    return DamagedFileError(
        f"network file {path} {what}: delete it: it will be fetched again from git or trained again"
    )


@dataclass(frozen=True)
class Entry:
    """One trained network of the zoo.

    Parameters
    ----------
    path : Path
    record : dict
        What `store` wrote.
    """

    path: Path
    record: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the row that ``denoise-lib zoo --json`` prints."""
        plan, how = self.record["plan"], self.record["how"]
        return {
            "hash": self.record["hash"],
            **plan,
            "file": self.path.name,
            "sha256": sha256(self.path.read_bytes()),
            "images_seen": self.record["images_seen"],
            "train_psnr": self.record["train_psnr"],
            "tuning_psnr": self.record["tuning_psnr"],
            "minutes": round(how["seconds"] / 60, 1),
            "machine": how["machine"],
            "versions": how["versions"],
        }


def entries(folder: Path | None = None) -> list[Entry]:
    """Return the networks of a folder (None: the book's zoo), sorted by class, N, set and seed."""
    found = [Entry(path, read_record(path)) for path in (folder or zoo_dir()).glob("*.safetensors")]
    keys = ("image_class", "image_size", "network", "width", "n_images", "subset", "seed")
    return sorted(found, key=lambda entry: tuple(entry.record["plan"][key] for key in keys))


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """Return what this machine is: processor, cores, GPU, versions."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return {
        "machine": f"{model}, {os.cpu_count()} cores{gpu}",
        "features": torch.backends.cpu.get_cpu_capability(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
