"""Numbers for the two words of "geometry-adaptive harmonic bases".

The vectors of a basis are the columns of a matrix of shape (d, k), each an image
of d = size^2 pixels, the most important first (`denoise_lib.bases.Basis.vectors`,
`denoise_lib.jacobian.Spectrum.eigenvectors`).

**Harmonic**: each vector oscillates, everywhere at few frequencies
(`local_frequencies` is small), and faster the later it comes
(`growth` of `frequencies` is near 1).
**Geometry-adaptive** (`denoise_lib.measures.adaptivity`): vectors follow the
image's contours: they vary across them more than along them
(`orientation_agreement` is above 0; waves along a contour bring it down, and
below 0 once they are shorter than the strip in which they run is wide), dwell
near contours (`contour_energy` is above 1), and another image has others
(`subspace_overlap` is low).

What was predicted before anything was measured, of the leading vectors at one
clean image (g: growth of frequency; l: local frequencies; o: orientation
agreement; c: contour energy; s: overlap with the vectors at another image):

================================  ========  ====  ========  ========  ==========
vectors                           g         l     o         c         s
================================  ========  ====  ========  ========  ==========
network, at this image            near 1    few   above 0   above 1   below 1
network, at another image         near 1    few   smaller   smaller   (the same)
cosines, Fourier (Wiener)         1         few   0         1         1
principal components of a class   near 1    few   smaller   smaller   1
untrained network                 either    many  0         1         either
random rotation                   0         many  0         1         chance
random rotation within octaves    above 0   many  0         1         near 1
================================  ========  ====  ========  ========  ==========

"Smaller" than at this image, but not 0 or 1 where the images of a class share
contours, as garments do. "Either": random filters may favour high frequencies as
well as low ones. Rotations mix all cosines, or those of one octave; chance is
k / d. So "harmonic" needs both g and l, and "geometry-adaptive" needs o and c
larger at this image than at another one.

On the first tuning images two predictions failed. At 32x32 pixels the network has
many local frequencies, for its vectors are strips along contours, far narrower
than a window; and the leading vectors of a rotation within octaves have few, for
the lowest octaves hold little but smooth waves. What a strip does along its
contour is what the paper's figure shows. So `contour_frequencies` and
`sign_changes` were added, before any held-out image was looked at, with the
prediction that along the contour the network's vectors have fewer frequencies at
this image than at another one, growing more with k, and a rotation's do neither.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.stats
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.measure import find_contours

from denoise_lib.errors import ParameterError

# Pixels a side: a few periods of what waves along a contour.
WINDOW = 8


def as_images(vectors: np.ndarray) -> np.ndarray:
    """Return the columns of a basis as images.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)

    Returns
    -------
    ndarray of float64, shape (k, size, size)
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    size = round(vectors.shape[0] ** 0.5)
    if vectors.ndim != 2 or size**2 != vectors.shape[0] or size < WINDOW:
        raise ParameterError(
            "vectors", vectors.shape, f"give columns of square images of {WINDOW} pixels or more"
        )
    return vectors.T.reshape(-1, size, size)


def frequencies(vectors: np.ndarray) -> np.ndarray:
    """Return the mean frequency of each vector, in cycles a pixel.

    The centroid of the energies of its cosine transform, which, unlike
    Fourier's, does not take opposite borders for neighbours. At most
    sqrt(1/2); of white noise 0.38.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)

    Returns
    -------
    ndarray, shape (k,)
    """
    images = as_images(vectors)
    energy = scipy.fft.dctn(images, axes=(1, 2), norm="ortho") ** 2
    half_cycles = np.arange(images.shape[-1]) / (2 * images.shape[-1])
    radius = np.hypot(half_cycles[:, None], half_cycles[None, :])
    return (energy * radius).sum(axis=(1, 2)) / energy.sum(axis=(1, 2))


def growth(values: np.ndarray) -> float:
    """Return Spearman's rank correlation of what vectors have with their place k.

    Parameters
    ----------
    values : ndarray, shape (k,)
        `frequencies`, those along a contour, or `sign_changes`; NaN is left out.
    """
    places = np.flatnonzero(np.isfinite(values))
    return float(scipy.stats.spearmanr(places, np.asarray(values)[places]).statistic)


