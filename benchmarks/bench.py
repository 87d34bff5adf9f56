"""Speed of the library, as ratios against the plain way of doing the same thing.

Both sides of a row are measured in this one run, turn by turn, and the medians
of their turns are compared. Run it on a quiet machine:

    make bench
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import browser, plain
from benchmarks.page import markdown
from benchmarks.plain import SIZE
from benchmarks.shares import shares
from denoise_lib.files import write_text
from denoise_lib.images import image_sets, load, typical
from denoise_lib.jacobian import jacobian, spectrum, top_spectrum
from denoise_lib.measures.psnr import add_noise, log_average, psnr, squared_errors
from denoise_lib.networks import UNet
from denoise_lib.plan import Recipe, TrainingPlan
from denoise_lib.progress import show_training
from denoise_lib.sampling import LOW_BIAS, Schedule, sample
from denoise_lib.training import train, usual_precision
from denoise_lib.zoo import get_denoiser, machine

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# what this machine trains in where many images are learned, as in the rows below
OUR_PRECISION = usual_precision(TrainingPlan("discs", SIZE), torch.device("cpu"))


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Parameters
    ----------
    turns : int
        Turns of each side.
    seconds : float
        Length of a turn of training or of matrix products.
    images, drawn, samples : int
        Images made in a turn; of these, drawn with matplotlib; samples.
    widths : tuple of int
        Channels of the networks trained.
    matrices : tuple of int
        Sides of the matrices among which the fastest product is sought.
    sigma_end : float
        Where sampling, from sigma = 3, ends: the network is not trained, and
        what is timed is its work.
    to_target : int
        Training images with which the book's recipe surpasses the paper's, scaled down.
    whole, large : int
        Sides of the images of which the Jacobian's whole spectrum, and its
        leading eigenvectors, are computed.
    leading : int
        How many of these.
    large_part : int
        Of the larger one's pixels, one in so many is differentiated in the plain way.
    large_turns : int
        Turns of the latter: one takes minutes.
    browser_steps : int
        Steps at most of a sample in the browser.
    """

    turns: int = 5
    seconds: float = 10.0
    images: int = 1000
    drawn: int = 100
    samples: int = 64
    widths: tuple[int, ...] = (16, 32)
    matrices: tuple[int, ...] = (512, 1024, 2048)
    sigma_end: float = 1.5
    to_target: int = 12_000
    whole: int = SIZE
    large: int = 80
    leading: int = 64
    large_part: int = 10
    large_turns: int = 3
    browser_steps: int = LOW_BIAS.max_steps


