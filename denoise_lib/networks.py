"""Bias-free denoising networks, blind to the noise level.

No layer adds a constant, so a network is homogeneous of degree one,
``f(t y) = t f(y)`` for ``t > 0``, and locally linear, ``f(y) = J(y) y``
(Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda, ICLR 2020).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from denoise_lib.errors import ParameterError

NETWORKS = ("unet", "bfcnn")


class ScaleNorm(nn.Module):
    """Divide each channel by its standard deviation, then by nothing else.

    Batch normalization without its two additive constants: the mean is used to
    compute the standard deviation but is not subtracted, and no offset is
    learned (paper, appendix A). In evaluation the running variance is used, so
    that a trained network is exactly homogeneous.

    Parameters
    ----------
    channels : int
        Number of channels; one learned scale each.
    """

    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``, shape (n, channels, h, w), each channel divided and scaled."""
        if self.training:
            variance = x.to(self.running_var.dtype).var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_var.lerp_(variance, 0.1)
        else:
            variance = self.running_var
        gain = self.scale / torch.sqrt(variance + 1e-5)
        return x * gain.to(x.dtype)[:, None, None]


def _block(channels: list[int], normalization: bool, bare: int | None = None) -> nn.Sequential:
    """Return 3x3 convolutions through ``channels``; the one numbered ``bare`` has no norm."""
    layers: list[nn.Module] = []
    for i, (c_in, c_out) in enumerate(pairwise(channels)):
        layers.append(nn.Conv2d(c_in, c_out, 3, padding=1, bias=False))
        if normalization and i != bare:
            layers.append(ScaleNorm(c_out))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def _initialise(network: nn.Module, last: nn.Conv2d) -> None:
    """Draw the weights of all convolutions but the last by He's rule."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module is not last:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")


class UNet(nn.Module):
    """Bias-free UNet that removes noise of any level without being told it.

    The network estimates the noise; what it returns is the image,
    ``f(y) = y - u(y)``. With ``width=64`` and normalization, 1, 2, 3 and 4
    blocks have 366,080, 1,825,024, 7,659,264 and 30,993,152 parameters
    (paper, appendix A).

    Parameters
    ----------
    width : int
        Channels of the first block; each deeper one has twice as many.
    blocks : int
        Number of resolutions above the bottleneck.
    normalization : bool
        Divide by the standard deviation after each convolution but the first
        and the last, as the paper does. Without it, convolutions start with
        He's initialisation.

    Examples
    --------
    >>> sum(weights.numel() for weights in UNet(width=64, blocks=3).parameters())
    7659264
    >>> f, y = UNet(width=4, blocks=2).eval(), torch.rand(1, 1, 8, 8)
    >>> bool(torch.allclose(f(3 * y), 3 * f(y), atol=1e-5))  # homogeneous
    True
    """

    def __init__(self, width: int = 64, blocks: int = 3, normalization: bool = True) -> None:
        super().__init__()
        if width < 1:
            raise ParameterError("width", width, "give a number of channels of 1 or more")
        if blocks < 1:
            raise ParameterError("blocks", blocks, "give a number of blocks of 1 or more")
        self.blocks = blocks
        widths = [width * 2**b for b in range(blocks + 1)]
        self.encoders = nn.ModuleList(
            _block(
                [widths[b - 1] if b else 1, widths[b], widths[b]], normalization, None if b else 0
            )
            for b in range(blocks)
        )
        self.middle = _block([widths[-2], widths[-1], widths[-1]], normalization)
        self.upsamplers = nn.ModuleList(
            nn.ConvTranspose2d(widths[b + 1], widths[b], 2, stride=2, bias=False)
            for b in range(blocks)
        )
        self.decoders = nn.ModuleList(
            _block([2 * widths[b], widths[b]] + ([widths[b]] if b else []), normalization)
            for b in range(blocks)
        )
        self.last = nn.Conv2d(width, 1, 3, padding=1, bias=False)
        if not normalization:
            _initialise(self, self.last)

    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        """Return the denoised image.

        Parameters
        ----------
        y : Tensor, shape (n, 1, h, w)
            Noisy images; h and w are multiples of ``2**blocks``.
        sigma : optional
            Ignored: the network is blind. Accepted because every denoiser of
            this library can be called as ``f(y, sigma)``.

        Returns
        -------
        Tensor, shape (n, 1, h, w)
            The estimate of the clean image.
        """
        factor = 2**self.blocks
        if y.shape[-1] % factor or y.shape[-2] % factor:
            raise ParameterError(
                "image size",
                "x".join(map(str, y.shape[-2:])),
                f"a UNet of {self.blocks} blocks needs sides that are multiples of {factor}",
            )
        x, skips = y, []
        for encoder in self.encoders:
            x = encoder(x)
            skips.append(x)
            x = functional.avg_pool2d(x, 2)
        x = self.middle(x)
        for b in reversed(range(self.blocks)):
            x = torch.cat([skips[b], self.upsamplers[b](x)], dim=1)
            x = self.decoders[b](x)
        return y - self.last(x)


class BFCNN(nn.Module):
    """Bias-free chain of convolutions at one resolution, blind to the noise level.

    Like `UNet` it estimates the noise and returns the image. With ``width=64``,
    21 layers and normalization it has 702,784 parameters (Mohan, Kadkhodaie,
    Simoncelli and Fernandez-Granda, ICLR 2020; paper, appendix A).

    Parameters
    ----------
    width : int
        Channels of each layer.
    layers : int
        Convolutions of 3x3: a pixel depends on its neighbours up to ``layers`` away.
    normalization : bool
        As for `UNet`.
    """

    def __init__(self, width: int = 64, layers: int = 21, normalization: bool = True) -> None:
        super().__init__()
        if width < 1:
            raise ParameterError("width", width, "give a number of channels of 1 or more")
        if layers < 2:
            raise ParameterError("layers", layers, "give 2 convolutions or more")
        self.body = _block([1] + [width] * (layers - 1), normalization, 0)
        self.last = nn.Conv2d(width, 1, 3, padding=1, bias=False)
        if not normalization:
            _initialise(self, self.last)

    def forward(self, y: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        """Return the denoised image; arguments as for `UNet`, of any height and width."""
        return y - self.last(self.body(y))
