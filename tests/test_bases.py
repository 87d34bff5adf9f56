"""Bases are orthonormal and ordered; oracles and thresholds do what their formulas say."""

import numpy as np
import pytest
import pywt
import torch

from denoise_lib import images
from denoise_lib.bases import (
    Cosines,
    Explicit,
    Fourier,
    Linear,
    Threshold,
    Wavelets,
    decay,
    keep_largest,
    oracle_gains,
    oracle_mse,
    principal,
)
from denoise_lib.errors import ParameterError
from denoise_lib.images import gaussian
from denoise_lib.jacobian import jacobian
from denoise_lib.measures.psnr import squared_errors
from denoise_lib.optimal.mixtures import GaussianMixture
from denoise_lib.optimal.wiener import Wiener


def digits():
    return images.load("digits", 8, "A", 200)


BASES = {
    "cosines": lambda: Cosines(8),
    "fourier": lambda: Fourier(8),
    "haar": lambda: Wavelets(8, "haar"),
    "db2": lambda: Wavelets(16, "db2"),
    "sym4": lambda: Wavelets(24),
    "principal": lambda: principal(digits()),
}


@pytest.mark.parametrize("name", BASES)
def test_orthonormal_and_inverted(name):
    basis = BASES[name]()
    d = basis.size**2
    vectors = basis.vectors()
    torch.testing.assert_close(vectors.T @ vectors, torch.eye(d), rtol=0, atol=1e-5)
    pictures = torch.rand(3, 1, basis.size, basis.size)
    found = basis.coefficients(pictures)
    torch.testing.assert_close(found, pictures.flatten(1) @ vectors, rtol=0, atol=1e-5)
    torch.testing.assert_close(basis.synthesis(found), pictures, rtol=0, atol=1e-5)
    torch.testing.assert_close(basis.coefficients(pictures.double()).float(), found)


@pytest.mark.parametrize("basis", [Cosines(16), Fourier(16), Wavelets(16, "haar")])
def test_the_coarsest_come_first(basis):
    flat = basis.coefficients(torch.ones(1, 1, 16, 16))[0]
    assert flat[: basis.coarse].norm() == pytest.approx(16)
    assert flat[basis.coarse :].abs().max() < 1e-4
    checkerboard = torch.tensor([[1.0, -1], [-1, 1]]).repeat(8, 8)[None, None]
    fine = basis.coefficients(checkerboard)[0].square()
    assert fine[64:].sum() > 0.99 * fine.sum()


def test_wavelets_are_those_of_pywavelets():
    picture = torch.rand(1, 1, 16, 16)
    basis = Wavelets(16, "db2")
    parts = pywt.wavedec2(picture[0, 0].numpy(), "db2", "periodization", basis.levels)
    found = basis.coefficients(picture)[0].numpy()
    np.testing.assert_allclose(np.sort(found[: basis.coarse]), np.sort(parts[0].ravel()), atol=1e-5)
    finest = np.concatenate([part.ravel() for part in parts[-1]])
    np.testing.assert_allclose(np.sort(found[-len(finest) :]), np.sort(finest), atol=1e-5)


def test_fourier_is_the_eigenbasis_of_a_wiener_filter():
    whole = jacobian(Wiener(gaussian.spectrum(8)), torch.zeros(1, 1, 8, 8), 0.2)
    in_fourier, in_cosines = (
        basis.vectors().T @ whole @ basis.vectors() for basis in (Fourier(8), Cosines(8))
    )
    torch.testing.assert_close(in_fourier, in_fourier.diag().diag(), rtol=0, atol=1e-5)
    assert (in_cosines - in_cosines.diag().diag()).abs().max() > 1e-2


def test_principal_components_hold_the_most_energy():
    pictures = digits()
    basis = principal(pictures)
    energy = basis.coefficients(pictures).square().mean(dim=0)
    assert (energy.diff() < 1e-4).all()
    others = Cosines(8).coefficients(pictures).square().mean(dim=0).sort(descending=True).values
    assert (energy.cumsum(0)[:60] >= others.cumsum(0)[:60]).all()
    mean = pictures.mean(dim=0).flatten()
    assert abs(basis.vectors()[:, 0] @ mean) > 0.95 * mean.norm()


def test_the_oracle_is_as_good_as_its_formula_and_no_factor_is_better():
    pictures, basis, sigma = digits()[:20], Cosines(8), 0.3
    clean = basis.coefficients(pictures)
    gains = oracle_gains(clean, sigma)
    torch.manual_seed(0)
    noisy = clean + sigma * torch.randn(500, *clean.shape)
    measured = (gains * noisy - clean).square().mean(dim=(0, 2))
    torch.testing.assert_close(measured, oracle_mse(clean, sigma), rtol=0.05, atol=0)
    for other in (gains * 0.9, gains * 1.1, (clean.abs() > sigma).float()):
        assert (other * noisy - clean).square().mean() > measured.mean()


def test_wiener_is_the_oracle_of_a_gaussian_class_on_average():
    fields, sigma = images.load("gaussian", 16, "tuning", 100), 0.2
    error = squared_errors(Wiener(gaussian.spectrum(16)), fields, [sigma]).mean()
    oracle = float(oracle_mse(Fourier(16).coefficients(fields), sigma).mean())
    assert 0.5 * error < oracle < error  # it knows each field, not only their spectrum


