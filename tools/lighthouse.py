"""Measure the pages with Lighthouse and print a table.

``.venv/bin/python tools/lighthouse.py [PAGE ...]`` serves the built book on this machine and opens
the home page and every chapter (or the pages named) in the installed Chromium, as on
a desktop and as on a phone. The first run fetches Lighthouse with npm.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from denoise_lib.assets import node_environment  # noqa: E402  # found through the line above
from tests.browser import ARGUMENTS, executable, served  # noqa: E402

VERSION = "13.5.0"
TOOLS = ROOT / "_build" / "lighthouse"
AIMS = {"performance": 90, "accessibility": 100, "best-practices": 95, "seo": 95}
FORMS = {"desktop": ["--preset=desktop"], "mobile": []}
ENVIRONMENT = node_environment()


def lighthouse() -> Path:
    """Return Lighthouse's program, fetching it once."""
    program = TOOLS / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not program.is_file():
        TOOLS.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm", path=ENVIRONMENT["PATH"])
        if npm is None:
            sys.exit("no npm: run `make book` first, which installs it")
        install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        command = [*install, "--prefix", str(TOOLS), f"lighthouse@{VERSION}"]
        subprocess.run(command, env=ENVIRONMENT, check=True)
    return program


def report(address: str, form: str) -> dict:
    """Return Lighthouse's report on one page.

    Raises
    ------
    subprocess.CalledProcessError
        If Lighthouse fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        command = ["node", str(lighthouse()), address, *FORMS[form], "--quiet", "--output=json"]
        command += [f"--output-path={output}", f"--only-categories={','.join(AIMS)}"]
        command += [f"--chrome-flags=--headless=new {' '.join(ARGUMENTS)}"]
        environment = {**ENVIRONMENT, "CHROME_PATH": executable()}
        subprocess.run(command, env=environment, check=True)
        return json.loads(output.read_text(encoding="utf-8"))


def faults(found: dict) -> list[str]:
    """Return what cost a page points in a category that misses its aim, costliest first."""
    said = []
    for name, aim in AIMS.items():
        category = found["categories"][name]
        if round(100 * (category["score"] or 0)) >= aim:
            continue
        for part in sorted(category["auditRefs"], key=lambda part: -part["weight"]):
            audit = found["audits"][part["id"]]
            if part["weight"] and audit["score"] is not None and audit["score"] < 0.9:
                said.append(f"{name}: {audit['title']} {audit.get('displayValue', '')}".strip())
    return said


def main(pages: list[str]) -> None:
    """Print a row of scores for each page, and below it what missed an aim."""
    book = ROOT / "_build" / "html"
    if not (book / "index.html").is_file():
        sys.exit("the book is not built: run `make book`")
    chapters = sorted(f"chapters/{path.name}" for path in (book / "chapters").glob("*.html"))
    print(f"{'page':32} {'form':8}", *(f"{name:>14}" for name in AIMS))
    with served(book) as site:
        for page in pages or ["index.html", *chapters]:
            for form in FORMS:
                found = report(site + page, form)
                scores = [round(100 * (found["categories"][name]["score"] or 0)) for name in AIMS]
                print(f"{page:32} {form:8}", *(f"{score:14}" for score in scores), flush=True)
                for fault in faults(found):
                    print(f"    {fault}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
