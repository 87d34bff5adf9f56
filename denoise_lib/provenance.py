"""Where a chapter's numbers come from, and how to get them again: added as the site is built.

A Sphinx extension: it reads what the run left in the notebook's metadata. Nothing is written into
the chapter itself, which therefore stays as fresh as it was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denoise_lib.zoo import read_record, zoo_dir

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = "chapters/"
CELL = """\
:::{{admonition}} Where these numbers come from
:class: provenance

Profile `{profile}`; {networks}; seeds {seeds}; commit `{commit}`;
{versions}; {machine}, {device}; {minutes}.
:::

:::{{admonition}} Rerun this
:class: tip rerun

As on this page, with the networks of `zoo/` ({minutes} on that machine):

```bash
denoise-lib run {chapter} --profile published
```

On a laptop and from nothing, with smaller networks trained on the spot (meant to take at most
five minutes on two cores):

```bash
denoise-lib run {chapter} --profile classroom
```

{training}[Run times of all chapters](../run-times.md)
:::
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("source-read", _append)
    return {"parallel_read_safe": True}


def _append(_: Sphinx, document: str, source: list[str]) -> None:
    """Append the cell to an executed chapter as Sphinx reads it."""
    if document.startswith(FOLDER):
        source[0] = with_provenance(source[0], document.removeprefix(FOLDER))


def with_provenance(text: str, chapter: str) -> str:
    """Return an executed notebook's text with the line and the box at its end.

    Parameters
    ----------
    text : str
        The notebook's file.
    chapter : str

    Returns
    -------
    str
        The same text where the notebook does not say what it was run from.
    """
    notebook = json.loads(text)
    ran = notebook["metadata"].get("denoise_book", {})
    if "run" not in ran:
        return text
    source = provenance_cell(ran, chapter)
    notebook["cells"].append(
        {"id": "provenance", "cell_type": "markdown", "metadata": {}, "source": source}
    )
    return json.dumps(notebook)


def provenance_cell(ran: dict[str, Any], chapter: str) -> str:
    """Return the line and the box in MyST Markdown.

    Parameters
    ----------
    ran : dict
        What `denoise_lib.experiments.run` wrote into the notebook's metadata.
    chapter : str
    """
    run = ran["run"]
    seeds, spent = trained(list(ran["networks"]))
    training = (
        f"Training the networks of this page again took {spent:.0f} minutes, one at a time: "
        f"`denoise-lib train --only {chapter}` trains those that are missing.\n\n"
    )
    return CELL.format(
        chapter=chapter,
        profile=ran["profile"],
        networks=_count(len(ran["networks"]), "network"),
        seeds=", ".join(map(str, seeds)) or "none",
        commit=run["commit"] or "unknown",
        versions=", ".join(f"{name} {v}" for name, v in sorted(run["versions"].items())),
        machine=run["machine"],
        device=run["device"],
        minutes=f"{run['minutes']:g} minutes",
        training=training if ran["networks"] else "",
    )


def trained(networks: Sequence[str]) -> tuple[list[int], float]:
    """Return the seeds of some networks of the zoo, and the minutes that training them took.

    Parameters
    ----------
    networks : sequence of str
        Plan hashes.
    """
    paths: list[Path] = [zoo_dir() / f"{name}.safetensors" for name in networks]
    records = [read_record(path) for path in paths if path.exists()]
    seeds = sorted({record["plan"]["seed"] for record in records})
    return seeds, sum(record["how"]["seconds"] for record in records) / 60


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
