"""Turn up the noise: the density of noisy numbers, its score, and the best denoiser."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from denoise_lib.figures import NEUTRAL, TRAIN
from denoise_lib.optimal.mixtures import GaussianMixture

REACH, STEEPEST = 2.5, 12.0


def score_chart(law: GaussianMixture, sigma: float) -> Figure:
    """Draw density, score and denoiser of one noise level below each other.

    The axes do not change with sigma, so that what moves is the curves.

    Parameters
    ----------
    law : GaussianMixture
        Of numbers (d = 1).
    sigma : float
        Noise level, above 0.

    Returns
    -------
    Figure
    """
    y = torch.linspace(-REACH, REACH, 241, dtype=torch.float64)[:, None]
    clean = law.log_density(y).exp()
    score = law.score(y, sigma)
    figure, (top, middle, bottom) = plt.subplots(3, 1, figsize=(5, 6.4), sharex=True)
    top.fill_between(y[:, 0], clean, color=NEUTRAL, alpha=0.25, lw=0)
    top.plot(y, law.log_density(y, sigma).exp(), color=TRAIN)
    top.set(ylabel="density", ylim=(0, 1.08 * float(clean.max())), title=f"sigma = {sigma:g}")
    middle.axhline(0, color=NEUTRAL, lw=1)
    middle.plot(y, score, color=TRAIN)
    middle.set(ylabel="score", ylim=(-STEEPEST, STEEPEST))
    bottom.plot(y, y, color=NEUTRAL, ls="--", lw=1)
    bottom.plot(y, y + sigma**2 * score, color=TRAIN)
    bottom.set(ylabel="best estimate", xlabel="y", ylim=(-REACH, REACH))
    return figure


def _svg(figure: Figure) -> bytes:
    """Return a figure as SVG without a date, and close it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    return buffer.getvalue()


def score_views(law: GaussianMixture, sigmas: Sequence[float]) -> dict[tuple[int, ...], str]:
    """Return the view of each noise level, as `explorer` wants it.

    Parameters
    ----------
    law : GaussianMixture
        Of numbers (d = 1).
    sigmas : sequence of float
        Noise levels, above 0.
    """
    views: dict[tuple[int, ...], str] = {}
    for i, sigma in enumerate(sigmas):
        y = torch.linspace(-REACH, REACH, 2001, dtype=torch.float64)[:, None]
        slope = law.score(y, sigma)[:, 0]
        tops = int(((slope[:-1] > 0) & (slope[1:] <= 0)).sum())
        words = f"sigma = {sigma:g}: the density has {tops} {'top' if tops == 1 else 'tops'}."
        alt = html.escape(f"Density, score and best estimate against y. {words}")
        data = base64.b64encode(_svg(score_chart(law, sigma))).decode()
        views[(i,)] = (
            f'<img class="chart" alt="{alt}" src="data:image/svg+xml;base64,{data}"><p>{words}</p>'
        )
    return views
