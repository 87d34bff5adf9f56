"""A progress bar for training, in a terminal as in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Generator

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from denoise_lib.training import Progress, Trained


def bars() -> Bars:
    """Return progress bars of images seen, with a state in words and the time left."""
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        transient=True,
    )


def in_words(now: Progress) -> str:
    """Return the speed of a training, and its PSNR on training and tuning images."""
    decibels = f"train {now.train_psnr:.1f}, tuning {now.tuning_psnr:.1f} dB"
    return f"{now.images_a_second:.0f} images/s, {decibels}"


def show_training(
    training: Generator[Progress, None, Trained],
    title: str,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Run a training to its end, showing how far it is.

    Parameters
    ----------
    training : generator
        What `denoise_lib.training.train` returned.
    title : str
        What is being trained.
    on_progress : callable, optional
        Called with each `Progress` instead of drawing a bar.

    Returns
    -------
    Trained
    """
    if on_progress is not None:
        return _drain(training, on_progress)
    with bars() as bar:
        task = bar.add_task(title, total=None, state="")

        def draw(now: Progress) -> None:
            total, completed = now.images_total, now.images_seen
            bar.update(task, total=total, completed=completed, state=in_words(now))

        return _drain(training, draw)


def _drain(
    training: Generator[Progress, None, Trained], on_progress: Callable[[Progress], None]
) -> Trained:
    while True:
        try:
            on_progress(next(training))
        except StopIteration as end:
            return end.value
