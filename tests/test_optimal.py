"""Denoisers known in closed form, against brute force and against what defines them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from denoise_lib.errors import ParameterError
from denoise_lib.images.gaussian import spectrum
from denoise_lib.optimal.empirical import Memorizer, Ray
from denoise_lib.optimal.mixtures import GaussianMixture
from denoise_lib.optimal.wiener import Wiener


def mixture(k: int, d: int, seed: int = 0) -> GaussianMixture:
    random = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(shape, generator=random, dtype=torch.float64)  # noqa: E731
    root = draw(k, d, d)
    return GaussianMixture(draw(k).softmax(0), draw(k, d), root @ root.mT / d)


# ---------------------------------------------------------------- mixtures of Gaussians


@settings(max_examples=15, deadline=None)
@given(y=st.floats(-3, 3), sigma=st.floats(0.2, 2))
def test_posterior_mean_and_density_against_numerical_integration(y, sigma):
    law = mixture(3, 1)
    weights, means = law.weights.numpy(), law.means[:, 0].numpy()
    spread = np.sqrt(law.covariances[:, 0, 0].numpy())

    def joint(x):
        own = weights * np.exp(-(((x - means) / spread) ** 2) / 2) / spread
        return own.sum() * np.exp(-(((y - x) / sigma) ** 2) / 2) / (2 * np.pi * sigma)

    ends = {"limit": 400, "points": [y, *means], "epsabs": 1e-11}
    density = quad(joint, -12, 12, **ends)[0]
    mean = quad(lambda x: x * joint(x), -12, 12, **ends)[0] / density
    at = torch.tensor([[y]], dtype=torch.float64)
    assert law(at, sigma).item() == pytest.approx(mean, abs=1e-6)
    assert law.log_density(at, sigma).item() == pytest.approx(np.log(density), abs=1e-6)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_score_is_the_gradient_of_the_log_density(d):
    law = mixture(3, d)
    y = 2 * torch.randn(7, d, dtype=torch.float64)
    y.requires_grad_(True)
    (gradient,) = torch.autograd.grad(law.log_density(y, 0.4).sum(), y)
    torch.testing.assert_close(law.score(y, 0.4), gradient)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_posterior_mean_is_tweedies(d):
    law, y = mixture(4, d), 2 * torch.randn(7, d, dtype=torch.float64)
    torch.testing.assert_close(law(y, 0.7), y + 0.49 * law.score(y, 0.7))


def test_a_fitted_gaussian_is_the_best_affine_denoiser():
    torch.manual_seed(0)
    x = torch.randn(4000, 1, 3, 3, dtype=torch.float64) @ torch.randn(3, 3).double() + 1
    y = x + 0.5 * torch.randn_like(x)
    design = torch.cat([y.flatten(1), torch.ones(len(y), 1)], dim=1)
    learned = (design @ torch.linalg.lstsq(design, x.flatten(1)).solution).reshape(x.shape)
    fitted = GaussianMixture.fit(x)(y, 0.5)
    assert (fitted - learned).square().mean() < 0.01 * (learned - x).square().mean()


def test_wiener_is_the_gaussian_with_the_covariance_of_the_field():
    power = spectrum(6)
    eye = torch.eye(36, dtype=torch.float64).reshape(-1, 6, 6)
    covariance = torch.fft.ifft2(power * torch.fft.fft2(eye)).real.reshape(1, 36, 36)
    law = GaussianMixture(torch.ones(1), torch.zeros(1, 36), covariance)
    y = torch.randn(5, 1, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(law(y, 0.3), Wiener(power)(y, 0.3))


def test_samples_have_the_moments_of_the_mixture():
    law = mixture(3, 2)
    x = law.sample(40_000, seed=1)
    mean = law.weights @ law.means
    spread = law.covariances + (law.means - mean)[:, :, None] * (law.means - mean)[:, None]
    torch.testing.assert_close(x.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(x.T.cov(), (law.weights[:, None, None] * spread).sum(0), atol=0.05,
                               rtol=0.05)  # fmt: skip
    assert torch.equal(law.sample(3, seed=1), law.sample(3, seed=1))


def test_impossible_mixtures_are_refused():
    one, zero = torch.ones(1), torch.zeros(1, 2)
    for weights, means, covariances, name in (
        (one, torch.zeros(2), torch.eye(2)[None], "means"),
        (one, zero, torch.eye(2), "covariances"),
        (2 * one, zero, torch.eye(2)[None], "weights"),
        (one, zero, -torch.eye(2)[None], "covariances"),
    ):
        with pytest.raises(ParameterError, match=name):
            GaussianMixture(weights, means, covariances)
    point = GaussianMixture(one, zero, torch.zeros(1, 2, 2))
    with pytest.raises(ParameterError, match="sigma"):
        point.log_density(zero)
    with pytest.raises(ParameterError, match="told"):
        point(zero)
    with pytest.raises(ParameterError, match="n = 0"):
        point.sample(0)


# ---------------------------------------------------------------- the perfect memorizer


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 9), chunk=st.integers(1, 10), sigma=st.floats(0.05, 5))
def test_memorizer_against_a_plain_softmax(n, chunk, sigma):
    random = torch.Generator().manual_seed(n)
    x = torch.rand((n, 1, 4, 4), generator=random, dtype=torch.float64)
    y = x[:1] + sigma * torch.randn((6, 1, 4, 4), generator=random, dtype=torch.float64)
    squares = (y[:, None] - x[None]).square().sum(dim=(2, 3, 4))
    weights = torch.softmax(-squares / (2 * sigma**2), dim=1)
    expected = torch.einsum("nk,kchw->nchw", weights, x)
    torch.testing.assert_close(Memorizer(x, chunk)(y, sigma), expected, rtol=1e-9, atol=1e-9)


def test_memorizer_is_a_mixture_of_points():
    x, y = torch.rand(5, 1, 3, 3), torch.rand(4, 1, 3, 3)
    points = GaussianMixture(torch.full((5,), 0.2), x.flatten(1), torch.zeros(5, 9, 9))
    torch.testing.assert_close(Memorizer(x)(y, 0.3), points(y, 0.3))


def test_memorizer_survives_logits_that_overflow_and_finds_its_image():
    x = torch.rand(50, 1, 8, 8)
    y = x + 1e-4 * torch.randn_like(x)  # logits of some 10^9
    torch.testing.assert_close(Memorizer(x, chunk=7)(y, 1e-4), x)


def test_memorizer_minds_its_arguments():
    with pytest.raises(ParameterError, match="training"):
        Memorizer(torch.zeros(0, 1, 2, 2))
    with pytest.raises(ParameterError, match="chunk"):
        Memorizer(torch.zeros(1, 1, 2, 2), chunk=0)
    for sigma in (None, 0.0):
        with pytest.raises(ParameterError, match="sigma"):
            Memorizer(torch.zeros(1, 1, 2, 2))(torch.zeros(1, 1, 2, 2), sigma)


def test_ray_is_the_nearest_point_of_the_ray_and_errs_by_one_dimension():
    torch.manual_seed(0)
    image = torch.rand(1, 8, 8, dtype=torch.float64)
    f = Ray(image)
    y = torch.randn(20, 1, 8, 8, dtype=torch.float64)
    brightness = torch.linspace(0, 3, 4001, dtype=torch.float64)[:, None, None, None]
    brute = [brightness[(v - brightness * image).square().sum((1, 2, 3)).argmin()] for v in y]
    torch.testing.assert_close(f(y), torch.stack(brute) * image, atol=1e-3, rtol=0)
    torch.testing.assert_close(f(3 * y), 3 * f(y))
    noisy = image + 0.1 * torch.randn(4000, 1, 8, 8, dtype=torch.float64)
    assert (f(noisy) - image).square().mean().item() == pytest.approx(0.01 / 64, rel=0.1)
    with pytest.raises(ParameterError, match="image"):
        Ray(torch.zeros(1, 2, 2))
