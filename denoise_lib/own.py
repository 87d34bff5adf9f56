"""A reader's own pictures through the chapters that any class of images can be asked about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from denoise_lib.errors import MissingDataError
from denoise_lib.experiments import run
from denoise_lib.files import project_root
from denoise_lib.images.folder import image_sets
from denoise_lib.parameters import profile_values

CHAPTERS = ("memorization", "convergence", "harmonic_bases")
HELD_OUT = 32  # pictures, at least: the chapters choose among as many, and measure on them
OF_THE_CLASS = ("image_class", "image_size", "n_images", "subset", "seed")


def set_sizes(available: int) -> list[int]:
    """Return the set sizes N to train on: powers of ten from 10, and all images.

    Parameters
    ----------
    available : int
        Images in set A, more than 10.

    Returns
    -------
    list of int

    Examples
    --------
    >>> set_sizes(50), set_sizes(1000)
    ([10, 50], [10, 100, 1000])
    """
    powers = [10**k for k in range(1, 9) if 10**k < available]
    return [*powers, available]


def overrides(chapter: str, name: str, size: int, profile: str) -> dict[str, Any]:
    """Return what a chapter's parameters must be for prepared pictures.

    Networks are like the profile's first one in chapter 3, and trained as long; comparisons
    that would take more of them (widths, sizes, architectures, seeds) are left out.

    Parameters
    ----------
    chapter : str
        One of `CHAPTERS`.
    name : str
        Under which the pictures were prepared.
    size : int
        Side in pixels.
    profile : str
        Whose networks and budget to take.

    Returns
    -------
    dict

    Raises
    ------
    MissingDataError
        If the pictures are not prepared, or are too few to measure on.
    """
    sets = image_sets(name, size).images
    if len(sets["held-out"]) < HELD_OUT:
        raise MissingDataError(
            f"{sum(map(len, sets.values()))} pictures are too few: {20 * HELD_OUT} are needed, "
            f"so that {HELD_OUT} can be held out to measure on"
        )
    sizes = set_sizes(min(len(sets["A"]), len(sets["B"])))
    model = profile_values("convergence", profile)["networks"][0]
    network = {key: value for key, value in model.items() if key not in OF_THE_CLASS}
    network |= {"image_class": f"folder:{name}", "image_size": size}
    a, b = {**network, "n_images": sizes}, {"subset": "B", "seed": 1}
    usual = profile_values(chapter, profile)
    held_out = len(sets["held-out"])
    values = {"n_judged": min(usual["n_judged"], held_out)}
    if "n_samples" in usual:  # samples are compared with as many held-out images, against the rest
        values["n_samples"] = min(usual["n_samples"], held_out // 2)
    if chapter == "memorization":
        empty: dict[str, Any] = {"networks_few": [], "networks_width": [], "networks_size": []}
        return values | {"networks": [a]} | empty
    if chapter == "convergence":
        empty = {"networks_seed": [], "networks_bfcnn": []}
        return values | {"networks": [a], "networks_b": [{**a, **b}]} | empty
    largest = {**network, "n_images": sizes[-1]}
    return values | {
        "networks": [largest],
        "networks_measured": [{**network, "n_images": [sizes[0], sizes[-1]]}],
        "networks_b": [{**largest, **b}],
        "sizes": [size],
        "n_principal": min(usual["n_principal"], sizes[-1]),
    }


def run_own(
    name: str,
    size: int,
    profile: str = "classroom",
    *,
    on_start: Callable[[str], None] = lambda _: None,
    progress: bool = True,
) -> list[Path]:
    """Run chapters 2, 3 and 6 on prepared pictures.

    Parameters
    ----------
    name : str
        Under which the pictures were prepared.
    size : int
        Side in pixels.
    profile : str
        Whose networks and budget to take.
    on_start : callable
        Called with the name of a chapter before it runs.
    progress : bool
        Show progress bars.

    Returns
    -------
    list of Path
        The executed notebooks, in ``_build/own/NAME``.

    Raises
    ------
    MissingDataError
        If the pictures are not prepared, or are too few to measure on.
    ParameterError
        If the networks cannot be built for that size.
    ChapterFailedError
        If a cell raised an error.
    """
    values = {chapter: overrides(chapter, name, size, profile) for chapter in CHAPTERS}
    paths = []
    for chapter in CHAPTERS:
        on_start(chapter)
        output = project_root() / "_build" / "own" / name / f"{chapter}.ipynb"
        paths.append(run(chapter, profile, values[chapter], output, progress=progress))
    return paths
