"""The page of the zoo: one row a network, written from the records and from what was measured."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from denoise_lib.chapters import book_path, chapter_number, chapters
from denoise_lib.experiments import missing, named_plans
from denoise_lib.files import project_root
from denoise_lib.measures.psnr import input_psnr
from denoise_lib.pages import write_changed
from denoise_lib.plan import TrainingPlan
from denoise_lib.sparklines import sparkline
from denoise_lib.training import CURVE_SIGMAS, FEW_IMAGES
from denoise_lib.zoo import Entry, entries
from denoise_lib.zoo_check import (
    LAST_PART,
    LEVEL_DB,
    N_IMAGES,
    SIGMAS,
    Verdict,
    judged_on_training,
    stored,
    verdict,
)
from denoise_lib.zoo_samples import SEEDS, sampled

INTRODUCTION = """\
# The zoo

<!-- Written by `denoise-lib zoo --write-card` from the records in the files: do not edit. -->

Every number of this book is measured on the trained networks shown here. {summary}
The files, and how to load one, are described in `zoo/README.md`.

## How to read a row

The **first drawing** is the PSNR of the output against that of the input, for sigma from {low:g}
(right) to {high:g} (left). The dashed line is the identity: a denoiser that returns its input. A
useful one lies above it. The **second drawing** is the learning curve: PSNR as training went on, a
line for each of sigma = {sigmas} (the highest line is the smallest sigma). Each drawing has a scale
of its own. Networks of {real} show {samples} **samples**, drawn from the same noise by each.

N is the number of training images. Networks of N = {few} or fewer memorize them: that is their
purpose. They are judged, and their learning curve is drawn, on **their own training images**. All
others are judged on images that they were not trained on.

## The rule

It was written down before the held-out images were looked at.

1. **Above the identity line.** On {n_images} held-out images of its class, the output's PSNR is
   below the input's at no sigma of {rule_sigmas}. (For N up to {few}: training
   images, with fresh noise.)
2. **Levelled off.** At no sigma of the learning curve does its PSNR (on tuning images; for N up to
   {few} on training images) rise by {level:g} dB or more over the last {last:.0%} of the training.

Read the second with care. The learning rate falls to zero along a cosine, and that alone flattens
every curve at its end. So a flat end does not show that a longer training would gain nothing: only
a longer training could. And while the rate falls the error falls with it, so that a rise near the
end need not mean that there is much more to gain.

