"""A progress bar for training, in a terminal as in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Generator

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from denoise_lib.training import Progress, Trained


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
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, transient=True) as bar:
        task = bar.add_task(title, total=None, state="")

        def draw(progress: Progress) -> None:
            state = (
                f"{progress.images_a_second:.0f} images/s, PSNR train {progress.train_psnr:.1f} "
                f"tuning {progress.tuning_psnr:.1f} dB"
            )
            bar.update(
                task, total=progress.images_total, completed=progress.images_seen, state=state
            )

        return _drain(training, draw)


def _drain(
    training: Generator[Progress, None, Trained], on_progress: Callable[[Progress], None]
) -> Trained:
    while True:
        try:
            on_progress(next(training))
        except StopIteration as end:
            return end.value
