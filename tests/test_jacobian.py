"""Jacobians: frozen against differentiated, whole against in part, and f(y) = J y in the zoo."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse.linalg
import torch

from denoise_lib import images, zoo
from denoise_lib.errors import ParameterError
from denoise_lib.images import gaussian
from denoise_lib.jacobian import asymmetry, jacobian, linearize, spectrum, top_spectrum, trace
from denoise_lib.measures.psnr import add_noise, squared_errors
from denoise_lib.measures.sure import sure
from denoise_lib.networks import BFCNN, UNet
from denoise_lib.optimal.wiener import Wiener

ZOO = sorted((Path(__file__).parents[1] / "zoo").glob("*.safetensors"))


def network(kind=UNet, normalization=False, depth=2):
    torch.manual_seed(0)
    made = kind(4, depth, normalization)
    if normalization:
        made.train()(torch.rand(4, 1, 16, 16))  # moves the running variances away from 1
    return made.eval()


def noisy_image(size=16, seed=0, n=1):
    return torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(seed))


def test_there_is_a_zoo_to_test():
    assert ZOO


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_networks_of_the_zoo_are_locally_linear(path):
    denoiser, record = zoo.load(path)
    size = record["plan"]["image_size"]
    clean = images.load("discs", size, "tuning", 3)
    for sigma in (0.05, 0.15, 0.7):
        noisy = add_noise(clean, sigma, 0)
        denoised = denoiser(noisy)
        product = linearize(denoiser, noisy).push(noisy)
        assert (product - denoised).norm() <= 1e-5 * denoised.norm()
        # the derivative, not only some matrix that maps y to f(y)
        v = torch.randn(noisy.shape, generator=torch.Generator().manual_seed(1))
        general = linearize(lambda y, sigma: denoiser(y), noisy).push(v)
        torch.testing.assert_close(linearize(denoiser, noisy).push(v), general, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", [UNet, BFCNN])
@pytest.mark.parametrize("normalization", [False, True])
def test_frozen_and_differentiated_agree(kind, normalization):
    denoiser, y = network(kind, normalization, depth=3), noisy_image()
    frozen = jacobian(denoiser, y)
    general = jacobian(lambda y, sigma: denoiser(y), y)
    plain = torch.autograd.functional.jacobian(denoiser, y).reshape(256, 256)
    for other in (general, plain):
        assert (frozen - other).norm() <= 1e-5 * frozen.norm()
    torch.testing.assert_close(frozen @ y.flatten(), denoiser(y).flatten(), rtol=0, atol=1e-5)
    elsewhere = jacobian(denoiser, noisy_image(seed=1))
    assert (frozen - elsewhere).norm() > 1e-3 * frozen.norm()  # it does depend on the image


@pytest.mark.parametrize("frozen", [True, False])
def test_pull_is_the_transpose_of_push(frozen):
    made, y = network(), noisy_image(8)
    local = linearize(made if frozen else (lambda y, sigma: made(y)), y)
    whole = jacobian(made, y)
    for seed in (1, 2):  # the second time from the graph that is kept
        v = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(local.pull(v).flatten(1), v.flatten(1) @ whole)
        torch.testing.assert_close(local.push(v).flatten(1), v.flatten(1) @ whole.T)


def test_each_image_of_a_batch_has_its_own_jacobian():
    denoiser, y = network(), noisy_image(8, n=3)
    v = torch.randn(3, 1, 8, 8)
    together = linearize(denoiser, y).push(v)
    apart = [linearize(denoiser, one[None]).push(u[None]) for one, u in zip(y, v, strict=True)]
    torch.testing.assert_close(together, torch.cat(apart))


def test_freezing_leaves_the_network_as_it_was():
    denoiser, y = network(normalization=True), noisy_image()
    before = denoiser(y).detach()
    weights = [p.clone() for p in denoiser.parameters()]
    jacobian(denoiser, y.double())  # a copy computes in double precision
    assert torch.equal(denoiser(y), before) and next(denoiser.parameters()).requires_grad
    assert all(torch.equal(p, w) for p, w in zip(denoiser.parameters(), weights, strict=True))


def test_jacobian_of_a_closed_form_and_its_spectrum():
    power = gaussian.spectrum(8)
    y = noisy_image(8).double() - 0.5
    whole = jacobian(Wiener(power), y, 0.1)
    gains = (power / (power + 0.01)).flatten().sort(descending=True).values
    found = spectrum(whole)
    torch.testing.assert_close(found.eigenvalues, gains)
    rebuilt = found.eigenvectors * found.eigenvalues @ found.eigenvectors.T
    torch.testing.assert_close(rebuilt, whole)
    assert asymmetry(whole) < 1e-12


def test_asymmetry_of_known_matrices():
    torch.manual_seed(0)
    a = torch.randn(300, 300)
    assert asymmetry(a + a.T) == 0
    assert asymmetry(a - a.T) == pytest.approx(2)
    assert asymmetry(a) == pytest.approx(2**0.5, rel=0.02)


def test_leading_eigenpairs_without_the_matrix():
    denoiser, y = network(BFCNN, depth=4), noisy_image(24)
    whole, k = spectrum(jacobian(denoiser, y)), 12
    top = top_spectrum(denoiser, y, k, tolerance=1e-4)
    torch.testing.assert_close(top.eigenvalues, whole.eigenvalues[:k], rtol=1e-4, atol=0)
    overlap = (top.eigenvectors.T @ whole.eigenvectors[:, :k]).norm() ** 2 / k
    assert overlap > 0.999
    product = linearize(denoiser, y)

    def symmetric_part(v):
        v = torch.from_numpy(v.astype(np.float32)).view(y.shape)
        return ((product.push(v) + product.pull(v)) / 2).flatten().numpy()

    operator = scipy.sparse.linalg.LinearOperator((576, 576), symmetric_part, dtype=np.float32)
    arpack = scipy.sparse.linalg.eigsh(operator, k, which="LA", return_eigenvectors=False)
    np.testing.assert_allclose(top.eigenvalues, np.sort(arpack)[::-1], rtol=1e-4)


def test_leading_eigenpairs_where_they_are_many_or_all_alike():
    denoiser, y = network(), noisy_image(8)
    whole = spectrum(jacobian(denoiser, y))
    many = top_spectrum(denoiser, y, 20)
    torch.testing.assert_close(many.eigenvalues, whole.eigenvalues[:20])
    assert many.eigenvectors.shape == (64, 20)
    halves = top_spectrum(lambda y, sigma: y / 2, y, 3)
    torch.testing.assert_close(halves.eigenvalues, torch.full((3,), 0.5), rtol=0, atol=1e-4)
    gram = halves.eigenvectors.T @ halves.eigenvectors
    torch.testing.assert_close(gram, torch.eye(3), rtol=0, atol=1e-4)


def test_trace_is_within_its_error():
    denoiser, y = network(), noisy_image(16, n=5)
    value, error = trace(denoiser, y, probes=200)
    exact = torch.stack([jacobian(denoiser, one[None]).trace() for one in y])
    assert ((value - exact).abs() < 4 * error).all()
    _, rough = trace(denoiser, y, probes=8)
    assert 2.5 < (rough / error).mean() < 10  # 5, the square root of 25
    _, certain = trace(lambda y, sigma: sigma * y, y, 0.5)
    assert (certain < 1e-5).all()  # a multiple of the identity has no error


def test_sure_is_the_error_of_a_wiener_filter():
    fields, sigma = images.load("gaussian", 16, "tuning", 400), 0.2
    denoiser = Wiener(gaussian.spectrum(16))
    guessed = sure(denoiser, add_noise(fields, sigma, 0), sigma, probes=4)
    errors = squared_errors(denoiser, fields, [sigma])[0]
    spread = np.std(guessed - errors) / np.sqrt(len(fields))
    assert abs(np.mean(guessed - errors)) < 4 * spread
    assert spread < 0.05 * errors.mean()  # or the line above would say nothing
    power = gaussian.spectrum(16)
    exact = (sigma**2 * power / (power + sigma**2)).mean()
    assert guessed.mean() == pytest.approx(float(exact), rel=0.1)
    wrong = sure(lambda y, sigma: 0.5 * denoiser(y, sigma), add_noise(fields, sigma, 0), sigma)
    assert wrong.mean() > 1.5 * exact  # it sees a worse denoiser


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: linearize(network().train(), noisy_image()), "denoiser"),
        (lambda: linearize(network(), noisy_image()[0]), "noisy"),
        (lambda: jacobian(network(), noisy_image(n=2)), "noisy"),
        (lambda: top_spectrum(network(), noisy_image(), 0), "k"),
        (lambda: top_spectrum(network(), noisy_image(), 257), "k"),
        (lambda: trace(network(), noisy_image(), probes=1), "probes"),
        (lambda: sure(network(), noisy_image(), 0.0), "sigma"),
    ],
)
def test_what_cannot_be_used_is_named(call, named):
    with pytest.raises(ParameterError, match=f"^{named} = "):
        call()
