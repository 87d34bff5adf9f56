"""The sampler draws from the density of a denoiser whose density is known."""

from dataclasses import replace

import pytest
import torch

from denoise_lib.errors import ParameterError
from denoise_lib.images.gaussian import spectrum
from denoise_lib.networks import UNet
from denoise_lib.optimal.wiener import Wiener
from denoise_lib.sampling import AUTHORS, PAPER, Schedule, sample, trajectory

SIZE = 8
KNOWN = {"sigma_end": 0.02, "estimate_sigma": False, "step": 0.01, "beta": 0.3, "max_steps": 5000}


def test_covariance_of_a_gaussian_field_is_reproduced():
    """Total and, over groups of like variance, modal variance within 5 % before the last step."""
    power = spectrum(SIZE)  # variances of 0.004 to 0.8, well below sigma_start^2 = 9
    samples = sample(Wiener(power), SIZE, range(1500), Schedule(**KNOWN), mean=0.0)
    drawn = torch.fft.fft2(samples.noisy[:, 0].double(), norm="ortho").abs().square().mean(0)
    expected = power + 0.02**2
    assert drawn.sum() == pytest.approx(expected.sum().item(), rel=0.05)
    order = power.flatten().argsort(descending=True)
    for group in order.split([9, 16, 39]):
        ratio = drawn.flatten()[group].sum() / expected.flatten()[group].sum()
        assert ratio.item() == pytest.approx(1, abs=0.05)


def test_the_growing_step_loses_variance():
    """The control of the test above: the paper's growing step is known to be biased."""
    power = spectrum(SIZE)
    schedule = Schedule(**KNOWN | {"growing": True, "beta": 0.1})
    samples = sample(Wiener(power), SIZE, range(500), schedule, mean=0.0)
    assert samples.noisy.var() < 0.9 * power.mean()


def test_a_sample_depends_on_its_seed_alone():
    f = Wiener(spectrum(SIZE))
    schedule = Schedule(sigma_start=1, estimate_sigma=False)
    together = sample(f, SIZE, [3, 4, 5], schedule).images
    alone = sample(f, SIZE, [4], schedule).images
    torch.testing.assert_close(together[1:2], alone)
    assert not torch.allclose(together[0], together[1])


def test_the_sample_is_denoised_and_stops_on_its_own():
    def shrink(y, sigma):  # a blind denoiser that believes half of what is there to be noise
        return y / 2

    last = list(trajectory(shrink, SIZE, [0, 1, 2], Schedule(sigma_start=1, sigma_end=0.05)))[-1]
    assert not last.moving.any() and (last.sigma <= 0.05).all()
    torch.testing.assert_close(last.denoised, last.noisy / 2)


def test_the_constants_of_the_paper_take_the_steps_of_the_paper():
    f = Wiener(spectrum(SIZE))
    for schedule, steps in ((PAPER, 2995), (AUTHORS, 97)):
        known = replace(schedule, estimate_sigma=False)
        samples = sample(f, SIZE, [0], known, mean=0.0)
        assert not samples.diverged.any()
        assert samples.steps.item() == pytest.approx(steps, abs=1)


def test_divergence_is_reported():
    torch.manual_seed(0)
    network = UNet(width=4, blocks=1)
    with pytest.warns(UserWarning, match="2 of 2 samples diverged"):
        samples = sample(lambda y, sigma: -200 * network(y), SIZE, [0, 1])
    assert samples.diverged.all()


@pytest.mark.parametrize(
    ("bad", "name"),
    [({"sigma_end": -1}, "sigma_end"), ({"step": 0}, "step"), ({"beta": 1.5}, "beta")],
)
def test_impossible_schedules_are_refused(bad, name):
    with pytest.raises(ParameterError, match=name):
        Schedule(**bad)


def test_wiener_is_the_best_linear_denoiser_and_needs_sigma():
    power = spectrum(SIZE)
    y = torch.randn(5, 1, SIZE, SIZE)
    with pytest.raises(ParameterError, match="sigma"):
        Wiener(power)(y)
    # brute force: covariance matrix of the field, C (C + sigma^2)^-1 y
    eye = torch.eye(SIZE * SIZE, dtype=torch.float64).reshape(-1, SIZE, SIZE)
    covariance = torch.fft.ifft2(power * torch.fft.fft2(eye)).real.reshape(SIZE**2, -1)
    matrix = covariance @ torch.linalg.inv(covariance + 0.3**2 * torch.eye(SIZE**2))
    expected = (y.flatten(1).double() @ matrix.T).reshape(y.shape)
    torch.testing.assert_close(Wiener(power)(y, 0.3).double(), expected, rtol=1e-4, atol=1e-5)
