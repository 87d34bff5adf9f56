"""Slopes of PSNR curves, and the widget that shows the images behind them."""

from __future__ import annotations

import ipywidgets
import numpy as np
import pytest
from playwright.sync_api import Browser

from denoise_lib.errors import ParameterError
from denoise_lib.figures import png
from denoise_lib.measures.psnr import input_psnr, psnr_slope
from denoise_lib.measures.regularity import ideal_slope, local_slopes, plateau
from denoise_lib.widgets.two_sliders import two_sliders
from tests.browser import move_slider, opened, visible_images

SIGMAS = [0.01, 0.0178, 0.0316, 0.0562, 0.1, 0.1778, 0.3162, 0.5623, 1.0]


def errors(slopes: list[float]) -> np.ndarray:
    """Errors of three images whose curve has these slopes between neighbouring levels."""
    steps = np.diff(input_psnr(np.array(SIGMAS)))
    out = np.concatenate([[40.0], 40 + np.cumsum(np.array(slopes) * steps)])
    return 10 ** (-out / 10)[:, None] * np.array([0.5, 1.0, 1.5])


def test_a_power_law_has_its_exponent_everywhere():
    e = np.array(SIGMAS)[:, None] ** (2 * ideal_slope(2)) * np.ones((1, 3))
    where, slopes = local_slopes(SIGMAS, e)
    assert slopes == pytest.approx(np.full(8, 2 / 3))
    assert np.all(np.diff(where) < 0) and where[0] < 40
    assert psnr_slope(SIGMAS, e, 0.01, 1.0) == pytest.approx(2 / 3)


def test_the_range_taken_is_the_level_one():
    e = errors([0.9, 0.8, 0.6, 0.61, 0.6, 0.5, 0.3, 0.1])
    assert plateau(SIGMAS, e, 15) == (0.0316, 0.1778)
    assert psnr_slope(SIGMAS, e, 0.0316, 0.1778) == pytest.approx(0.6, abs=0.01)


def test_of_ranges_as_good_the_weakest_noise_is_taken_and_too_few_levels_are_refused():
    e = errors([0.5] * 8)
    assert plateau(SIGMAS, np.round(e, 12), 15)[0] in SIGMAS[:6]
    with pytest.raises(ParameterError, match="span less than 50 dB"):
        plateau(SIGMAS, e, 50)


def test_two_sliders_lead_to_the_picture_and_the_sentence_of_their_setting():
    pictures = {
        a: [np.full((3, 4), 10 * i + j, np.uint8) for j in range(3)] for i, a in enumerate("xy")
    }
    captions = {a: [f"{a}{j}" for j in range(3)] for a in "xy"}
    box = two_sliders(pictures, captions, names=("which", "how much"), levels=["l", "m", "h"])
    first, second, _, stack = box.children
    assert (first.description, second.description) == ("which", "how much")
    assert len(first.options) == 2 and len(second.options) == 3
    for i, page in enumerate(stack.children):
        for j, frame in enumerate(page.children):
            image, text = frame.children
            assert isinstance(image, ipywidgets.Image)
            assert image.value == png(pictures["xy"[i]][j])
            assert text.value == f"{'xy'[i]}{j}"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("chapter", "place", "width"),
    [
        ("regularity", 0, 360),
        ("harmonic_bases", 0, 360),
        ("harmonic_bases", 1, 1400),
        ("shrinkage", 0, 360),
        ("shrinkage", 0, 1400),
    ],
)
def test_two_sliders_move_on_the_static_page(
    site: str, browser: Browser, chapter: str, place: int, width: int
):
    with opened(browser, f"{site}chapters/{chapter}.html", width=width) as shown:
        page = shown.page
        page.wait_for_selector(".two-sliders img.widget-image")
        page.evaluate(  # a page may have several
            "[...document.querySelectorAll('.two-sliders')]"
            ".forEach((box, i) => box.classList.add(`place-${i}`))"
        )
        box = f".place-{place}"
        seen = [visible_images(page, box)]
        for slider in (1, 2):
            move_slider(page, f"{box} > .widget-hslider:nth-child({slider})", 1)
            seen.append(visible_images(page, box))
        assert [len(images) for images in seen] == [1, 1, 1]
        assert len({images[0] for images in seen}) == 3
        assert not shown.problems


@pytest.mark.browser
def test_the_explorer_of_slopes_marks_the_place_on_the_curve(site: str, browser: Browser):
    with opened(browser, f"{site}chapters/regularity.html") as shown:
        page = shown.page
        page.wait_for_selector(".two-sliders svg")
        rings = page.locator(".two-sliders svg:visible circle")
        sigmas = rings.count()
        for i in range(2):
            filled = [rings.nth(j).get_attribute("fill") != "none" for j in range(sigmas)]
            assert filled == [j == i for j in range(sigmas)]
            move_slider(page, ".two-sliders > .widget-hslider:nth-child(2)", 1)
        assert not shown.problems


@pytest.mark.browser
@pytest.mark.parametrize("chapter", ["regularity", "harmonic_bases"])
def test_quick_questions_answer_without_a_kernel(site: str, browser: Browser, chapter: str):
    with opened(browser, f"{site}chapters/{chapter}.html", width=360) as shown:
        answers = shown.page.locator("#two-quick-questions details")
        assert answers.count() >= 4
        for answer in answers.all():
            said = answer.locator("p")
            assert not said.is_visible()
            answer.locator("summary").press("Enter")
            assert said.is_visible()
        assert not shown.problems
