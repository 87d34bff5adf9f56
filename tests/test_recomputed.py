"""A sample of the recorded values, computed again from the zoo in another way.

Nothing of `denoise_lib.measures` is used here: other noise, other code. What a chapter recorded
must lie within its interval, widened by half: the images are the same, so that only noise differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from denoise_lib import zoo
from denoise_lib.chapters import results_path
from denoise_lib.images import gaussian, load
from denoise_lib.plan import TrainingPlan

LARGEST = 33490
LEVELS = np.array([0.05, 0.1, 0.2, 0.3, 0.5])


def network(**fields: object) -> nn.Module:
    plan = TrainingPlan(images_trained=640_000, **fields)  # type: ignore[arg-type]
    path = zoo.find(plan, zoo_only=True)
    assert path is not None, f"not in the zoo: {plan}"
    return zoo.load(path)[0]


def garments(subset: str, n: int) -> nn.Module:
    seed = "AB".index(subset)
    return network(image_class="fashion", image_size=32, subset=subset, n_images=n, seed=seed)


def fields(n: int) -> nn.Module:
    return network(image_class="gaussian", image_size=16, n_images=n)


def noisy(x: Tensor, levels: np.ndarray) -> Iterator[tuple[float, Tensor]]:
    noise = torch.from_numpy(np.random.default_rng(2024).standard_normal(x.shape)).float()
    yield from ((sigma, x + sigma * noise) for sigma in levels.tolist())


def over_log_sigma(levels: np.ndarray, values: list[float]) -> float:
    x = np.log(levels)
    steps = np.diff(x)
    middle = (np.array(values)[1:] + np.array(values)[:-1]) / 2
    return float((steps * middle).sum() / steps.sum())


def mse(one: Tensor, other: Tensor) -> float:
    return float((one - other).double().pow(2).mean())


def variance_share(n: int) -> float:
    """Half the squared difference over the squared error, of networks of A and B."""
    a, b = garments("A", n), garments("B", n)
    levels = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0])
    x, shares = load("fashion", 32, "held-out", 300), []
    for _, y in noisy(x, levels):
        two = a(y), b(y)
        shares.append(mse(*two) / 2 / ((mse(two[0], x) + mse(two[1], x)) / 2))
    return over_log_sigma(levels, shares)


def gap(n: int) -> float:
    """Train minus held-out PSNR of the network of set A."""
    f = garments("A", n)
    own, other = load("fashion", 32, "A", min(n, 500)), load("fashion", 32, "held-out", 500)
    pairs = zip(noisy(own, LEVELS), noisy(other, LEVELS), strict=True)
    ratios = [mse(f(v), other) / mse(f(u), own) for (_, u), (_, v) in pairs]
    return over_log_sigma(LEVELS, [10 * np.log10(r) for r in ratios])


def excess_db(n: int) -> float:
    """Error of the network of Gaussian fields over that of Wiener's filter."""
    f, x = fields(n), load("gaussian", 16, "held-out", 500)
    power, above = gaussian.spectrum(16), []
    for sigma, y in noisy(x, LEVELS):
        best = torch.fft.ifft2(torch.fft.fft2(y) * power / (power + sigma**2)).real
        above.append(10 * np.log10(mse(f(y), x) / mse(best, x)))
    return over_log_sigma(LEVELS, above)


@pytest.mark.parametrize(
    ("chapter", "quantity", "compute", "n", "wrong"),
    [
        ("convergence", "variance_share_largest", variance_share, LARGEST, 1000),
        ("memorization", "gap_1000", gap, 1000, 100),
        ("score", "excess_db_largest", excess_db, 10_000, 10),
    ],
)
def test_a_recorded_value_is_found_again(
    chapter: str, quantity: str, compute: Callable[[int], float], n: int, wrong: int
) -> None:
    records = json.loads(results_path(chapter).read_text())["records"]
    (row,) = [r for r in records if r["quantity"] == quantity]
    margin = (row["high"] - row["low"]) / 2
    with torch.inference_mode():
        found, other = compute(n), compute(wrong)
    assert row["low"] - margin < found < row["high"] + margin
    # the check can fail: networks of another N give another value
    assert not row["low"] - margin < other < row["high"] + margin
