"""Every page passes axe-core, by day and by night, and says what it is about."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Page

from denoise_lib import page_mends
from denoise_lib.assets import tool_path
from tests.browser import opened
from tests.conftest import ROOT
from tests.test_book import page_files

AXE = """async (rules) => (
  await axe.run(document, {resultTypes: ['violations'], ...rules})
).violations.map(
  (found) => `${found.id}: ${found.nodes.map((node) => node.html.slice(0, 200)).slice(0, 3)}`)"""
FINISHED = "document.getAnimations().every((each) => each.playState === 'finished')"


COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # all that a theme changes


def violations(page: Page, rules: dict[str, list[str]]) -> list[str]:
    """Run axe-core on a page that is open; the page must not have loaded it itself."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(tool_path(ROOT, "axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate(AXE, rules)


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_axe_finds_no_fault_on_any_page(book: Path, site: str, browser: Browser) -> None:
    faults: dict[str, list[str]] = {}
    for path in page_files(book):
        name = path.relative_to(book).as_posix()
        with opened(browser, site + name) as shown:
            for theme, rules in (("light", {}), ("dark", COLOURS)):
                # the theme follows the reader's system; one load serves for both
                shown.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                shown.page.locator(f"html[data-theme={theme}]").wait_for(state="attached")
                shown.page.wait_for_function(FINISHED)
                if found := violations(shown.page, rules):
                    faults[f"{name} {theme}"] = found
    assert faults == {}


@pytest.mark.browser
def test_axe_sees_a_fault_that_is_put_there(site: str, browser: Browser) -> None:
    with opened(browser, site + "notation.html") as shown:
        shown.page.evaluate("document.querySelector('article').append(new Image())")
        assert any(found.startswith("image-alt") for found in violations(shown.page, {}))


@pytest.mark.browser
def test_pages_describe_themselves_for_search_and_previews(
    book: Path, site: str, browser: Browser
) -> None:
    with opened(browser, site + "index.html") as shown:
        for mark in ("[name=description]", "[property='og:title']", "[property='og:image']"):
            assert shown.page.locator(f"meta{mark}").get_attribute("content")
        picture = shown.page.locator("meta[property='og:image']").get_attribute("content")
        assert (book / picture).is_file()


def test_preview_has_its_whole_address_where_the_book_is_published(monkeypatch) -> None:
    app = SimpleNamespace(config=SimpleNamespace(html_title="A book", project="book"))
    monkeypatch.setenv("DENOISE_BOOK_URL", "https://example.org/book")
    context: dict[str, str] = {"title": "A page"}
    page_mends.head(app, "page", "", context, None)  # type: ignore[arg-type]  # all it reads
    assert 'content="https://example.org/book/_static/social.png"' in context["metatags"]


@pytest.mark.browser
def test_reduced_motion_stops_transitions(site: str, browser: Browser) -> None:
    with opened(browser, site + "index.html") as shown:
        shown.page.emulate_media(reduced_motion="reduce")
        longest = shown.page.evaluate(
            """Math.max(...[...document.querySelectorAll('*')].map(
              (each) => parseFloat(getComputedStyle(each).transitionDuration)))"""
        )
        assert longest <= 0.001


@pytest.mark.browser
def test_sliders_and_pictures_have_names(site: str, browser: Browser) -> None:
    with opened(browser, site + "chapters/memorization.html") as shown:
        slider = shown.page.locator(".set-size-explorer [role=slider]").first
        shown.page.wait_for_selector(".set-size-explorer [role=slider][aria-label='Set size N']")
        pictures = ".set-size-explorer img.widget-image"
        shown.page.wait_for_selector(f"{pictures}[alt]:not([alt=''])")
        before = slider.get_attribute("aria-valuetext")
        slider.focus()
        shown.page.keyboard.press("ArrowRight")
        shown.page.wait_for_function(
            f"document.querySelector('.set-size-explorer [role=slider]')"
            f".getAttribute('aria-valuetext') !== '{before}'"
        )
