"""Measures of shrinkage, on matrices and mixtures whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from denoise_lib.errors import ParameterError
from denoise_lib.images import gaussian, load
from denoise_lib.jacobian import jacobian, spectrum
from denoise_lib.measures.psnr import add_noise
from denoise_lib.measures.shrinkage import (
    energy_ratio,
    error_along,
    mixture_slopes,
    rank,
    share_inside,
    softness,
)
from denoise_lib.optimal.mixtures import GaussianMixture
from denoise_lib.optimal.wiener import Wiener


def test_a_projection_is_hard_and_a_half_of_everything_is_soft():
    projection = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0])
    assert softness(projection) == 0
    assert softness(torch.full((5,), 0.5)) == pytest.approx(0.5)
    assert softness(torch.tensor([2.0, 1.0])) < 0
    with pytest.raises(ParameterError, match="positive sum"):
        softness(torch.tensor([0.5, -0.5]))


def test_share_and_rank_count_eigenvalues():
    values = torch.tensor([1.2, 1.05, 0.6, 0.4, -0.05, -0.3])
    assert share_inside(values, 0.1) == pytest.approx(4 / 6)
    assert share_inside(values, 0.0) == pytest.approx(2 / 6)
    assert (rank(values), rank(values, 1.1)) == (3, 1)


def test_error_along_vectors_is_in_units_of_the_noise():
    turned, _ = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(0)))
    error = 0.2 * turned[:, 2]
    along = error_along(turned, error.reshape(1, 2, 3), 0.1)
    assert along == pytest.approx([0, 0, 4, 0, 0, 0], abs=1e-5)


def test_eigenvalues_of_the_best_denoiser_predict_its_error():
    size, sigma = 8, 0.2
    fields = load("gaussian", size, "tuning", 400)
    noisy = add_noise(fields, sigma, 0)
    wiener = Wiener(gaussian.spectrum(size))
    found = spectrum(jacobian(wiener, noisy[:1], sigma))
    missed = fields - wiener(noisy, sigma)
    along = np.mean([error_along(found.eigenvectors, m, sigma) for m in missed], axis=0)
    assert energy_ratio(found, along, 20) == pytest.approx(1, abs=0.08)
    backwards = error_along(found.eigenvectors.flip(1), missed[0], sigma)
    assert energy_ratio(found, backwards, 20) < 0.8  # vectors that are not its own


def test_slopes_of_a_mixture_are_posterior_variances():
    """Of two narrow heaps: by Bayes' rule over the heaps, not by differentiating."""
    heaps = GaussianMixture(
        torch.tensor([0.3, 0.7]), torch.tensor([[-1.0], [1.0]]), torch.full((2, 1, 1), 0.04)
    )
    sigma, y = 0.6, torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    total = 0.04 + sigma**2
    heap_means = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    weight = torch.tensor([0.3, 0.7]).double().log() - (y - heap_means) ** 2 / (2 * total)
    weight = weight.softmax(dim=1)
    each = heap_means + (y - heap_means) * 0.04 / total
    mean = (weight * each).sum(dim=1)
    variance = (weight * (each**2 + 0.04 * sigma**2 / total)).sum(dim=1) - mean**2
    torch.testing.assert_close(
        mixture_slopes(heaps, sigma, y), variance / sigma**2, rtol=1e-5, atol=1e-6
    )
    assert (mixture_slopes(heaps, sigma, y, told=0.9) - variance / sigma**2).abs().max() > 0.1
