"""Choose an image and a noise level: what networks of every N make of it, with their PSNR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from denoise_lib.figures import tile
from denoise_lib.measures.psnr import Denoiser, add_noise, psnr
from denoise_lib.widgets.explorer import gallery

COLUMNS = 4


@torch.inference_mode()
def noise_views(
    images: Tensor, sigmas: Sequence[float], denoisers: Mapping[str, Denoiser], *, seed: int = 0
) -> dict[tuple[int, ...], str]:
    """Return the view of each image at each noise level, as `explorer` wants it.

    Parameters
    ----------
    images : Tensor, shape (k, 1, h, w)
        Clean images in [0, 1].
    sigmas : sequence of float
        Noise levels.
    denoisers : mapping of str to callable
        ``(y, sigma) -> x_hat``, by the name shown.
    seed : int
        Of the noise: the same at every level, only scaled.
    """
    views: dict[tuple[int, ...], str] = {}
    for level, sigma in enumerate(sigmas):
        noisy = add_noise(images, sigma, seed)
        shown = {"noisy": noisy, **{name: f(noisy, sigma) for name, f in denoisers.items()}}
        for i, clean in enumerate(images):
            pictures = {"clean": tile(clean[None].cpu(), 1)}
            notes = {}
            for name, estimates in shown.items():
                pictures[name] = tile(estimates[i : i + 1].cpu(), 1)
                mse = (estimates[i] - clean).double().square().mean().item()
                notes[name] = f"{psnr(mse):.1f} dB"
            views[i, level] = gallery(pictures, notes, COLUMNS)
    return views
