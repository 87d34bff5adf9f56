"""Photographs: grey crops, at three scales, of 23 photographs under free licences.

Nine come with scikit-image; fourteen are wallpapers of the Lomiri desktop, from
Debian's packages or from their publisher. The book's page "The photographs"
names their authors and licences. A photograph belongs to one set only, so that
no two sets share a scene. Whatever the way a photograph came, its grey pixels
must have the SHA-256 given here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pooch
import torch
from PIL import Image
from torch import Tensor

from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.files import cache_dir, sha256, write_bytes
from denoise_lib.images import fetching
from denoise_lib.images.generated import BLOCK, GeneratedSets, random_words, uniform
from denoise_lib.images.sets import SUBSETS

PUBLISHER = "https://gitlab.com/ubports/development/core/lomiri-wallpapers/-/raw/20.04.0/"
PACKAGES = ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04")
PACKAGE_FOLDER = "usr/share/backgrounds"
# Photographs of each set, with the SHA-256 of their pixels after `_grey`. A and B have one of
# each kind: person or animal, animal, thing, thing, land, sky, plants, texture. No held-out one
# has a licence that the book's figures of it would have to share.
# fmt: off
SETS = {
    "A": {
        "camera.png":
            "4c25d57d0fcec8b28b0931b30543360fe332ee044bb5f3d461cc6325af018ed9",
        "Kleiber_by_Lukas_Baubkus.jpg":
            "bee3b1ad944b899c70044109977e40104fd7fb3b7a7f45bb37455c2a10cf32b3",
        "greentock_by_Peter_Nerlich.jpg":
            "84fc722d0bbe05dcc3164fbe00f2d4629f49a854811df6508c66d447f12fdc54",
        "coffee.png":
            "592a019b104a44416c38ed3d090409432e1b5657178cb9f2240b73b525311175",
        "picosdeeuropa_by_Aitzol_Berasategi.jpg":
            "9819fbd6da0dc1b5cf2d30606fa3c492c179f39e832aa8f170068de8efafbe45",
        "Bridge_by_Sander_Klootwijk.jpg":
            "3f9615081d801deef3454fb5f8fe323d3d005072ec2479bfb562e22858323bd3",
        "Dragonfly_by_Bolly.jpg":
            "5c9a53a6c57159081bcdafc775ef3a864d6a04d1427b39e61dfceebf366377dd",
        "gravel.png":
            "19089ac41f508026d70aa59b056cbd4f67d5991c57d311e643730dc63a73811b",
    },
    "B": {
        "chelsea.png":
            "abefc7794c5d8892ef76a4999853ffa65fa0e33aa13c6a8e7cfaee1053cd1170",
        "friends_by_Aitzol_Berasategi.jpg":
            "2b2692d63a6c602a5ea7847c5ec4aa3d755be43b1b2b7f92ad4f0573473c5fc8",
        "coins.png":
            "6f62becaf20fd036880a27a059c83b0ee2e67895243ab9241b12eabd2514d46d",
        "Picture_0B_by_freespace.jpg":
            "f1a010453943acfee2f7bf0f994ded78d7bd34f3eb4b6b92a0b4e0489cf3fb52",
        "life_by_Aitzol_Berasategi.jpg":
            "5c78409e28fe0433e5e17851a0506cf09ea2c85564a4ce30e30edb18bac8f39a",
        "sunset_by_Aitzol_Berasategi.jpg":
            "81d34b9eb611e3d6dc46d534c6cf7635565e856fbdcaa48fdac7eb8f1f32f206",
        "seeding_by_Clements_Engelhardt.jpg":
            "29edf2f45aabbbe502e23cbd78a2c9991eb9a9169184f7feb7dcebac43f1018c",
        "grass.png":
            "6ea9585c91a3dce49e1922318aa813397b0f8194e42e816c66ba41d03e96c463",
    },
    "held-out": {
        "astronaut.png":
            "cf99980498cf188024fc61dc0af70c14e1fa07495ac6bdd94664653b4d177330",
        "aitzgorri_by_Aitzol_Berasategi.jpg":
            "fab59c8d3281de4cfd35bc8b8dcb80d5cad18f9656aaae7310b14d00fb37213d",
        "Picture_1A_by_freespace.jpg":
            "ce49e264c75b0f0308e992ed62344c0d043c452418cb5f82b4d583abd4cd8fe1",
        "Wine_by_Jakkub_Mede.jpg":
            "7956adf872ad809b45b1a6e32dace54dda216b4de8a6e4a4a81f545263dc74d6",
    },
    "tuning": {
        "rocket.jpg":
            "a5976425cfc100bcea26cdfd1f37fe87e68c59f8e12143876d7f1d2d051d242d",
        "free_by_Peter_Nerlich.jpg":
            "f6be803ea55a81623d90a47febffa13595ad55533e235b287a7a3b17a985f878",
        "brick.png":
            "7e395499d8653129325b729a53d858ca4a6209e5e11b918467bcf69190776b15",
    },
}
# fmt: on
SHA256 = {file: digest for files in SETS.values() for file, digest in files.items()}
WALLPAPERS = [file for file in SHA256 if "_by_" in file]
SHORTER_SIDE = 1024  # a larger photograph is shrunk by the largest factor that leaves this
SMALLEST = 128  # shorter side in pixels: no scale of a photograph is smaller
N_SCALES = 3


def folder() -> Path:
    """Return the folder of the user's cache that holds the grey wallpapers."""
    return cache_dir() / "photographs"


