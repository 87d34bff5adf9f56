"""Drawing images from a denoiser: stochastic coarse-to-fine ascent of the log density.

The algorithm of Kadkhodaie and Simoncelli (NeurIPS 2021), as the paper uses it
(appendix B): each step removes a part h of the noise that the denoiser sees and
injects a little fresh noise. All samples of a batch move together, each with
its own noise level, and each stops when its own level is reached.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from denoise_lib.errors import ParameterError
from denoise_lib.measures.psnr import Denoiser

DIVERGED = 10.0


@dataclass(frozen=True)
class Schedule:
    """The constants of the sampler.

    The defaults are the book's low-bias setting: the step is small enough for
    modes of moderate variance to keep it (the deficit is about h / 2), and the
    first noise level is large enough for the leading modes of images to form.

    Parameters
    ----------
    sigma_start : float
        Noise level of the first image.
    sigma_end : float
        A sample stops when the noise seen in it is below this.
    step : float
        h: the part of the noise removed in a step.
    beta : float
        1 injects no noise, 0 as much as is removed: the level falls by the
        factor (1 - beta h) in a step.
    growing : bool
        Let the step grow as ``h t / (1 + h (t - 1))``, as the authors' code does.
    estimate_sigma : bool
        Take the noise level from the residual, ``||y - f(y)|| / sqrt(d)``, as a
        blind denoiser must. Closed forms, which are told the scheduled level,
        need it to be the level: False.
    max_steps : int
        Steps after which an unfinished sample is given up.
    """

    sigma_start: float = 3.0
    sigma_end: float = 0.02
    step: float = 0.05
    beta: float = 0.3
    growing: bool = False
    estimate_sigma: bool = True
    max_steps: int = 3000

    def __post_init__(self) -> None:
        if not 0 < self.sigma_end < self.sigma_start:
            raise ParameterError(
                "sigma_end", self.sigma_end, f"give a level between 0 and {self.sigma_start}"
            )
        for name in ("step", "beta"):
            if not 0 < getattr(self, name) <= 1:
                raise ParameterError(name, getattr(self, name), "give a number in (0, 1]")

    def step_at(self, t: int) -> float:
        """Return h of the step number ``t``, counted from 1."""
        return self.step * t / (1 + self.step * (t - 1)) if self.growing else self.step


LOW_BIAS = Schedule()
PAPER = Schedule(sigma_start=1.0, sigma_end=0.05, step=0.01, beta=0.1)
AUTHORS = replace(PAPER, growing=True)


@dataclass(frozen=True)
class State:
    """All samples at one moment of their way.

    Parameters
    ----------
    t : int
        Steps made.
    noisy : Tensor, shape (n, 1, h, w)
        The samples before their last denoising.
    denoised : Tensor, shape (n, 1, h, w)
        f(y): what each sample looks like now.
    sigma : Tensor, shape (n,)
        Noise level that the denoiser sees in each sample.
    moving : Tensor of bool, shape (n,)
        Which have not stopped.
    """

    t: int
    noisy: Tensor
    denoised: Tensor
    sigma: Tensor
    moving: Tensor


@dataclass(frozen=True)
class Samples:
    """What the sampler ends with.

    Parameters
    ----------
    images : Tensor, shape (n, 1, h, w)
        f(y) at the end.
    noisy : Tensor, shape (n, 1, h, w)
        y at the end, before the last denoising.
    steps : Tensor of int, shape (n,)
        Steps each sample took.
    diverged : Tensor of bool, shape (n,)
        Samples whose noise grew instead of falling, or that never stopped.
    """

    images: Tensor
    noisy: Tensor
    steps: Tensor
    diverged: Tensor


@torch.inference_mode()
def trajectory(
    denoiser: Denoiser,
    size: int,
    seeds: Sequence[int],
    schedule: Schedule = LOW_BIAS,
    *,
    mean: float = 0.5,
    device: torch.device | str = "cpu",
) -> Iterator[State]:
    """Walk samples from noise to images, yielding every state.

    Parameters
    ----------
    denoiser : callable
        ``(y, sigma) -> x_hat``. Blind networks ignore sigma; closed forms are
        given the scheduled level, ``sigma_start`` times the product of (1 - beta h).
    size : int
        Side of the images.
    seeds : sequence of int
        One a sample: it fixes the first image and every injected noise,
        whatever the other samples of the batch are.
    schedule : Schedule
    mean : float
        Of the first image: 0.5 for images in [0, 1], 0 for Gaussian fields.
    device : torch.device or str
        Where the denoiser computes.

    Yields
    ------
    State
        The last one is that in which no sample moves, or that of the last step allowed.
    """
    random = [torch.Generator().manual_seed(seed) for seed in seeds]

    def noise(wanted: Tensor) -> Tensor:
        chosen = [random[i] for i in wanted.tolist()]
        drawn = [torch.randn((1, size, size), generator=generator) for generator in chosen]
        return torch.stack(drawn).to(device)

    everyone = torch.arange(len(seeds))
    y = mean + schedule.sigma_start * noise(everyone)
    scheduled = schedule.sigma_start
    denoised = y.clone()
    sigma = torch.full((len(seeds),), float(schedule.sigma_start), device=device)
    moving = torch.ones(len(seeds), dtype=torch.bool)
    for t in range(1, schedule.max_steps + 1):
        index = everyone[moving].to(device)
        denoised[index] = denoiser(y[index], scheduled)
        residual = y[index] - denoised[index]
        seen = residual.square().mean(dim=(1, 2, 3)).sqrt()
        sigma[index] = seen if schedule.estimate_sigma else torch.full_like(seen, scheduled)
        lost = ~(sigma.cpu() < DIVERGED * schedule.sigma_start)
        moving &= (sigma.cpu() > schedule.sigma_end) & ~lost
        yield State(t - 1, y.clone(), denoised.clone(), sigma.clone(), moving.clone())
        if not moving.any():
            return
        still = moving[index.cpu()].to(device)
        index = index[still]
        h = schedule.step_at(t)
        kept = (1 - schedule.beta * h) ** 2 - (1 - h) ** 2
        injected = kept**0.5 * sigma[index, None, None, None] * noise(everyone[moving])
        y[index] = y[index] - h * residual[still] + injected
        scheduled *= 1 - schedule.beta * h


def sample(
    denoiser: Denoiser,
    size: int,
    seeds: Sequence[int],
    schedule: Schedule = LOW_BIAS,
    *,
    mean: float = 0.5,
    device: torch.device | str = "cpu",
) -> Samples:
    """Draw one image a seed; parameters are those of `trajectory`.

    Two denoisers given the same seeds start from the same noise and are given
    the same noise at every step.

    Returns
    -------
    Samples
        With a warning if any diverged.
    """
    steps = torch.zeros(len(seeds), dtype=torch.int64)
    for state in trajectory(denoiser, size, seeds, schedule, mean=mean, device=device):
        steps += state.moving
    limit = DIVERGED * schedule.sigma_start
    diverged = state.moving | ~(state.sigma.cpu() < limit)
    if diverged.any():
        which = [seed for seed, bad in zip(seeds, diverged.tolist(), strict=True) if bad]
        warnings.warn(
            f"{len(which)} of {len(seeds)} samples diverged or did not settle within "
            f"{schedule.max_steps} steps, the first from seed {which[0]}",
            stacklevel=2,
        )
    return Samples(state.denoised.cpu(), state.noisy.cpu(), steps, diverged)
