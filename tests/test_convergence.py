"""Agreement of two networks against closed forms, brute force and controls that must fail."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from denoise_lib import convergence_charts
from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.measures import convergence, psnr, walks, wasserstein
from denoise_lib.sampling import Schedule, sample

SHORT = Schedule(sigma_start=1.0, sigma_end=0.1, step=0.2)


def shrink(y, sigma):
    """The best denoiser of white noise of variance 1 about 0.5, told sigma."""
    return 0.5 + (y - 0.5) / (1 + sigma**2)


def halve(y, sigma=None):
    return y / 2


# ---------------------------------------------------------------- cosines


@pytest.mark.parametrize("centred", [False, True])
def test_cosines_against_brute_force(centred):
    torch.manual_seed(0)
    a, b = torch.rand(5, 1, 4, 4), torch.rand(7, 1, 4, 4)
    flat_a, flat_b = (x.flatten(1).double().numpy() for x in (a, b))
    if centred:
        brute = np.corrcoef(flat_a, flat_b)[:5, 5:]
    else:
        brute = np.array([[p @ q / np.sqrt(p @ p * (q @ q)) for q in flat_b] for p in flat_a])
    np.testing.assert_allclose(convergence.cosines(a, b, centred=centred), brute, atol=1e-6)
    paired = convergence.paired_cosines(a, b[:5], centred=centred)
    np.testing.assert_allclose(paired, np.diagonal(brute), atol=1e-6)


def test_only_the_centred_cosine_ignores_what_all_images_share():
    torch.manual_seed(0)
    a, b = 10 + torch.rand(2, 30, 1, 8, 8)
    assert convergence.paired_cosines(a, b, centred=False).min() > 0.99
    assert np.abs(convergence.paired_cosines(a, b, centred=True)).max() < 0.6


def test_nearest_does_not_depend_on_its_chunks(monkeypatch):
    torch.manual_seed(0)
    a, b = torch.rand(6, 1, 4, 4), torch.rand(11, 1, 4, 4)
    whole = convergence.cosines(a, b, centred=True).numpy()
    monkeypatch.setattr(convergence, "_CHUNK", 4)  # the last chunk is smaller
    value, index = convergence.nearest(a, b, centred=True)
    np.testing.assert_allclose(value, whole.max(axis=1), atol=1e-6)
    np.testing.assert_array_equal(index, whole.argmax(axis=1))


# ---------------------------------------------------------------- agreement of samples


def test_partners_are_found_and_shuffled_ones_are_not():
    torch.manual_seed(0)
    a = torch.rand(40, 1, 8, 8)
    b = a + 0.05 * torch.randn_like(a)
    found = convergence.agree(a, b, centred=True)
    assert found.retrieved.all() and found.same.min() > found.other.max()
    shuffled = convergence.agree(a, b.roll(1, dims=0), centred=True)
    assert not shuffled.retrieved.any()  # control: the pairs are wrong
    unrelated = convergence.agree(a, torch.rand(40, 1, 8, 8), centred=True)
    assert unrelated.retrieved.sum() <= 5  # control: chance is one


def test_other_noise_leaves_out_the_diagonal():
    across = np.arange(9.0).reshape(3, 3)
    np.testing.assert_array_equal(convergence.Agreement(across).other, [[1, 2], [3, 5], [6, 7]])


def test_samples_that_cannot_be_paired_are_refused():
    with pytest.raises(ParameterError, match="samples"):
        convergence.agree(torch.rand(3, 1, 4, 4), torch.rand(2, 1, 4, 4), centred=True)


def test_crossing_is_interpolated_in_log_n_and_may_not_happen():
    sizes, near = [1, 10, 100, 1000], [1.0, 1.0, 0.9, 0.8]
    assert convergence.crossing_size(sizes, [0.2, 0.4, 0.9, 0.9], near) == pytest.approx(100)
    assert 100 < convergence.crossing_size(sizes, [0.2, 0.4, 0.8, 0.9], near) < 1000
    assert np.isnan(convergence.crossing_size(sizes, [0.2, 0.4, 0.5, 0.6], near))


def test_a_chapter_without_a_single_pair_says_so():
    assert convergence.shared_sizes({1: 0, 100: 0, 10: 0}, {10: 0, 100: 0, 5: 0}) == [10, 100]
    with pytest.raises(DenoiseLibError, match="no set size has two networks"):
        convergence.shared_sizes({10: 0}, {})


# ---------------------------------------------------------------- agreement of scores


def test_estimates_see_the_noise_that_errors_are_measured_on():
    images, sigmas = torch.rand(30, 1, 4, 4), [0.1, 0.5]
    found = convergence.estimates(halve, images, sigmas, batch=20)
    errors = psnr.squared_errors(halve, images, sigmas, batch=20)
    np.testing.assert_allclose(convergence.squared_distance(found, images), errors, rtol=1e-6)


def test_half_the_squared_distance_is_the_variance_of_a_noisy_denoiser():
    torch.manual_seed(0)
    common = torch.rand(2, 400, 1, 8, 8)
    one, two = (common + 0.3 * torch.randn_like(common) for _ in range(2))
    half = convergence.squared_distance(one, two) / 2
    np.testing.assert_allclose(half.mean(axis=1), 0.09, rtol=0.03)


@pytest.mark.parametrize(("correlation", "expected"), [(0, 1), (0.5, 0.5), (1, 0)])
def test_share_is_one_minus_the_correlation_of_the_errors(correlation, expected):
    torch.manual_seed(0)
    clean = torch.rand(1, 500, 1, 8, 8)
    shared, *own = torch.randn(3, *clean.shape)
    weights = correlation**0.5, (1 - correlation) ** 0.5
    one, two = (clean + weights[0] * shared + weights[1] * each for each in own)
    half = convergence.squared_distance(one, two) / 2
    error = sum(convergence.squared_distance(each, clean) for each in (one, two)) / 2
    assert convergence.share(half, error) == pytest.approx(expected, abs=0.02)


# ---------------------------------------------------------------- walks


def test_a_walk_ends_where_sampling_ends_and_passes_its_levels():
    seeds = [3, 4, 5]
    drawn = sample(halve, 8, seeds, SHORT)
    path = walks.walk(halve, 8, seeds, [0.9, 0.5, 0.1], SHORT)
    torch.testing.assert_close(path.images, drawn.images)
    torch.testing.assert_close(path.denoised[-1], drawn.images)
    torch.testing.assert_close(path.diverged, drawn.diverged)
    energy = path.denoised.square().mean(dim=(1, 2, 3, 4))
    assert (energy.diff() < 0).all()  # halving what is left, this one goes to black


def test_a_sample_that_never_settles_is_shown_where_it_stopped():
    stuck = Schedule(sigma_start=1.0, sigma_end=0.1, step=0.2, max_steps=3)
    path = walks.walk(halve, 8, [0], [0.5, 0.1], stuck)
    assert path.diverged.all()
    torch.testing.assert_close(path.denoised[-1], path.images)


@pytest.mark.parametrize("levels", [[], [0.1, 0.5]])
def test_levels_must_fall(levels):
    with pytest.raises(ParameterError, match="levels"):
        walks.walk(halve, 8, [0], levels, SHORT)


def test_walks_of_one_function_never_part_and_of_two_do():
    seeds, levels = [0, 1], [0.9, 0.5, 0.1]
    told = Schedule(sigma_start=1.0, sigma_end=0.1, step=0.2, estimate_sigma=False)
    one = walks.walk(shrink, 8, seeds, levels, told)
    assert walks.distances(one, one).max() < 1e-3
    other = walks.walk(lambda y, sigma: shrink(y.flip(-1), sigma), 8, seeds, levels, told)
    assert walks.distances(one, other)[-1].min() > 0.5


def test_splitting_level_is_after_the_last_time_they_were_near():
    levels = np.array([2.0, 1.0, 0.5, 0.1])
    assert walks.splitting_level(levels, np.array([0.1, 0.9, 0.2, 1.0])) == 0.1
    assert walks.splitting_level(levels, np.array([0.8, 0.9, 0.7, 1.0])) == 2.0


# ---------------------------------------------------------------- distributions


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection():
    images = torch.rand(20, 1, 4, 4)
    shift = torch.randn(1, 1, 4, 4)
    near, far = (wasserstein.projections(each) for each in (images, images + shift))
    along = np.abs(wasserstein.projections(shift)[0])
    assert wasserstein.sliced_wasserstein(near, near) == 0
    assert wasserstein.sliced_wasserstein(near, far) == pytest.approx(along.mean(), rel=1e-4)


def test_floor_is_what_one_distribution_shows_and_a_darker_one_exceeds():
    torch.manual_seed(0)
    images = wasserstein.projections(torch.randn(400, 1, 4, 4), directions=32)
    floor = wasserstein.floor(images, 40)
    same = wasserstein.projections(torch.randn(40, 1, 4, 4), directions=32)
    assert len(floor) == 10
    assert 0.5 < wasserstein.sliced_wasserstein(same, images) / floor.mean() < 1.5
    assert wasserstein.sliced_wasserstein(same / 4, images) / floor.mean() > 2
    with pytest.raises(ParameterError, match="n = 300"):
        wasserstein.floor(images, 300)


def test_jackknife_of_a_mean_is_the_textbook_interval():
    x = np.random.default_rng(0).normal(size=50)
    low, high = wasserstein.jackknife(lambda i: x[i].mean(), 50)
    error = x.std(ddof=1) / np.sqrt(50)
    np.testing.assert_allclose([low, high], x.mean() + 1.96 * error * np.array([-1, 1]), rtol=1e-3)


# ---------------------------------------------------------------- charts


def test_charts_show_one_set_size_as_well_as_many():
    torch.manual_seed(0)
    pair = torch.rand(2, 6, 1, 8, 8)
    found = {10: convergence.agree(*pair, centred=False)}
    near = {10: np.random.default_rng(0).uniform(0.5, 1, (6, 2))}
    assert len(convergence_charts.histogram_panels(found, near).axes) == 3
    kinds = {"cosine": (found, near), "correlation": (found, near)}
    dotted = {"cosine": 0.9, "correlation": 0.8}
    figure = convergence_charts.median_panels(kinds, dotted, float("nan"))
    assert "median" in figure.axes[0].get_ylabel()
    plt.close("all")
