"""A step of training that a GPU has recorded: launched whole, not kernel by kernel.

A small network asks a GPU for some hundred kernels a step, each of a few
microseconds, and the processor takes longer to name them than the GPU to run
them. A CUDA graph names them once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

# Libraries choose their algorithms, and the compiler compiles, before anything is recorded.
STEPS_BEFORE = 3


class Recorded:
    """A step of training, replayed as a CUDA graph once it has been taken a few times.

    Parameters
    ----------
    step : callable
        Called with images on the GPU and with a way of computing; it does the
        same work whenever it is called the same way, and asks the GPU for no number.
    random : torch.Generator
        Of the GPU, from which the step draws. Seeded anew before a step, it
        gives a replayed one the numbers that it would have given the step itself.
    """

    def __init__(self, step: Callable[[Tensor, bool], None], random: torch.Generator) -> None:
        self.step = step
        self.random = random
        self.taken: Counter[bool] = Counter()
        self.graphs: dict[bool, torch.cuda.CUDAGraph] = {}
        self.images: Tensor | None = None  # where a recorded step reads its images
        # not the usual stream: what autograd sets up there could not be recorded
        self.aside = torch.cuda.Stream(random.device)

    def __call__(self, images: Tensor, way: bool) -> None:
        """Take one step."""
        if self.images is None:
            self.images = torch.empty_like(images)
        self.images.copy_(images)
        if self.taken[way] < STEPS_BEFORE:
            self._take(self.images, way)
        else:
            if way not in self.graphs:
                self.graphs[way] = self._record(self.images, way)
            self.graphs[way].replay()
        self.taken[way] += 1

    def _take(self, images: Tensor, way: bool) -> None:
        here = torch.cuda.current_stream(images.device)
        self.aside.wait_stream(here)
        with torch.cuda.stream(self.aside):
            self.step(images, way)
        here.wait_stream(self.aside)

    def _record(self, images: Tensor, way: bool) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.random)
        with torch.cuda.graph(graph, stream=self.aside):
            self.step(images, way)
        return graph
