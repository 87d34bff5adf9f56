"""The command line: ``denoise-lib``.

What takes long to import (torch, papermill) is imported in the commands, so
that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from denoise_lib.errors import DenoiseLibError, MissingDataError, ParameterError
from denoise_lib.files import project_root

if TYPE_CHECKING:
    from denoise_lib.plan import TrainingPlan

INTERRUPTED = 130
UNREADABLE_NAMED = 10


class _OneLineErrors(TyperGroup):
    """Prints the errors that a user can act on as one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except DenoiseLibError as error:
            _complain(f"error: {error}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt:
            _complain("interrupted")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Profile = Annotated[
    str,
    typer.Option("--profile", "-P", help="smoke, classroom, published or paper."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _complain(message: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[red]{escape(message)}[/red]")


def _say(message: str) -> None:
    Console(soft_wrap=True, highlight=False).print(escape(message))


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    Console().print(table)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"denoise-lib {version('denoise-lib')}")
        raise typer.Exit


@app.callback()
def _main(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """What deep denoisers learn: train the networks, run the chapters, build the book."""
    # threads that wait without spinning: beside other work on the same cores, torch is then
    # twice as fast (inherited by the processes that run chapters and train)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="Name of a notebook in nbs/chapters.")],
    profile: Profile = "classroom",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="Replace one of the profile's parameters."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write the executed notebook.")
    ] = None,
) -> None:
    """Run one chapter from its source, training the networks that it lacks.

    At the published profile it becomes the book's chapter (and trains
    nothing: `denoise-lib train` does); otherwise it goes to `_build/runs`.

        denoise-lib run memorization

        denoise-lib run memorization -P smoke -p device=cpu -p n_samples=6
    """
    from denoise_lib.parameters import check_parameters, parse_overrides

    overrides = parse_overrides(chapter, parameter or [])
    check_parameters(chapter, profile, overrides)  # before papermill takes its second to load
    from denoise_lib import experiments

    path = experiments.run(chapter, profile, overrides, output)
    _say(f"wrote {path}")


@app.command()
def book(
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Build from the chapters as they are.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", "--rerun", help="Run every chapter again, not only stale ones.")
    ] = False,
) -> None:
    """Run the chapters that are stale, and build the site.

    A chapter is stale when its source, its parameters, its networks or the
    library code behind it changed since it was run.

        denoise-lib book
    """
    from denoise_lib import run_times, zoo_page
    from denoise_lib.book import build
    from denoise_lib.chapters import chapters
    from denoise_lib.cover import write_cover
    from denoise_lib.exercises import write_student_notebooks
    from denoise_lib.ledger_page import write_page
    from denoise_lib.staleness import stale

    if no_run and everything:
        raise ParameterError("--all", True, "leave out --no-run to run the chapters again")
    if no_run:
        for chapter in chapters():
            if reasons := stale(chapter):
                _complain(f"chapter {chapter} is stale: {', '.join(reasons)}")
    else:
        from denoise_lib.experiments import run_stale

        run_stale(
            everything=everything,
            on_start=lambda chapter, why: _say(f"running {chapter}: {', '.join(why)}"),
        )
    write_cover()
    write_page()
    run_times.write_page()
    zoo_page.write_page()
    write_student_notebooks()
    page = build(project_root())
    _say(f"The book is built. Open it:\n  python -m http.server -d {page.parent}\n"
         "  and http://localhost:8000 in a browser")  # fmt: skip


@app.command()
def train(
    profile: Profile = "published",
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CHAPTER", help="Only this chapter's networks; may be repeated."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Networks at a time. Default: one a core; with a GPU, one; with SLURM, all.",
            show_default=False,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|slurm",
            help="Train on a Dask cluster: tcp://host:8786, or SLURM jobs as Dask's "
            "jobqueue.yaml describes them (queue, walltime, cores ...).",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List what is missing and what it costs; train nothing."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="List what is missing and present, as JSON.")
    ] = False,
) -> None:
    """Train the networks that a profile names and that are missing.

    Those of the published profile go to `zoo/`, others to the user's cache.
    Ctrl-C leaves checkpoints; the next call goes on from them.

        denoise-lib train --dry-run

        denoise-lib train --only memorization --jobs 2

        denoise-lib train --scheduler tcp://host:8786

        DASK_JOBQUEUE__SLURM__WALLTIME=02:00:00 denoise-lib train --scheduler slurm --jobs 20
    """
    if jobs and scheduler and scheduler != "slurm":
        raise ParameterError("--jobs", jobs, "leave it out: a cluster trains one a worker")
    from denoise_lib.experiments import missing, named_plans

    lacking = missing(profile, only)
    if as_json:
        present = [plan for plan in named_plans(profile, only) if plan not in lacking]
        _print_json(_forecast(lacking) | {"present": [_plan_row(plan) for plan in present]})
    elif not lacking:
        _say(f"nothing is missing at {profile}")
    elif dry_run:
        _list_missing(lacking, jobs, scheduler)
    else:
        _train(lacking, profile, jobs, scheduler)


