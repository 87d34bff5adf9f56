"""The explorers of chapters 1 to 4 show, for every setting, what was computed for it."""

import base64
import io
import itertools
import re

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from denoise_lib.errors import ParameterError
from denoise_lib.measures.bias_variance import error_products
from denoise_lib.measures.psnr import add_noise, squared_errors
from denoise_lib.measures.walks import Walk, distances
from denoise_lib.optimal.mixtures import GaussianMixture
from denoise_lib.widgets.bias_variance_explorer import PARTS, error_parts, part_views
from denoise_lib.widgets.explorer import explorer, gallery, still
from denoise_lib.widgets.noise_explorer import noise_views
from denoise_lib.widgets.score_playground import score_chart, score_views
from denoise_lib.widgets.set_size import set_size_explorer
from denoise_lib.widgets.trajectory_player import trajectory_player
from denoise_lib.widgets.two_sliders import two_sliders


@pytest.fixture(autouse=True)
def links_act_here(monkeypatch):
    """Let links act in Python, as they do in the page."""
    monkeypatch.setattr(ipywidgets, "jslink", traitlets.link)


def visible(widget):
    """The HTML that a reader sees of a widget."""
    while not isinstance(widget, ipywidgets.HTML):
        at = widget.selected_index if isinstance(widget, ipywidgets.Stack) else -1
        widget = widget.children[at]
    return widget.value


def pictures(view):
    """The pictures of a view: grey levels by alternative text."""
    found = re.findall(r'alt="([^"]*)" src="data:image/png;base64,([^"]*)"', view)
    return {alt: np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for alt, data in found}


def grey(image):
    return (image[0].clamp(0, 1) * 255).round().byte().numpy()


@pytest.fixture
def images():
    return torch.rand(2, 1, 6, 5, generator=torch.Generator().manual_seed(0))


def test_every_setting_of_the_sliders_shows_its_view():
    choices = {"one": "abc", "two": "de", "three": "fg"}
    views = {at: f"view {at}" for at in itertools.product(range(3), range(2), range(2))}
    box = explorer("named", choices, views)
    for at in [(2, 1, 0), (0, 0, 1), *views]:
        for slider, index in zip(box.children, at, strict=False):
            slider.index = index
        assert visible(box) == f"view {at}"
    assert [slider.description for slider in box.children[:3]] == list(choices)


def test_a_setting_without_a_view_is_refused():
    with pytest.raises(ParameterError, match="every setting"):
        explorer("named", {"one": "ab"}, {(0,): "view"})


def images_in(widget):
    """All images of a widget, shown or not, in order."""
    if isinstance(widget, ipywidgets.Image):
        return [widget]
    return [image for child in getattr(widget, "children", ()) for image in images_in(child)]


def pressed(box):
    """The button for other noise, pressed; and what is said beside it."""
    (row,) = (child for child in box.children if "asks-kernel" in child._dom_classes)
    _, button, said = row.children
    button.click()
    return said


def test_with_a_kernel_other_noise_is_asked_for_and_stays_while_sliders_move():
    views = {at: f"page {at}" for at in itertools.product(range(2), range(2))}
    asked = []

    def ask(at, seed):
        asked.append((at, seed))
        return (f"asked {at} {seed}",)

    box = explorer("named", {"one": "ab", "two": "cd"}, views, ask)
    first, second = box.children[:2]
    second.index = 1
    assert visible(box) == "page (0, 1)" and not asked
    said = pressed(box)
    assert visible(box) == "asked (0, 1) 1" and said.value == "noise number 1"
    first.index = 1
    assert visible(box) == "asked (1, 1) 1"
    first.index = 0  # it is not asked again
    assert visible(box) == "asked (0, 1) 1" and asked == [((0, 1), 1), ((1, 1), 1)]
    pressed(box)
    assert visible(box) == "asked (0, 1) 2"


@pytest.mark.parametrize("kind", ["set size", "two sliders"])
def test_pictures_that_were_asked_for_take_the_place_of_the_pages(kind):
    old, new = np.zeros((2, 3), np.uint8), np.full((2, 3), 9, np.uint8)
    if kind == "set size":
        box = set_size_explorer({1: [old, old]}, {1: "said"}, lambda at, seed: (new,))
    else:
        page, words = {"a": [old, old]}, {"a": ["said", "said"]}
        box = two_sliders(
            page, words, names=("x", "y"), levels="12", ask=lambda at, seed: (new, "asked")
        )
    box.children[1].index = 1
    pressed(box)
    shown = [np.asarray(Image.open(io.BytesIO(image.value))).max() for image in images_in(box)]
    assert shown == [0, 9]
    assert visible(box) == ("said" if kind == "set size" else "asked")


def test_failure_of_what_was_asked_is_said():
    def ask(at, seed):
        raise OSError("no network")

    box = explorer("named", {"one": "a"}, {(0,): "page"}, ask)
    assert pressed(box).value == "OSError: no network" and visible(box) == "page"


def test_names_and_notes_stand_below_pictures_and_are_escaped():
    view = gallery({"a < b": np.zeros((2, 3), np.uint8)}, {"a < b": '5 "dB"'}, 4)
    assert "<figcaption>a &lt; b<br>5 &quot;dB&quot;</figcaption>" in view
    assert pictures(view)["a &lt; b"].shape == (2, 3)


def test_without_javascript_one_view_remains():
    assert still("<p>seen</p>").data == (
        '<noscript><div class="explorer"><p>seen</p></div></noscript>'
    )


