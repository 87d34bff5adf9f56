"""The Jacobian of a denoiser at a noisy image: whole, by its leading eigenvectors, by its trace.

A bias-free ReLU network is linear as long as no activation opens or closes, so
``f(y) = J(y) y`` exactly. To multiply by J, the network is run with every ReLU
kept as it stands at y: one forward pass for a whole batch of columns, where
differentiating takes a backward pass for each pixel. Any other denoiser is
differentiated by torch.

J is not quite symmetric, though the Jacobian of the best denoiser is. Eigenvalues
and eigenvectors here are those of (J + J^T) / 2; `asymmetry` says what is lost.
Where it is large, ``torch.linalg.svd(J)`` gives both sides of the shrinkage,
f(y) = sum_k s_k <v_k, y> u_k.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from denoise_lib.errors import ParameterError
from denoise_lib.measures.psnr import Denoiser
from denoise_lib.networks import BFCNN, UNet

# Pixels that go through a network at once: 64 images of 32x32. More is no faster on a processor.
PIXELS_AT_ONCE = 2**16


class Linearization:
    """A denoiser near noisy images: products of its Jacobian with other images.

    Parameters
    ----------
    function : callable
        Maps a batch of images to one of the same shape, each image by itself.
    noisy : Tensor, shape (n, c, h, w)
        Where it is linearized.
    """

    def __init__(self, function: Denoiser, noisy: Tensor) -> None:
        self.function = function
        self.noisy = noisy
        self._graph: tuple[Tensor, Tensor] | None = None

    def push(self, v: Tensor) -> Tensor:
        """Return J v for each image v of a batch.

        Parameters
        ----------
        v : Tensor, shape (m, c, h, w)
            At one noisy image, any number m of images; at n, as many: each is
            multiplied by the Jacobian at its own.

        Returns
        -------
        Tensor, shape (m, c, h, w)
        """
        at = self.noisy.expand_as(v).clone()
        return torch.func.jvp(self.function, (at,), (v,))[1]

    def pull(self, v: Tensor) -> Tensor:
        """Return J^T v for each image v of a batch; shapes are those of `push`."""
        # the graph is kept: products of the same shape then cost a backward pass and no more
        if self._graph is None or self._graph[0].shape != v.shape:
            with torch.enable_grad():
                at = self.noisy.expand_as(v).clone().requires_grad_()
                self._graph = at, self.function(at)
        at, out = self._graph
        (product,) = torch.autograd.grad(out, at, v, retain_graph=True)
        return product


class Frozen(Linearization):
    """A bias-free network whose activations stay as they are at the noisy images."""

    def push(self, v: Tensor) -> Tensor:
        """Return J v for each image v of a batch; shapes are those of `Linearization.push`."""
        with torch.no_grad():
            return self.function(v)


class _Gate(nn.Module):
    """A ReLU that goes on letting pass what it let pass of its first input, whatever the sign."""

    def __init__(self) -> None:
        super().__init__()
        self.passes: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.passes is None:
            self.passes = (x > 0).to(x.dtype)
        return x.mul_(self.passes)


def _replace_activations(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.ReLU):
            setattr(module, name, _Gate())
        else:
            _replace_activations(child)


def linearize(denoiser: Denoiser, noisy: Tensor, sigma: float | None = None) -> Linearization:
    """Return products with the Jacobian of a denoiser at noisy images.

    Parameters
    ----------
    denoiser : callable
        ``(y, sigma) -> x_hat``, differentiable by torch, that treats each image
        of a batch by itself. A `UNet` or a `BFCNN` is frozen at the noisy
        images, which is exact; it computes in their precision and on their device.
    noisy : Tensor, shape (n, c, h, w)
    sigma : float, optional
        What the denoiser is told; networks are blind.

    Returns
    -------
    Linearization

    Raises
    ------
    ParameterError
        If the network is in training mode, where normalization ties the images of a batch.
    """
    if noisy.ndim != 4:
        raise ParameterError("noisy", tuple(noisy.shape), "give images of shape (n, c, h, w)")
    noisy = noisy.detach()
    if not isinstance(denoiser, UNet | BFCNN):
        return Linearization(lambda y: denoiser(y, sigma), noisy)
    if denoiser.training:
        raise ParameterError("denoiser", "in training mode", "call its eval() first")
    network = copy.deepcopy(denoiser).requires_grad_(False).to(noisy)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _replace_activations(network)
    with torch.no_grad():
        network(noisy)  # every gate takes its place
    return Frozen(network, noisy)


def _at_one(denoiser: Denoiser, noisy: Tensor, sigma: float | None) -> Linearization:
    if len(noisy) != 1:
        raise ParameterError("noisy", tuple(noisy.shape), "give one image, as noisy[:1]")
    return linearize(denoiser, noisy, sigma)


def jacobian(denoiser: Denoiser, noisy: Tensor, sigma: float | None = None) -> Tensor:
    """Return the Jacobian of a denoiser at one noisy image.

    Parameters
    ----------
    denoiser : callable
        As for `linearize`.
    noisy : Tensor, shape (1, c, h, w)
    sigma : float, optional
        Passed on to the denoiser.

    Returns
    -------
    Tensor, shape (d, d), d = c h w
        Entry (i, j) is the derivative of output pixel i by input pixel j.
    """
    local = _at_one(denoiser, noisy, sigma)
    d = noisy.numel()
    whole = noisy.new_empty(d, d)
    for columns in torch.arange(d, device=noisy.device).split(max(1, PIXELS_AT_ONCE // d)):
        basis = noisy.new_zeros(len(columns), *noisy.shape[1:])
        basis.flatten(1)[torch.arange(len(columns)), columns] = 1
        whole[:, columns] = local.push(basis).flatten(1).T
    return whole


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues and eigenvectors of the symmetric part of a Jacobian.

    Parameters
    ----------
    eigenvalues : Tensor, shape (k,)
        Falling.
    eigenvectors : Tensor, shape (d, k)
        Orthonormal columns, each an image when reshaped; their signs mean nothing.
    """

    eigenvalues: Tensor
    eigenvectors: Tensor


