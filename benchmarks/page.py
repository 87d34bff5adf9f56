"""The page that shows what `make bench` measured."""

from __future__ import annotations

from typing import Any

from benchmarks.plain import SIZE
from denoise_lib.plan import Recipe


def seconds(value: float) -> str:
    """Return a time in words that no narrow table breaks."""
    return f"{value:.3g}\N{NO-BREAK SPACE}s"


def with_gpu(found: dict[str, Any]) -> str:
    """Return the part of the page that shows what `benchmarks.gpu` measured."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    rows = [
        f"| {row['work']} | {row['place']} | {seconds(row['plain_seconds'])} "
        f"| {seconds(row['ours_seconds'])} | {row['ratio']:.3g} |"
        for row in found["rows"]
    ]
    return f"""\
## On a machine with a GPU

Written by `python -m benchmarks.gpu`, in the same way, one or two turns of each side.
{found["machine"]}; {versions}.

| work | where | plain way | ours | ratio |
|---|---|---:|---:|---:|
{chr(10).join(rows)}

- training, on the processor: as above; this one multiplies in bfloat16 by itself (AMX).
- training, on the GPU: the same networks, in one process. Plain: float32 as torch has it (TF32
  in convolutions), eager, channels first. Ours: bfloat16, channels last, compiled, each step
  recorded as a CUDA graph. The paper's UNet: 64 channels, normalization, 512 images a step.
- sampling: as above, on one device and the other.
"""


def markdown(results: dict[str, Any]) -> str:
    """Return the page that shows the results."""
    lines = ["| work | plain way | ours | ratio |", "|---|---:|---:|---:|"]
    lines += [
        f"| {row['work']} | {seconds(row['plain_seconds'])} | {seconds(row['ours_seconds'])} "
        f"| {row['ratio']:.3g} |"
        for row in results["rows"]
    ]
    use = [
        "| work | precision | GFLOP/s | best matrix product | part |",
        "|---|---|---:|---:|---:|",
    ]
    use += [
        f"| {row['work']}, {row['side']} | {row['precision']} | {row['flops'] / 1e9:.3g} "
        f"| {row['best_product_flops'] / 1e9:.3g} | {row['fraction']:.1%} |"
        for row in results["flops"]
    ]
    kinds = list(next(iter(results["shares"].values())))
    spent = [f"| work | {' | '.join(kinds)} |", "|---|" + "---:|" * len(kinds)]
    spent += [
        f"| {work} | {' | '.join(f'{part[kind]:.1%}' for kind in kinds)} |"
        for work, part in results["shares"].items()
    ]
    effort, networks, shown = results["effort"], results["networks"], results["browser"]
    precision = next(row["precision"] for row in results["flops"] if row["side"] == "ours")
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return f"""\
# Speed

Written by `make bench`, both sides of every row in one run, turn by turn: medians.
{results["machine"]}; {versions}.

{chr(10).join(lines)}

- training: seconds of the whole machine for 1,000 images of {SIZE}x{SIZE}, {Recipe().batch} a step,
  of the same network, without normalization. Plain: float32, eager, channels first, one process
  of all threads. Ours: `denoise_lib.training.train`, {precision}, channels last, a process of
  one thread on each core.
- networks: seconds of the whole machine for one network of 16 channels. Plain: the paper's recipe
  scaled down (batch 128, plain squared error, its normalization), {networks["plain_images"]:,}
  images at the speed of the plain way; they gave {networks["plain_psnr"]:.2f} dB (tuning images,
  average over log sigma in [0.02, 1]; `make recipe`). Ours: the book's recipe, a network on each
  core, {networks["our_images"]:,} images, which gave {networks["our_psnr"]:.2f} dB.
- c_alpha, discs: {effort["images"]:,} images, one thread. Plain: a loop over images; drawn one
  by one with matplotlib (Agg).
- sampling: {SIZE}x{SIZE}, the zoo's network of 16 channels, all threads, from sigma 3 to
  {effort["sigma_end"]:g}. Plain: one sample at a time, channels first. Ours: all together, and the
  network as `get_denoiser` gives it, channels last, in a process that keeps the memory it frees.
- jacobian: eigenvalues and eigenvectors of its symmetric part, for networks of 16 channels from the
  zoo at one noisy held-out image of their class, all threads: a garment, and the photograph of the
  chapter on harmonic bases (the time of the leading {effort["leading"]} depends on the picture and
  the noise, that of all of them does not). Plain: all of them, from a backward pass for each pixel,
  by `backward()` (as training does it) or by `torch.autograd.grad` (of the image only; for the
  leading ones, timed on one pixel in {effort["large_part"]}); for these also all of them in our
  way.

In the reader's browser, with nothing to compare with: the A- and the B-network of
N = {shown["n_images"]:,}, {SIZE}x{SIZE}, 16 channels, draw one sample each, from sigma 3 to 0.02,
in {shown["seconds"]:.2g} s: {shown["steps"]:.0f} steps of each network,
{shown["milliseconds_a_step"]:.2g} ms each (medians of {effort["turns"]} turns; {shown["browser"]}).

How much of the machine the networks use, against the fastest product of square matrices in the same
precision and on as many threads, by `torch.mm` or as a convolution of one pixel:

{chr(10).join(use)}

Where the time of our training goes, in one process of one thread (torch's profiler):

{chr(10).join(spent)}

{with_gpu(results["gpu"])}"""
