"""Running chapters: the checked door to papermill, and what is kept of a run."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from denoise_lib.chapters import (
    book_path,
    chapters,
    check_profile,
    read_notebook,
    results_path,
    run_path,
    source_hash,
    source_path,
)
from denoise_lib.claims import RECORD_MIME
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.files import project_root, write_text
from denoise_lib.normalise import normalise
from denoise_lib.parameters import (
    check_parameters,
    parameters_cell,
    planned,
    profile_values,
    with_values,
)
from denoise_lib.staleness import as_json, code_hashes, data_hashes, stale

if TYPE_CHECKING:
    from denoise_lib.plan import TrainingPlan

PROVENANCE_MIME = "application/vnd.denoise-book.provenance+json"
PROVENANCE_CELL = """\
from denoise_lib.experiments import show_provenance
show_provenance(globals().get("device", "auto"))"""


class ChapterFailedError(DenoiseLibError):
    """A cell of a chapter raised an error."""


class _ThisPython(AsyncKernelManager):
    """Starts the Python that runs this, whatever kernels are installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        # it would warn of its own transport, and of an interruption, between the progress bars
        return KernelSpec(**get_kernel_dict(extra_arguments=["--log-level=CRITICAL"]))


def run(
    chapter: str,
    profile: str,
    overrides: dict[str, Any] | None = None,
    output: Path | None = None,
    *,
    progress: bool = True,
) -> Path:
    """Run a chapter from its source and keep it if every cell ran.

    A run at the published profile becomes the book's chapter, unless some
    parameter was overridden; every other run goes to ``_build/runs``. What it
    recorded goes to ``book/results``, or beside it. A run that fails leaves
    the last good one in place.

    Parameters
    ----------
    chapter : str
    profile : str
    overrides : dict, optional
        Values of parameters that replace the profile's.
    output : Path, optional
        Where to write the executed notebook instead.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The executed notebook.

    Raises
    ------
    ParameterError
        If a name or value cannot be used; nothing has run then.
    ChapterFailedError
        If a cell raised an error; the notebook up to there is kept in ``_build/runs``.
    """
    values = check_parameters(chapter, profile, overrides)
    for_book = profile == "published" and not overrides and output is None
    path = _output_path(chapter, profile, output, for_book)
    source = read_notebook(source_path(chapter))
    provenance = {
        **source["metadata"].get("denoise_book", {}),
        "profile": profile,
        "parameters": as_json(values),
        "source": source_hash(source),
        "code": code_hashes(source),
        "data": data_hashes(source),
    }
    started = time.monotonic()
    notebook = _execute(source, chapter, profile, values, progress)
    minutes = round((time.monotonic() - started) / 60, 1)

    seen = _collect(notebook, PROVENANCE_MIME)[0]
    notebook["cells"].pop()
    provenance["networks"] = seen.pop("networks")
    provenance["run"] = {**seen, "minutes": minutes, "commit": _commit()}
    records = _records(chapter, notebook, provenance)
    normalise(notebook, chapter)
    notebook["metadata"]["denoise_book"] = provenance
    nbformat.validate(notebook)

    results = results_path(chapter) if for_book else path.with_suffix(".json")
    if not (path.exists() and results.exists() and _says_the_same(path, notebook)):
        # the notebook last: what is fresh is judged by it
        write_text(results, _to_json({"provenance": provenance, "records": records}))
        write_text(path, _to_json(notebook))
    _failed_path(chapter, profile).unlink(missing_ok=True)
    return path


def _output_path(chapter: str, profile: str, output: Path | None, for_book: bool) -> Path:
    if output is None:
        return book_path(chapter) if for_book else run_path(chapter, profile)
    output = output.expanduser().absolute()
    if output.suffix != ".ipynb" or output.is_dir():
        raise ParameterError("output", str(output), "give a file name that ends in .ipynb")
    if output.resolve().is_relative_to(project_root() / "nbs"):
        raise ParameterError("output", str(output), "nbs/ holds the sources: choose another folder")
    return output


def _failed_path(chapter: str, profile: str) -> Path:
    return run_path(chapter, profile).with_suffix(".failed.ipynb")


