"""Orthonormal bases in which images are sparse, and denoisers that shrink their coefficients.

What geometry-adaptive harmonic bases are compared with. Three know nothing of
images: the discrete cosine transform, orthogonal wavelets, and the Fourier
basis, in which the covariance of every stationary class is diagonal, so that
Wiener's filter shrinks its coefficients. Principal components know the class.
A basis given by its vectors (`Explicit`) may know the image, as the
eigenvectors of a denoiser's Jacobian do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pywt
import scipy.fft
import torch
from torch import Tensor
from torch.nn import functional

from denoise_lib.errors import ParameterError

# Multiples of sigma below which coefficients are set to 0. Mallat (A Wavelet Tour of Signal
# Processing, chapter 11): 3 sigma keeps more of an image than the universal threshold, and a soft
# threshold, which also shortens what it keeps, is best at half of a hard one.
MULTIPLES = {"hard": 3.0, "soft": 1.5}


class Basis(ABC):
    """Orthonormal vectors for square images, the coarsest or most important first.

    Parameters
    ----------
    size : int
        Side of the images in pixels.
    coarse : int
        The first vectors, which carry means and are never thresholded.
    """

    def __init__(self, size: int, coarse: int) -> None:
        if size < 1:
            raise ParameterError("size", size, "give a side of 1 pixel or more")
        self.size = size
        self.coarse = coarse

    @abstractmethod
    def _analyse(self, images: np.ndarray) -> np.ndarray:
        """Return the coefficients (n, k) of images (n, size, size)."""

    @abstractmethod
    def _synthesize(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the images (n, size, size) of coefficients (n, k)."""

    def coefficients(self, images: Tensor) -> Tensor:
        """Return the coefficients <x, e_k> of images x.

        Parameters
        ----------
        images : Tensor, shape (n, 1, size, size)

        Returns
        -------
        Tensor, shape (n, k)
            k is the number of pixels, or of vectors in an `Explicit` basis.
        """
        if images.ndim != 4 or images.shape[1:] != (1, self.size, self.size):
            raise ParameterError(
                "images", tuple(images.shape), f"give shape (n, 1, {self.size}, {self.size})"
            )
        return torch.from_numpy(self._analyse(images[:, 0].cpu().numpy())).to(images)

    def synthesis(self, coefficients: Tensor) -> Tensor:
        """Return the images, shape (n, 1, size, size), of coefficients, shape (n, k)."""
        images = self._synthesize(coefficients.cpu().numpy())
        return torch.from_numpy(images)[:, None].to(coefficients)

    def vectors(self) -> Tensor:
        """Return the basis as a matrix.

        Returns
        -------
        Tensor of float32, shape (size^2, k)
            Column k is the image e_k.
        """
        return self.synthesis(torch.eye(self.size**2)).flatten(1).T.contiguous()


def _by_frequency(row: np.ndarray, column: np.ndarray) -> np.ndarray:
    return np.argsort((row**2 + column**2).ravel(), kind="stable")


class Cosines(Basis):
    """Discrete cosine transform (DCT-II), the lowest frequencies first."""

    def __init__(self, size: int) -> None:
        super().__init__(size, coarse=1)
        k = np.arange(size)
        self._order = _by_frequency(k[:, None], k[None, :])

    def _analyse(self, images: np.ndarray) -> np.ndarray:
        found = scipy.fft.dctn(images, axes=(1, 2), norm="ortho")
        return found.reshape(len(images), -1)[:, self._order]

    def _synthesize(self, coefficients: np.ndarray) -> np.ndarray:
        table = np.empty_like(coefficients)
        table[:, self._order] = coefficients
        return scipy.fft.idctn(table.reshape(-1, self.size, self.size), axes=(1, 2), norm="ortho")