def fetch() -> Path:
    """Make sure that the checked grey wallpapers are in the cache and return their folder.

    Raises
    ------
    MissingDataError
        If no way gave them; the message lists the ways and what each said.
    """
    fetching.fetch(
        "The photographs",
        (_from_folder, _from_installed_packages, _from_apt, _from_publisher),
        lambda: not _missing(),
        f"Install the Debian packages {' and '.join(PACKAGES)}, or connect to the network and "
        f"try again, or copy {', '.join(_missing())} from {PUBLISHER} to {folder()}",
    )
    return folder()


def _missing() -> list[str]:
    """Return the wallpapers that are absent from the cache or damaged there."""
    return [file for file in WALLPAPERS if _cached(file) is None]


def _name(file: str) -> str:
    return f"{Path(file).stem}.png"


def _cached(file: str) -> np.ndarray | None:
    """Return the grey pixels of a wallpaper if the cache has the right ones."""
    try:
        return _checked(folder() / _name(file), file)
    except DenoiseLibError:
        return None


def _checked(path: Path, file: str) -> np.ndarray:
    """Return the grey pixels of the photograph ``file``, which ``path`` should hold."""
    try:
        grey = _grey(path)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DenoiseLibError(f"{path.name} cannot be read ({error})") from error
    if sha256(str(grey.shape).encode() + grey.tobytes()) != SHA256[file]:
        raise DenoiseLibError(f"{path.name} does not give the pixels of the published photograph")
    return grey


