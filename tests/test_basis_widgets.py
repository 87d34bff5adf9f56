"""What the explorers of chapters 6 and 7 show for a setting, and the charts beside them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from denoise_lib import basis_charts, regularity_charts
from denoise_lib.errors import ParameterError
from denoise_lib.measures.psnr import psnr
from denoise_lib.widgets.eigenvectors import beside
from denoise_lib.widgets.small_curve import HEIGHT, WIDTH, curve_svg

NAMES = ("in (dB)", "out (dB)")


def drawn(at):
    svg = curve_svg([0, 10, 20], [0.0, 8.0, 12.0], at, names=NAMES, text='5 > 3 & "so on"')
    return ElementTree.fromstring(svg)


def test_one_point_of_a_curve_is_filled_and_all_lie_inside():
    circles = [drawn(1).findall("circle")[i].attrib for i in range(3)]
    assert [c["fill"] for c in circles] == ["none", "currentColor", "none"]
    across, up = ([float(c[k]) for c in circles] for k in ("cx", "cy"))
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.1)
    assert (up[0] - up[1]) / (up[0] - up[2]) == pytest.approx(8 / 12, abs=0.01)  # larger is higher
    assert 0 < min(across) < max(across) < WIDTH and 0 < min(up) < max(up) < HEIGHT


def test_a_curve_is_described_in_words_and_has_no_colour_of_its_own():
    svg = drawn(0)
    assert svg.attrib["aria-label"] == '5 > 3 & "so on"' and svg.attrib["role"] == "img"
    assert [text.text for text in svg.findall("text")] == list(NAMES)
    assert not re.search("#[0-9a-f]{3}", ElementTree.tostring(svg, "unicode"))


def test_a_level_curve_is_drawn_and_a_missing_point_refused():
    assert "nan" not in curve_svg([0, 1], [3, 3], 0, names=NAMES, text="level")
    with pytest.raises(ParameterError, match="at"):
        curve_svg([0, 1], [3, 4], 2, names=NAMES, text="")


def test_a_vector_stands_beside_its_image_with_grey_for_zero():
    image = np.array([[0.0, 1.0], [2.0, -1.0]])
    levels = beside(image, np.array([0.0, -0.2, 0.1, 0.2]))
    assert levels.tolist() == [[0, 255, 128, 128, 128, 0], [255, 0, 128, 128, 191, 255]]
    with pytest.raises(ParameterError, match="vector"):
        beside(image, np.ones(3))


def test_coefficients_are_drawn_with_their_sizes():
    values, found = {"a": np.array([1.2, 0.5])}, {"a": np.array([-3.0, 0.0])}
    _, right = basis_charts.coefficient_panels(values, found, 0.15).axes
    assert right.lines[0].get_ydata().tolist() == [3.0, 1e-4]


def test_frequencies_are_averaged_over_images_and_five_vectors():
    rows = np.tile(np.arange(12.0), (3, 1)) + np.array([[-1], [0], [1]])
    (line,) = basis_charts.frequency_axes({"a": rows}).axes[0].lines
    assert line.get_xdata().tolist() == [3, 8]
    assert line.get_ydata() == pytest.approx([2, 7])


def test_rivals_are_drawn_in_decibels_above_the_network():
    sigmas, errors = [0.1, 1.0], {2.0: np.array([[0.001], [0.1]])}
    rival = {2.0: np.array([[0.01], [0.05]])}
    (ax,) = regularity_charts.below_panels(sigmas, errors, {"waves": rival}).axes
    assert ax.lines[1].get_ydata() == pytest.approx([-10, float(psnr(0.5))])
