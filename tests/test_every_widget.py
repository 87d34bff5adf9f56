"""Every widget of every chapter moves on the static page and shows what the notebook made."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from denoise_lib.chapters import book_path, chapters, read_notebook
from denoise_lib.normalise import WIDGET_STATE
from tests.browser import SETTLE_MS, TO_FIRST_WIDGET, opened

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
LESSONS = [chapter for chapter in chapters() if chapter != "recipe"]  # it has nothing to move

# What a reader sees of a widget now: the files of its pictures, and its sentences.
SEEN = """async (root) => {
  const visible = (selector) =>
    [...root.querySelectorAll(selector)].filter((each) => each.offsetParent !== null);
  const files = await Promise.all(visible('img.widget-image').map(async (image) => {
    const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ''));
  }));
  return [files, visible('.widget-html-content').map((each) => each.innerHTML)];
}"""
# HTML as the browser writes it, so that it can be compared.
REWRITTEN = """(texts) => texts.map((text) => {
  const element = document.createElement('div');
  element.innerHTML = text;
  return element.innerHTML;
})"""


class Widgets:
    """The widgets that an executed chapter keeps, and what each should show."""

    def __init__(self, chapter: str) -> None:
        notebook = read_notebook(book_path(chapter))
        self.models = notebook["metadata"]["widgets"][WIDGET_STATE]["state"]
        outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
        data = [output.get("data", {}) for output in outputs]
        self.roots = [each[WIDGET_VIEW]["model_id"] for each in data if WIDGET_VIEW in each]
        links = [m["state"] for m in self.models.values() if m["model_name"] == "LinkModel"]
        self.driver = {link["target"][0]: link["source"][0] for link in links}

    def state(self, model: str) -> dict[str, Any]:
        return self.models[model.removeprefix("IPY_MODEL_")]["state"]

    def name(self, model: str) -> str:
        return self.models[model.removeprefix("IPY_MODEL_")]["model_name"]

    def sliders(self, root: str) -> list[str]:
        children = self.state(root)["children"]
        return [child for child in children if self.name(child) == "SelectionSliderModel"]

    def leaves(self, model: str, at: dict[str, int]) -> Iterator[str]:
        """Yield the pictures and sentences that a setting of the sliders shows."""
        if "asks-kernel" in self.state(model).get("_dom_classes", []):
            return  # the page does not show it
        children = self.state(model).get("children", [])
        if self.name(model) == "StackModel":
            driver = self.driver[f"IPY_MODEL_{model.removeprefix('IPY_MODEL_')}"]
            children = [children[at[driver]]]
        elif not children:
            yield model
        for child in children:
            yield from self.leaves(child, at)

    def shown(self, root: str, at: dict[str, int]) -> tuple[list[str], list[str]]:
        """Return the files of the pictures, in base64, and the sentences of a setting."""
        leaves = list(self.leaves(root, at))
        files = [
            buffer["data"].strip()
            for leaf in leaves if self.name(leaf) == "ImageModel"
            for buffer in self.models[leaf.removeprefix("IPY_MODEL_")]["buffers"]
        ]  # fmt: skip
        return files, [self.state(x)["value"] for x in leaves if self.name(x) == "HTMLModel"]


def settings(counts: list[int]) -> list[tuple[int, ...]]:
    """Return settings that take each slider to its end, and one in the middle."""
    first = (0,) * len(counts)
    ends = [(*first[:i], counts[i] - 1, *first[i + 1 :]) for i in range(len(counts))]
    return list(dict.fromkeys([first, *ends, tuple(count // 2 for count in counts)]))


def move(page: Page, root: Locator, slider: int, steps: int) -> None:
    root.locator(".noUi-handle").nth(slider).focus()
    for _ in range(abs(steps)):
        page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")


@pytest.mark.browser
@pytest.mark.parametrize("chapter", LESSONS)
def test_every_setting_tried_shows_what_the_notebook_made(
    site: str, browser: Browser, chapter: str
):
    widgets = Widgets(chapter)
    assert widgets.roots
    with opened(browser, f"{site}chapters/{chapter}.html", width=360) as shown:
        page = shown.page
        for i, root in enumerate(widgets.roots):
            kind = widgets.state(root)["_dom_classes"][-1]
            alike = [r for r in widgets.roots if kind == widgets.state(r)["_dom_classes"][-1]]
            place = page.locator(f".widget-vbox.{kind}").nth(alike.index(root))
            place.locator(".noUi-handle").first.wait_for()
            sliders = widgets.sliders(root)
            counts = [len(widgets.state(slider)["_options_labels"]) for slider in sliders]
            now, pictures = (0,) * len(counts), set()
            for wanted in settings(counts):
                for k, (start, end) in enumerate(zip(now, wanted, strict=True)):
                    move(page, place, k, end - start)
                now = wanted
                page.wait_for_timeout(SETTLE_MS)
                files, sentences = widgets.shown(root, dict(zip(sliders, wanted, strict=True)))
                expected = [files, page.evaluate(REWRITTEN, sentences)]
                assert place.evaluate(SEEN) == expected, (i, wanted)
                pictures.add(str(expected))
            assert len(pictures) > 1  # it moved
        assert not shown.problems


@pytest.mark.browser
def test_widgets_come_when_one_is_near_and_for_print(site: str, browser: Browser):
    for event in ("scroll", "print"):
        with opened(browser, f"{site}chapters/memorization.html", scroll=False) as shown:
            page, asked = shown.page, []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            assert not page.locator(".noUi-handle").count()
            if event == "scroll":
                page.evaluate(TO_FIRST_WIDGET)
            else:
                page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            page.locator(".noUi-handle").first.wait_for(state="attached")
            for name in ("memorization.widgets.js", "embed-amd.js"):
                assert [url for url in asked if url.endswith(name)]
            assert not shown.problems


@pytest.mark.browser
def test_a_reader_without_a_mouse_gets_to_the_sliders_and_on(site: str, browser: Browser):
    with opened(browser, f"{site}chapters/memorization.html", scroll=False) as shown:
        page, readings = shown.page, []
        page.locator(".bd-article h1").click()  # from the text on; the contents come before it
        page.keyboard.press("Tab")
        page.locator(".noUi-handle").nth(3).wait_for(state="attached")
        for _ in range(200):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.noUi-handle')"):
                reading = page.locator(".widget-readout").nth(len(readings))
                before = reading.inner_text()
                page.keyboard.press("ArrowRight")
                page.wait_for_timeout(SETTLE_MS)
                readings.append(reading.inner_text() != before)
            if len(readings) == 4 and page.evaluate("document.activeElement.matches('summary')"):
                break
        # both explorers' sliders, each moved; and the folded answers after them can be reached
        assert readings == [True] * 4
        assert page.evaluate("document.activeElement.matches('summary')")
        assert not shown.problems


@pytest.mark.browser
def test_the_player_plays(site: str, browser: Browser):
    with opened(browser, f"{site}chapters/convergence.html") as shown:
        player = shown.page.locator(".trajectory-player")
        sigma = player.locator(".widget-readout").nth(1)
        start = sigma.inner_text()
        player.get_by_role("button", name="Play or pause").click()
        shown.page.wait_for_function(
            "([element, start]) => element.innerText !== start", arg=[sigma.element_handle(), start]
        )
        assert not shown.problems


def test_files_of_pictures_are_compared_whole():
    widgets = Widgets("memorization")
    root = widgets.roots[-1]
    first = dict.fromkeys(widgets.sliders(root), 0)
    (file,), _ = widgets.shown(root, first)
    assert base64.b64decode(file).startswith(b"\x89PNG")
