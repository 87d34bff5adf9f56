"""Bias and variance, against plain computation and against Gaussians where all is known."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from denoise_lib.errors import ParameterError
from denoise_lib.images import load
from denoise_lib.images.gaussian import spectrum
from denoise_lib.measures import bias_variance
from denoise_lib.measures.psnr import add_noise, squared_errors
from denoise_lib.optimal.wiener import Wiener

SIZE, SIGMAS = 8, [0.1, 0.3]


def three():
    power = spectrum(SIZE)
    return {"f": lambda y, s: 0.5 * y, "g": lambda y, s: 0.2 * y.roll(1, 3), "*": Wiener(power)}


@pytest.fixture(scope="module")
def fields():
    return load("gaussian", SIZE, "held-out", 600)


@pytest.fixture(scope="module")
def products(fields):
    return bias_variance.error_products(three(), fields, SIGMAS, batch=250)


def test_products_against_plain_computation(fields, products):
    clean = fields[250:500]  # the second batch
    for level, sigma in enumerate(SIGMAS):
        y = add_noise(clean, sigma, 1)
        f, g, best = (each(y, sigma).double() for each in three().values())

        def mean(a, b):
            return (a * b).mean(dim=(1, 2, 3)).numpy()

        at = level, slice(250, 500)
        beyond = mean(f - clean, f - clean) - mean(best - clean, best - clean)
        for measured, plain in (
            (products.squared_error("f"), mean(f - clean, f - clean)),
            (products.squared_distance("f", "g"), mean(f - g, f - g)),
            (products.variance("f", "g"), mean(f - g, f - g) / 2),
            (products.bias_squared("f", "g", "*"), mean(f - best, g - best)),
            (products.excess("f", "*"), beyond),
        ):
            np.testing.assert_allclose(measured[at], plain, rtol=1e-5, atol=1e-9)
    with pytest.raises(ParameterError, match="measured were f, g, "):
        products.variance("f", "h")


def test_errors_are_those_of_the_psnr(fields, products):
    plain = squared_errors(three()["*"], fields, SIGMAS)
    np.testing.assert_allclose(products.squared_error("*"), plain, rtol=1e-6)


def test_bias_and_variance_add_up(products):
    """Algebra: the mean squared distance from any reference is the shared part plus the rest."""
    for optimum in ("*", "f"):
        parts = products.bias_squared("f", "g", optimum) + products.variance("f", "g")
        whole = [products.squared_distance(name, optimum) for name in ("f", "g")]
        np.testing.assert_allclose(parts, np.mean(whole, axis=0), atol=1e-12)


def test_excess_error_is_the_distance_to_the_best_denoiser_and_to_no_other(products):
    excess = products.excess("f", "*").mean(axis=1)
    np.testing.assert_allclose(excess, products.squared_distance("f", "*").mean(axis=1), rtol=0.05)
    wrong = products.squared_distance("f", "g").mean(axis=1)
    assert not np.allclose(products.excess("f", "g").mean(axis=1), wrong, rtol=0.2)


def test_variance_and_bias_of_estimators_that_are_known():
    """Denoisers answer with the mean of their own n numbers plus 0.3: variance 1/n, bias 0.3."""
    random = np.random.default_rng(0)
    x = torch.zeros(2000, 1, 1, 1)
    answers = {n: torch.tensor(random.normal(size=(2, len(x), n)).mean(2) + 0.3) for n in (4, 40)}
    for n, (a, b) in answers.items():
        pair = {
            "a": lambda y, s, a=a: a.reshape(y.shape),
            "b": lambda y, s, b=b: b.reshape(y.shape),
        }
        known = {**pair, "*": lambda y, s: torch.zeros_like(y)}
        found = bias_variance.error_products(known, x, [0.5], batch=2000)
        assert found.variance("a", "b").mean() == pytest.approx(1 / n, rel=0.15)
        assert found.bias_squared("a", "b", "*").mean() == pytest.approx(0.09, rel=0.2)


@given(st.floats(-2, 2), st.floats(0.01, 10))
def test_exponent_of_a_power_law(power, factor):
    sizes = [1, 10, 100, 3000]
    assert bias_variance.exponent(sizes, factor * np.array(sizes) ** power) == pytest.approx(
        power, abs=1e-9
    )


def test_one_size_has_no_exponent():
    with pytest.raises(ParameterError, match="two set sizes"):
        bias_variance.exponent([10], np.array([1.0]))


def test_shares_of_the_noise_energy():
    sigmas = np.geomspace(0.01, 1, 9)
    errors = [share * np.outer(sigmas**2, np.ones(5)) for share in (0.1, 0.7)]
    shares = bias_variance.noise_shares(list(sigmas), errors, 0.05, 0.5)
    np.testing.assert_allclose(shares, [0.1, 0.7])


def test_kl_integral_is_the_divergence_of_gaussians():
    """For two Gaussian densities and their own best denoisers the bound is an equality.

    The divergence of the smoothed densities falls with sigma^2 at half the rate of
    E||difference of scores||^2 (de Bruijn's identity).
    """
    true, other = torch.tensor([2.0, 0.5, 0.1]).double(), torch.tensor([1.0, 0.7, 0.3]).double()

    def divergence(sigma):
        ratio = (true + sigma**2) / (other + sigma**2)
        return float((ratio - 1 - ratio.log()).sum() / 2)

    sigmas = np.geomspace(0.01, 3, 400)
    squares = torch.tensor(sigmas**2)[:, None]
    gains = other / (other + squares) - true / (true + squares)
    distances = (gains.square() * (true + squares)).mean(dim=1, keepdim=True).numpy()
    bound = bias_variance.kl_bound(list(sigmas), distances, pixels=3)
    assert bound == pytest.approx(divergence(0.01) - divergence(3), rel=1e-3)