@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_thresholds(kind):
    basis = Wavelets(8, "haar")
    coefficients = torch.tensor([0.05, -0.05, 0.2, -0.3]).repeat(16)[None]
    out = basis.coefficients(Threshold(basis, kind, 1.0)(basis.synthesis(coefficients), 0.1))[0]
    less = 0.1 if kind == "soft" else 0.0
    kept = torch.tensor([0.0, 0.0, 0.2 - less, -0.3 + less]).repeat(16)
    assert torch.allclose(out[1:], kept[1:], atol=1e-6)
    assert out[0] == pytest.approx(0.05, abs=1e-6)  # the mean is kept


def test_thresholding_wavelets_denoises_regular_images():
    pictures, sigma = images.load("c_alpha:2", 32, "tuning", 30), 0.1
    for kind in ("hard", "soft"):
        denoiser = Threshold(Wavelets(32), kind)
        assert squared_errors(denoiser, pictures, [sigma]).mean() < 0.5 * sigma**2
    pixels = Threshold(Explicit(torch.eye(1024)), "hard")
    assert squared_errors(pixels, pictures, [sigma]).mean() > sigma**2
    oracle = oracle_mse(Wavelets(32).coefficients(pictures), sigma).mean()
    assert oracle < squared_errors(denoiser, pictures, [sigma]).mean()


def test_linear_shrinkage_is_wieners_where_the_basis_is_that_of_the_class():
    class_, fields = (
        images.load("gaussian", 16, *which) for which in (("A", 4000), ("tuning", 50))
    )
    sigma, linear = 0.3, Linear(Fourier(16), class_)
    apart = linear(fields, sigma) - Wiener(gaussian.spectrum(16))(fields, sigma)
    assert apart.square().mean() < 0.01 * sigma**2
    assert squared_errors(Linear(Wavelets(16), class_), fields, [sigma]).mean() > (
        squared_errors(linear, fields, [sigma]).mean()
    )


def test_linear_shrinkage_is_below_the_best_linear_denoiser_and_not_far():
    shown = images.load("c_alpha:2", 16, "tuning", 200)
    class_ = images.load("c_alpha:2", 16, "A", 4000)
    best, single = (
        squared_errors(f, shown, [0.1]).mean()
        for f in (GaussianMixture.fit(class_), Linear(Cosines(16), class_))
    )
    assert best < single < 1.5 * best


def test_keeping_the_largest():
    pictures, basis = digits()[:5], Cosines(8)
    torch.testing.assert_close(keep_largest(basis, pictures, 64), pictures, rtol=0, atol=1e-5)
    assert (keep_largest(basis, pictures, 0) == 0).all()
    left = basis.coefficients(keep_largest(basis, pictures, 10) - pictures)
    smallest = basis.coefficients(pictures).square().sort(dim=1).values[:, :54]
    torch.testing.assert_close(left.square().sum(1), smallest.sum(1), rtol=1e-3, atol=1e-4)
    leading = Explicit(basis.vectors()[:, :10])
    assert leading.coefficients(pictures).shape == (5, 10)
    assert keep_largest(leading, pictures, 10).shape == pictures.shape


def test_decay_of_a_known_law():
    ranks = torch.arange(1, 1025.0)
    law = ranks**-1.5  # energy falls like rank^-3
    torch.manual_seed(0)
    shuffled = torch.stack([law[torch.randperm(1024)] for _ in range(5)])
    assert decay(shuffled, 5, 500) == pytest.approx(3)
    assert decay(torch.ones(2, 1024), 5, 500) == pytest.approx(0, abs=1e-9)


def test_regular_images_decay_faster():
    slopes = [
        decay(Wavelets(32).coefficients(images.load(f"c_alpha:{alpha}", 32, "tuning", 50)), 10, 200)
        for alpha in (1, 3)
    ]
    assert slopes[0] < slopes[1]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: Cosines(0), "size"),
        (lambda: Wavelets(9), "size"),
        (lambda: Wavelets(16, "bior2.2"), "wavelet"),
        (lambda: Wavelets(16, "none"), "wavelet"),
        (lambda: Explicit(torch.ones(16, 2)), "vectors"),
        (lambda: Explicit(torch.eye(15)), "vectors"),
        (lambda: Cosines(8).coefficients(torch.zeros(1, 1, 4, 4)), "images"),
        (lambda: oracle_gains(torch.ones(1, 4), 0.0), "sigma"),
        (lambda: Threshold(Cosines(8), "medium"), "kind"),
        (lambda: Threshold(Cosines(8))(torch.zeros(1, 1, 8, 8)), "sigma"),
        (lambda: Linear(Cosines(8), digits())(digits()), "sigma"),
        (lambda: keep_largest(Cosines(8), torch.zeros(1, 1, 8, 8), 65), "k"),
        (lambda: decay(torch.ones(1, 8), 0, 4), "first, last"),
    ],
)
def test_what_cannot_be_used_is_named(call, named):
    with pytest.raises(ParameterError, match=f"^{named} = "):
        call()
