"""Fashion-MNIST: 70,000 grey photographs of garments, shoes and bags, 28x28 padded to 32x32.

Xiao, Rasul and Vollgraf, 2017 (arXiv 1708.07747), MIT licence. The four files
are looked for in the user's cache, then in Debian's package
``dataset-fashion-mnist`` (installed, or downloaded and unpacked without root),
then at the publisher over https. Whatever the way, the unpacked content of
each file must have the SHA-256 given here.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pooch

from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.files import cache_dir, sha256, write_bytes
from denoise_lib.images import fetching
from denoise_lib.images.sets import ImageSets, split

PUBLISHER = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
PACKAGE = "dataset-fashion-mnist"
PACKAGE_FOLDER = "usr/share/datasets/fashion-mnist"
CONTENT_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
LABELS = {
    0: "T-shirt/top", 1: "trouser", 2: "pullover", 3: "dress", 4: "coat",
    5: "sandal", 6: "shirt", 7: "sneaker", 8: "bag", 9: "ankle boot",
}  # fmt: skip
PADDED_SIZE = 32


def folder() -> Path:
    """Return the folder of the user's cache that holds the four files."""
    return cache_dir() / "fashion-mnist"


def fetch() -> Path:
    """Make sure that the four checked files are in the cache and return their folder.

    Raises
    ------
    MissingDataError
        If no way gave them; the message lists the ways and what each said.
    """
    fetching.fetch(
        "Fashion-MNIST",
        (_from_installed_package, _from_apt, _from_publisher),
        lambda: not _missing(),
        f"Install the Debian package {PACKAGE}, or connect to the network and run "
        f"'denoise-lib data', or copy the four .gz files from {PUBLISHER} to {folder()}",
    )
    return folder()


def _missing() -> list[str]:
    """Return the names of the files that are absent from the cache or damaged there."""
    return [name for name in CONTENT_SHA256 if _read(folder() / f"{name}.gz", name) is None]


def _read(path: Path, name: str) -> bytes | None:
    """Return the unpacked content of ``path`` if it is the right one."""
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, ValueError):
        return None
    return content if sha256(content) == CONTENT_SHA256[name] else None


def _adopt(find: Callable[[str], Path]) -> None:
    """Copy into the cache each missing file that ``find`` can provide intact."""
    for name in _missing():
        path = find(f"{name}.gz")
        if _read(path, name) is None:
            raise DenoiseLibError(f"{path.name} is missing there or not the published file")
        write_bytes(folder() / f"{name}.gz", path.read_bytes())


def _from_installed_package() -> None:
    """The installed Debian package"""
    _adopt(lambda file: Path("/") / PACKAGE_FOLDER / file)


def _from_apt() -> None:
    """The Debian package through apt-get (no root needed)"""
    with fetching.unpacked(PACKAGE) as root:
        _adopt(lambda file: root / PACKAGE_FOLDER / file)


def _from_publisher() -> None:
    """The publisher over https"""
    with tempfile.TemporaryDirectory() as scratch:
        # The publisher gives no SHA-256 of the compressed files: their content is checked instead.
        _adopt(
            lambda file: Path(
                pooch.retrieve(PUBLISHER + file, known_hash=None, fname=file, path=scratch)
            )
        )


@lru_cache(maxsize=1)
def _arrays() -> dict[str, np.ndarray]:
    where = fetch()
    arrays = {}
    for name in CONTENT_SHA256:
        content = gzip.decompress((where / f"{name}.gz").read_bytes())
        header = 16 if "idx3" in name else 8
        arrays[name] = np.frombuffer(content, dtype=np.uint8, offset=header)
    return arrays


def images_and_labels(split_name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the publisher's images and labels of one split.

    Parameters
    ----------
    split_name : {"train", "t10k"}
        60,000 images to train on, or 10,000 to test.

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28)
    labels : ndarray of uint8, shape (n,)
    """
    arrays = _arrays()
    images = arrays[f"{split_name}-images-idx3-ubyte"].reshape(-1, 28, 28)
    return images, arrays[f"{split_name}-labels-idx1-ubyte"]


def _only(labels: tuple[int, ...]) -> Iterator[np.ndarray]:
    for split_name in ("train", "t10k"):
        images, label = images_and_labels(split_name)
        pad = (PADDED_SIZE - images.shape[-1]) // 2
        yield np.pad(images[np.isin(label, labels)], ((0, 0), (pad, pad), (pad, pad)))


@lru_cache(maxsize=4)
def image_sets(labels: tuple[int, ...], size: int) -> ImageSets:
    """Return the disjoint sets of Fashion-MNIST, whole or of some labels.

    Parameters
    ----------
    labels : tuple of int
        The publisher's labels to keep (`LABELS` names them).
    size : int
        32 (padded with the black background), or 16 (those, averaged 2x2).

    Returns
    -------
    ImageSets
        Held-out and tuning images come from the publisher's test images.
    """
    if not labels or set(labels) - set(LABELS):
        raise ParameterError("image_class", f"fashion:{labels}", "labels are digits from 0 to 9")
    if size not in (16, 32):
        raise ParameterError("image_size", size, "Fashion-MNIST is available at 16 and 32 pixels")
    train, test = _only(labels)
    if size == 16:
        train, test = (
            np.round(x.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4))).astype(np.uint8)
            for x in (train, test)
        )
    return split(train, test, n_held_out=2000, n_tuning=1000, n_few=10)