def _execute(
    source: dict[str, Any], chapter: str, profile: str, values: dict[str, Any], progress: bool
) -> nbformat.NotebookNode:
    """Run a copy of the source, with one more cell that tells what it ran with."""
    notebook = nbformat.from_dict(source)
    # papermill would inject a second cell of parameters below the commented one, which would go on
    # showing values that were not used, and would overrule a reader who edits it: the values are
    # written into the cell that everyone sees instead.
    cell = parameters_cell(notebook, chapter)
    cell["source"] = with_values(cell["source"], values, chapter)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for i, each in enumerate(notebook.cells):
        each.setdefault("id", f"cell-{i}")
    notebook.cells.append(nbformat.v4.new_code_cell(PROVENANCE_CELL))

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "source.ipynb"), Path(folder, "executed.ipynb")
        nbformat.write(notebook, before)
        try:
            return papermill.execute_notebook(
                before,
                after,
                kernel_name="python3",
                language="python",
                cwd=project_root(),
                progress_bar=progress and {"desc": f"{chapter} ({profile})"},
                kernel_manager_class=_ThisPython,
            )
        except PapermillExecutionError as error:
            cell_number, what = error.cell_index + 1, f"{error.ename}: {error.evalue}"
            failed = _failed_path(chapter, profile)
            write_text(failed, after.read_text(encoding="utf-8"))
            raise ChapterFailedError(
                f"chapter {chapter} failed at {profile} in cell {cell_number}: "
                f"{_first_line(what)} (traceback in {_shown(failed)})"
            ) from error
        except DeadKernelError as error:
            raise ChapterFailedError(
                f"chapter {chapter} failed at {profile}: its Python process died, "
                "perhaps for want of memory"
            ) from error


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0]


def _shown(path: Path) -> str:
    """Return a path as the book's own folder sees it."""
    root = project_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def show_provenance(device: str) -> None:
    """Emit what this process has loaded and what it runs on; called at the end of a run."""
    from IPython.display import display

    from denoise_lib.devices import pick_device
    from denoise_lib.zoo import machine, used

    row = {"networks": used, "device": str(pick_device(device)), **machine()}
    display({PROVENANCE_MIME: row}, raw=True)


def _collect(notebook: dict[str, Any], mime: str) -> list[dict[str, Any]]:
    """Return what a notebook's outputs hold of one of our own types, and remove it from them.

    Sphinx would warn of a type that it does not know.
    """
    return [
        output["data"].pop(mime)
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if mime in output.get("data", {})
    ]


def _records(
    chapter: str, notebook: dict[str, Any], provenance: dict[str, Any]
) -> list[dict[str, Any]]:
    rows = [{"networks": sorted(provenance["networks"]), **row}
            for row in _collect(notebook, RECORD_MIME)]  # fmt: skip
    names = [row["quantity"] for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DenoiseLibError(f"chapter {chapter} records {', '.join(twice)} twice: name it apart")
    return sorted(rows, key=lambda row: row["quantity"])


def _commit() -> str | None:
    """Return the commit that was run, with ``+changes`` if what runs differs from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=project_root(), capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        changes = git("status", "--porcelain", "--", "nbs", "denoise_lib", "zoo")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+changes" if changes else commit


def _to_json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _says_the_same(path: Path, notebook: dict[str, Any]) -> bool:
    """Say whether a notebook differs from the one in a file only in when and where it ran.

    Then the old one stays: it is as true, and git has nothing to keep.
    """

    def essence(some: dict[str, Any]) -> dict[str, Any]:
        said = json.loads(json.dumps(some))
        said["metadata"].get("denoise_book", {}).pop("run", None)
        return said

    try:
        return essence(json.loads(path.read_text(encoding="utf-8"))) == essence(notebook)
    except (ValueError, KeyError):
        return False


def run_stale(
    *, everything: bool = False, on_start: Callable[[str, list[str]], None] = lambda *_: None
) -> list[Path]:
    """Run again, at the published profile, every chapter that is stale.

    Parameters
    ----------
    everything : bool
        Run the fresh ones too.
    on_start : callable
        Called with the name of a chapter and the reasons, before it runs.

    Returns
    -------
    list of Path
        The chapters of the book that were run.
    """
    paths = []
    for chapter in chapters():
        reasons = stale(chapter) or (["asked for"] if everything else [])
        if reasons:
            on_start(chapter, reasons)
            paths.append(run(chapter, "published"))
    return paths


def missing(profile: str, only: Iterable[str] | None = None) -> list[TrainingPlan]:
    """Return the plans that the chapters name at a profile and that nobody has trained here.

    Parameters
    ----------
    profile : str
        At ``published`` only the book's zoo counts; elsewhere the user's cache too.
    only : iterable of str, optional
        Names of chapters; None means all that have this profile.

    Returns
    -------
    list of TrainingPlan
        In the order of the chapters, each once.
    """
    from denoise_lib.zoo import find

    zoo_only = profile == "published"
    return [plan for plan in named_plans(profile, only) if find(plan, zoo_only=zoo_only) is None]


def named_plans(profile: str, only: Iterable[str] | None = None) -> list[TrainingPlan]:
    """Return the plans that the chapters name at a profile (arguments as for `missing`).

    A profile may name the networks of a chapter whose notebook is still to be written.
    """
    check_profile(profile)
    written = chapters()
    named = {path.stem for path in (project_root() / "nbs/profiles" / profile).glob("*.yaml")}
    known = [c for c in written if c in named] + sorted(named - set(written))
    plans: dict[TrainingPlan, None] = {}
    for chapter in list(only) if only else known:
        if chapter in named - set(written):
            values = profile_values(chapter, profile)
        else:
            values = check_parameters(chapter, profile)
        plans |= dict.fromkeys(planned(values))
    return list(plans)