def local_frequencies(vectors: np.ndarray) -> np.ndarray:
    """Return how many frequencies each vector has where it is, on average over windows.

    In each window of 8x8 pixels (Hann, half overlapping) the energies p of the
    Fourier transform are counted by their participation ratio,
    (sum p)^2 / sum p^2, and windows are averaged by their energy. A wave counts
    few, for the window blurs its two frequencies; white noise many.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)

    Returns
    -------
    ndarray, shape (k,)
    """
    images = as_images(vectors)
    hann = np.hanning(WINDOW + 2)[1:-1]
    windows = np.lib.stride_tricks.sliding_window_view(images, (WINDOW, WINDOW), axis=(1, 2))
    windows = windows[:, :: WINDOW // 2, :: WINDOW // 2] * np.outer(hann, hann)
    p = np.abs(scipy.fft.fft2(windows)) ** 2
    energy = p.sum(axis=(-1, -2))
    participation = energy**2 / np.maximum((p**2).sum(axis=(-1, -2)), np.finfo(float).tiny)
    return (participation * energy).sum(axis=(1, 2)) / energy.sum(axis=(1, 2))


def main_contour(image: np.ndarray) -> np.ndarray:
    """Return the longest contour of an image, a point every pixel of its length.

    The level line half-way between the darkest and the brightest value, of the
    image smoothed over a pixel.

    Parameters
    ----------
    image : ndarray, shape (h, w)
        Clean.

    Returns
    -------
    ndarray, shape (points, 2)
        Rows and columns in pixels, in order.
    """
    smooth = gaussian_filter(np.asarray(image, dtype=np.float64), 1)
    found = find_contours(smooth, (smooth.min() + smooth.max()) / 2)
    if not found:
        raise ParameterError("image", image.shape, "give one with a contour: this one is flat")
    longest = max(found, key=len)
    length = np.concatenate([[0], np.hypot(*np.diff(longest, axis=0).T).cumsum()])
    steps = np.arange(0, length[-1], 1.0)
    return np.stack([np.interp(steps, length, side) for side in longest.T], axis=1)


def along(vectors: np.ndarray, contour: np.ndarray) -> np.ndarray:
    """Return the values of vectors along a contour, between pixels by interpolation.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)
    contour : ndarray, shape (points, 2)

    Returns
    -------
    ndarray, shape (k, points)
    """
    contour = np.asarray(contour)
    if contour.ndim != 2 or contour.shape[1] != 2 or len(contour) < 2:
        raise ParameterError("contour", contour.shape, "give 2 points or more, as (row, column)")
    images = as_images(vectors)
    return np.stack([map_coordinates(e, contour.T, order=1, mode="nearest") for e in images])


def contour_frequencies(vectors: np.ndarray, contour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how fast each vector oscillates along a contour, and at how many frequencies.

    From the energies p of the cosine transform of its values there. A vector
    that is 0 all along the contour has NaN for both.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)
    contour : ndarray, shape (points, 2)
        A point every pixel, as `main_contour` returns it.

    Returns
    -------
    frequency : ndarray, shape (k,)
        The centroid, in cycles a pixel of length.
    share : ndarray, shape (k,)
        The participation ratio (sum p)^2 / sum p^2 over the number of points:
        small for a wave, 1/3 expected of noise.
    """
    p = scipy.fft.dct(along(vectors, contour), axis=1, norm="ortho") ** 2
    energy = np.where(p.sum(axis=1) > 0, p.sum(axis=1), np.nan)
    points = p.shape[1]
    frequency = (p * np.arange(points)).sum(axis=1) / energy / (2 * points)
    return frequency, energy**2 / (p**2).sum(axis=1) / points


def sign_changes(vectors: np.ndarray, contour: np.ndarray) -> np.ndarray:
    """Return how often each vector changes sign along a contour.

    Values below a tenth of the largest on the contour count as no sign.

    Parameters
    ----------
    vectors : ndarray, shape (size^2, k)
    contour : ndarray, shape (points, 2)

    Returns
    -------
    ndarray of int, shape (k,)
    """
    changes = []
    for values in along(vectors, contour):
        clear = values[np.abs(values) > 0.1 * np.abs(values).max()]
        changes.append(int((np.diff(np.sign(clear)) != 0).sum()))
    return np.array(changes)