class Fourier(Basis):
    """Real Fourier basis, cos + sin of each frequency (Hartley), the lowest frequencies first.

    The covariance of a periodic stationary class is diagonal in it, whatever
    its power spectrum: the eigenbasis of every Wiener filter.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size, coarse=1)
        k = np.fft.fftfreq(size) * size
        self._order = _by_frequency(k[:, None], k[None, :])

    @staticmethod
    def _transform(tables: np.ndarray) -> np.ndarray:
        found = scipy.fft.fft2(tables, norm="ortho")
        return found.real - found.imag

    def _analyse(self, images: np.ndarray) -> np.ndarray:
        return self._transform(images).reshape(len(images), -1)[:, self._order]

    def _synthesize(self, coefficients: np.ndarray) -> np.ndarray:
        table = np.empty_like(coefficients)
        table[:, self._order] = coefficients
        return self._transform(table.reshape(-1, self.size, self.size))  # its own inverse


class Wavelets(Basis):
    """Orthogonal wavelets, periodized, the coarsest scale first.

    Parameters
    ----------
    size : int
        Halved as often as the wavelet fits into half the image.
    wavelet : str
        An orthogonal one of PyWavelets: ``"haar"``, ``"db2"``, ``"sym4"`` ...
    """

    def __init__(self, size: int, wavelet: str = "sym4") -> None:
        if wavelet not in pywt.wavelist(kind="discrete") or not pywt.Wavelet(wavelet).orthogonal:
            raise ParameterError("wavelet", wavelet, "give an orthogonal one, as 'sym4'")
        levels = pywt.dwt_max_level(size, wavelet)
        if levels < 1 or size % 2**levels:
            raise ParameterError(
                "size", size, f"{wavelet} needs a side that can be halved {max(1, levels)} times"
            )
        coarsest = size >> levels
        super().__init__(size, coarse=coarsest**2)
        self.wavelet, self.levels = wavelet, levels
        # where each scale stands in the table of all: the square of side s holds what is coarser
        _, self._places = self._table(np.zeros((1, size, size)))
        self._places[0] = (slice(None), *self._places[0][1:])  # for any number of images
        largest = np.maximum.outer(np.arange(size), np.arange(size)) // coarsest
        self._order = np.argsort(np.frexp(largest)[1].ravel(), kind="stable")

    def _table(self, images: np.ndarray) -> tuple[np.ndarray, list[Any]]:
        parts = pywt.wavedec2(
            images, self.wavelet, mode="periodization", level=self.levels, axes=(1, 2)
        )
        return pywt.coeffs_to_array(parts, axes=(1, 2))

    def _analyse(self, images: np.ndarray) -> np.ndarray:
        table, _ = self._table(images)
        return table.reshape(len(images), -1)[:, self._order]

    def _synthesize(self, coefficients: np.ndarray) -> np.ndarray:
        table = np.empty_like(coefficients)
        table[:, self._order] = coefficients
        table = table.reshape(-1, self.size, self.size)
        parts = pywt.array_to_coeffs(table, self._places, output_format="wavedec2")
        return pywt.waverec2(parts, self.wavelet, mode="periodization", axes=(1, 2))


class Explicit(Basis):
    """A basis given by its vectors: principal components, eigenvectors of a Jacobian.

    Parameters
    ----------
    vectors : Tensor, shape (size^2, k)
        Orthonormal columns.
    """

    def __init__(self, vectors: Tensor) -> None:
        d = len(vectors)
        size = round(d**0.5)
        if vectors.ndim != 2 or size**2 != d:
            raise ParameterError("vectors", tuple(vectors.shape), "give columns of square images")
        gram = vectors.T @ vectors
        if (gram - torch.eye(len(gram)).to(gram)).abs().max() > 1e-3:
            raise ParameterError("vectors", tuple(vectors.shape), "give orthonormal columns")
        super().__init__(size, coarse=0)
        self._matrix = vectors.detach().cpu().numpy()

    def _analyse(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1) @ self._matrix

    def _synthesize(self, coefficients: np.ndarray) -> np.ndarray:
        return (coefficients @ self._matrix.T).reshape(-1, self.size, self.size)

    def vectors(self) -> Tensor:
        """Return the matrix, shape (size^2, k)."""
        return torch.from_numpy(self._matrix)


def principal(images: Tensor) -> Explicit:
    """Return the principal components of a class, the most important first.

    Of the images as they are: directions in which their mean square is large,
    so that the first is close to their mean. (With the mean taken out first,
    coefficients of images would have it spread over all components.)

    Parameters
    ----------
    images : Tensor, shape (n, 1, h, w)
        More images than pixels, or the last components are arbitrary.
    """
    flat = images.flatten(1).double()
    _, vectors = torch.linalg.eigh(flat.T @ flat)
    return Explicit(vectors.flip(1).float())


def random_rotation(size: int, seed: int, *, within_octaves: bool = False) -> Explicit:
    """Return a random orthonormal basis: what a basis looks like that is not harmonic.

    Parameters
    ----------
    size : int
    seed : int
    within_octaves : bool
        Mix only cosines of the same octave of frequency: noise that grows finer
        with k, as harmonics do, and waves nowhere.
    """
    cosines = Cosines(size).vectors()
    k = np.arange(size)
    radius = np.sort(np.hypot(k[:, None], k[None, :]).ravel())
    octave = np.frexp(radius)[1] if within_octaves else np.zeros(size**2)
    random = np.random.default_rng(seed)
    parts = []
    for part in cosines.split(np.unique(octave, return_counts=True)[1].tolist(), dim=1):
        gaussian = random.standard_normal((part.shape[1], part.shape[1]))
        parts.append(part @ torch.from_numpy(np.linalg.qr(gaussian)[0]).float())
    return Explicit(torch.cat(parts, dim=1))


def oracle_gains(coefficients: Tensor, sigma: float) -> Tensor:
    """Return the best factor of each coefficient, for one who knows the clean image.

    ``<x, e_k>^2 / (<x, e_k>^2 + sigma^2)``: no diagonal denoiser has a smaller
    mean squared error on x.

    Parameters
    ----------
    coefficients : Tensor, shape (n, k)
        Of the clean images.
    sigma : float
    """
    if sigma <= 0:
        raise ParameterError("sigma", sigma, "give the level of the noise, above 0")
    energy = coefficients.square()
    return energy / (energy + sigma**2)


def oracle_mse(coefficients: Tensor, sigma: float) -> Tensor:
    """Return the mean squared error of oracle shrinkage on each image, over the noise.

    Parameters
    ----------
    coefficients : Tensor, shape (n, k)
        Of the clean images in a whole basis: k is the number of pixels.
    sigma : float

    Returns
    -------
    Tensor, shape (n,)
        ``sigma^2 sum_k lambda_k / k``, per pixel.
    """
    return sigma**2 * oracle_gains(coefficients, sigma).mean(dim=1)


@dataclass(frozen=True)
class Threshold:
    """A denoiser that keeps what stands out of the noise in a basis.

    Coefficients of absolute value below the threshold become 0. Those above
    stay as they are (``hard``) or come closer to 0 by the threshold (``soft``;
    Donoho and Johnstone, Biometrika, 1994).

    Parameters
    ----------
    basis : Basis
    kind : {"hard", "soft"}
    multiple : float, optional
        The threshold divided by sigma; None is Mallat's choice, 3 (hard) or
        1.5 (soft). The universal threshold is ``sqrt(2 log d)`` for d pixels.
    """

    basis: Basis
    kind: Literal["hard", "soft"] = "hard"
    multiple: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in MULTIPLES:
            raise ParameterError("kind", self.kind, "thresholds are 'hard' and 'soft'")

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return the denoised images.

        Parameters
        ----------
        y : Tensor, shape (n, 1, size, size)
        sigma : float
            Level of the noise: a threshold has to be told.
        """
        if sigma is None:
            raise ParameterError("sigma", sigma, "a threshold has to be told the noise level")
        level = sigma * (MULTIPLES[self.kind] if self.multiple is None else self.multiple)
        shrink = functional.hardshrink if self.kind == "hard" else functional.softshrink
        found = self.basis.coefficients(y)
        found[:, self.basis.coarse :] = shrink(found[:, self.basis.coarse :], level)
        return self.basis.synthesis(found)


