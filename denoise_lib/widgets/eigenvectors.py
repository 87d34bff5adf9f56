"""What an explorer of eigenvectors shows: an image beside one of its vectors."""

from __future__ import annotations

import numpy as np

from denoise_lib.errors import ParameterError

GAP = 2  # mid-grey pixels between the two


def beside(image: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return an image and a vector side by side, as grey levels.

    Parameters
    ----------
    image : ndarray, shape (h, w)
        Values outside [0, 1] are shown as black or white.
    vector : ndarray, shape (h w,)
        Scaled to its own largest value; mid-grey is zero.

    Returns
    -------
    ndarray of uint8, shape (h, 2 w + 2)

    Raises
    ------
    ParameterError
        If the vector has not as many entries as the image has pixels.
    """
    if vector.shape != (image.size,):
        raise ParameterError("vector", vector.shape, f"give one of {image.size} entries")
    reach = np.abs(vector).max() or 1.0
    pattern = (vector.reshape(image.shape) / reach + 1) / 2
    between = np.full((len(image), GAP), 0.5)
    both = np.concatenate([np.clip(image, 0, 1), between, pattern], axis=1)
    return np.round(both * 255).astype(np.uint8)
