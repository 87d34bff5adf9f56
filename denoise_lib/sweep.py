"""Training many networks at once: one process each, one thread a process."""

from __future__ import annotations

import multiprocessing
import queue
from collections.abc import Callable
from pathlib import Path

import torch

from denoise_lib.errors import DenoiseLibError
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import Progress
from denoise_lib.zoo import obtain


def train_all(
    plans: list[TrainingPlan],
    folder: Path,
    *,
    jobs: int,
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
                running[i] = context.Process(target=_train_one, args=(i, plans[i], folder, said))
                running[i].start()
            ended = [i for i, process in running.items() if process.exitcode is not None]
            try:
                # what an ended process said is read to its end before it is taken off the list
                while message := said.get(timeout=0 if ended else 0.5):
                    i, news = message
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
    i: int, plan: TrainingPlan, folder: Path, said: multiprocessing.Queue[tuple[int, object]]
) -> None:
    torch.set_num_threads(1)
    try:
        obtain(plan, folder, on_progress=lambda progress: said.put((i, progress)))
    except DenoiseLibError as error:
        said.put((i, str(error)))
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
