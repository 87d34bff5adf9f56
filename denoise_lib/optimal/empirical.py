"""The best denoisers of a training set itself: the perfect memorizer, and the ray of one image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from denoise_lib.errors import ParameterError


@dataclass(frozen=True)
class Memorizer:
    """E[x | y] if x is one of the training images, each as likely as any other.

    A softmax over the training set with logits ``-||y - x_i||^2 / (2 sigma^2)``:
    what every training loss asks for, and what no network should become. The
    sums run over the set in chunks, rescaled to the largest logit so far, in
    float64: memory does not grow with N, and nothing is approximated.

    Parameters
    ----------
    training : Tensor, shape (N, c, h, w)
    chunk : int
        Training images at once.
    """

    training: Tensor
    chunk: int = 2000

    def __post_init__(self) -> None:
        if not len(self.training):
            raise ParameterError("training", 0, "give 1 image or more")
        if self.chunk < 1:
            raise ParameterError("chunk", self.chunk, "give 1 image or more")

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return the average of the training images, weighted by how likely each is under y.

        Parameters
        ----------
        y : Tensor, shape (n, c, h, w)
        sigma : float
            Noise level: a closed form needs it.

        Returns
        -------
        Tensor, like ``y``
        """
        if sigma is None or not sigma > 0:
            raise ParameterError("sigma", sigma, "this closed form has to be told a level above 0")
        noisy = y.flatten(1).double()
        highest = torch.full((len(y), 1), -torch.inf, dtype=torch.float64, device=y.device)
        weight = torch.zeros_like(highest)
        weighted = torch.zeros_like(noisy)
        for part in self.training.split(self.chunk):
            images = part.flatten(1).to(y.device).double()
            # ||y||^2 is the same for all of them and drops out
            logits = (noisy @ images.T - images.square().sum(dim=1) / 2) / sigma**2
            higher = torch.maximum(highest, logits.amax(dim=1, keepdim=True))
            before, now = torch.exp(highest - higher), torch.exp(logits - higher)
            weight = weight * before + now.sum(dim=1, keepdim=True)
            weighted = weighted * before + now @ images
            highest = higher
        return (weighted / weight).reshape(y.shape).to(y)


@dataclass(frozen=True)
class Ray:
    """The projection on the ray ``{t x, t >= 0}`` through one image x.

    What a bias-free network can make of one training image: since
    ``f(ty) = t f(y)``, it cannot know how bright the image is. On the image
    itself the error is sigma^2 / d (until the noise turns the projection
    negative).

    Parameters
    ----------
    image : Tensor, shape (c, h, w)
        Not zero everywhere.
    """

    image: Tensor

    def __post_init__(self) -> None:
        if not self.image.any():
            raise ParameterError("image", 0, "there is no ray through an image of zeros")

    def __call__(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """Return the nearest point of the ray; sigma is ignored.

        Parameters
        ----------
        y : Tensor, shape (n, c, h, w)
        sigma : optional
        """
        direction = self.image.to(y.device).flatten().double()
        direction = direction / direction.norm()
        length = (y.flatten(1).double() @ direction).clamp_min(0)
        return (length[:, None] * direction).reshape(y.shape).to(y)
