"""Training many networks at once: one process each, one thread a process.

Two single-threaded processes train two networks faster than one process of two
threads trains one after the other, and do not stall when the machine is busy.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from rich.markup import escape
from rich.progress import TaskID
from torch import nn

from denoise_lib.errors import DenoiseLibError
from denoise_lib.plan import TrainingPlan
from denoise_lib.progress import bars, in_words
from denoise_lib.training import Progress
from denoise_lib.zoo import find, get_denoiser, obtain, user_dir

# Starting a process takes seconds: trainings shorter than this are done in this one.
WORTH_A_PROCESS = 20_000


def gather(
    wanted: Sequence[TrainingPlan], profile: str, device: str = "auto"
) -> tuple[dict[TrainingPlan, nn.Module], list[TrainingPlan]]:
    """Return the denoisers of a chapter, and the plans that are still untrained.

    At the `published` profile only the book's zoo is read: what is missing is
    named on the page. At any other, what is missing is trained there and then.

    Parameters
    ----------
    wanted : sequence of TrainingPlan
    profile : str
    device : str
        Where to train, and where the denoisers are returned.

    Returns
    -------
    denoisers : dict of TrainingPlan to nn.Module
    missing : list of TrainingPlan
    """
    train_here = profile != "published"
    lacking = [plan for plan in wanted if find(plan, zoo_only=not train_here) is None]
    if train_here:
        long = [plan for plan in lacking if plan.images_trained >= WORTH_A_PROCESS]
        if long:
            train_shown(long, user_dir(), device=device)
        lacking = []
    denoisers = {
        plan: get_denoiser(plan, train_here, device) for plan in wanted if plan not in lacking
    }
    return denoisers, lacking


def default_jobs() -> int:
    """Return how many networks this machine trains at a time: one a core, or one with a GPU."""
    return 1 if torch.cuda.is_available() else os.cpu_count() or 1


def train_shown(
    plans: list[TrainingPlan],
    folder: Path,
    *,
    jobs: int | None = None,
    device: str = "auto",
    scheduler: str | None = None,
) -> None:
    """Train networks into a folder side by side, with a progress bar for each.

    Parameters
    ----------
    plans : list of TrainingPlan
    folder : Path
    jobs : int, optional
        How many at a time; None means `default_jobs`, or all that SLURM grants.
    device : str
        Where to train; the workers of a cluster choose for themselves.
    scheduler : str, optional
        Train on a Dask cluster, named as for `denoise_lib.cluster.connected`.

    Raises
    ------
    DenoiseLibError
        Names the networks that were not trained, and why.
    """
    if scheduler is None:
        jobs = jobs or default_jobs()
        train = partial(train_all, plans, folder, jobs=jobs, device=device)
        _show(plans, f"{jobs} at a time", train)
        return
    from denoise_lib.cluster import connected, train_on_cluster  # Dask takes a second to load

    with connected(scheduler, jobs or len(plans)) as client:
        workers = len(client.nthreads())
        where = f"on {workers} workers of {scheduler}, and on those that join it"
        _show(plans, where, partial(train_on_cluster, plans, folder, client))


def _show(plans: list[TrainingPlan], where: str, train: Callable[..., None]) -> None:
    failed: list[str] = []
    with bars() as shown:
        shown.console.print(f"training {len(plans)} networks, {where}")
        everything = shown.add_task("all", total=sum(p.images_trained for p in plans), state="")
        tasks: dict[TrainingPlan, TaskID] = {}
        seen = dict.fromkeys(plans, 0)

        def advance(plan: TrainingPlan, images: int) -> None:
            seen[plan] = images
            shown.update(everything, completed=sum(seen.values()))

        def draw(plan: TrainingPlan, now: Progress) -> None:
            if plan not in tasks:
                shown.console.print(escape(f"{plan.hash} is {plan}"), soft_wrap=True)
                tasks[plan] = shown.add_task(plan.hash, total=now.images_total, state="")
            shown.update(tasks[plan], completed=now.images_seen, state=in_words(now))
            advance(plan, now.images_seen)

        def end(plan: TrainingPlan, problem: str | None) -> None:
            if plan in tasks:
                shown.remove_task(tasks[plan])
            advance(plan, plan.images_trained)
            if problem is None:
                shown.console.print(f"{plan.hash} is trained")
            else:
                failed.append(f"{plan.hash} ({problem})")

        train(on_progress=draw, on_end=end)
    if failed:
        raise DenoiseLibError(
            f"{len(failed)} of {len(plans)} networks were not trained: {'; '.join(failed)}"
        )


def train_all(
    plans: list[TrainingPlan],
    folder: Path,
    *,
    jobs: int,
    device: str = "auto",
    on_progress: Callable[[TrainingPlan, Progress], None],
    on_end: Callable[[TrainingPlan, str | None], None],
) -> None:
    """Train networks into a folder, several side by side.

    An interruption ends every process; each has left a checkpoint of its last
    minute, from which the next call goes on.

    Parameters
    ----------
    plans : list of TrainingPlan
    folder : Path
        `denoise_lib.zoo.zoo_dir` or `denoise_lib.zoo.user_dir`.
    jobs : int
        How many at a time.
    device : str
        Where to train.
    on_progress : callable
        Called about every second for each network in training.
    on_end : callable
        Called when a network is done, with None or with what went wrong.
    """
    # spawn: a forked torch may hang, and a GPU cannot be used in one
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    waiting = list(range(len(plans)))
    running: dict[int, multiprocessing.process.BaseProcess] = {}
    wrong: dict[int, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                i = waiting.pop(0)
                running[i] = context.Process(
                    target=_train_one, args=(i, plans[i], folder, device, said)
                )
                running[i].start()
            ended = [i for i, process in running.items() if process.exitcode is not None]
            try:
                # what an ended process said is read to its end before it is taken off the list
                wait = 0 if ended else 0.5
                while True:
                    i, news = said.get(timeout=wait)
                    wait = 0
                    if isinstance(news, Progress):
                        on_progress(plans[i], news)
                    else:
                        wrong[i] = news
            except queue.Empty:
                pass
            for i in ended:
                code = running.pop(i).exitcode
                on_end(plans[i], wrong.get(i, f"its process ended with {code}") if code else None)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()


def _train_one(
    i: int,
    plan: TrainingPlan,
    folder: Path,
    device: str,
    said: multiprocessing.Queue[tuple[int, object]],
) -> None:
    torch.set_num_threads(1)
    try:
        obtain(plan, folder, device=device, on_progress=lambda progress: said.put((i, progress)))
    except DenoiseLibError as error:
        said.put((i, str(error)))
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