def _grey(path: Path) -> np.ndarray:
    """Return the luma (ITU-R BT.601) of a photograph, brought down to `SHORTER_SIDE`.

    The decoder is asked for a JPEG's luma, so that neither the interpolation of
    colours nor a conversion between them can differ from one decoder to another.
    """
    with Image.open(path) as image:
        image.draft("L", None)
        grey = np.asarray(image.convert("L"))
    return shrink(grey, max(1, min(grey.shape) // SHORTER_SIDE))


def shrink(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Return an image ``factor`` times smaller, each pixel the mean of a square, rounded.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (h, w)
    factor : int

    Returns
    -------
    ndarray of uint8, shape (h // factor, w // factor)
    """
    height, width = (side // factor for side in pixels.shape)
    squares = pixels[: height * factor, : width * factor].reshape(height, factor, width, factor)
    sums = squares.sum(axis=(1, 3), dtype=np.uint32)
    return ((sums + factor**2 // 2) // factor**2).astype(np.uint8)


def _adopt(find: Callable[[str], Path]) -> None:
    """Put into the cache, in grey, each missing wallpaper that ``find`` can provide intact."""
    for file in _missing():
        stored = BytesIO()
        Image.fromarray(_checked(find(file), file)).save(stored, format="png")
        write_bytes(folder() / _name(file), stored.getvalue())


def _from_folder() -> None:
    """Photographs that were copied to the user's cache"""
    _adopt(lambda file: folder() / file)


def _from_installed_packages() -> None:
    """The installed Debian packages"""
    _adopt(lambda file: Path("/") / PACKAGE_FOLDER / file)


def _from_apt() -> None:
    """The Debian packages through apt-get (no root needed)"""
    with fetching.unpacked(*PACKAGES) as root:
        _adopt(lambda file: root / PACKAGE_FOLDER / file)


def _from_publisher() -> None:
    """The publisher over https"""
    with tempfile.TemporaryDirectory() as scratch:

        def download(file: str) -> Path:
            release = "20.04/" if file.startswith("Kleiber") else "16.04/"
            # the publisher gives no SHA-256 of the files: their pixels are checked instead
            url = PUBLISHER + release + file
            return Path(pooch.retrieve(url, known_hash=None, fname=file, path=scratch))

        _adopt(download)


@lru_cache(maxsize=len(SHA256))
def photograph(file: str) -> tuple[np.ndarray, ...]:
    """Return a photograph at its scales: whole, half and a quarter of it.

    Parameters
    ----------
    file : str
        One of those in `SETS`.

    Returns
    -------
    tuple of ndarray of uint8, shape (h, w)
        The largest first; those whose shorter side has `SMALLEST` pixels or more.
    """
    if file not in SHA256:
        raise ParameterError("file", file, f"photographs are {', '.join(SHA256)}")
    if file in WALLPAPERS:
        pixels = _cached(file)
        if pixels is None:
            pixels = _checked(fetch() / _name(file), file)
    else:
        import skimage

        # named by its place in the package: scikit-image's own functions might download it
        pixels = _checked(Path(skimage.__file__).parent / "data" / file, file)
    scales = [shrink(pixels, 2**i) for i in range(N_SCALES)]
    return tuple(scale for scale in scales if min(scale.shape) >= SMALLEST)


class PhotoSets(GeneratedSets):
    """Sets of crops of photographs.

    Crop i of a set is a function of i: the photograph, one of its scales, the
    place and whether left and right change places are drawn uniformly. There
    are sets A, B, held-out and tuning; no photograph is in two of them.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size > SMALLEST:
            raise ParameterError("image_size", self.size, f"give at most {SMALLEST} pixels")

    def block(self, stream: int, number: int) -> Tensor:
        """Return one block of crops, with values in [0, 1]."""
        subset = SUBSETS[stream]
        if subset not in SETS:
            raise ParameterError("subset", subset, f"photographs have sets {', '.join(SETS)}")
        files = list(SETS[subset])
        crops = []
        for which, *place in uniform(random_words("photos", stream, number * BLOCK, BLOCK, 5)):
            scales = photograph(files[int(which * len(files))])
            pixels = scales[int(place[0] * len(scales))]
            row, column = (
                int(u * (side - self.size + 1))
                for u, side in zip(place[1:3], pixels.shape, strict=True)
            )
            crop = pixels[row : row + self.size, column : column + self.size]
            crops.append(crop[:, ::-1] if place[3] < 0.5 else crop)
        return torch.from_numpy(np.stack(crops).astype(np.float32) / 255)


def image_sets(size: int) -> PhotoSets:
    """Return the sets of crops of ``size`` pixels."""
    return PhotoSets(size)
