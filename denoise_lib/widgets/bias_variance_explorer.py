"""Choose N and a noise level: of what the error of a network is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denoise_lib.measures.bias_variance import ErrorProducts

PARTS = ("unavoidable", "bias²", "variance")


def error_parts(
    products: ErrorProducts, n: int, kind: str = "network", optimum: str = "best"
) -> dict[str, np.ndarray]:
    """Return the mean error of a pair of denoisers and its three parts, at every noise level.

    Parameters
    ----------
    products : ErrorProducts
        With the denoisers ``(kind, "A", n)``, ``(kind, "B", n)`` and the best one.
    n : int
        Size of their training sets.
    kind, optimum : str
        Names in `products`.

    Returns
    -------
    dict of str to ndarray, shape (levels,)
        The parts, and the ``error`` as measured: it equals their sum but for chance.
    """
    a, b = (kind, "A", n), (kind, "B", n)
    measured = {
        "unavoidable": products.squared_error(optimum),
        "bias²": products.bias_squared(a, b, optimum),
        "variance": products.variance(a, b),
        "error": (products.squared_error(a) + products.squared_error(b)) / 2,
    }
    return {name: values.mean(axis=1) for name, values in measured.items()}


def part_views(
    products: ErrorProducts, sizes: Sequence[int], sigmas: Sequence[float]
) -> dict[tuple[int, ...], str]:
    """Return the view of each N at each noise level, as `explorer` wants it.

    Parameters
    ----------
    products : ErrorProducts
        Of pairs of networks and the best denoiser, measured at `sigmas`.
    sizes : sequence of int
        Set sizes N.
    sigmas : sequence of float
        Noise levels.
    """
    views: dict[tuple[int, ...], str] = {}
    for k, n in enumerate(sizes):
        parts = error_parts(products, n)
        for level, sigma in enumerate(sigmas):
            shares = {name: values[level] / sigma**2 for name, values in parts.items()}
            rows = "".join(_row(name, shares) for name in PARTS)
            words = (
                f"N = {n:,}, sigma = {sigma:g}. Compared with the noise energy, the error is "
                f"{_share(shares['error'])}; the three parts add up to "
                f"{_share(sum(shares[part] for part in PARTS))}."
            )
            views[k, level] = f'<div class="explorer-bars">{rows}</div><p>{words}</p>'
    return views


def _row(name: str, shares: dict[str, float]) -> str:
    """Return one part as a bar, in proportion to all three; below zero by chance, it is empty."""
    whole = sum(max(shares[part], 0.0) for part in PARTS)
    width = max(shares[name], 0.0) / whole
    return (
        f'<span>{name}</span><span class="explorer-bar"><span style="width: {width:.2%}"></span>'
        f"</span><span>{_share(shares[name])}</span>"
    )


def _share(value: float) -> str:
    """Return a share in per cent, or one of ten and more as a multiple."""
    return f"{value:,.0f}×" if value >= 10 else f"{value:.2%}"
