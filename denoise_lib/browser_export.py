"""Networks, and the images they were trained on, in files that a reader's browser can run and show.

The page "Two denoisers in the browser" fetches them from ``book/_assets/networks``,
which is made from the zoo whenever the book is built and is not kept in git. A
network becomes an ONNX graph (opset 17): weights stay in the precision of the
zoo's files and are cast to float32 where they are used, so that a file has half
the size and the browser computes with the very numbers that torch does.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import Tensor, nn

from denoise_lib import images, zoo
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import sha256, write_bytes, write_text
from denoise_lib.networks import UNet
from denoise_lib.plan import TrainingPlan
from denoise_lib.sampling import LOW_BIAS

OPSET = 17
IR_VERSION = 8
SETS = {"A": 0, "B": 1}
"""The two training sets, and the seed of the networks that learned from each."""
RUNTIME = "vendor/onnxruntime"
LARGEST_SHOWN = 1000  # N whose training images travel with the page (33,490 would be 26 MB)
N_CHOICES = 8  # held-out images that a reader can choose among
SCHEDULE = ("sigma_start", "sigma_end", "step", "beta", "max_steps")
"""What the browser's sampler takes from the book's own schedule."""


class _Graph:
    """An ONNX graph that grows by one operation at a time."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def add(self, operation: str, *inputs: str, output: str | None = None, **how: Any) -> str:
        """Append an operation and return the name of what it computes."""
        name = output or f"{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [name], **how))
        return name

    def weight(self, name: str, value: Tensor) -> str:
        """Append the weights ``name``, as the zoo stores them, and return their float32 value."""
        kept = zoo.stored(name, value.detach()).numpy()
        self.weights.append(numpy_helper.from_array(kept, name))
        return self.add("Cast", name, to=TensorProto.FLOAT)

    def convolution(self, x: str, name: str, layer: nn.Module) -> str:
        """Append a 3x3 convolution, or one that doubles the resolution."""
        weight = self.weight(f"{name}.weight", layer.weight)  # type: ignore[arg-type]
        if isinstance(layer, nn.ConvTranspose2d):
            return self.add("ConvTranspose", x, weight, strides=[2, 2])
        return self.add("Conv", x, weight, pads=[1, 1, 1, 1])

    def block(self, x: str, name: str, layers: nn.Sequential) -> str:
        """Append convolutions, each followed by a rectifier."""
        for number, layer in layers.named_children():
            if isinstance(layer, nn.Conv2d):
                x = self.convolution(x, f"{name}.{number}", layer)
            elif isinstance(layer, nn.ReLU):
                x = self.add("Relu", x)
            else:
                raise DenoiseLibError(f"a browser cannot run {type(layer).__name__}")
        return x


def onnx_bytes(network: UNet, size: int) -> bytes:
    """Return a network as an ONNX file: one noisy image ``y`` in, ``denoised`` out.

    The graph is that of `UNet.forward`, without normalization.

    Parameters
    ----------
    network : UNet
        Trained, as `zoo.load` returns it: its weights are exact in the precision of the zoo.
    size : int
        Side of the images in pixels.

    Returns
    -------
    bytes

    Raises
    ------
    DenoiseLibError
        If a layer is neither a convolution nor a rectifier.
    """
    graph, x, skips = _Graph(), "y", []
    for b, encoder in enumerate(network.encoders):
        x = graph.block(x, f"encoders.{b}", encoder)  # type: ignore[arg-type]
        skips.append(x)
        x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = graph.block(x, "middle", network.middle)
    for b in reversed(range(network.blocks)):
        x = graph.convolution(x, f"upsamplers.{b}", network.upsamplers[b])
        x = graph.add("Concat", skips[b], x, axis=1)
        x = graph.block(x, f"decoders.{b}", network.decoders[b])  # type: ignore[arg-type]
    graph.add("Sub", "y", graph.convolution(x, "last", network.last), output="denoised")
    shape = [1, 1, size, size]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "denoiser",
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("denoised", TensorProto.FLOAT, shape)],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def sprite(pictures: Tensor) -> Image.Image:
    """Return images in one column, in 256 grey levels: the browser cuts it again.

    Parameters
    ----------
    pictures : Tensor, shape (n, 1, h, w), values in [0, 1]

    Returns
    -------
    Image, n h pixels high and w wide
    """
    levels = (255 * pictures).round().clamp(0, 255).numpy().astype(np.uint8)
    return Image.fromarray(levels.reshape(-1, levels.shape[-1]))


