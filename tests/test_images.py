"""Sets are disjoint, nested, always the same; classes that do not exist are named."""

import numpy as np
import pytest
import torch

from denoise_lib import images
from denoise_lib.errors import MissingDataError, ParameterError
from denoise_lib.images import fashion, gaussian
from denoise_lib.images.sets import split


@pytest.fixture(scope="module")
def dealt():
    random = np.random.default_rng(0)
    everything = random.integers(0, 256, (400, 4, 4), dtype=np.uint8)
    everything[5], everything[350] = everything[7], everything[9]  # within train, across
    sets = split(everything[:300], everything[300:], n_held_out=30, n_tuning=20, n_few=5)
    return everything, sets


def test_sets_share_no_image_and_exact_copies_are_gone(dealt):
    _, sets = dealt
    assert sets.duplicates_removed == 2
    every = np.concatenate(list(sets.images.values())).reshape(-1, 16)
    assert len(np.unique(every, axis=0)) == len(every)
    assert {k: len(v) for k, v in sets.images.items()} == {
        "held-out": 30, "tuning": 20, "C": 5, "D": 5, "A": 169, "B": 169,
    }  # fmt: skip


def test_judged_images_come_from_the_test_split(dealt):
    everything, sets = dealt
    test = {image.tobytes() for image in everything[300:]}
    for name in ("held-out", "tuning"):
        assert all(image.tobytes() in test for image in sets.images[name])


def test_small_sets_are_prefixes_of_large_ones():
    assert torch.equal(images.load("digits", 8, "A", 10), images.load("digits", 8, "A", 100)[:10])


@pytest.mark.parametrize("n", [0, -1, 10_000])
def test_too_many_images_names_the_set_and_its_size(n):
    with pytest.raises(ParameterError, match=rf"n_images = {n}: set A has \d+ images"):
        images.load("digits", 8, "A", n)


@pytest.mark.parametrize(
    ("image_class", "remedy"),
    [("fasion", "did you mean 'fashion'"), ("fashion:x", "labels are digits"), ("cats", "classes")],
)
def test_unknown_class_is_named_with_the_remedy(image_class, remedy):
    with pytest.raises(ParameterError, match=remedy):
        images.load(image_class, 32, "A", 1)


def test_unknown_subset_and_size():
    with pytest.raises(ParameterError, match="subset"):
        images.load("digits", 8, "E", 1)
    with pytest.raises(ParameterError, match="image_size"):
        images.load("digits", 9, "A", 1)


def test_fashion_is_padded_and_its_sets_are_as_the_book_says():
    sets = images.image_sets("fashion", 32)
    sizes = {name: len(sets.take(name)) for name in ("A", "B", "C", "D", "held-out", "tuning")}
    assert sizes == {
        "A": 33_490, "B": 33_490, "C": 10, "D": 10, "held-out": 2000, "tuning": 1000,
    }  # fmt: skip
    some = sets.take("A", 50)
    assert some.shape == (50, 1, 32, 32) and some.max() <= 1
    assert not some[:, :, :2].any() and not some[..., -2:].any()


def test_fashion_labels_select():
    some = images.load("fashion:1,3,5,7", 16, "A", 20)
    assert some.shape == (20, 1, 16, 16)
    with pytest.raises(ParameterError, match="labels are digits"):
        fashion.image_sets((11,), 32)
    with pytest.raises(ParameterError, match="take more labels"):
        fashion.image_sets((1,), 32)


def test_damaged_data_file_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("DENOISE_LIB_CACHE", str(tmp_path))
    fashion.folder().mkdir(parents=True)
    for name in fashion.CONTENT_SHA256:
        (fashion.folder() / f"{name}.gz").write_bytes(b"not the published file")

    def nothing():
        """A way that fails"""
        raise OSError("no route")

    for way in ("_from_installed_package", "_from_apt", "_from_publisher"):
        monkeypatch.setattr(fashion, way, nothing)
    with pytest.raises(MissingDataError, match=r"no route(.|\n)*denoise-lib data"):
        fashion.fetch()


def test_gaussian_fields_have_their_spectrum_and_are_made_by_index():
    fields = images.load("gaussian", 8, "A", 4000)
    power = torch.fft.fft2(fields[:, 0].double(), norm="ortho").abs().square().mean(0)
    ratio = power / gaussian.spectrum(8)
    assert ((ratio - 1).abs() < 0.15).all()
    assert torch.equal(fields[:5], images.load("gaussian", 8, "A", 5))
    assert not torch.equal(fields[:5], images.load("gaussian", 8, "B", 5))
