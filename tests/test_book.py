"""The built book: complete, self-contained, and readable on any screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser

from tests.browser import opened

# Elements that a browser fetches on its own, as opposed to links that a reader may follow.
FETCHED = {"script": "src", "img": "src", "source": "src", "link": "href", "iframe": "src"}
MEGABYTE = 1_000_000
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif)$", re.IGNORECASE)


class Html(HTMLParser):
    """What a page points to, which anchors it has, and how its pictures are described."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.alts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.anchors |= {named[name] for name in ("id", "name") if name in named}
        self.targets += [named[name] for name in ("href", "src") if name in named]
        if tag in FETCHED and named.get("rel") not in ("canonical", "search", "prev", "next"):
            self.fetched.append(named.get(FETCHED[tag], ""))
        if tag == "img":
            self.alts[named.get("src", "")] = named.get("alt", "")


@pytest.fixture(scope="module")
def pages(book: Path) -> dict[Path, Html]:
    """Parse every page."""
    return {path: Html(path.read_text("utf-8")) for path in page_files(book)}


def page_files(book: Path) -> list[Path]:
    """Return the pages, without the fragments that themes keep among their own files."""
    return [path for path in sorted(book.rglob("*.html")) if "_static" not in path.parts]


def broken(pages: dict[Path, Html]) -> Iterator[str]:
    """Name every local target that does not exist, anchors included."""
    for page, html in pages.items():
        for target in html.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc or target in ("", "#"):
                continue
            path = (page.parent / unquote(url.path)).resolve() if url.path else page
            if path.is_dir():
                path /= "index.html"
            if not path.is_file():
                yield f"{page.name}: no file for {target}"
                continue
            anchors = pages[path].anchors if path in pages else set()
            if path in pages and url.fragment and unquote(url.fragment) not in anchors:
                yield f"{page.name}: no anchor for {target}"


def test_every_local_link_and_file_exists(pages: dict[Path, Html]) -> None:
    assert list(broken(pages)) == []


def test_every_page_is_reached_from_the_table_of_contents(
    book: Path, pages: dict[Path, Html]
) -> None:
    linked = {
        (book / urlsplit(target).path).resolve() for target in pages[book / "index.html"].targets
    }
    others = {book / "index.html", book / "search.html"}
    # slides are no part of the contents: the syllabus links them
    course = book / "course"
    slides = {
        (course / urlsplit(target).path).resolve()
        for target in pages[course / "index.html"].targets
        if target.startswith("slides/")
    }
    assert set(pages) - linked - slides - others == set()


def test_pages_fetch_nothing_from_another_host(pages: dict[Path, Html]) -> None:
    elsewhere = [
        (page.name, target)
        for page, html in pages.items()
        for target in html.fetched
        if urlsplit(target).netloc
    ]
    assert elsewhere == []


def test_pages_weigh_little(book: Path, pages: dict[Path, Html]) -> None:
    # what a page alone needs; scripts, styles and type are shared, and fetched once
    own = {
        page.relative_to(book).as_posix(): page.stat().st_size
        + sum((page.parent / file).stat().st_size for file in html.fetched if "_images/" in file)
        + sum(file.stat().st_size for file in page.parent.glob(f"{page.stem}.widgets.js"))
        for page, html in pages.items()
    }
    assert own["index.html"] < MEGABYTE
    assert max(own.values()) < 3 * MEGABYTE
    assert own["chapters/score.html"] > own["notation.html"]  # pictures are counted


def test_what_widgets_show_is_not_in_the_page(book: Path) -> None:
    apart = sorted(path.name for path in book.rglob("*.widgets.js"))
    assert "memorization.widgets.js" in apart and len(apart) >= 8
    assert not [page for page in page_files(book) if "widget-state+json" in page.read_text("utf-8")]


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index.html", "chapters/score.html", "search.html"])
def test_icons_that_are_shown_are_in_their_fonts(
    book: Path, site: str, browser: Browser, name: str
) -> None:
    fonts = book / "_static" / "vendor" / "fontawesome" / "webfonts"
    solid, brands = (
        set(TTFont(fonts / f"{name}.woff2").getBestCmap())
        for name in ("fa-solid-900", "fa-brands-400")
    )
    with opened(browser, site + name) as shown:
        found = shown.page.evaluate(
            """[...document.querySelectorAll("[class*='fa-']")].map((icon) => {
              const style = getComputedStyle(icon, '::before');
              return [style.fontFamily.includes('brands'), style.content.replaceAll('"', '')];
            })"""
        )
    assert len(found) > 3
    assert [icon for brand, icon in found if ord(icon) not in (brands if brand else solid)] == []


def test_every_picture_is_described_in_words(book: Path, pages: dict[Path, Html]) -> None:
    undescribed = [
        (page.name, source)
        for page, html in pages.items()
        for source, alt in html.alts.items()
        if "_images/" in source and (not alt or FILE_NAME.search(alt))
    ]
    assert undescribed == []


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_pages_run_clean_and_fit_the_screen(
    book: Path, site: str, browser: Browser, width: int, dark: bool
) -> None:
    problems: dict[str, list[str]] = {}
    for path in page_files(book):
        name = path.relative_to(book).as_posix()
        with opened(browser, site + name, width=width, dark=dark) as shown:
            page = shown.page
            assert page.locator("html").get_attribute("data-theme") == ("dark" if dark else "light")
            widest = page.evaluate("document.documentElement.scrollWidth")
            if widest > width:
                shown.problems.append(f"scrolls sideways: {widest} px")
            if shown.problems:
                problems[name] = shown.problems
    assert problems == {}


@pytest.mark.browser
def test_formulas_are_set_without_a_script(site: str, browser: Browser) -> None:
    with opened(browser, site + "chapters/memorization.html") as shown:
        assert shown.page.locator(".katex").first.bounding_box()["height"] > 0
        fonts = "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)"
        assert {"KaTeX_Main", "KaTeX_Math"} <= set(shown.page.evaluate(fonts))
        scripts = "[...document.scripts].map(s => s.src).filter(s => s.includes('tex'))"
        assert shown.page.evaluate(scripts) == []
        assert shown.problems == []


@pytest.mark.browser
def test_search_finds_a_page(site: str, browser: Browser) -> None:
    with opened(browser, site + "search.html?q=Kadkhodaie") as shown:
        results = shown.page.locator("#search-results li a")
        results.first.wait_for()
        assert any("index.html" in link.get_attribute("href") for link in results.all())
        assert shown.problems == []


@pytest.mark.browser
def test_slides_move_by_keyboard(site: str, browser: Browser) -> None:
    with opened(browser, site + "course/slides/meeting-1.html") as shown:
        top = "Math.round(document.querySelector('#slide-{}').getBoundingClientRect().top)"
        for key, slide in [("ArrowRight", 2), (" ", 3), ("PageUp", 2), ("Home", 1)]:
            shown.page.keyboard.press(key)
            shown.page.wait_for_function(f"{top.format(slide)} === 0")
        assert shown.page.locator(".katex").count() > 0
        assert shown.problems == []