def pairs() -> dict[int, dict[str, TrainingPlan]]:
    """Return the plans of two networks for each N at which the zoo holds both.

    Returns
    -------
    dict
        From N, in rising order, to the plan of each set of `SETS`.
    """
    found: dict[int, dict[str, TrainingPlan]] = {}
    for entry in zoo.entries():
        plan = TrainingPlan.from_dict(entry.record["plan"])
        subset, n = plan.subset, plan.n_images
        if subset in SETS and plan == replace(
            TrainingPlan(), subset=subset, n_images=n, seed=SETS[subset]
        ):
            found.setdefault(n, {})[subset] = plan
    return {n: found[n] for n in sorted(found) if len(found[n]) == len(SETS)}


def export_networks(root: Path) -> None:
    """Bring ``book/_assets/networks`` up to date with the zoo.

    Parameters
    ----------
    root : Path
        The book's folder; what runs the networks (`denoise_lib.assets.vendor`) is there.

    Raises
    ------
    DenoiseLibError
        If the zoo holds no pair of networks, or the images cannot be had.
    """
    folder = root / "book" / "_assets" / "networks"
    found = pairs()
    if not found:
        raise DenoiseLibError("zoo/ holds no pair of networks of sets A and B: get it from git")
    files = [zoo.zoo_dir() / f"{plan.hash}.safetensors" for pair in found.values()
             for plan in pair.values()]  # fmt: skip
    code = Path(__file__).read_bytes()
    runtime = sum(path.stat().st_size for path in (folder.parent / RUNTIME).iterdir())
    stamp = sha256(b"".join([code, str(runtime).encode(), *(path.read_bytes() for path in files)]))
    stamp_file = folder / "stamp.txt"
    if stamp_file.is_file() and stamp_file.read_text() == stamp:
        return
    build = root / "_build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="networks-", dir=build) as name:
        fresh = Path(name) / "networks"
        fresh.mkdir()
        listed = [{"n": n} | dict(_written(pair, fresh)) for n, pair in found.items()]
        size = TrainingPlan().image_size
        held_out = images.load(TrainingPlan().image_class, size, "held-out", N_CHOICES)
        sprite(held_out).save(fresh / "held-out.png", optimize=True)
        write_text(
            fresh / "networks.json",
            json.dumps(
                {
                    "size": size,
                    "schedule": {name: getattr(LOW_BIAS, name) for name in SCHEDULE},
                    "runtime_bytes": runtime,
                    "networks": listed,
                }
            ),
        )
        write_text(fresh / "stamp.txt", stamp)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)


def _written(pair: dict[str, TrainingPlan], folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write the files of one N; yield for each set their names and sizes in bytes."""
    for subset, plan in pair.items():
        network = zoo.get_denoiser(plan, allow_training=False, device="cpu")
        if not isinstance(network, UNet):
            raise DenoiseLibError(f"network {plan.hash} is no UNet: a browser cannot run it")
        model = folder / f"{subset}-{plan.n_images}.onnx"
        write_bytes(model, onnx_bytes(network, plan.image_size))
        files = {"network": model.name, "bytes": model.stat().st_size}
        if plan.n_images <= LARGEST_SHOWN:
            training = images.load(plan.image_class, plan.image_size, subset, plan.n_images)
            picture = model.with_suffix(".png")
            sprite(training).save(picture, optimize=True)
            files |= {"training": picture.name, "training_bytes": picture.stat().st_size}
        yield subset, files
