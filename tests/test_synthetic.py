"""Generated images: made from their index alone, and what their laws say they are."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from denoise_lib import images
from denoise_lib.errors import ParameterError
from denoise_lib.files import sha256
from denoise_lib.images import c_alpha, discs, generated
from denoise_lib.images.generated import BLOCK, uniform

GENERATED = ("gaussian", "c_alpha:2", "discs", "sines", "ray")
SIZE = 16


@pytest.mark.parametrize(
    ("size", "subset", "n", "expected"),
    [
        (16, "A", 3, "33317a02e09ee17593dcf3037a5c3af3b7c5ad6fd9158fbfa8f93bc9ce0d1582"),
        (16, "held-out", 5, "6a903aca958d9cfcf66a2ab75579ea3cf236b5375179478ece5b3962bbe03985"),
        (8, "B", 7, "934effe76be63ca40e942b4186fa09ce0c8339d906634d02f9d8330bc4462a5e"),
    ],
)
def test_gaussian_fields_are_those_that_networks_were_trained_on(size, subset, n, expected):
    assert images.image_sets("gaussian", size).content_hash(subset, n) == expected


@pytest.mark.parametrize("image_class", GENERATED)
def test_an_image_depends_on_its_set_and_index_alone(image_class):
    sets = images.image_sets(image_class, SIZE)
    many = sets.take("A", 2 * BLOCK + 3)
    assert many.shape == (2 * BLOCK + 3, 1, SIZE, SIZE) and many.dtype == torch.float32
    assert torch.equal(sets.take("A", 5), many[:5])
    assert torch.equal(sets.between("A", BLOCK - 2, BLOCK + 9), many[BLOCK - 2 : BLOCK + 9])
    assert torch.equal(sets.between("A", 2 * BLOCK, 2 * BLOCK + 1), many[-3:-2])
    assert not torch.equal(sets.take("B", 5), many[:5])
    assert len(torch.unique(many, dim=0)) == len(many)


@pytest.mark.parametrize("image_class", GENERATED)
def test_content_hash_is_that_of_the_images(image_class, monkeypatch):
    sets = images.image_sets(image_class, SIZE)
    some = sets.take("tuning", BLOCK + 1)
    assert sets.content_hash("tuning", BLOCK + 1) == sha256(some.numpy().tobytes())
    assert sets.duplicates_removed == 0
    monkeypatch.setattr(generated, "HASHED", 5)
    assert sets.content_hash("tuning", 10**6) == sets.content_hash("tuning", 5)


@pytest.mark.parametrize("image_class", GENERATED[1:])
@pytest.mark.parametrize("size", [2, 15, 40])
def test_values_are_in_0_1_at_any_size(image_class, size):
    some = images.load(image_class, size, "A", 40)
    assert some.isfinite().all() and some.min() >= 0 and some.max() <= 1


@pytest.mark.parametrize(
    ("image_class", "size", "remedy"),
    [
        ("c_alpha", 16, "as in c_alpha:2"),
        ("c_alpha:x", 16, "as in c_alpha:2"),
        ("c_alpha:0", 16, "alpha = 0.0: give a regularity above 0"),
        ("c_alpha:nan", 16, "above 0"),
        ("discs:2", 16, "did you mean 'discs'"),
        ("rays", 16, "did you mean 'ray'"),
        ("ray", 193, "at most 192"),
        ("discs", 1, "2 pixels or more"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(image_class, size, remedy):
    with pytest.raises(ParameterError, match=remedy) as refused:
        images.image_sets(image_class, size)
    assert "\n" not in str(refused.value)


def test_images_that_do_not_exist_are_refused():
    sets = images.image_sets("discs", SIZE)
    for call in (
        lambda: sets.take("A", 0),
        lambda: sets.between("A", 3, 3),
        lambda: sets.between("A", -1, 3),
        lambda: sets.parameters("A", -1),
    ):
        with pytest.raises(ParameterError):
            call()


def test_uniform_numbers_stay_below_one():
    words = np.array([0, 2**63, 2**64 - 1], dtype=np.uint64)
    assert uniform(words).tolist() == [0, 0.5, 1 - 2**-53]


# C^alpha


def white(*shape: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=random, dtype=torch.float64)


@settings(max_examples=8, deadline=None)
@given(alpha=st.floats(0.2, 5))
def test_spectrum_of_backgrounds_falls_like_the_filter(alpha):
    noise = white(64, 12, 12, 2)
    k = np.abs(np.fft.fftfreq(12) * 12)
    radius = np.hypot(k[:, None], k[None, :])
    for which, fields in enumerate(c_alpha.backgrounds(noise.clone(), alpha)):
        power = torch.fft.fft2(fields).abs().square().mean(0).numpy()
        before = torch.fft.fft2(noise[..., which]).abs().square().mean(0).numpy()
        slope = np.polyfit(np.log(radius[radius > 0]), np.log((power / before)[radius > 0]), 1)[0]
        assert slope == pytest.approx(-2 * alpha, abs=1e-3)
        assert power[0, 0] == pytest.approx(0, abs=1e-12)


@settings(max_examples=8, deadline=None)
@given(alpha=st.floats(0.2, 5), size=st.sampled_from([15, 16]))
def test_contours_have_the_regularity_and_the_height_asked_for(alpha, size):
    noise = white(20_000, size)
    height = c_alpha.contour(noise, alpha)
    power = torch.fft.rfft(height)[:, 1:].abs().square().mean(0).numpy()
    slope = np.polyfit(np.log(np.arange(1, size // 2 + 1)), np.log(power), 1)[0]
    assert slope == pytest.approx(-2 * alpha, abs=0.05)
    assert height.mean().item() == pytest.approx(size / 2, abs=0.02 * size)
    assert height.std().item() == pytest.approx(c_alpha.CONTOUR_STD * size, rel=0.02)


def test_more_regular_contours_move_less_from_column_to_column():
    noise = white(500, 40)
    steps = [c_alpha.contour(noise, alpha).diff(dim=1).std() for alpha in (0.5, 1, 2, 3, 5)]
    assert steps == sorted(steps, reverse=True)


@settings(max_examples=30, deadline=None)
@given(height=st.floats(-1000, 1000))
def test_a_level_contour_is_a_ramp_and_never_wraps(height):
    part = c_alpha.part_above(torch.full((1, 10), height, dtype=torch.float64))[0]
    expected = np.clip(0.5 + (height - np.arange(10) - 0.5) / c_alpha.BLUR, 0, 1)
    assert np.allclose(part.numpy(), expected[:, None], atol=1e-12)
    if not -1 < height < 11:
        assert part.unique().tolist() == [float(height > 0)]


@settings(max_examples=20, deadline=None)
@given(slope=st.floats(-8, 8), middle=st.floats(5, 15))
def test_a_slanted_contour_is_as_sharp_across_as_a_level_one(slope, middle):
    column = torch.arange(21, dtype=torch.float64) - 10
    height = (middle + slope * column)[None]
    part = c_alpha.part_above(height)[0, :, 1:-1]  # the ends meet in a jump
    row = torch.arange(21, dtype=torch.float64)[:, None] + 0.5
    distance = (height[:, 1:-1] - row) / math.hypot(1, slope)
    assert torch.allclose(part, (0.5 + distance / c_alpha.BLUR).clamp(0, 1), atol=1e-9)


def test_the_two_sides_reach_one_and_zero():
    some = images.load("c_alpha:3", 24, "A", 400)
    high, low = (some.amax(dim=(1, 2, 3)) > 0.999), (some.amin(dim=(1, 2, 3)) < 0.001)
    # a side's extreme may be hidden by the other side, in about half of the images
    assert 0.2 < high.float().mean() < 0.9 and 0.2 < low.float().mean() < 0.9


def test_regularity_alone_differs_between_classes():
    rough, smooth = (images.load(f"c_alpha:{alpha}", 32, "A", 50) for alpha in (2.9, 3))
    assert (rough - smooth).abs().mean() < 0.02
    assert (rough - images.load("c_alpha:3", 32, "B", 50)).abs().mean() > 0.1


# discs


def random_discs(n: int, size: int, seed: int = 0) -> torch.Tensor:
    low, high = discs.limits(size)
    random = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand((n, 5), generator=random, dtype=torch.float64)


@settings(max_examples=20, deadline=None)
@given(
    row=st.floats(-5, 25), column=st.floats(-5, 25), radius=st.floats(0.2, 30),
)  # fmt: skip
def test_coverage_is_the_area_in_each_pixel(row, column, radius):
    """Any disc, in the image or not, against counting points."""
    fine = 40
    inside = (np.arange(20 * fine) + 0.5) / fine
    points = (inside[:, None] - row) ** 2 + (inside[None, :] - column) ** 2 < radius**2
    counted = points.reshape(20, fine, 20, fine).mean(axis=(1, 3))
    disc = torch.tensor([[row, column, radius, 1.0, 0.0]], dtype=torch.float64)
    drawn = discs.render(disc, 20)[0, 0].numpy()
    assert np.abs(drawn - counted).max() < 2 / fine
    assert drawn.sum() == pytest.approx(counted.sum(), abs=0.15)
    assert drawn.min() > -1e-12 and drawn.max() < 1 + 1e-12


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.integers(8, 80))
def test_area_and_mean_of_discs_are_exact(seed, size):
    parameters = random_discs(4, size, seed)
    _, _, radius, foreground, background = parameters.T
    mean = background + (foreground - background) * math.pi * radius**2 / size**2
    drawn = discs.render(parameters, size)
    assert torch.allclose(drawn.mean(dim=(1, 2, 3)), mean, atol=1e-13, rtol=0)


def test_discs_are_drawn_from_their_parameters_within_the_limits():
    sets = images.image_sets("discs", 32)
    parameters = sets.parameters("held-out", 500)
    low, high = discs.limits(32)
    assert ((parameters >= low) & (parameters <= high)).all()
    spread = (parameters - low) / (high - low)
    assert torch.allclose(spread.mean(0), torch.full((5,), 0.5).double(), atol=0.06)
    assert torch.equal(discs.render(parameters, 32).float().clamp(0, 1), sets.take("held-out", 500))
    assert parameters[:5].equal(sets.parameters("held-out", 5))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_tangents_are_the_derivatives_of_the_image(seed):
    parameters, h = random_discs(3, 24, seed), 1e-5
    spanned = discs.tangents(parameters, 24)
    for i, step in enumerate(h * torch.eye(5, dtype=torch.float64)):
        ahead, behind = (discs.render(parameters + s * step, 24)[:, 0] for s in (1, -1))
        # the derivative changes like a square root where the circle touches a pixel's side
        assert torch.allclose((ahead - behind) / (2 * h), spanned[:, i], atol=0.02)
        assert ((ahead - behind) / (2 * h) - spanned[:, i]).abs().mean() < 1e-5


def test_tangent_space_has_five_dimensions_and_exact_sums():
    parameters = random_discs(20, 32)
    spanned = discs.tangents(parameters, 32)
    assert torch.linalg.matrix_rank(spanned.flatten(2)).tolist() == [5] * 20
    _, _, radius, foreground, background = parameters.T
    row, column, by_radius, one, other = spanned.sum(dim=(2, 3)).T
    zero = torch.zeros(20, dtype=torch.float64)
    assert torch.allclose(row, zero, atol=1e-10) and torch.allclose(column, zero, atol=1e-10)
    assert torch.allclose(by_radius, (foreground - background) * 2 * math.pi * radius)
    assert torch.allclose(one + other, torch.full_like(one, 32**2))


# sines and rays


def test_sines_are_a_cone_of_two_dimensions():
    some = images.load("sines", 16, "A", 300)[:, 0].double()
    u = 2 * math.pi * (torch.arange(16)[:, None] + torch.arange(16)).double() / 16
    waves = torch.stack([torch.ones_like(u), torch.sin(u), torch.cos(u)]).flatten(1)
    assert torch.linalg.matrix_rank(some.flatten(1), rtol=1e-5) == 3
    c, a, b = torch.linalg.lstsq(waves.T, some.flatten(1).T).solution
    # of the three coordinates two are free: the constant is the length of the other two
    assert torch.allclose(c, torch.hypot(a, b), atol=1e-6)
    assert 0.45 < (2 * c).mean() < 0.55
    assert torch.atan2(b, a).std() == pytest.approx(2 * math.pi / math.sqrt(12), rel=0.1)


def test_a_ray_is_one_image_times_an_intensity():
    some = images.load("ray", 16, "A", 300)[:, 0].double()
    face = discs.portrait(16)
    assert torch.linalg.matrix_rank(some.flatten(1), rtol=1e-5) == 1
    intensity = (some * face).sum(dim=(1, 2)) / face.square().sum()
    assert torch.allclose(some, intensity[:, None, None] * face, atol=1e-6)
    assert 0.45 < intensity.mean() < 0.55 and face.max() == 1 and face.std() > 0.1