class Linear:
    """The best linear denoiser that shrinks each coefficient in a basis by itself.

    Wiener's filter, if the coefficients of the class are uncorrelated in the
    basis; else no better than the best linear denoiser of all
    (`denoise_lib.optimal.mixtures.GaussianMixture.fit`), which needs the whole
    covariance.

    Parameters
    ----------
    basis : Basis
    images : Tensor, shape (n, 1, size, size)
        Of the class: means and variances are theirs.
    """

    def __init__(self, basis: Basis, images: Tensor) -> None:
        self.basis = basis
        found = basis.coefficients(images)
        self.variance, self.mean = torch.var_mean(found, dim=0)

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return the denoised images; parameters are those of `Threshold`."""
        if sigma is None:
            raise ParameterError("sigma", sigma, "a linear denoiser has to be told the noise level")
        gain = self.variance / (self.variance + sigma**2)
        return self.basis.synthesis(self.mean + gain * (self.basis.coefficients(y) - self.mean))


def keep_largest(basis: Basis, images: Tensor, k: int) -> Tensor:
    """Return images of which only the k largest coefficients are left.

    Parameters
    ----------
    basis : Basis
    images : Tensor, shape (n, 1, size, size)
    k : int
        Chosen for each image by itself.

    Returns
    -------
    Tensor, shape (n, 1, size, size)
    """
    found = basis.coefficients(images)
    if not 0 <= k <= found.shape[1]:
        raise ParameterError("k", k, f"give a number from 0 to {found.shape[1]}")
    largest = found.abs().topk(k, dim=1).indices
    return basis.synthesis(torch.zeros_like(found).scatter(1, largest, found.gather(1, largest)))


def decay(coefficients: Tensor, first: int, last: int) -> float:
    """Return how fast sorted coefficients fall: minus the slope of log energy against log rank.

    The energies of each image are sorted, those of equal rank averaged over
    images, and a line is fitted by least squares to ranks equally spaced in
    their logarithm. C^alpha images have alpha + 1 in an ideal basis (paper,
    section 3.2).

    Parameters
    ----------
    coefficients : Tensor, shape (n, k)
    first, last : int
        Ranks between which the line is fitted, counted from 1.
    """
    if not 1 <= first < last <= coefficients.shape[1]:
        raise ParameterError(
            "first, last", (first, last), f"give 1 <= first < last <= {coefficients.shape[1]}"
        )
    energy = coefficients.double().square().sort(dim=1, descending=True).values.mean(dim=0)
    ranks = np.unique(np.geomspace(first, last, 50).round().astype(int))
    return -float(np.polyfit(np.log(ranks), np.log(energy[ranks - 1].cpu().numpy()), 1)[0])
