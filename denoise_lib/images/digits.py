"""Handwritten digits, 8x8: scikit-learn's 1,797, for tests and the `smoke` profile."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from sklearn.datasets import load_digits

from denoise_lib.errors import ParameterError
from denoise_lib.images.sets import ImageSets, split


@lru_cache(maxsize=1)
def image_sets(size: int) -> ImageSets:
    """Return the disjoint sets of digits; the only ``size`` is 8.

    scikit-learn gives no test images: the last 400 stand for them.
    """
    if size != 8:
        raise ParameterError("image_size", size, "digits are available at 8 pixels")
    images = np.round(load_digits().images * (255 / 16)).astype(np.uint8)
    return split(images[:-400], images[-400:], n_held_out=200, n_tuning=100, n_few=10)
