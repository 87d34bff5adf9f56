"""A folder of pictures (CelebA, or a reader's own) as an image class: ``"folder:NAME"``.

`prepare` makes grey squares of the pictures once and leaves out near-duplicates; the sets are
dealt from what it stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from denoise_lib.errors import DamagedFileError, MissingDataError, ParameterError
from denoise_lib.files import cache_dir, replacing
from denoise_lib.images.sets import SPLIT_SEED, ImageSets, split

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".ppm"}
LEAST = 100  # images: 5 are held out, 2 tune, 20 are of C and D
THUMBNAIL = 16  # side at which pictures are compared
CHUNK = 2048  # pictures compared with as many others at once: 16 MB of correlations


@dataclass(frozen=True)
class Prepared:
    """What became of the pictures of a folder.

    Parameters
    ----------
    kept : int
        Images stored.
    near_duplicates : int
        Left out because an earlier picture looks the same.
    too_small : int
        Left out because a side has fewer pixels than asked for.
    unreadable : tuple of str
        Files, relative to the folder, that are no picture or a broken one.
    """

    kept: int
    near_duplicates: int
    too_small: int
    unreadable: tuple[str, ...]


def stored_path(name: str, size: int) -> Path:
    """Return where the prepared images of a folder are kept."""
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ParameterError("name", name, "give one of letters, digits, - and _")
    return cache_dir() / "folders" / f"{name}-{size}.safetensors"


def prepare(
    source: Path,
    name: str,
    size: int,
    *,
    max_correlation: float = 0.98,
    on_progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Make grey squares of the pictures in a folder and its subfolders, and store them.

    Of each picture the largest square in its middle is kept, turned grey and
    shrunk to ``size``.

    Parameters
    ----------
    source : Path
        The folder of pictures.
    name : str
        The class will be called ``"folder:NAME"``.
    size : int
        Side in pixels.
    max_correlation : float
        A picture is a near-duplicate if its 16x16 thumbnail correlates more
        than this with an earlier one's.
    on_progress : callable, optional
        Called with the number of pictures read and of all files.

    Returns
    -------
    Prepared

    Raises
    ------
    MissingDataError
        If there is no such folder, or too few pictures in it.
    """
    path = stored_path(name, size)
    if not source.is_dir():
        raise MissingDataError(f"{source} is not a folder: give one that holds pictures")
    files = sorted(p for p in source.rglob("*") if p.suffix.lower() in ENDINGS)
    squares, too_small, unreadable = [], 0, []
    with ThreadPoolExecutor() as pool:
        read = pool.map(partial(_square, size=size), files)
        for i, (file, square) in enumerate(zip(files, read, strict=True), start=1):
            if square is None:
                unreadable.append(str(file.relative_to(source)))
            elif not square.size:
                too_small += 1
            else:
                squares.append(square)
            if on_progress is not None:
                on_progress(i, len(files))
    images = np.stack(squares) if squares else np.empty((0, size, size), np.uint8)
    twice = near_duplicates(images, max_correlation)
    images = images[~twice]
    report = Prepared(len(images), int(twice.sum()), too_small, tuple(unreadable))
    if len(images) < LEAST:
        raise MissingDataError(
            f"{source} gives {len(images)} images of {size}x{size}, {LEAST} are needed "
            f"({len(files)} pictures found: {report.near_duplicates} near-duplicates, "
            f"{too_small} too small, {len(unreadable)} unreadable)"
        )
    with replacing(path) as temporary:
        save_file({"images": images}, temporary, {"prepared": json.dumps(asdict(report))})
    image_sets.cache_clear()
    return report


def _square(file: Path, size: int) -> np.ndarray | None:
    """Return the grey middle of a picture; empty if it is too small, None if it is broken."""
    try:
        with Image.open(file) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I;16"):  # Pillow would clip, not scale
                picture = Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
            picture = picture.convert("L")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if min(picture.size) < size:
        return np.empty((0, 0), np.uint8)
    return np.asarray(ImageOps.fit(picture, (size, size), Image.Resampling.BOX))


def near_duplicates(images: np.ndarray, max_correlation: float) -> np.ndarray:
    """Mark the images that look like an earlier one.

    Correlations of thumbnails are computed chunk against chunk, so that memory
    does not grow with the square of the number of images.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, size, size)
    max_correlation : float

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    if not 0 < max_correlation <= 1:
        raise ParameterError("max_correlation", max_correlation, "give a number from 0 to 1")
    rows = np.concatenate([*_thumbnails(images)], axis=0)
    marked = np.zeros(len(rows), dtype=bool)
    starts = range(0, len(rows), CHUNK)
    for i in starts:
        own = rows[i : i + CHUNK]
        for j in starts[: i // CHUNK + 1]:
            alike = own @ rows[j : j + CHUNK].T > max_correlation
            if i == j:
                alike = np.tril(alike, -1)
            marked[i : i + CHUNK] |= alike.any(axis=1)
    return marked


def _thumbnails(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield thumbnails as rows of mean 0 and length 1, so that products are correlations."""
    yield np.empty((0, THUMBNAIL**2), np.float32)
    for chunk in np.array_split(images, max(1, -(-len(images) // CHUNK))):
        small = [Image.fromarray(x).resize((THUMBNAIL,) * 2, Image.Resampling.BOX) for x in chunk]
        rows = np.array([np.asarray(x, np.float32).ravel() for x in small], np.float32)
        rows = rows.reshape(len(chunk), THUMBNAIL**2)
        rows -= rows.mean(axis=1, keepdims=True)
        yield rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


@lru_cache(maxsize=2)
def image_sets(name: str, size: int) -> ImageSets:
    """Return the disjoint sets of a prepared folder.

    A twentieth of the images is held out, but at most 2,000; half as many tune.

    Raises
    ------
    MissingDataError
        If the folder was not prepared at that size.
    DamagedFileError
        If what was stored cannot be read.
    """
    path = stored_path(name, size)
    again = f"denoise-lib data --folder PICTURES --name {name} --size {size}"
    if not path.is_file():
        raise MissingDataError(f"no images {name!r} of {size} pixels are prepared: run {again}")
    try:
        with safe_open(path, "np") as file:
            images = file.get_tensor("images")
            report = json.loads(file.metadata()["prepared"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{path} is damaged ({error}): delete it and run {again}") from error
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    held_out = min(2000, len(images) // 20)
    tuning = held_out // 2
    test, train = np.split(images[order], [held_out + tuning + 1])
    sets = split(train, test, n_held_out=held_out, n_tuning=tuning, n_few=10)
    removed = report["near_duplicates"] + sets.duplicates_removed
    return ImageSets(sets.images, duplicates_removed=removed)
