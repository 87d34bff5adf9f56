"""Every chapter runs from end to end, is an essay, and is committed as it would run now."""

import json

import pytest

from denoise_lib import cover, experiments, ledger_page
from denoise_lib.chapters import book_path, chapters, read_notebook, source_path
from denoise_lib.ledger import load
from denoise_lib.staleness import stale

LINES = 15
CHAPTERS = chapters()


# What the explorers of a chapter ask torch for; the recipe has none.
ASKED = {chapter: ["noise"] for chapter in ("shrinkage", "regularity", "misfit")}
for twice in ("memorization", "convergence", "bias_variance", "harmonic_bases"):
    ASKED[twice] = ["noise", "noise"]
ASKED |= {"score": ["mixture", "noise"], "recipe": []}
ASK = """
from ipywidgets.widgets import widget

for row in list(widget._instances.values()):
    if "asks-kernel" in getattr(row, "_dom_classes", ()) and len(row.children) > 1:
        _, button, said = row.children
        button.click()
        print("asked:", said.value)
"""


@pytest.fixture
def every_explorer_asked(monkeypatch):
    """At the end of a chapter, every button for other noise is pressed."""

    def with_questions(path):
        notebook = read_notebook(path)
        cell = {"cell_type": "code", "id": "ask", "source": ASK, "metadata": {}}
        notebook["cells"].append(cell | {"outputs": [], "execution_count": None})
        return notebook

    monkeypatch.setattr(experiments, "read_notebook", with_questions)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_runs_at_smoke_and_records_what_its_claims_need(
    chapter, tmp_path, no_networks, every_explorer_asked
):
    output = experiments.run(chapter, "smoke", output=tmp_path / f"{chapter}.ipynb", progress=False)
    cells = read_notebook(output)["cells"]
    assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")
    results = json.loads(output.with_suffix(".json").read_text())
    recorded = {row["quantity"] for row in results["records"]}
    # or it says that it could not: some quantities do not exist of networks that learned nothing
    said = "".join(
        "".join(part["text"])
        for cell in cells
        for part in cell.get("outputs", ())
        if "text" in part
    )
    asked = [line for line in said.splitlines() if line.startswith("asked: ")]
    assert asked == [f"asked: {what} number 1" for what in ASKED[chapter]]
    claims = [claim for claim in load() if claim.chapter == chapter]
    needed = {c.quantity for c in claims} | {c.control["quantity"] for c in claims}
    assert {q for q in needed - recorded if f"{q}: not found" not in said} == set()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_source_is_an_essay(chapter):
    for cell in read_notebook(source_path(chapter))["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"] and cell["execution_count"] is None, cell["id"]
            assert "".join(cell["source"]).count("\n") < LINES, f"{cell['id']}: over {LINES} lines"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_says_what_to_see_and_has_alt_text(chapter):
    for cell in read_notebook(book_path(chapter))["cells"]:
        for output in cell.get("outputs", ()):
            if "image/svg+xml" in output.get("data", {}) or "image/png" in output.get("data", {}):
                shown = cell["metadata"]["mystnb"]
                assert len(shown["figure"]["caption"]) > 40 and len(shown["image"]["alt"]) > 20


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_committed_chapter_is_not_stale(chapter):
    assert stale(chapter) == []


def test_page_of_the_ledger_is_as_it_would_be_written_now():
    assert ledger_page.page_path().read_text() == ledger_page.page()


def test_cover_is_the_figure_of_the_committed_chapter():
    assert cover.cover_path().read_text() == cover.cover()
