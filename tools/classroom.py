"""Run every chapter at the classroom profile from nothing, and keep what that took.

``.venv/bin/python tools/classroom.py [CHAPTER ...]`` trains the networks of each chapter in a
cache of its own, which holds the downloaded images and nothing else. Minutes, and what became of
the claim that the profile names, go to ``book/results/classroom.json``; the page of run times
shows them. On two quiet cores it takes half an hour.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from denoise_lib.chapters import chapters, check_chapter, run_path
from denoise_lib.experiments import run
from denoise_lib.files import cache_dir, project_root, write_text
from denoise_lib.ledger import classroom_claim, load, status
from denoise_lib.run_times import classroom_path

DOWNLOADED = ("fashion-mnist", "photographs")


def measure(chapter: str) -> dict[str, Any]:
    """Run a chapter from nothing; return its minutes, its machine and its named claim's status."""
    with tempfile.TemporaryDirectory(prefix="classroom-") as name:
        for folder in DOWNLOADED:
            if (cache_dir() / folder).is_dir():
                Path(name, folder).symlink_to(cache_dir() / folder)
        os.environ["DENOISE_LIB_CACHE"] = name
        try:
            run(chapter, "classroom")
        finally:
            del os.environ["DENOISE_LIB_CACHE"]
    stored = json.loads(run_path(chapter, "classroom").with_suffix(".json").read_text("utf-8"))
    records = {row["quantity"]: row for row in stored["records"]}
    named = classroom_claim(chapter)
    ran = stored["provenance"]["run"]
    found: dict[str, Any] = {"minutes": ran["minutes"], "machine": ran["machine"]}
    if named:
        (claim,) = [each for each in load() if each.id == named]
        found |= {
            "claim": named,
            "status": status(claim, records),
            **{key: records[claim.quantity][key] for key in ("value", "low", "high")},
        }
    return found


def main() -> None:
    """Measure the chapters that are named, or all, and keep the others' numbers."""
    os.environ.pop("DENOISE_LIB_CACHE", None)
    wanted = sys.argv[1:] or chapters()
    for chapter in wanted:
        check_chapter(chapter)
    path = classroom_path()
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for chapter in wanted:
        kept[chapter] = measure(chapter)
        print(chapter, kept[chapter], flush=True)
        ordered = {name: kept[name] for name in chapters() if name in kept}
        write_text(path, json.dumps(ordered, indent=1) + "\n")
    print(f"written: {path.relative_to(project_root())}; now: denoise-lib book --no-run")


if __name__ == "__main__":
    main()