{verdicts}
"""

RAW = "```{raw} html\n%s\n```\n"


def page_path() -> Path:
    """Return the file of the page."""
    return project_root() / "book" / "zoo.md"


def write_page() -> None:
    """Bring the page up to date, if this book has it."""
    if page_path().exists():
        write_changed(page_path(), page())


def page() -> str:
    """Return the page in MyST Markdown."""
    found, rows, used = entries(), stored(), _used_in()
    plans = [TrainingPlan.from_dict(entry.record["plan"]) for entry in found]
    verdicts = {
        plan.hash: verdict(rows[plan.hash]["psnr"], entry.record)
        for plan, entry in zip(plans, found, strict=True)
        if plan.hash in rows
    }
    parts = [_introduction(found, plans, verdicts)]
    for group in dict.fromkeys(map(_group, plans)):
        parts.append(f"## {group}\n")
        parts += [
            RAW % _row(entry, plan, rows.get(plan.hash), verdicts.get(plan.hash), used)
            for entry, plan in zip(found, plans, strict=True)
            if _group(plan) == group
        ]
    return "\n".join(parts)


def _group(plan: TrainingPlan) -> str:
    return f"{plan.image_class}, {plan.image_size}×{plan.image_size} pixels"


def _named(plan: TrainingPlan) -> str:
    kind = f"{plan.network}, {plan.width} channels"
    return f"N = {plan.n_images:,}, set {plan.subset}, seed {plan.seed}, {kind}"


def _used_in() -> dict[str, list[str]]:
    """Return the chapters of the book whose published profile names each network."""
    used: dict[str, list[str]] = {}
    for chapter in chapters():
        if book_path(chapter).exists():
            for plan in named_plans("published", [chapter]):
                used.setdefault(plan.hash, []).append(chapter)
    return used


def _introduction(
    found: Sequence[Entry], plans: Sequence[TrainingPlan], verdicts: dict[str, Verdict]
) -> str:
    megabytes = sum(entry.path.stat().st_size for entry in found) / 1e6
    hours = sum(entry.record["how"]["seconds"] for entry in found) / 3600
    lacking = missing("published")
    still = f" {len(lacking)} more are named by the chapters and still to be trained." * bool(
        lacking
    )
    return INTRODUCTION.format(
        summary=f"{len(found)} networks, {megabytes:.1f} MB, {hours:.1f} hours of training.{still}",
        low=SIGMAS[0],
        high=SIGMAS[-1],
        sigmas=_listed(CURVE_SIGMAS),
        rule_sigmas=_listed(SIGMAS),
        real="garments and of photographs",
        samples=len(SEEDS),
        few=FEW_IMAGES,
        n_images=N_IMAGES,
        level=LEVEL_DB,
        last=LAST_PART,
        verdicts=_summary(found, plans, verdicts),
    )


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _summary(
    found: Sequence[Entry], plans: Sequence[TrainingPlan], verdicts: dict[str, Verdict]
) -> str:
    """Say how many pass, name those that do not, and what each would need."""
    judged = list(verdicts.values())
    lines = [
        f"**{sum(v.above for v in judged)} of {len(plans)} lie above the identity line; "
        f"{sum(v.level for v in judged)} of {len(plans)} have levelled off.**\n"
    ]
    if unmeasured := len(plans) - len(judged):
        lines.append(f"{unmeasured} not measured: run `denoise-lib zoo --write-card`.\n")
    minutes = _class_minutes(found, plans)
    failing = [p for p in plans if p.hash in verdicts and not _passes(verdicts[p.hash])]
    if failing:
        lines.append(f":::{{dropdown}} The {len(failing)} that fail, and what each would need")
        lines.append(
            "One that *still rose* would need a training twice as long, to see whether "
            "the rise goes on, and so would the networks that it is compared with: all of its "
            "class and size, trained for equally many images. The minutes are those of all of "
            "them, twice as long as they took here. One *below identity* needs more training "
            "images, or a recipe that gives small noise more weight: which of the two, this page "
            "does not show.\n"
        )
    for plan in failing:
        v = verdicts[plan.hash]
        what = (
            [] if v.above else [f"{-v.margin_db:.2f} dB below identity at sigma {v.margin_sigma:g}"]
        )
        if not v.level:
            what.append(f"still rose by {v.gain_db:.3f} dB at sigma {v.gain_sigma:g}")
            what[-1] += (
                f" (needs {2 * plan.images_trained:,} images seen; "
                f"{2 * minutes[_group(plan)]:.0f} minutes for its class)"
            )
        lines.append(f"- {_group(plan)}, {_named(plan)} (`{plan.hash}`): {'; '.join(what)}.")
    if failing:
        lines.append(":::")
    return "\n".join(lines)


def _passes(v: Verdict) -> bool:
    return v.above and v.level


def _class_minutes(found: Sequence[Entry], plans: Sequence[TrainingPlan]) -> dict[str, float]:
    minutes: dict[str, float] = {}
    for entry, plan in zip(found, plans, strict=True):
        spent = entry.record["how"]["seconds"] / 60
        minutes[_group(plan)] = minutes.get(_group(plan), 0.0) + spent
    return minutes


def _row(
    entry: Entry,
    plan: TrainingPlan,
    row: dict[str, Any] | None,
    judged: Verdict | None,
    used: dict[str, list[str]],
) -> str:
    """Return one network as HTML without an empty line, which would end the block."""
    pictures = [_learning(entry.record, plan)]
    if row is not None:
        pictures.insert(0, _curve(row["psnr"], plan))
        if sampled(plan):
            pictures.append(_samples(plan))
    how = entry.record["how"]
    facts = [
        f"{how['seconds'] / 60:.1f} minutes, {html.escape(how['machine'])}, {how['precision']}",
        f"{entry.path.stat().st_size:,} bytes, <code>{plan.hash}</code>",
        _links(used.get(plan.hash, [])),
    ]
    return "\n".join(
        [
            f'<div class="zoo-row" id="network-{plan.hash}">',
            f'<p class="zoo-name">{_named(plan)}</p>',
            f'<div class="zoo-pictures">{"".join(pictures)}</div>',
            f'<p class="zoo-facts">{"<br>".join([*_verdict(judged, plan), *filter(None, facts)])}'
            "</p>",
            "</div>",
        ]
    )


def _curve(psnr_db: list[float], plan: TrainingPlan) -> str:
    given = input_psnr(np.array(SIGMAS)).tolist()
    on = "training" if judged_on_training(plan) else "held-out"
    points = ", ".join(
        f"{out:.1f} dB at sigma {sigma:g}" for out, sigma in zip(psnr_db, SIGMAS, strict=True)
    )
    said = f"PSNR of the output on {on} images: {points}. The identity line is the input's PSNR."
    return sparkline([("identity", given, given), ("curve", given, psnr_db)], said)


def _learning(record: dict[str, Any], plan: TrainingPlan) -> str:
    kind = "train" if judged_on_training(plan) else "tuning"
    points = record["curve"]
    seen = [point["images"] for point in points]
    values = np.array([point[kind] for point in points])
    ends = ", ".join(
        f"from {first:.1f} to {last:.1f} dB at sigma {sigma:g}"
        for first, last, sigma in zip(values[0], values[-1], CURVE_SIGMAS, strict=True)
    )
    on = "training" if kind == "train" else "tuning"
    lines = [("curve", seen, line.tolist()) for line in values.T]
    return sparkline(lines, f"Learning curve on {on} images: {ends}.")


def _samples(plan: TrainingPlan) -> str:
    n, side = len(SEEDS), plan.image_size
    return (
        f'<img class="pixelated" src="_static/zoo/{plan.hash}.png" width="{n * (side + 2) - 2}" '
        f'height="{side}" loading="lazy" alt="{n} samples drawn from this network, each from '
        'other noise; the same noise for every network">'
    )


def _verdict(v: Verdict | None, plan: TrainingPlan) -> list[str]:
    if v is None:
        return ["Not measured."]
    on = "training images" if judged_on_training(plan) else "held-out images"
    return [
        f"{'✓' if v.above else '✗'} {'Above' if v.above else 'Below'} the identity line on {on}: "
        f"smallest difference {v.margin_db:+.2f} dB, at sigma {v.margin_sigma:g}",
        f"{'✓ Levelled off' if v.level else '✗ Not levelled off'}: largest gain over the last "
        f"{LAST_PART:.0%} {v.gain_db:+.3f} dB, at sigma {v.gain_sigma:g}",
    ]


def _links(names: list[str]) -> str:
    links = []
    for name in names:
        number = "the recipe" if name == "recipe" else f"chapter {chapter_number(name)}"
        links.append(f'<a href="chapters/{name}.html">{number}</a>')
    return f"Used in {', '.join(links)}" if links else ""
