"""Numbers for "geometry-adaptive": does a basis follow the contours of one image?

Vectors are columns, as in `denoise_lib.measures.harmonicity`, which says what
was predicted of them.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from skimage.feature import structure_tensor

from denoise_lib.errors import ParameterError
from denoise_lib.measures.harmonicity import as_images

# Pixels: small enough to keep the two sides of a contour apart. Chosen on synthetic bases
# (tests/test_harmonicity.py), where the answer is known.
TENSOR_SIGMA = 1.0


def _tensor(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the energy of the gradient at each pixel, and its direction, doubled in angle."""
    rr, rc, cc = structure_tensor(image, sigma=TENSOR_SIGMA, mode="nearest", order="rc")
    return rr + cc, rr - cc, 2 * rc


def orientation_agreement(vectors: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return how far each vector varies in the direction in which the image varies.

    The mean cosine of twice the angle between the two gradients, by structure
    tensors, weighted at each pixel by both gradients' energies: 1 if the vector
    varies across the image's contours only, -1 if along them only, 0 if in all
    directions alike, without regard to them, or not at all.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)
    image : ndarray, shape (size, size)
        Clean.

    Returns
    -------
    ndarray, shape (k,)
    """
    weight, rows, columns = _tensor(_checked(image, vectors))
    agreement = []
    for vector in as_images(vectors):
        energy, r, c = _tensor(vector)
        flat = 1e-6 * weight.mean() * (vector**2).sum()  # what varies less has no direction
        agreement.append((rows * r + columns * c).sum() / max((weight * energy).sum(), flat))
    return np.array(agreement)


def contour_energy(vectors: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the energy of each vector near the image's contours, against an even spread.

    Near is weighted by the energy of the image's gradient, smoothed over about
    a pixel: 1 if the vector does not care, above 1 if it dwells there.

    Parameters
    ----------
    vectors, image
        As for `orientation_agreement`.

    Returns
    -------
    ndarray, shape (k,)
    """
    weight, _, _ = _tensor(_checked(image, vectors))
    energy = as_images(vectors) ** 2
    return (energy * weight).sum(axis=(1, 2)) / energy.sum(axis=(1, 2)) / weight.mean()


def _checked(image: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    image = np.asarray(image, dtype=np.float64)
    if image.ndim != 2 or image.size != len(vectors):
        raise ParameterError("image", image.shape, f"give one of {len(vectors)} pixels, (h, w)")
    if np.ptp(image) == 0:
        raise ParameterError("image", image.shape, "give one with a contour: this one is flat")
    return image


def subspace_overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return how much of one subspace lies in another of the same dimension.

    The mean squared cosine of their principal angles: 1 if they are the same,
    k / d expected of random ones.

    Parameters
    ----------
    one, other : ndarray, shape (d, k)
        Orthonormal columns.
    """
    if np.shape(one) != np.shape(other):
        raise ParameterError("other", np.shape(other), f"give the shape of one, {np.shape(one)}")
    angles = scipy.linalg.subspace_angles(np.asarray(one, float), np.asarray(other, float))
    return float(np.mean(np.cos(angles) ** 2))


def turned(vectors: np.ndarray) -> np.ndarray:
    """Return vectors turned by a quarter, as `numpy.rot90` turns their images."""
    images = np.rot90(as_images(vectors), axes=(1, 2))
    return images.reshape(len(images), -1).T
