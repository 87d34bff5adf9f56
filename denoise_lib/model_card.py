"""The model card of the zoo, ``zoo/README.md``: written from the records of its networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from denoise_lib.files import write_text
from denoise_lib.plan import Recipe, TrainingPlan
from denoise_lib.training import CURVE_IMAGES, CURVE_SIGMAS
from denoise_lib.zoo import Entry, entries, zoo_dir

MADE_HERE = "made by this library from an index and a seed; nothing to license"
# what each image class is, and under which licence: every class has an entry
TRAINING_DATA = {
    "fashion": "Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017, arXiv 1708.07747): photographs of "
    "garments, shoes and bags; MIT licence",
    "digits": "handwritten digits that scikit-learn carries (Alpaydin and Kaynak, UCI, 1998); "
    "CC BY 4.0",
    "gaussian": f"Gaussian fields with a known spectrum, {MADE_HERE}",
    "c_alpha": f"geometric images of given regularity on both sides of a contour, {MADE_HERE}",
    "discs": f"discs on a uniform ground, {MADE_HERE}",
    "ray": f"one image times an intensity, {MADE_HERE}",
    "sines": f"sine waves of two numbers, {MADE_HERE}",
    "photos": "crops of photographs from scikit-image and two Lomiri wallpaper packages; public "
    "domain, CC0, CC BY and CC BY-SA, credits on the book's page of photographs",
    "folder": "pictures from a folder of the reader's, prepared by `denoise-lib data` and named "
    "after the colon; licence of those pictures",
    "shuffled": "the images of the class named after the colon, their pixels permuted in one "
    "fixed way; licence of that class",
}

NETWORKS = {
    "unet": "UNet: bias-free, at several resolutions, blind to the noise level",
    "bfcnn": "BF-CNN: bias-free, a chain of convolutions, blind to the noise level",
}

CARD = """\
# The trained denoisers of the book

<!-- Written by `denoise-lib zoo --write-card` from the records in the files: do not edit. -->

{summary}

## What they are

Each network is given a noisy grey image and returns an estimate of the clean one. None is told how
strong the noise is. They differ in what they were trained on: the class of images, how many of them
(N), which of the disjoint sets A, B, C and D, and the seed.

{networks}

A file holds the weights in half precision (those of the last layer in single precision) and the
record of its training. A SHA-256 over both is checked on load. The file's name is the hash of the
plan: equal plans have equal names.

## What they are for

They let anyone check what the book says about memorization and generalization without training
anything. Those of small N memorize their training images: that is their purpose. They are no tools
for cleaning photographs.

## How to load one

```python
{loading}
```

`y` has the shape (n, 1, height, width). Clean images are in [0, 1] (Gaussian fields have mean 0).

## What they were trained on

{data}

No image is in two sets. What the book reports is measured on images that no network was trained on
and from which nothing was chosen.

## How they were trained

{recipes}

Adam; the learning rate rises and then falls to zero along a cosine. The page "The recipe" of the
book shows how this was chosen. Trained on {machines}. Each record holds the precision, the versions
and the learning curve.

## The networks

PSNR is that of the output on {n_images} noisy images, averaged over the noise levels {sigmas}:
"train" on the network's own training images, "tuning" on images from which choices were made but on
which no network was trained.

{table}

## Limits

- Each knows one class of small grey images, and Gaussian noise of the levels named above.
- Those of small N can be made to show their training images.
- They are smaller than the paper's and were trained for fewer steps: the same effects need not
  appear at the same N.
- Equal records promise equal bytes; another processor or another version may round differently.

## Whom to cite

The study first:

> {study}

Then, for these files, the book: see `CITATION.cff` in the folder above. The networks are under the
book's licence, MIT.
"""

STUDY = (
    "Zahra Kadkhodaie, Florentin Guth, Eero P. Simoncelli and Stéphane Mallat. Generalization in "
    "diffusion models arises from geometry-adaptive harmonic representations. International "
    "Conference on Learning Representations, 2024. <https://arxiv.org/abs/2310.02557>"
)


def write_card() -> Path:
    """Write ``zoo/README.md`` from the files beside it, and return its path."""
    path = zoo_dir() / "README.md"
    write_text(path, card(entries()))
    return path


def card(networks: Sequence[Entry]) -> str:
    """Return the model card of some networks, in Markdown."""
    plans = [TrainingPlan.from_dict(entry.record["plan"]) for entry in networks]
    megabytes = sum(entry.path.stat().st_size for entry in networks) / 1e6
    hours = sum(entry.record["how"]["seconds"] for entry in networks) / 3600
    classes = _once(plan.image_class.partition(":")[0] for plan in plans)
    return CARD.format(
        summary=f"{len(plans)} networks, {megabytes:.1f} MB, {hours:.1f} hours of training.",
        networks=_list(f"{NETWORKS[kind]}." for kind in _once(plan.network for plan in plans)),
        loading=_loading(plans),
        data=_list(f"`{name}`: {TRAINING_DATA[name]}." for name in classes),
        recipes=_list(_once(_recipe(plan) for plan in plans)),
        machines="; ".join(_once(entry.record["how"]["machine"] for entry in networks)),
        n_images=CURVE_IMAGES,
        sigmas=", ".join(f"{sigma:g}" for sigma in CURVE_SIGMAS),
        table=_table(networks, plans),
        study=STUDY,
    )


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _loading(plans: Sequence[TrainingPlan]) -> str:
    name = f"{plans[0].hash}.safetensors" if plans else "NAME.safetensors"
    return (
        "from denoise_lib.zoo import load, zoo_dir\n\n"
        f'denoiser, record = load(zoo_dir() / "{name}")\n'
        "x_hat = denoiser(y)"
    )


def _recipe(plan: TrainingPlan) -> str:
    recipe: Recipe = plan.recipe
    if recipe.sigma_law == "log":
        noise = f"log sigma uniform between {recipe.sigma_min:g} and {recipe.sigma_max:g}"
    else:
        noise = f"sigma = {recipe.sigma_max:g} u², u uniform on [0, 1]"
    parts = [
        f"{plan.images_trained:,} images seen, counting repetitions, {recipe.batch} a step",
        noise,
        f"learning rate {recipe.learning_rate:g} after {recipe.warmup:,} images",
        f"squared error divided by (sigma + 0.01)^{recipe.weight_power:g}",
    ]
    if plan.normalization:
        parts.append("with the paper's normalization")
    if recipe.averaging:
        parts.append(f"weights averaged over the last {recipe.averaging:.0%}")
    return f"{'; '.join(parts)}."


def _table(networks: Sequence[Entry], plans: Sequence[TrainingPlan]) -> str:
    lines = [
        "| file | images | N | set | seed | network | train dB | tuning dB | kB | minutes |",
        "|---|---|---:|---|---:|---|---:|---:|---:|---:|",
    ]
    for entry, plan in zip(networks, plans, strict=True):
        row = entry.as_dict()
        cells = [
            f"`{plan.hash}`",
            f"{plan.image_class}, {plan.image_size}×{plan.image_size}",
            f"{plan.n_images:,}",
            plan.subset,
            plan.seed,
            f"{plan.network}, {plan.width} channels, {plan.blocks} "
            + ("blocks" if plan.network == "unet" else "layers"),
            f"{row['train_psnr']:.2f}",
            f"{row['tuning_psnr']:.2f}",
            round(entry.path.stat().st_size / 1000),
            row["minutes"],
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
