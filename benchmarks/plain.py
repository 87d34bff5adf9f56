"""The plain way of doing what the library does: what one writes first, without thought of speed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from denoise_lib.images import c_alpha
from denoise_lib.networks import UNet
from denoise_lib.plan import Recipe
from denoise_lib.training import draw_sigma

SIZE = 32  # pixels a side of the images in most rows


def training(clean: Tensor, network: UNet, recipe: Recipe) -> Iterator[int]:
    """Train a network for ever in float32, eagerly, channels first; yield the images of each step.

    The network, the loss and the size of a step are the library's.
    """
    adam, device = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate), clean.device
    while True:
        batch = clean[torch.randint(len(clean), (recipe.batch,), device=device)]
        sigma = draw_sigma(recipe, torch.rand(recipe.batch, device=device))
        noisy = batch + sigma[:, None, None, None] * torch.randn(batch.shape, device=device)
        errors = (network(noisy) - batch).square().mean(dim=(1, 2, 3))
        adam.zero_grad()
        (errors / (sigma + 0.01) ** recipe.weight_power).mean().backward()
        adam.step()
        yield recipe.batch


def c_alpha_image(random: np.random.Generator, alpha: float, size: int) -> np.ndarray:
    """Return one image of the law of `denoise_lib.images.c_alpha`."""
    k = np.abs(np.fft.fftfreq(size) * size)
    gain = np.maximum(k, 1) ** -alpha
    height = np.fft.ifft(np.fft.fft(random.uniform(-1, 1, size)) * gain).real
    height *= c_alpha.CONTOUR_STD * size / np.sqrt(np.mean(gain**2) / 3)
    height += size / 2

    radius = np.hypot(k[:, None], k[None, :])
    radius[0, 0] = np.inf
    u, v = random.uniform(size=2)
    ranges = [(u, 1), (0, v)]
    random.shuffle(ranges)
    sides = []
    for low, high in ranges:
        side = np.fft.ifft2(np.fft.fft2(random.uniform(-1, 1, (size, size))) * radius**-alpha).real
        side = (side - side.min()) / (side.max() - side.min())
        sides.append(low + (high - low) * side)

    slope = (np.roll(height, -1) - np.roll(height, 1)) / 2
    below = height - (np.arange(size)[:, None] + 0.5)
    part = np.clip(0.5 + below / (c_alpha.BLUR * np.hypot(1, slope)), 0, 1)
    return (part * sides[0] + (1 - part) * sides[1]).astype(np.float32)


def disc_image(parameters: np.ndarray, size: int) -> np.ndarray:
    """Return one disc drawn with matplotlib; parameters as in `denoise_lib.images.discs`."""
    row, column, radius, foreground, background = parameters.tolist()
    figure = Figure(figsize=(size / 100, size / 100), dpi=100, facecolor=str(background))
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, size), ylim=(size, 0))
    axes.axis("off")
    axes.add_patch(Circle((column, row), radius, facecolor=str(foreground), linewidth=0))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., 0].astype(np.float32) / 255


def jacobian(
    denoiser: Callable[[Tensor], Tensor],
    noisy: Tensor,
    *,
    all_grads: bool,
    pixels: int | None = None,
) -> Tensor:
    """Return the Jacobian at one noisy image, row after row: a backward pass for each pixel.

    With ``all_grads`` by calling `backward`, which differentiates by the weights
    too; without, by asking `torch.autograd.grad` for the image's gradient only.
    The first ``pixels`` rows, or all.
    """
    noisy = noisy.clone().requires_grad_()
    rows = []
    for pixel in denoiser(noisy).flatten()[:pixels]:
        if all_grads:
            noisy.grad = None
            pixel.backward(retain_graph=True)
            rows.append(noisy.grad.flatten())
        else:
            rows.append(torch.autograd.grad(pixel, noisy, retain_graph=True)[0].flatten())
    return torch.stack(rows)


def product(size: int, dtype: torch.dtype) -> Iterator[float]:
    """Multiply square matrices for ever; yield the operations of each product."""
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    while True:
        torch.mm(left, right, out=out)
        yield 2 * math.pow(size, 3)


def pointwise(size: int, dtype: torch.dtype) -> Iterator[float]:
    """Do the same as a convolution of one pixel: another library multiplies then.

    On some processors it is twice as fast as the one behind `torch.mm`.
    """
    left = torch.randn(1, size, size // 16, 16).to(dtype, memory_format=torch.channels_last)
    right = torch.randn(size, size, 1, 1).to(dtype)
    while True:
        with torch.no_grad():
            torch.nn.functional.conv2d(left, right)
        yield 2 * math.pow(size, 3)