def _plan_row(plan: TrainingPlan) -> dict[str, Any]:
    from dataclasses import asdict

    return {"hash": plan.hash, **asdict(plan)}


def _forecast(lacking: list[TrainingPlan]) -> dict[str, Any]:
    from denoise_lib.forecast import forecast, gpu_hours

    costs = forecast(lacking)
    return {
        "missing": [
            {**_plan_row(plan), "images_left": costs.images_left[plan]} for plan in lacking
        ],
        "images_left": sum(costs.images_left.values()),
        "core_hours": costs.core_hours,
        "a100_hours": gpu_hours(lacking, "A100"),
        "h200_hours": gpu_hours(lacking, "H200"),
    }


def _list_missing(lacking: list[TrainingPlan], jobs: int | None, scheduler: str | None) -> None:
    from denoise_lib.forecast import forecast, gpu_hours
    from denoise_lib.sweep import default_jobs

    costs = forecast(lacking)
    _print_table(
        ("network", "plan", "images left", "core-hours"),
        [
            (plan.hash, plan, f"{costs.images_left[plan]:,}", f"{costs.hours[plan]:.2g}")
            for plan in lacking
        ],
    )
    total = sum(costs.images_left.values())
    _say(f"{len(lacking)} networks are missing: {total:,} images to train on")
    wall = ""
    if jobs or scheduler is None:
        jobs = jobs or default_jobs()
        wall = f", {costs.wall_hours(jobs):.2g} hours with {jobs} at a time"
    _say(f"{costs.core_hours:.2g} core-hours{wall} ({costs.source})")
    _say(
        f"{gpu_hours(lacking, 'A100'):.2g} GPU hours on an NVIDIA A100, if each multiplication "
        f"takes as long as the paper reports; {gpu_hours(lacking, 'H200'):.2g} on an H200, "
        "if it takes as long as it took this library there"
    )
    if scheduler == "slurm":
        from denoise_lib.cluster import slurm_cluster

        with slurm_cluster() as cluster:
            _say(f"\nEach SLURM job runs:\n{cluster.job_script()}")


def _train(
    lacking: list[TrainingPlan], profile: str, jobs: int | None, scheduler: str | None
) -> None:
    from denoise_lib.model_card import write_card
    from denoise_lib.sweep import train_shown
    from denoise_lib.zoo import user_dir, zoo_dir

    published = profile == "published"
    try:
        folder = zoo_dir() if published else user_dir()
        train_shown(lacking, folder, jobs=jobs, scheduler=scheduler)
    except (DenoiseLibError, KeyboardInterrupt):
        # the card lists what did arrive, but must not hide why the rest did not
        with suppress(DenoiseLibError):
            if published:
                write_card()
        raise
    if published:
        write_card()


@app.command()
def zoo(
    as_json: AsJson = False,
    card: Annotated[
        bool,
        typer.Option(
            "--write-card",
            help="Write zoo/README.md, measure what is new, and write the book's page.",
        ),
    ] = False,
) -> None:
    """List the trained networks of the book.

    denoise-lib zoo --json

    denoise-lib zoo --write-card
    """
    if card:
        from denoise_lib import zoo_check, zoo_page
        from denoise_lib.model_card import write_card

        _say(f"wrote {write_card()}")
        if zoo_page.page_path().exists():  # else this book shows no zoo
            _say(f"measured {zoo_check.measure()}")
            zoo_page.write_page()
        return
    from denoise_lib.plan import TrainingPlan
    from denoise_lib.zoo import entries

    found = entries()
    rows = [entry.as_dict() for entry in found]
    if as_json:
        _print_json(rows)
        return
    _print_table(
        ("network", "plan", "train dB", "tuning dB", "minutes"),
        [
            (
                entry.record["hash"],
                TrainingPlan.from_dict(entry.record["plan"]),
                row["train_psnr"],
                row["tuning_psnr"],
                row["minutes"],
            )
            for entry, row in zip(found, rows, strict=True)
        ],
    )


