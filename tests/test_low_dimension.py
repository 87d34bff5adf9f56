"""The best denoisers of discs, rays and sines, against brute force and at known limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from denoise_lib import images
from denoise_lib.errors import ParameterError
from denoise_lib.images.discs import image_sets, limits, portrait, render
from denoise_lib.measures.psnr import add_noise, squared_errors
from denoise_lib.optimal.cones import Cone, sines
from denoise_lib.optimal.discs import Discs, most_likely

SIZE = 16


def test_mean_of_discs_is_that_of_very_many_draws_from_the_prior():
    sigma = 2.0  # wide enough for draws that know nothing of y
    y = add_noise(images.load("discs", SIZE, "tuning", 6), sigma, 0).double()
    low, high = limits(SIZE)
    torch.manual_seed(0)
    numbers = low + (high - low) * torch.rand(60_000, 5, dtype=torch.float64)
    drawn = render(numbers, SIZE).flatten(1)
    noisy = y.flatten(1)
    logits = (noisy @ drawn.T - drawn.square().sum(dim=1) / 2) / sigma**2
    weights = logits.softmax(dim=1)
    assert (1 / weights.square().sum(dim=1)).min() > 100
    mean, effective = Discs(SIZE, required=1000, rounds=400).estimate(y, sigma)
    assert effective.min() > 999
    typical = (mean.flatten(1) - drawn.mean(dim=0)).square().mean()
    assert (mean.flatten(1) - weights @ drawn).square().mean() < 0.05 * typical


def test_weak_noise_leaves_five_dimensions():
    sigma, n = 0.003, 100
    sets = image_sets("discs", SIZE)
    numbers = sets.parameters("tuning", 200)
    clear = numbers[(numbers[:, 3] - numbers[:, 4]).abs() > 0.2][:n]
    clear[:, 3:] = clear[:, 3:].clamp(0.05, 0.95)  # no limit near: each number is free
    x = render(clear, SIZE)
    mean, effective = Discs(SIZE).estimate(add_noise(x, sigma, 1), sigma)
    left = ((mean - x).square().sum(dim=(1, 2, 3)) / sigma**2).numpy()
    assert effective.min() >= 100
    assert left.mean() == pytest.approx(5, abs=4 * np.sqrt(10 / n))


def test_the_most_likely_disc_fits_at_least_as_well_as_the_true_one():
    x = images.load("discs", SIZE, "tuning", 40).double()
    y = add_noise(x, 0.05, 0)
    unit = most_likely(y.flatten(1), 0.05, SIZE)
    low, high = limits(SIZE)
    fitted = render(low + (high - low) * unit, SIZE)
    closer = (y - fitted).square().sum((1, 2, 3)) <= (y - x).square().sum((1, 2, 3))
    assert closer.double().mean() > 0.9


def test_no_other_denoiser_beats_the_mean_of_discs():
    x = images.load("discs", SIZE, "tuning", 60)
    best = squared_errors(Discs(SIZE), x, [0.2]).mean()
    for shrink in (0.95, 1.05):
        worse = squared_errors(lambda y, s, t=shrink: t * Discs(SIZE)(y, s), x, [0.2]).mean()
        assert worse > best


def test_a_mean_of_too_few_draws_is_refused():
    y = add_noise(images.load("discs", SIZE, "tuning", 4), 0.3, 0)
    with pytest.raises(ParameterError, match="too few effective samples"):
        Discs(SIZE, samples=8, rounds=1)(y, 0.3)
    for sigma in (None, 0.0):
        with pytest.raises(ParameterError, match="sigma"):
            Discs(SIZE)(y, sigma)


def brute(cone: Cone, y: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return the mean over a fine grid of intensities of every image."""
    c = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    drawn = (c[:, None, None] * cone.images.flatten(1).double()).flatten(0, 1)
    logits = (y.flatten(1).double() @ drawn.T - drawn.square().sum(dim=1) / 2) / sigma**2
    return (logits.softmax(dim=1) @ drawn).reshape(y.shape)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 3.0])
def test_cones_against_a_grid(sigma):
    torch.manual_seed(0)
    cone = Cone(torch.rand(5, 1, 8, 8, dtype=torch.float64))
    x = torch.rand(12, 1, 1, 1).double() * cone.images[torch.arange(12) % 5]
    y = torch.cat([add_noise(x, sigma, 0), -x[:2], 3 * x[:2]])  # and some beyond both ends
    torch.testing.assert_close(cone(y, sigma), brute(cone, y, sigma), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("image_class", "dimensions"), [("ray", 1), ("sines", 2)])
def test_weak_noise_leaves_the_dimensions_of_the_cone(image_class, dimensions):
    best = sines(SIZE) if image_class == "sines" else Cone(portrait(SIZE)[None, None])
    n, sigma = 500, 0.02
    x = images.load(image_class, SIZE, "tuning", n)
    left = squared_errors(best, x, [sigma]).mean() * SIZE**2 / sigma**2
    assert left == pytest.approx(dimensions, abs=4 * np.sqrt(2 * dimensions / n))


def test_enough_phases_are_enough():
    x = images.load("sines", SIZE, "tuning", 20)
    y = add_noise(x, 0.05, 0).double()
    torch.testing.assert_close(sines(SIZE)(y, 0.05), sines(SIZE, 8192)(y, 0.05), atol=1e-6, rtol=0)


def test_cones_mind_their_arguments():
    with pytest.raises(ParameterError, match="images"):
        Cone(torch.zeros(1, 1, 2, 2))
    with pytest.raises(ParameterError, match="sigma"):
        sines(8)(torch.zeros(1, 1, 8, 8))
