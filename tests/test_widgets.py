"""Widgets move on the static page, with no kernel, and show what the notebook computed."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser

from denoise_lib import zoo
from denoise_lib.chapters import book_path, read_notebook
from denoise_lib.images import load
from denoise_lib.measures.similarity import nearest
from denoise_lib.plan import plans
from denoise_lib.sampling import sample
from denoise_lib.widgets.set_size import COLUMNS, panel
from tests.browser import move_slider, opened, visible_images

EXPLORER = ".set-size-explorer"
N_SLIDER = f"{EXPLORER} .widget-hslider:nth-child(1)"
NOISE_SLIDER = f"{EXPLORER} .widget-hslider:nth-child(2)"


@pytest.fixture(scope="module")
def networks():
    """The networks that the committed chapter ran with, by N."""
    ran = read_notebook(book_path("memorization"))["metadata"]["denoise_book"]
    named = plans(ran["parameters"]["networks"])
    return {plan.n_images: plan for plan in named if plan.hash in ran["networks"]}


def check(levels, plan, draw):
    """Compare the picture of one setting with the network itself and its training images."""
    network = zoo.get_denoiser(plan, allow_training=False, device="cpu")
    seeds = range(draw * COLUMNS, (draw + 1) * COLUMNS)
    samples = sample(network, plan.image_size, seeds).images
    training = load(plan.image_class, plan.image_size, plan.subset, plan.n_images)
    expected = panel(samples, training[nearest(samples, training)[1]])
    assert levels.shape == expected.shape
    # another processor rounds differently: the same picture, to less than a grey level
    above = slice(plan.image_size)
    assert np.abs(levels[above].astype(int) - expected[above]).mean() < 1
    for i in range(COLUMNS):
        left = i * (plan.image_size + 2)
        shown = levels[plan.image_size + 2 :, left : left + plan.image_size]
        shown = torch.from_numpy(shown / np.float32(255))[None, None]
        assert (training == shown).flatten(1).all(dim=1).any()  # it is a training image
        (to_shown,), _ = nearest(samples[i : i + 1], shown)
        (to_best,), _ = nearest(samples[i : i + 1], training)
        assert to_shown > to_best - 1e-3  # and the nearest, but for a tie


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1400])
def test_set_size_explorer_shows_the_picture_of_each_setting(
    site: str, browser: Browser, networks, width
):
    sizes = list(networks)
    with opened(browser, f"{site}chapters/memorization.html", width=width) as shown:
        page = shown.page
        page.wait_for_selector(f"{EXPLORER} img.widget-image")
        at, draw = 0, 0
        for i, wanted_draw in ((0, 0), (1, 0), (len(sizes) - 1, 2), (2, 1)):
            move_slider(page, N_SLIDER, i - at)
            move_slider(page, NOISE_SLIDER, wanted_draw - draw)
            at, draw = i, wanted_draw
            (picture,) = visible_images(page, EXPLORER)
            levels = np.asarray(Image.open(io.BytesIO(picture)))
            check(levels, networks[sizes[i]], wanted_draw)
            assert f"N = {sizes[i]:,}:" in page.locator(EXPLORER).inner_text()
        assert not shown.problems