def test_noise_explorer_shows_what_denoisers_return_and_how_good_it_is(images):
    rivals = {"half": lambda y, sigma: y / 2, "told": lambda y, sigma: y - sigma}
    sigmas = (0.1, 0.4)
    views = noise_views(images, sigmas, rivals, seed=3)
    assert len(views) == len(images) * len(sigmas)
    for (i, level), view in views.items():
        sigma = sigmas[level]
        noisy = add_noise(images, sigma, 3)
        expected = {"clean": images[i], "noisy": noisy[i]}
        expected |= {name: f(noisy, sigma)[i] for name, f in rivals.items()}
        shown = pictures(view)
        assert list(shown) == list(expected)
        for name, image in expected.items():
            assert (shown[name] == grey(image)).all()
        for name, f in {"noisy": lambda y, sigma: y, **rivals}.items():
            mse = squared_errors(f, images, [sigma], seed=3)[0, i]
            assert f"{name}<br>{-10 * np.log10(mse):.1f} dB" in view


def walks():
    random = torch.Generator().manual_seed(0)
    levels = np.array([2.0, 0.5, 0.1])
    done = torch.zeros(3, dtype=torch.bool)

    def one():
        seen = torch.rand(3, 3, 1, 4, 4, generator=random)
        return Walk(levels, seen, seen[-1], done)

    return {n: [one(), one()] for n in (10, 1000)}


def test_trajectory_player_shows_both_walks_at_every_level():
    paths, steps, samples = walks(), (0, 1, 2), (0, 2)
    box = trajectory_player(paths, steps, samples)
    choose_n, choose_step, play, *_ = box.children
    for k, (n, pair) in enumerate(paths.items()):
        choose_n.index = k
        for step in steps:
            play.value = step
            assert choose_step.index == step
            shown = pictures(visible(box))
            for name, path in zip("AB", pair, strict=True):
                strip = shown[f"{name}&#x27;s network"]
                for column, sample in enumerate(samples):
                    left = column * 6
                    assert (strip[:, left : left + 4] == grey(path.denoised[step, sample])).all()
            apart = np.median(distances(*pair)[step, list(samples)])
            words = f"N = {n:,}, sigma = {pair[0].levels[step]:.2g}: "
            assert words in visible(box) and f"{apart:.2f}." in visible(box)


def test_scrubbing_moves_the_player_too():
    box = trajectory_player(walks(), (0, 2), (1,))
    box.children[1].index = 1
    assert box.children[2].value == 1 and not box.children[2].playing


@pytest.fixture
def products(images):
    """Two denoisers that share an offset of 0.3 from the best, and differ by 0.2."""
    wide = images.expand(2, 1, 6, 5).repeat(50, 1, 1, 1)
    rivals = {
        ("network", "A", 10): lambda y, sigma: 0.5 * y + 0.4,
        ("network", "B", 10): lambda y, sigma: 0.5 * y + 0.2,
        "best": lambda y, sigma: 0.5 * y,
    }
    return error_products(rivals, wide, [0.1, 1.0])


def test_parts_of_an_error_are_those_put_in(products):
    parts = error_parts(products, 10)
    assert parts["variance"] == pytest.approx(0.2**2 / 2)
    assert parts["bias²"] == pytest.approx(0.4 * 0.2)
    assert parts["unavoidable"] == pytest.approx(products.squared_error("best").mean(axis=1))
    both = [products.squared_error(("network", s, 10)).mean(axis=1) for s in "AB"]
    assert parts["error"] == pytest.approx(np.mean(both, axis=0))


def test_bars_are_in_proportion_and_numbers_are_shares_of_the_noise(products):
    views, parts = part_views(products, [10], [0.1, 1.0]), error_parts(products, 10)
    for level, sigma in enumerate((0.1, 1.0)):
        widths = [float(w) for w in re.findall(r"width: ([\d.]+)%", views[0, level])]
        whole = sum(parts[name][level] for name in PARTS)
        assert widths == pytest.approx(
            [100 * parts[name][level] / whole for name in PARTS], abs=0.006
        )
        for name in (*PARTS, "error"):
            share = parts[name][level] / sigma**2
            assert (f"{share:.2%}" if share < 10 else f"{share:,.0f}×") in views[0, level]


@pytest.fixture
def law():
    widths = torch.full((2, 1, 1), 0.01)
    return GaussianMixture(torch.tensor([0.5, 0.5]), torch.tensor([[-1.0], [1.0]]), widths)


def test_curves_of_the_playground_are_density_score_and_estimate(law):
    figure = score_chart(law, 0.5)
    density, score, estimate = (ax.lines[-1].get_xydata().T for ax in figure.axes)
    y = torch.from_numpy(density[0].copy())[:, None]
    assert density[1] == pytest.approx(law.log_density(y, 0.5).exp().numpy())
    assert score[1] == pytest.approx(np.gradient(np.log(density[1]), density[0]), abs=0.05)
    assert estimate[1] == pytest.approx(law(y, 0.5).flatten().numpy())
    plt.close(figure)


def test_playground_counts_the_tops_and_draws_every_level(law):
    views = score_views(law, (0.2, 2.0))
    assert "the density has 2 tops." in views[0,] and "the density has 1 top." in views[1,]
    drawn = [re.search(r"svg\+xml;base64,([^\"]+)", view)[1] for view in views.values()]
    assert all(b"<svg" in base64.b64decode(each) for each in drawn) and len(set(drawn)) == 2
    assert not plt.get_fignums()
