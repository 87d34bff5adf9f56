"""A book of one tiny chapter, made in a temporary folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import denoise_lib

PARAMETERS = """\
# What is varied.
sizes = [1, 10]  # training images
sigma = 0.5
copies = 3
title = "tiny"
quick = False
profile = "smoke"
device = "cpu"
networks = []  # what get_denoiser is asked for"""

BODY = """\
import ipywidgets
from denoise_lib.claims import record
slider = ipywidgets.IntSlider(max=copies)
label = ipywidgets.IntText()
link = ipywidgets.jslink((slider, "value"), (label, "value"))
print(object())
record("spread", sigma, (sigma - 0.1, sigma + 0.1), n=copies)
record("nothing", 0, (0, 0))
ipywidgets.VBox([slider, label])"""


def write_notebook(path: Path, *code: str, parameters: str = PARAMETERS) -> None:
    def cell(i: int, source: str, *tags: str) -> dict:
        return {
            "id": f"c{i}", "cell_type": "code", "execution_count": None, "outputs": [],
            "metadata": {"tags": list(tags)} if tags else {}, "source": source,
        }  # fmt: skip

    cells = [cell(0, parameters, "parameters"), *(cell(i, c) for i, c in enumerate(code, 1))]
    metadata = {"denoise_book": {"chapter": 7, "data": ["measured.json"]}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )


def write_profile(root: Path, chapter: str, profile: str, text: str) -> None:
    path = root / "nbs" / "profiles" / profile / f"{chapter}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a book with the chapter ``tiny`` in ``root`` and let the library work on it."""
    write_notebook(root / "nbs" / "chapters" / "tiny.ipynb", BODY)
    (root / "measured.json").write_text("{}")
    write_profile(root, "tiny", "smoke", "copies: 2\n")
    write_profile(root, "tiny", "published", "profile: published\nsizes: [1, 10, 100]\n")
    monkeypatch.setenv("DENOISE_BOOK_ROOT", str(root))
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(root / "cache"))
    # kernels start in the book's folder and must find the library that is tested
    monkeypatch.setenv("PYTHONPATH", str(Path(denoise_lib.__file__).parents[1]))
    # some other Python's kernel is installed on this machine, one that does not even start
    kernel = root / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["false"], "display_name": "Python 3", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(root / "jupyter"))
    monkeypatch.chdir(root)
    return root
