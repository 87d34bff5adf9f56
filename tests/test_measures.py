"""Measures against closed forms and brute force."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from denoise_lib.errors import ParameterError
from denoise_lib.measures import memorization, psnr, similarity
from denoise_lib.measures.statistics import bootstrap, fine_energy, principal_components


def test_identity_denoiser_has_the_input_psnr():
    images, sigmas = torch.rand(200, 1, 8, 8), [0.05, 0.3]
    errors = psnr.squared_errors(lambda y, sigma: y, images, sigmas)
    np.testing.assert_allclose(psnr.psnr(errors.mean(1)), psnr.input_psnr(sigmas), atol=0.1)
    assert psnr.psnr_slope(sigmas, errors, 0.05, 0.3) == pytest.approx(1, abs=1e-3)


def test_errors_do_not_depend_on_the_number_of_images_at_once():
    images = torch.rand(30, 1, 8, 8)
    half = psnr.squared_errors(lambda y, sigma: y / 2, images[:20], [0.1], batch=10)
    whole = psnr.squared_errors(lambda y, sigma: y / 2, images, [0.1], batch=10)
    np.testing.assert_array_equal(half, whole[:, :20])


def test_negative_sigma_is_named():
    with pytest.raises(ParameterError, match=r"sigma = -0\.1"):
        psnr.add_noise(torch.zeros(1, 1, 2, 2), -0.1, 0)


@given(st.floats(0.02, 0.1), st.floats(0.3, 1.0))
def test_log_average_of_log_sigma_is_its_middle(low, high):
    sigmas = np.geomspace(0.02, 1, 9)
    average = psnr.log_average(sigmas, np.log(sigmas), low, high)
    assert average == pytest.approx((np.log(low) + np.log(high)) / 2, abs=1e-6)


def test_log_average_refuses_to_extrapolate():
    with pytest.raises(ParameterError, match="sigmas"):
        psnr.log_average([0.1, 1], np.zeros(2), 0.05, 1)


def test_nearest_and_duplicates_against_brute_force():
    torch.manual_seed(0)
    a, b = torch.rand(7, 1, 4, 4), torch.rand(9, 1, 4, 4)
    b[3] = 0.2 + 0.5 * a[2]  # contrast and brightness do not count
    brute = np.corrcoef(a.flatten(1), b.flatten(1))[:7, 7:]
    value, index = similarity.nearest(a, b)
    np.testing.assert_allclose(value, brute.max(1), atol=1e-5)
    np.testing.assert_array_equal(index, brute.argmax(1))
    assert similarity.near_duplicates(a, b) == (brute.max(1) > 0.95).sum() >= 1


def test_copies_are_recognised_and_new_images_are_not():
    torch.manual_seed(0)
    training, others = torch.rand(50, 1, 8, 8), torch.rand(50, 1, 8, 8)
    training[1] = training[0] + 0.01 * torch.rand(1, 8, 8)  # a near-duplicate must not save a copy
    copies = training[:10] + 0.02 * torch.randn(10, 1, 8, 8)
    new = torch.rand(10, 1, 8, 8)
    assert (memorization.distance_ratios(copies, training, others) < 1 / 3).all()
    assert (memorization.distance_ratios(new, training, others) > 1 / 3).all()
    only = memorization.distance_ratios(copies[:1], training[:1], others)
    assert only < 1 / 3  # N = 1: the second is taken from the other images


def test_transition_is_interpolated_where_the_gap_is_halved():
    sizes = [1, 10, 100, 1000]
    assert memorization.transition_size(sizes, [12, 10, 5, 1]) == pytest.approx(100)
    assert 100 < memorization.transition_size(sizes, [12, 10, 8, 1]) < 1000
    assert np.isnan(memorization.transition_size(sizes, [12, 10, 8, 6]))


def test_bootstrap_covers_the_mean_about_as_often_as_it_says():
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(100):
        x = random.normal(size=60)
        low, high = bootstrap(lambda i, x=x: x[i].mean(), 60)
        hits += low < 0 < high
    assert 85 <= hits <= 100


def test_statistics_of_samples():
    torch.manual_seed(0)
    images = torch.randn(3000, 1, 8, 8) * torch.linspace(0.1, 2, 64).reshape(8, 8)
    components = principal_components(images)
    torch.testing.assert_close(components.T @ components, torch.eye(6, dtype=torch.float64))
    wholes = (images.flatten(1).double() @ components).numpy()
    brute = np.linalg.eigvalsh(np.cov(images.flatten(1).numpy().T, bias=True))[::-1][:6]
    np.testing.assert_allclose(wholes.var(axis=0), brute, rtol=1e-3)
    noise = torch.randn(500, 1, 32, 32) * 0.5
    assert fine_energy(noise).mean() == pytest.approx(0.80 * 0.25, rel=0.02)
