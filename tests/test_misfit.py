"""The charts of chapter 8 show what they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from denoise_lib import misfit_charts

SIGMAS = [0.05, 0.1, 0.2]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_errors_are_drawn_as_dimensions_of_noise():
    e = np.array(SIGMAS)[:, None] ** 2 * np.array([4.0, 6.0]) / 100
    figure = misfit_charts.error_panels(SIGMAS, {"discs": {"best": e}, "ray": {"best": e / 5}}, 100)
    drawn = [ax.lines[0].get_ydata() for ax in figure.axes]
    assert drawn[0] == pytest.approx([5, 5, 5]) and drawn[1] == pytest.approx([1, 1, 1])
    assert [ax.get_title() for ax in figure.axes] == ["discs", "ray"]


def test_vectors_keep_their_titles_and_zero_is_the_middle_of_the_scale():
    vectors = np.array([[[0.0, 2.0]], [[-3.0, 1.0]]])
    figure = misfit_charts.vector_rows({"one": (vectors, ["a", "b"])})
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"]
    assert [ax.images[0].get_clim() for ax in figure.axes] == [(-2, 2), (-3, 3)]


def test_spectra_and_cosines_are_means_over_images():
    values = {0.1: np.array([[1.0, 0.5], [0.8, 0.1]])}
    angles = {"here": np.array([[1.0] * 5, [0.5] * 5])}
    left, right = misfit_charts.spectrum_panels(values, angles).axes
    assert left.lines[0].get_ydata() == pytest.approx([0.9, 0.3])
    assert right.containers[0].lines[0].get_ydata() == pytest.approx([0.75] * 5)


def test_twins_are_drawn_in_decibels_beside_their_learning_curves():
    errors = {name: np.full((3, 2), level) for name, level in (("plain", 0.01), ("linear", 0.1))}
    curve = np.array([10.0, 20.0]), np.array([15.0, 18.0])
    left, right = misfit_charts.twin_panels(SIGMAS, errors, {"plain": curve}).axes
    assert left.lines[1].get_ydata() == pytest.approx([20] * 3)
    assert left.lines[2].get_ydata() == pytest.approx([10] * 3)
    assert len(right.lines) == 1 and right.lines[0].get_ydata() == pytest.approx([15, 18])
