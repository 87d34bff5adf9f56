"""Photographs: each in one set, the right pixels or none, crops made from their index alone."""

import os
import subprocess

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from denoise_lib import images
from denoise_lib.errors import DenoiseLibError, MissingDataError, ParameterError
from denoise_lib.images import fetching, photos
from denoise_lib.images.generated import BLOCK

WAYS = ("_from_folder", "_from_installed_packages", "_from_apt", "_from_publisher")


def test_no_photograph_is_in_two_sets_and_a_is_as_large_as_b():
    every = [file for files in photos.SETS.values() for file in files]
    assert len(every) == len(set(every)) == len(set(photos.SHA256.values())) == 23
    wallpapers = {name: set(files) & set(photos.WALLPAPERS) for name, files in photos.SETS.items()}
    assert len(photos.SETS["A"]) == len(photos.SETS["B"]) == 8
    assert len(wallpapers["A"]) == len(wallpapers["B"]) == 5
    assert "astronaut.png" in photos.SETS["held-out"]


def found_in(crop: np.ndarray, pixels: np.ndarray) -> bool:
    """Say whether a crop, mirrored or not, is a part of an image."""
    size = len(crop)
    height, width = (side - size + 1 for side in pixels.shape)
    if min(height, width) < 1:
        return False
    for one in (crop, crop[:, ::-1]):
        corner = pixels[:height, :width] == one[0, 0]
        for i, j in ((size - 1, size - 1), (0, size - 1), (size // 2, size // 3)):
            corner &= pixels[i : i + height, j : j + width] == one[i, j]
        for row, column in np.argwhere(corner):
            if np.array_equal(pixels[row : row + size, column : column + size], one):
                return True
    return False


def test_crops_are_of_the_photographs_of_their_set_and_of_no_other():
    some = (images.load("photos", 40, "tuning", 12)[:, 0].numpy() * 255).round().astype(np.uint8)
    textured = [crop for crop in some if crop.std() > 5]
    assert len(textured) >= 4
    for crop in textured:
        places = {
            name: any(found_in(crop, scale) for file in files for scale in photos.photograph(file))
            for name, files in photos.SETS.items()
            if name in ("tuning", "held-out")
        }
        assert places == {"tuning": True, "held-out": False}


def test_a_crop_depends_on_its_set_and_index_alone():
    sets = images.image_sets("photos", 40)
    many = sets.take("A", BLOCK + 3)
    assert many.shape == (BLOCK + 3, 1, 40, 40) and many.dtype == torch.float32
    assert many.min() >= 0 and many.max() <= 1 and many.std() > 0.1
    assert torch.equal(sets.take("A", 5), many[:5])
    assert torch.equal(sets.between("A", BLOCK - 2, BLOCK + 3), many[-5:])
    assert not torch.equal(sets.take("B", 5), many[:5])
    assert sets.content_hash("A", 100) == (
        "194ac7fd7eb38c93b1ffe296a3caab03e2c62314c7bedc7e9294d70832ea3dbb"
    )


def test_every_photograph_and_scale_has_its_share_of_the_crops(monkeypatch):
    """With constant images instead, a crop's value says where it is from."""
    files = list(photos.SETS["A"])

    def constant(file):
        return [np.full((300, 200), 10 * files.index(file) + i, np.uint8) for i in range(3)]

    monkeypatch.setattr(photos, "photograph", constant)
    values = (photos.PhotoSets(8).between("A", 0, 4800)[:, 0, 0, 0] * 255).round()
    counts = values.unique(return_counts=True)[1].numpy()
    assert len(counts) == 24 and abs(counts / 200 - 1).max() < 0.3


def test_half_of_the_crops_are_mirrored_and_places_reach_every_edge(monkeypatch):
    rows, columns = np.mgrid[:12, :14].astype(np.uint8)
    monkeypatch.setattr(photos, "photograph", lambda file: [16 * rows + columns])
    crops = (photos.PhotoSets(8).between("A", 0, 2000)[:, 0] * 255).round().int()
    mirrored = crops[:, 0, 1] < crops[:, 0, 0]
    assert 0.45 < mirrored.float().mean() < 0.55
    first = torch.where(mirrored, crops[:, 0, -1], crops[:, 0, 0])
    assert set((first // 16).tolist()) == set(range(5))
    assert set((first % 16).tolist()) == set(range(7))


def test_scales_are_whole_half_and_quarter():
    for file in ("astronaut.png", "chelsea.png", "greentock_by_Peter_Nerlich.jpg"):
        scales = photos.photograph(file)
        for i, scale in enumerate(scales):
            assert scale.dtype == np.uint8 and min(scale.shape) >= photos.SMALLEST
            assert scale.shape == tuple(side // 2**i for side in scales[0].shape)
            assert abs(scale.mean() - scales[0].mean()) < 1
        assert min(scales[0].shape) < 2 * photos.SHORTER_SIDE
    assert len(photos.photograph("astronaut.png")) == 3
    assert len(photos.photograph("chelsea.png")) == 2


@settings(max_examples=20, deadline=None)
@given(pixels=arrays(np.uint8, (7, 11)), factor=st.integers(1, 5))
def test_shrinking_takes_the_mean_of_each_square(pixels, factor):
    small = photos.shrink(pixels, factor)
    assert small.shape == (7 // factor, 11 // factor)
    for (i, j), value in np.ndenumerate(small):
        square = pixels[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
        assert abs(value - square.mean()) <= 0.5


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        (lambda: images.image_sets("photos", 129), "image_size = 129: give at most 128"),
        (lambda: images.image_sets("photos:2", 40), "did you mean 'photos'"),
        (lambda: images.load("photos", 40, "C", 1), "photographs have sets A, B, held-out, tuning"),
        (lambda: photos.photograph("cat.png"), "photographs are camera.png"),
    ],
)
def test_what_there_is_not_is_refused(call, remedy):
    with pytest.raises(ParameterError, match=remedy):
        call()


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    """Give an empty cache, and what the full one holds of one wallpaper."""
    file = "greentock_by_Peter_Nerlich.jpg"
    photos.photograph(file)
    stored = (photos.folder() / photos._name(file)).read_bytes()
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path))
    monkeypatch.setattr(photos, "WALLPAPERS", [file])
    photos.folder().mkdir()
    return file, stored


def test_without_a_way_the_message_lists_the_ways(empty_cache, monkeypatch):
    file, _ = empty_cache

    def nothing():
        """A way that fails"""
        raise OSError("no route")

    for way in WAYS:
        monkeypatch.setattr(photos, way, nothing)
    with pytest.raises(MissingDataError) as missing:
        photos.fetch()
    said = str(missing.value)
    assert said.count("A way that fails: no route") == len(WAYS)
    assert all(name in said for name in (*photos.PACKAGES, file, photos.PUBLISHER))


def test_a_photograph_that_was_copied_to_the_cache_is_found(empty_cache, monkeypatch):
    file, stored = empty_cache
    for way in WAYS[1:]:
        monkeypatch.setattr(photos, way, None)  # it must not be called
    (photos.folder() / file).write_bytes(stored)
    assert (photos.fetch() / photos._name(file)).exists()
    assert photos._missing() == []


@pytest.mark.parametrize("damage", ["half", "byte", "empty", "another"])
def test_damaged_pixels_are_not_used(empty_cache, damage):
    file, stored = empty_cache
    middle = len(stored) // 2
    other = photos.folder() / photos._name(file)
    if damage == "another":
        photos.Image.fromarray(np.zeros((1080, 1440), np.uint8)).save(other)
    else:
        flipped = bytes([stored[middle] ^ 1])
        other.write_bytes(
            {
                "half": stored[:middle],
                "byte": stored[:middle] + flipped + stored[middle + 1 :],
                "empty": b"",
            }[damage]
        )
    assert photos._missing() == [file]
    with pytest.raises(DenoiseLibError, match=r"does not give the pixels|cannot be read"):
        photos._checked(other, file)


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def test_debian_packages_are_unpacked_without_root_and_without_package_lists(tmp_path, monkeypatch):
    """With an apt-get that knows no packages until it was told to get lists of its own."""
    script(
        tmp_path / "apt-get",
        """for last; do :; done
        case "$*" in
          *Dir::State::Lists=*update) touch listed;;
          *download*) [ -e listed ] || { echo 'no package lists' >&2; exit 100; }
                      touch "${last}_1_all.deb";;
        esac""",
    )
    script(tmp_path / "dpkg-deb", 'mkdir -p "$3"; echo photograph > "$3/${2%%_*}"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with fetching.unpacked("wallpapers") as root:
        assert (root / "wallpapers").read_text() == "photograph\n"
    assert not root.exists()
    script(tmp_path / "apt-get", "echo 'E: no route' >&2; exit 100")
    with pytest.raises(subprocess.CalledProcessError), fetching.unpacked("wallpapers"):
        pass
    with pytest.raises(MissingDataError, match=r"Debian\S* packages .*: E: no route"):
        fetching.fetch("They", [photos._from_apt], lambda: False, "")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(DenoiseLibError, match="no apt-get"), fetching.unpacked("wallpapers"):
        pass