QUICK = Effort(
    turns=1, seconds=0.1, images=40, drawn=2, samples=2, widths=(2,), matrices=(64,),
    sigma_end=2.9, to_target=64, whole=16, large=16, leading=4, large_part=2, large_turns=1,
    browser_steps=3,
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table: the seconds that the same work takes in two ways."""

    work: str
    plain_seconds: float
    ours_seconds: float

    @property
    def ratio(self) -> float:
        """How many times faster the library is."""
        return self.plain_seconds / self.ours_seconds


def turn_by_turn(
    work: str, turns: int, plain_way: Callable[[], float], our_way: Callable[[], float]
) -> Row:
    """Measure both sides alternately, after one turn of each that does not count."""
    ways = (plain_way, our_way)
    measured = [[way() for way in ways] for _ in range(turns + 1)][1:]
    return Row(work, *(statistics.median(side) for side in zip(*measured, strict=True)))


def seconds_of(do: Callable[[], object]) -> float:
    """Return how long one call takes, to the end of what a GPU does for it."""
    finish()
    started = time.perf_counter()
    do()
    finish()
    return time.perf_counter() - started


def finish() -> None:
    """Wait for the GPU, if one computes."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


# Training: processes that wait to be told which network to go on training, and for how long.


def plain_training(width: int) -> Iterator[int]:
    """Yield images trained, in the plain way."""
    clean = image_sets("discs", SIZE).take("A", 1000)
    yield from plain.training(clean, UNet(width, 3, normalization=False), Recipe())


def papers_training(width: int) -> Iterator[int]:
    """Yield images trained by the paper's recipe, scaled down, in the plain way."""
    clean = image_sets("discs", SIZE).take("A", 1000)
    recipe = Recipe(**papers_trial()["plan"]["recipe"])
    yield from plain.training(clean, UNet(width, 3, normalization=True), recipe)


def our_training(width: int) -> Iterator[int]:
    """Yield images trained by the library, its progress measured in the midst of a long plan."""
    plan = TrainingPlan("discs", SIZE, n_images=1000, width=width, images_trained=10**9)
    seen = 0
    for progress in train(plan, device="cpu"):
        yield progress.images_seen - seen
        seen = progress.images_seen


def rate(counts: Iterator[float], seconds: float) -> float:
    """Return what is counted in a second, over ``seconds`` at least."""
    counted = 0.0
    finish()
    started = time.perf_counter()
    while time.perf_counter() - started < seconds or not counted:
        counted += next(counts)
    finish()
    return counted / (time.perf_counter() - started)


def _serve(pipe: Connection, threads: int, ours: bool) -> None:
    torch.set_num_threads(threads)
    running: dict[object, Iterator[float]] = {}
    while request := pipe.recv():
        kind, value, seconds = request
        if request[:2] not in running:
            if kind in ("product", "pointwise"):
                precision = OUR_PRECISION if ours else "float32"
                running[request[:2]] = getattr(plain, kind)(value, getattr(torch, precision))
            else:
                way = {"training": plain_training, "paper": papers_training}[kind]
                running[request[:2]] = (our_training if ours else way)(value)
            next(running[request[:2]])
        pipe.send(rate(running[request[:2]], seconds))


class Team:
    """Processes that compute side by side: one of all threads, or one of one thread a core."""

    def __init__(self, *, ours: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes, self.processes = [], []
        for _ in range(CORES if ours else 1):
            here, there = context.Pipe()
            threads = 1 if ours else CORES
            process = context.Process(target=_serve, args=(there, threads, ours), daemon=True)
            process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)

    def rate(self, kind: str, value: int, seconds: float) -> float:
        """Return images a second of the whole (``training``, ``paper``), or operations."""
        for pipe in self.pipes:
            pipe.send((kind, value, seconds))
        return sum(pipe.recv() for pipe in self.pipes)

    def dismiss(self) -> None:
        """End the processes."""
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(None)
            process.join()


def operations_per_image(width: int, *, backward: bool) -> float:
    """Return the floating-point operations of one image's forward (and backward) pass."""
    with FlopCounterMode(display=False) as counter:
        output = UNet(width, 3, normalization=False)(torch.zeros(1, 1, SIZE, SIZE))
        if backward:
            output.sum().backward()
    return counter.get_total_flops()


def training_shares(effort: Effort) -> dict[str, dict[str, float]]:
    """Return where the time of training goes, in one process of one thread."""
    found = {}
    for width in effort.widths:
        counts = our_training(width)
        next(counts)  # what is done once is done
        found[f"training UNet {width} channels"] = shares(partial(rate, counts, effort.seconds / 4))
    return found


def use_of_machine(
    row: Row, operations: float, best: dict[str, float], precision: str
) -> list[dict[str, Any]]:
    """Return what part of the best matrix product's speed each side of a row reaches."""
    sides = {"plain": ("float32", row.plain_seconds), "ours": (precision, row.ours_seconds)}
    return [
        {
            "work": row.work,
            "side": side,
            "precision": number_format,
            "flops": operations / seconds,
            "best_product_flops": best[side],
            "fraction": operations / seconds / best[side],
        }
        for side, (number_format, seconds) in sides.items()
    ]


def training_rows(effort: Effort) -> tuple[list[Row], list[dict[str, Any]], dict[str, float]]:
    """Measure training, and the fastest matrix product: of one process, of one for each core."""
    rows, use, thousand = [], [], 1000.0
    teams = {"plain": Team(ours=False), "ours": Team(ours=True)}
    try:
        # the fastest of several ways, sizes and turns: the best that the machine can do
        best = {
            side: max(
                team.rate(way, n, effort.seconds / 8)
                for _ in range(effort.turns)
                for n in effort.matrices
                for way in ("product", "pointwise")
            )
            for side, team in teams.items()
        }
        for width in effort.widths:

            def seconds(side: str, width: int = width) -> float:
                return thousand / teams[side].rate("training", width, effort.seconds)

            work = f"training UNet {width} channels"
            row = turn_by_turn(
                work, effort.turns, partial(seconds, "plain"), partial(seconds, "ours")
            )
            rows.append(row)
            operations = thousand * operations_per_image(width, backward=True)
            use += use_of_machine(row, operations, best, OUR_PRECISION)
    finally:
        for team in teams.values():
            team.dismiss()
    return rows, use, best


# Networks to a given quality: the paper's recipe, scaled down, was measured by the recipe study.


def papers_trial() -> dict[str, Any]:
    """Return what the recipe study found of the paper's recipe, scaled down."""
    study = json.loads(Path(__file__).with_name("recipe.json").read_text())
    return study["rows"]["paper-scaled"]


def average_psnr(sigmas: Sequence[float], output: Sequence[float]) -> float:
    """Return the PSNR averaged over log sigma in [0.02, 1]."""
    return log_average(sigmas, np.asarray(output), 0.02, 1.0)


def train_one(images_trained: int, n_images: int) -> float:
    """Train a network on one thread, from nothing, and return its average tuning PSNR."""
    torch.set_num_threads(1)
    plan = TrainingPlan(n_images=n_images, images_trained=images_trained)
    network = show_training(train(plan, device="cpu"), str(plan), lambda _: None).network
    sigmas = papers_trial()["sigmas"]
    errors = squared_errors(network, load("fashion", SIZE, "tuning")[:300], sigmas)
    return average_psnr(sigmas, psnr(errors.mean(axis=1)).tolist())


def networks_row(effort: Effort) -> tuple[Row, dict[str, float]]:
    """Measure the time to train a network to the quality that the paper's recipe reached.

    The plain side's images are those of the recipe study, at the speed measured
    here; the library's networks are trained here, one on each core.
    """
    trial, team = papers_trial(), Team(ours=False)
    images = trial["plan"]["images_trained"]
    reached: list[float] = []
    with ProcessPoolExecutor(CORES, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(time.sleep, [1] * CORES))  # every process is there and has loaded torch

        def ours() -> float:
            many = [effort.to_target] * CORES, [trial["plan"]["n_images"]] * CORES
            taken = seconds_of(lambda: reached.extend(pool.map(train_one, *many)))
            return taken / CORES

        try:
            row = turn_by_turn(
                "networks to a given PSNR",
                effort.turns,
                lambda: images / team.rate("paper", 16, effort.seconds),
                ours,
            )
        finally:
            team.dismiss()
    return row, {
        "plain_images": images,
        "plain_psnr": average_psnr(trial["sigmas"], trial["psnr"]),
        "our_images": effort.to_target,
        "our_psnr": min(reached),
    }


# Images and samples: in this process.


def c_alpha_row(effort: Effort) -> Row:
    """Measure C^alpha images: a loop over images, and the library's blocks."""

    def plain_way() -> float:
        return seconds_of(
            lambda: [
                plain.c_alpha_image(np.random.default_rng(i), 2.0, 80) for i in range(effort.images)
            ]
        )

    sets = image_sets("c_alpha:2", 80)
    ours = partial(seconds_of, lambda: sets.between("A", 0, effort.images))
    return turn_by_turn("c_alpha 80x80", effort.turns, plain_way, ours)


def discs_row(effort: Effort) -> Row:
    """Measure discs: drawn one by one with matplotlib, and the library's blocks."""
    sets = image_sets("discs", SIZE)
    parameters = sets.parameters("A", effort.drawn).numpy()

    def plain_way() -> float:
        taken = seconds_of(lambda: [plain.disc_image(disc, SIZE) for disc in parameters])
        return taken * effort.images / effort.drawn

    ours = partial(seconds_of, lambda: sets.between("A", 0, effort.images))
    return turn_by_turn(f"discs {SIZE}x{SIZE}", effort.turns, plain_way, ours)


def usual_network(trained: UNet) -> UNet:
    """Return the same network as one has it after training in the plain way."""
    usual = UNet(16, 3, normalization=False).eval()
    usual.load_state_dict(trained.state_dict())
    return usual.to(device_of(trained))


def device_of(network: nn.Module) -> torch.device:
    """Return where a network computes."""
    return next(network.parameters()).device


def sampling_row(effort: Effort, trained: UNet) -> tuple[Row, float]:
    """Measure sampling, one at a time and all together; return the operations of either, too."""
    seeds, schedule = range(effort.samples), Schedule(sigma_end=effort.sigma_end)
    denoised: list[int] = []
    device = device_of(trained)

    def perfect(network: UNet, y: Tensor, sigma: float | None = None) -> Tensor:
        # the work of a network, the answer of a perfect one: every sample takes as many steps
        denoised.append(len(y))
        return torch.full_like(network(y), 0.5)

    def plain_way() -> float:
        one = partial(perfect, usual_network(trained))
        return seconds_of(lambda: [sample(one, SIZE, [s], schedule, device=device) for s in seeds])

    def ours() -> float:
        denoised.clear()
        together = partial(perfect, trained)
        return seconds_of(lambda: sample(together, SIZE, seeds, schedule, device=device))

    row = turn_by_turn(f"sampling {effort.samples} samples", effort.turns, plain_way, ours)
    return row, sum(denoised) * operations_per_image(16, backward=False)


def jacobian_rows(effort: Effort, trained: UNet, of_photos: UNet) -> list[Row]:
    """Measure whole spectra against a backward pass a pixel, and leading ones against whole.

    The whole ones at a garment, the leading ones at the photograph of chapter 6:
    each with the network of its class, in the noise of that chapter.
    """
    garment = typical("fashion", effort.whole)
    photo = typical("photos", effort.large)
    device = device_of(trained)
    small, large = (add_noise(image[None], 0.15, 0).to(device) for image in (garment, photo))
    usual, usual_of_photos = usual_network(trained), usual_network(of_photos)

    def whole(network: UNet, image: Tensor) -> float:
        return seconds_of(lambda: spectrum(jacobian(network, image)))

    def pixel_by_pixel(all_grads: bool) -> float:
        return seconds_of(lambda: spectrum(plain.jacobian(usual, small, all_grads=all_grads)))

    def large_pixel_by_pixel() -> float:
        # as long for one pixel as for another: some are enough
        some = effort.large**2 // effort.large_part
        rows = seconds_of(
            lambda: plain.jacobian(usual_of_photos, large, all_grads=False, pixels=some)
        )
        found = torch.randn(effort.large**2, effort.large**2, device=device)
        return rows * effort.large_part + seconds_of(lambda: spectrum(found))

    def leading() -> float:
        return seconds_of(lambda: top_spectrum(of_photos, large, effort.leading))

    side, large_side, turns = effort.whole, effort.large, effort.turns
    return [
        turn_by_turn(
            f"jacobian {side}x{side}, backward()", turns,
            partial(pixel_by_pixel, True), partial(whole, trained, small),
        ),
        turn_by_turn(
            f"jacobian {side}x{side}, autograd.grad", turns,
            partial(pixel_by_pixel, False), partial(whole, trained, small),
        ),
        turn_by_turn(
            f"jacobian {large_side}x{large_side}, top {effort.leading}, autograd.grad",
            effort.large_turns, large_pixel_by_pixel, leading,
        ),
        turn_by_turn(
            f"jacobian {large_side}x{large_side}, top {effort.leading}, our whole one",
            effort.large_turns, partial(whole, of_photos, large), leading,
        ),
    ]  # fmt: skip


def measure(effort: Effort, site: Path) -> dict[str, Any]:
    """Return the table of ratios and what it was measured on."""
    in_browser = browser.measure(site, effort.turns, effort.browser_steps)
    rows, use, best = training_rows(effort)
    row, quality = networks_row(effort)
    rows.append(row)
    torch.set_num_threads(1)  # as in the processes that train, which make images too
    spent = training_shares(effort)
    rows += [c_alpha_row(effort), discs_row(effort)]
    torch.set_num_threads(CORES)
    largest = TrainingPlan(n_images=papers_trial()["plan"]["n_images"])
    trained = get_denoiser(largest, allow_training=False, device="cpu")
    photos = TrainingPlan("photos", 40, n_images=640_000, images_trained=640_000)
    of_photos = get_denoiser(photos, allow_training=False, device="cpu")
    row, operations = sampling_row(effort, trained)
    one_process = dict.fromkeys(("plain", "ours"), best["plain"])
    use += use_of_machine(row, operations, one_process, "float32")
    rows += [row, *jacobian_rows(effort, trained, of_photos)]
    here = machine()
    return {
        "rows": [asdict(row) | {"ratio": row.ratio} for row in rows],
        "flops": use,
        "shares": spent,
        "networks": quality,
        "browser": in_browser,
        "gpu": json.loads(Path(__file__).with_name("gpu.json").read_text()),
        "effort": asdict(effort),
        "machine": f"{here['machine']}, {here['features']}",
        "versions": here["versions"] | {"matplotlib": matplotlib.__version__},
    }


def main() -> None:
    """Measure, write ``results.json`` and ``README.md``, print the page."""
    options = argparse.ArgumentParser(description="Measure speed against the plain way.")
    options.add_argument("--quick", action="store_true", help="try it out: times mean nothing")
    here = Path(__file__).parent
    options.add_argument("--output", type=Path, default=here, metavar="FOLDER")
    built = here.parent / "_build" / "html"
    options.add_argument(
        "--site", type=Path, default=built, metavar="FOLDER", help="the built book"
    )
    given = options.parse_args()
    try:
        results = measure(QUICK if given.quick else Effort(), given.site)
    except FileNotFoundError as error:
        sys.exit(str(error))
    page = markdown(results)
    write_text(given.output / "results.json", json.dumps(results, indent=1) + "\n")
    write_text(given.output / "README.md", page)
    print(page)


if __name__ == "__main__":
    main()
