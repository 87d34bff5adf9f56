"""Slides: one page a meeting, with the chapters' own figures."""

import re

import pytest

from denoise_lib import slides
from denoise_lib.cover import cover
from denoise_lib.errors import DenoiseLibError
from denoise_lib.files import project_root

MEETINGS = sorted((project_root() / "book" / slides.SLIDES).glob("*.md"))

pytestmark = pytest.mark.usefixtures("katex")


def test_there_are_six_meetings_and_the_syllabus_links_each():
    syllabus = (project_root() / "book" / "course" / "index.md").read_text()
    linked = re.findall(r'href="slides/(.+?)\.html"', syllabus)
    assert linked == [path.stem for path in MEETINGS] and len(linked) == 6


def test_lines_part_slides_and_titles_are_escaped():
    page = slides.render("# a < b\n\n---\n## second\n\ntext\n\n---\n## third\n")
    assert re.findall(r'<section id="slide-(\d)"', page) == ["1", "2", "3"]
    assert "<title>a &lt; b</title>" in page


def test_formulas_are_set_in_a_line_and_on_their_own():
    page = slides.render("# t\n\n$a_1 < b_1$\n\n$$\nc*d*e\n$$\n")
    assert '<annotation encoding="application/x-tex">a_1 &lt; b_1</annotation>' in page
    assert page.count('class="katex-display"') == 1
    assert page.index("a_1 &lt;") < page.index('class="katex-display"') < page.index("c*d*e")


def test_a_figure_is_the_chapters_own_with_its_description():
    page = slides.render("# t\n\n![](memorization/samples-figure)\n")
    alt, data = re.findall(r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,(.+?)">', page)[0]
    assert len(alt) > 20
    assert slides.base64.b64decode(data).decode() == cover()


def test_every_page_is_written(tmp_path):
    pages = slides.write_slides(project_root(), tmp_path)
    assert [page.stem for page in pages] == [path.stem for path in MEETINGS]
    for page, source in zip(pages, MEETINGS, strict=True):
        assert page.read_text().count("<section") == source.read_text().count("\n---\n") + 1
        # a figure that was not understood would stay a link to nothing
        assert re.findall(r'<img (?!alt="[^"]+" src="data:)', page.read_text()) == []


def test_a_figure_that_is_missing_is_named(tmp_path):
    folder = tmp_path / "book" / slides.SLIDES
    folder.mkdir(parents=True)
    (folder / "meeting-9.md").write_text("# t\n\n![](score/no-such-figure)\n")
    with pytest.raises(DenoiseLibError, match=r"meeting-9.md: chapter score .*no-such-figure"):
        slides.write_slides(tmp_path, tmp_path / "site")


def test_a_book_without_slides_has_none(tmp_path):
    assert slides.write_slides(tmp_path, tmp_path) == []
