"""Which device to compute on, and whether compiling for it repays."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import torch

from denoise_lib.errors import ParameterError

if TYPE_CHECKING:
    from denoise_lib.plan import TrainingPlan

# Compiling costs up to a minute: training has to last several for it to repay. A GPU is
# through with so few images before the compiler is.
COMPILE_FROM_IMAGES = {"cpu": 200_000, "cuda": 2_000_000}


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called ``name``; ``"auto"`` is a GPU where there is one.

    Raises
    ------
    ParameterError
        If there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise ParameterError(
            "device", name, "not on this machine: 'auto' takes a GPU where there is one"
        ) from None
    return device


def worth_compiling(plan: TrainingPlan, device: torch.device) -> bool:
    """Say whether `torch.compile` repays its minute.

    Without normalization the processor spends its time in convolutions, which
    compiling does not change (measured: 659 images a second against 670); with
    it, fusing gains half (599 against 401). A GPU gains an eighth on the book's
    networks and two thirds on the paper's (an H200: 34,600 images a second
    against 39,000, and 7,800 against 13,000), for 10 to 30 seconds.
    """
    if plan.images_trained < COMPILE_FROM_IMAGES.get(device.type, 0):
        return False
    if device.type == "cuda":
        return True
    return plan.normalization and any(map(shutil.which, ("c++", "g++", "clang++")))