def spectrum(jacobian: Tensor) -> Spectrum:
    """Return all eigenvalues and eigenvectors of (J + J^T) / 2.

    Parameters
    ----------
    jacobian : Tensor, shape (d, d)
    """
    values, vectors = torch.linalg.eigh((jacobian + jacobian.T) / 2)
    return Spectrum(values.flip(0), vectors.flip(1))


def asymmetry(jacobian: Tensor) -> float:
    """Return ||J - J^T|| / ||J|| (Frobenius): 0 if symmetric, sqrt(2) expected of random entries.

    Parameters
    ----------
    jacobian : Tensor, shape (d, d)
    """
    return float((jacobian - jacobian.T).norm() / jacobian.norm())


def top_spectrum(
    denoiser: Denoiser,
    noisy: Tensor,
    k: int,
    sigma: float | None = None,
    *,
    tolerance: float = 2e-3,
    block: int = 4,
    seed: int = 0,
) -> Spectrum:
    """Return the k largest eigenvalues of (J + J^T) / 2 and their eigenvectors, without forming J.

    Block Lanczos with full reorthogonalization and no restart: a few vectors
    at a time, because a network is faster on a few images than on one, which is
    all that ARPACK (`scipy.sparse.linalg.eigsh`) multiplies by.

    Parameters
    ----------
    denoiser : callable
        As for `linearize`.
    noisy : Tensor, shape (1, c, h, w)
    k : int
        Well below the number d of pixels; from d / 10 on, the whole Jacobian is
        computed, which is then as fast.
    sigma : float, optional
        Passed on to the denoiser.
    tolerance : float
        Largest residual ||S e - lambda e|| allowed, relative to the largest
        eigenvalue in absolute value. The error of an eigenvalue is at most its
        residual, and usually of the order of its square.
    block : int
        Vectors at a time. An eigenvalue of higher multiplicity than this is
        found only so many times: a network at a noisy image has none, a
        symmetric closed form (`denoise_lib.optimal.wiener`) has.
    seed : int
        Of the random start.

    Returns
    -------
    Spectrum
    """
    d = noisy.numel()
    if not 1 <= k <= d:
        raise ParameterError("k", k, f"give a number from 1 to {d}, the number of pixels")
    if 10 * k >= d:
        whole = spectrum(jacobian(denoiser, noisy, sigma))
        return Spectrum(whole.eigenvalues[:k], whole.eigenvectors[:, :k])
    local = _at_one(denoiser, noisy, sigma)

    def symmetric_part(v: Tensor) -> Tensor:
        images = v.reshape(-1, *noisy.shape[1:])
        return ((local.push(images) + local.pull(images)) / 2).flatten(1)

    def orthonormal(rows: Tensor) -> Tensor:
        return torch.linalg.qr(rows.T).Q.T

    generator = torch.Generator().manual_seed(seed)
    new = orthonormal(torch.randn(d, block, generator=generator).to(noisy).T)
    # vectors as rows, one after the other in memory: four times faster to multiply by than columns
    basis, inner = new[:0], noisy.new_zeros(0, 0)
    next_look = 3 * k
    while True:
        product = symmetric_part(new)
        basis = torch.cat([basis, new])
        along = product @ basis.T
        inner = nn.functional.pad(inner, (0, block, 0, block))
        inner[-block:], inner[:, -block:] = along, along.T
        new = orthonormal(product - along @ basis)
        for _ in range(2):  # again: rounding leaves traces of the basis when little else is new
            new = orthonormal(new - (new @ basis.T) @ basis)
        if len(basis) >= next_look:
            values, mixing = torch.linalg.eigh(inner)
            found, mixing = values[-k:].flip(0), mixing[:, -k:].flip(1)
            # all that S adds to the basis is what it made of the last block
            residual = (new @ product.T @ mixing[-block:]).norm(dim=0).max()
            if residual <= tolerance * values.abs().max() or len(basis) + block > d:
                return Spectrum(found, basis.T @ mixing)
            next_look += max(block, k // 8)


@torch.no_grad()
def trace(
    denoiser: Denoiser,
    noisy: Tensor,
    sigma: float | None = None,
    *,
    probes: int = 16,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Estimate the trace of the Jacobian at each of several noisy images, without forming any.

    The mean of z^T J z over random signs z (Hutchinson, 1990).

    Parameters
    ----------
    denoiser : callable
        As for `linearize`.
    noisy : Tensor, shape (n, c, h, w)
    sigma : float, optional
        Passed on to the denoiser.
    probes : int
        Vectors z, 2 or more; the error falls like one over their square root.
    seed : int
        Of the signs.

    Returns
    -------
    value, error : Tensor, shape (n,)
        The estimate at each image, and its standard error.
    """
    if probes < 2:
        raise ParameterError("probes", probes, "the error needs 2 or more")
    generator = torch.Generator().manual_seed(seed)
    found = []
    for part in noisy.split(max(1, PIXELS_AT_ONCE // noisy[0].numel())):
        local = linearize(denoiser, part, sigma)
        for _ in range(probes):
            signs = torch.randint(0, 2, part.shape, generator=generator).to(part) * 2 - 1
            found.append((signs * local.push(signs)).flatten(1).sum(dim=1))
    each = torch.cat([torch.stack(found[i : i + probes]) for i in range(0, len(found), probes)], 1)
    return each.mean(dim=0), each.std(dim=0) / probes**0.5
