"""Executed notebooks without what differs from run to run, so that git sees only what changed."""

from __future__ import annotations

import hashlib
import re
import site
import sys
from pathlib import Path
from typing import Any

from denoise_lib.files import project_root

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"

Notebook = dict[str, Any]


def normalise(notebook: Notebook, name: str) -> None:
    """Remove from an executed notebook what differs from run to run, in place.

    Gone are timings, papermill's notes, the version of Python, addresses in
    memory and folders of this machine; streams of text are merged and lines
    that were overwritten (progress bars) keep their last state; widgets get
    ids that depend on their order alone, and lose fields that say nothing.

    Parameters
    ----------
    notebook : dict
        As papermill returned it.
    name : str
        Makes the ids of its widgets differ from other notebooks'.
    """
    notebook["metadata"].pop("papermill", None)
    notebook["metadata"].get("language_info", {}).pop("version", None)
    notebook["metadata"]["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python"
    }  # fmt: skip
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
        if not cell["metadata"].get("tags", True):
            del cell["metadata"]["tags"]  # papermill adds an empty list
        if cell["cell_type"] == "code":
            cell["outputs"] = _merged(cell["outputs"])
            _scrub(cell["outputs"])
    _rename_widgets(notebook, name)
    for model in _widget_states(notebook).values():
        # null is what a missing field means, and layouts have dozens: a fifth of some chapters
        model["state"] = {k: v for k, v in model["state"].items() if v is not None}


def _widget_states(notebook: Notebook) -> dict[str, Any]:
    return notebook["metadata"].get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


def _merged(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outputs, the pieces of each stream between two other outputs in one piece.

    Which piece of stdout and of stderr comes first is a matter of chance.
    """
    merged: list[dict[str, Any]] = []
    streams: dict[str, dict[str, Any]] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            streams = {}
            merged.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = output
            merged.append(output)
    for output in merged:
        if output["output_type"] == "stream":
            lines = output["text"].replace("\r\n", "\n").split("\n")
            output["text"] = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    return merged


def _machine_paths() -> list[tuple[re.Pattern[str], str]]:
    """Return patterns of what names this machine in a text, and what to write instead."""
    folders = {str(project_root()): ".", str(Path.home()): "~", sys.prefix: "python"}
    folders |= dict.fromkeys([*site.getsitepackages(), site.getusersitepackages()], "python")
    longest_first = sorted(folders, key=len, reverse=True)
    end = r"(?![\w.-])"
    patterns = [(re.compile(re.escape(f) + end), folders[f]) for f in longest_first if len(f) > 1]
    return [
        (re.compile(r"\S*ipykernel_\d+/\d+\.py"), "cell"),
        (re.compile(r" at 0x[0-9a-f]{6,}"), ""),
        *patterns,
    ]


def _scrub(outputs: list[dict[str, Any]]) -> None:
    patterns = _machine_paths()

    def clean(text: str) -> str:
        for pattern, instead in patterns:
            text = pattern.sub(instead, text)
        return text

    for output in outputs:
        if "text" in output:
            output["text"] = clean(output["text"])
        data = output.get("data", {})
        for kind in data:
            if kind.startswith("text/") and isinstance(data[kind], str):
                data[kind] = clean(data[kind])


def _rename_widgets(notebook: Notebook, name: str) -> None:
    """Give each widget an id that depends on its order alone, wherever the old one is named."""
    state = _widget_states(notebook)
    # nbclient lists widgets as they were made, and Python keeps that order
    new: dict[str, str] = {}
    for i, old in enumerate(state):
        new[old] = hashlib.sha256(f"{name} {i}".encode()).hexdigest()[:32]
        new[f"IPY_MODEL_{old}"] = f"IPY_MODEL_{new[old]}"

    def renamed(node: Any) -> Any:
        if isinstance(node, str):
            return new.get(node, node)
        if isinstance(node, list):
            return [renamed(item) for item in node]
        if isinstance(node, dict):
            return {renamed(key): renamed(value) for key, value in node.items()}
        return node

    if new:
        notebook["metadata"]["widgets"] = renamed(notebook["metadata"]["widgets"])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = renamed(cell["outputs"])
