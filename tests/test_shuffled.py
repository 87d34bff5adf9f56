"""Shuffled pixels: one order for all images, and the way back."""

import pytest
import torch

from denoise_lib import images
from denoise_lib.errors import ParameterError
from denoise_lib.files import sha256
from denoise_lib.images import shuffled

SETS = ("A", "B", "C", "D", "held-out", "tuning")


@pytest.mark.parametrize("subset", SETS)
def test_unshuffled_images_are_those_of_the_plain_class(subset):
    plain = images.load("digits", 8, subset, 10)
    mixed = images.load("shuffled:digits", 8, subset, 10)
    assert mixed.shape == plain.shape and mixed.is_contiguous()
    assert not torch.equal(mixed, plain)
    assert torch.equal(shuffled.unshuffle(mixed), plain)
    assert torch.equal(shuffled.shuffle(plain), mixed)


def test_pixels_change_places_but_for_few_and_always_the_same():
    order = shuffled.permutation(32)
    assert torch.equal(order.sort().values, torch.arange(32**2))
    assert (order == torch.arange(32**2)).sum() < 10  # one in the mean, if drawn by chance
    assert order[:4].tolist() == [408, 101, 150, 88]
    row = torch.arange(32**2) // 32
    stayed = (row[order].diff() == 0).float().mean()  # neighbours that still share a row
    assert stayed < 0.1


def test_sets_are_those_of_the_plain_class():
    plain, mixed = (images.image_sets(name, 8) for name in ("digits", "shuffled:digits"))
    assert [len(mixed.take(name)) for name in SETS] == [len(plain.take(name)) for name in SETS]
    assert mixed.duplicates_removed == plain.duplicates_removed
    assert mixed.content_hash("A", 5) == sha256(mixed.take("A", 5).numpy().tobytes())
    assert mixed.content_hash("A", 5) != plain.content_hash("A", 5)
    with pytest.raises(ParameterError, match="n_images"):
        mixed.take("A", 10_000)


def test_generated_classes_and_labels_can_be_shuffled():
    some = images.load("shuffled:c_alpha:2", 16, "A", 3)
    assert torch.equal(shuffled.unshuffle(some), images.load("c_alpha:2", 16, "A", 3))
    image_class = "fashion:0,2,3,4,6"
    some = images.load(f"shuffled:{image_class}", 16, "B", 3)
    assert torch.equal(shuffled.unshuffle(some), images.load(image_class, 16, "B", 3))


@pytest.mark.parametrize(
    ("image_class", "remedy"),
    [("shuffled", "as in shuffled:fashion"), ("shuffled:fasion", "did you mean 'fashion'")],
)
def test_what_cannot_be_shuffled_is_named(image_class, remedy):
    with pytest.raises(ParameterError, match=remedy):
        images.image_sets(image_class, 32)
