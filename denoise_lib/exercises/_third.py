"""Checks of the third meeting's exercises: how alike two networks draw."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise_lib.exercises._answers import Answer, Check, Mistake, compared


def _pairs() -> tuple[np.ndarray, np.ndarray]:
    """Return two sets of eight images; the first six pairs resemble each other."""
    random = np.random.default_rng(0)
    a = 0.5 + 0.2 * random.standard_normal((8, 5, 5))
    b = a + 0.06 * random.standard_normal((8, 5, 5))
    b[6:] = b[7:5:-1]
    # of different lengths, so that the longest is not the nearest
    return a, b * np.linspace(0.4, 2.5, 8)[:, None, None]


def _flat(images: np.ndarray, centred: bool = True, unit: bool = True) -> np.ndarray:
    rows = images.reshape(len(images), -1)
    rows = rows - rows.mean(axis=1, keepdims=True) if centred else rows
    return rows / np.linalg.norm(rows, axis=1, keepdims=True) if unit else rows


def _check_correlation(answer: Answer) -> Iterator[str]:
    a, b = _pairs()
    right = (_flat(a) * _flat(b)).sum(axis=1)
    together = [x - x.mean() for x in (a.reshape(8, -1), b.reshape(8, -1))]
    joint = (together[0] * together[1]).sum(axis=1)
    joint /= np.linalg.norm(together[0], axis=1) * np.linalg.norm(together[1], axis=1)
    mistakes: list[Mistake] = [
        (
            (_flat(a, False) * _flat(b, False)).sum(axis=1),
            "That is the cosine of the images as they are. Take away each image's mean first.",
        ),
        (joint, "Each image has a mean of its own; you took one of all images."),
        (
            (_flat(a, True, False) * _flat(b, True, False)).sum(axis=1),
            "An image twice as bright should not be twice as alike. Divide by both lengths.",
        ),
        (
            (_flat(a, True, False) * _flat(b, True, False)).mean(axis=1),
            "That is a covariance. Divide by both standard deviations.",
        ),
        (1 - right, "That is a distance: equal images should give 1."),
    ]
    otherwise = "An image and itself should give 1, an image and its negative -1. Do they?"
    yield from compared(answer(a, b), right, mistakes, otherwise)


def _check_retrieval(answer: Answer) -> Iterator[str]:
    a, b = _pairs()
    alike = _flat(a) @ _flat(b).T
    place = np.arange(8)
    right = np.mean(alike.argmax(axis=1) == place)
    far = ((a[:, None] - b[None]) ** 2).sum(axis=(2, 3))
    mistakes: list[Mistake] = [
        (right * 8, "That is a number of samples. The fraction is asked for."),
        (1 - right, "That is the fraction of those that are not found."),
        (np.mean(alike.argmin(axis=1) == place), "It takes the least alike."),
        (
            np.mean((_flat(a, True, False) @ _flat(b, True, False).T).argmax(axis=1) == place),
            "The brightest images win. Use the correlation.",
        ),
        (np.mean(far.argmin(axis=1) == place), "It uses distances. Use the correlation."),
        (1.0, "Not all of these are found. Is each of a compared with all of b?"),
    ]
    otherwise = "Write down the table of all correlations, and mark the largest of each row."
    yield from compared(answer(a, b), right, mistakes, otherwise)


CHECKS: dict[str, Check] = {"correlation": _check_correlation, "retrieval": _check_retrieval}