@app.command()
def claims(as_json: AsJson = False) -> None:
    """Compare what the paper claims with what the chapters recorded.

    denoise-lib claims --json
    """
    from denoise_lib.ledger import ledger

    rows = ledger()
    if as_json:
        _print_json(rows)
        return
    _print_table(
        ("claim", "criterion", "measured", "paper", "status"),
        [
            [
                row["sentence"],
                f"{row['quantity']} {row['criterion']}",
                ""
                if row["value"] is None
                else f"{row['value']:.3g} ({row['low']:.3g} to {row['high']:.3g})",
                row["paper"],
                row["status"] + (" (revised)" if row["revised"] else ""),
            ]
            for row in rows
        ],
    )


@app.command()
def data(
    folder: Annotated[
        Path | None, typer.Option(help="Prepare the pictures of this folder instead.")
    ] = None,
    name: Annotated[str, typer.Option(help="The class of these is folder:NAME.")] = "mine",
    size: Annotated[int, typer.Option(min=8, help="Side of the images in pixels.")] = 80,
    max_correlation: Annotated[
        float, typer.Option(help="Pictures that correlate more are near-duplicates.")
    ] = 0.98,
) -> None:
    """Fetch the images that the book uses, or prepare a folder of your own, once.

    denoise-lib data

    denoise-lib data --folder ~/celeba --name celeba --size 80
    """
    if folder is not None:
        _prepare(folder, name, size, max_correlation)
        return
    from denoise_lib.images import fashion, photos

    _say(f"Fashion-MNIST is in {fashion.fetch()}")
    _say(f"The photographs are in {photos.fetch()}")


@app.command()
def own(
    folder: Annotated[
        Path | None,
        typer.Option(help="The pictures; leave it out once they are prepared under that name."),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call them.")] = "mine",
    size: Annotated[int, typer.Option(min=8, help="Side of the images in pixels.")] = 32,
    profile: Profile = "classroom",
) -> None:
    """Take a folder of your pictures through chapters 2, 3 and 6.

    They become a class of grey squares; networks are trained on them, and the
    executed notebooks go to `_build/own/NAME`.

        denoise-lib own --folder ~/pictures --name mine

        denoise-lib own --name mine
    """
    from denoise_lib.chapters import check_profile
    from denoise_lib.images.folder import stored_path
    from denoise_lib.own import overrides, run_own

    check_profile(profile)
    if folder is not None:
        if stored_path(name, size).exists():
            # networks are named after their class: other pictures would be given these networks
            raise ParameterError(
                "--name", name, "pictures of that name are prepared: leave out --folder to use "
                "them, or give other pictures another name"
            )  # fmt: skip
        _prepare(folder, name, size, 0.98)
        try:
            overrides("memorization", name, size, profile)
        except MissingDataError:
            stored_path(name, size).unlink()  # no network knows them yet: the name stays free
            raise

    for path in run_own(name, size, profile, on_start=lambda chapter: _say(f"running {chapter}")):
        _say(f"wrote {path}")


def _prepare(source: Path, name: str, size: int, max_correlation: float) -> None:
    from rich.progress import Progress

    from denoise_lib.images import folder

    with Progress(transient=True) as bars:
        task = bars.add_task(f"reading {source}", total=None)
        report = folder.prepare(
            source, name, size, max_correlation=max_correlation,
            on_progress=lambda done, total: bars.update(task, completed=done, total=total),
        )  # fmt: skip
    _say(
        f"{report.kept} images of {size}x{size} pixels, left out {report.near_duplicates} "
        f"near-duplicates, {report.too_small} too small and {len(report.unreadable)} unreadable: "
        f"use them as image_class: folder:{name}"
    )
    for file in report.unreadable[:UNREADABLE_NAMED]:
        _say(f"  unreadable: {file}")


if __name__ == "__main__":
    app()
