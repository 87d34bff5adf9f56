"""Measures of "harmonic" and of "geometry-adaptive" where both answers are known."""

import numpy as np
import pytest
import scipy.stats
import torch

from denoise_lib.bases import Cosines, Fourier, Wavelets, random_rotation
from denoise_lib.errors import ParameterError
from denoise_lib.measures.adaptivity import (
    contour_energy,
    orientation_agreement,
    subspace_overlap,
    turned,
)
from denoise_lib.measures.harmonicity import (
    along,
    contour_frequencies,
    frequencies,
    growth,
    local_frequencies,
    main_contour,
    sign_changes,
)

SIZE, LEADING = 32, 24
CHANCE = LEADING / SIZE**2


def height(phase):
    """Return the height of a bent contour in each column."""
    return SIZE / 2 + 6 * np.sin(2 * np.pi * np.arange(SIZE) / SIZE + phase)


def picture(phase=0.0):
    rows = np.arange(SIZE)[:, None]
    return np.clip((height(phase) - rows) / 2 + 0.5, 0, 1)


def along_contour(phase=0.0, k=LEADING):
    """Return waves along the contour, orthonormal: harmonic and adapted to `picture` by making."""
    distance = np.arange(SIZE)[:, None] - height(phase)
    columns = (np.arange(SIZE) + 0.5) / SIZE
    waves = [np.exp(-((distance / 2) ** 2)) * np.cos(np.pi * i * columns) for i in range(k)]
    q, r = np.linalg.qr(np.stack([wave.ravel() for wave in waves], axis=1))
    return q * np.sign(np.diag(r))


def growth_of(vectors):
    return growth(frequencies(vectors))


FIXED = {
    "cosines": lambda: Cosines(SIZE).vectors()[:, :LEADING].numpy(),
    "fourier": lambda: Fourier(SIZE).vectors()[:, :LEADING].numpy(),
    "rotation": lambda: random_rotation(SIZE, 0).vectors()[:, :LEADING].numpy(),
    "octaves": lambda: random_rotation(SIZE, 0, within_octaves=True).vectors()[:, :LEADING].numpy(),
}


def test_frequencies_of_single_cosines_and_of_noise():
    cosines = Cosines(SIZE).vectors().numpy()
    found = frequencies(cosines)
    assert found[0] == pytest.approx(0, abs=1e-6)
    k = np.arange(SIZE)
    expected = np.sort(np.hypot(k[:, None], k[None, :]).ravel()) / (2 * SIZE)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert frequencies(FIXED["rotation"]()).mean() == pytest.approx(0.38, abs=0.01)


def test_growth_tells_ordered_bases_from_a_rotation():
    cosines, rotation = FIXED["cosines"](), random_rotation(SIZE, 0).vectors()[:, :200].numpy()
    assert growth_of(cosines) > 0.98
    assert growth_of(cosines[:, ::-1]) < -0.98
    assert growth_of(FIXED["octaves"]()) > 0.5
    assert growth_of(along_contour()) > 0.9
    assert abs(growth_of(rotation)) < 0.25


def test_waves_have_few_local_frequencies_and_noise_has_many():
    few = {name: local_frequencies(FIXED[name]()).mean() for name in ("cosines", "fourier")}
    few["contour"] = local_frequencies(along_contour()).mean()
    many = local_frequencies(FIXED["rotation"]()).mean()
    assert max(few.values()) < 0.6 * many, (few, many)
    # noise of the same octave is told from a wave where an octave is wide enough to hold both
    waves = Cosines(SIZE).vectors()[:, 220:760].numpy()
    noise = random_rotation(SIZE, 0, within_octaves=True).vectors()[:, 220:760].numpy()
    assert local_frequencies(waves).mean() < 0.7 * local_frequencies(noise).mean()
    impulse = np.zeros((SIZE**2, 1))
    impulse[500] = 1
    assert local_frequencies(impulse)[0] == pytest.approx(64)


def test_signs_change_along_the_contour_as_often_as_the_wave():
    contour = np.stack([height(0.0), np.arange(SIZE)], axis=1)
    changes = sign_changes(along_contour(), contour)
    assert scipy.stats.spearmanr(changes, np.arange(LEADING)).statistic > 0.95
    np.testing.assert_allclose(changes[:10], np.arange(10), atol=1)


def test_the_main_contour_is_where_the_picture_changes():
    contour = main_contour(picture())
    expected = np.interp(contour[:, 1], np.arange(SIZE), height(0.0))
    assert np.abs(contour[:, 0] - expected).max() < 1
    steps = np.hypot(*np.diff(contour, axis=0).T)
    assert steps.min() > 0.9 and steps.max() <= 1 + 1e-9


def test_frequencies_along_the_contour():
    contour = main_contour(picture())
    frequency, share = contour_frequencies(along_contour(), contour)
    assert growth(frequency) > 0.95 and share.mean() < 0.2
    rotation = random_rotation(SIZE, 0).vectors()[:, :200].numpy()
    frequency, share = contour_frequencies(rotation, contour)
    assert abs(growth(frequency)) < 0.25 and share.mean() == pytest.approx(1 / 3, abs=0.04)
    _, share = contour_frequencies(along_contour(phase=np.pi), contour)
    assert share[:8].mean() > 1.5 * contour_frequencies(along_contour(), contour)[1][:8].mean()
    away = np.zeros((SIZE**2, 1))
    away[0] = 1
    assert np.isnan(contour_frequencies(away, contour)[0]).all()
    assert growth(np.array([1.0, np.nan, 2.0, 3.0])) == pytest.approx(1)


def test_only_the_basis_made_for_the_contour_is_adapted_to_it():
    own, image = along_contour(), picture()
    elsewhere = along_contour(phase=np.pi)
    found = orientation_agreement(own, image)
    assert found[:3].min() > 0.5
    # waves shorter than the strip in which they run vary more along the contour than across
    assert scipy.stats.spearmanr(found, np.arange(LEADING)).statistic < -0.9
    assert contour_energy(own, image).mean() > 3
    assert orientation_agreement(elsewhere, image)[:3].max() < 0.25
    assert contour_energy(elsewhere, image).mean() < 0.5 * contour_energy(own, image).mean()
    for name, make in FIXED.items():
        assert abs(orientation_agreement(make(), image).mean()) < 0.2, name
        assert contour_energy(make(), image).mean() == pytest.approx(1, abs=0.25), name


def test_orientation_across_and_along():
    rows = np.repeat(np.linspace(0, 1, SIZE)[:, None], SIZE, axis=1)
    wave = np.sin(np.arange(SIZE))
    across = np.repeat(wave[:, None], SIZE, axis=1).reshape(-1, 1)
    along = np.repeat(wave[None, :], SIZE, axis=0).reshape(-1, 1)
    assert orientation_agreement(across, rows)[0] == pytest.approx(1)
    assert orientation_agreement(along, rows)[0] == pytest.approx(-1)
    assert abs(orientation_agreement(FIXED["rotation"](), rows).mean()) < 0.1
    flat = np.full((SIZE**2, 1), 1 / SIZE) + 1e-9 * along
    assert orientation_agreement(flat, rows)[0] == pytest.approx(0, abs=1e-6)


def test_overlap_of_subspaces():
    own = along_contour()
    mixed = own @ scipy.stats.ortho_group.rvs(LEADING, random_state=0)
    assert subspace_overlap(own, mixed) == pytest.approx(1)
    rotations = [random_rotation(SIZE, seed).vectors()[:, :LEADING].numpy() for seed in (0, 1)]
    assert subspace_overlap(*rotations) == pytest.approx(CHANCE, abs=0.02)
    assert subspace_overlap(own, along_contour(phase=np.pi)) < 0.5
    assert subspace_overlap(Cosines(SIZE).vectors()[:, :8], Fourier(SIZE).vectors()[:, :8]) < 0.95


def test_an_adapted_basis_turns_with_its_image():
    own, image = along_contour(), picture()
    upright = orientation_agreement(own, image)
    np.testing.assert_allclose(orientation_agreement(turned(own), np.rot90(image)), upright)
    assert subspace_overlap(own, turned(own)) < 0.3
    cosines = Cosines(SIZE).vectors()[:, :4].numpy()  # all of their two lowest frequencies
    assert subspace_overlap(cosines[:, :3], turned(cosines)[:, :3]) == pytest.approx(1)


def test_wavelets_are_ordered_but_do_not_care_where_the_contour_is():
    vectors = Wavelets(SIZE).vectors().numpy()
    assert growth_of(vectors) > 0.7
    assert contour_energy(vectors, picture()).mean() == pytest.approx(1, abs=0.01)
    assert torch.as_tensor(orientation_agreement(vectors, picture())).mean().abs() < 0.2


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: frequencies(np.ones((60, 2))), "vectors"),
        (lambda: frequencies(np.ones((16, 2))), "vectors"),
        (lambda: contour_energy(np.ones((64, 1)), np.ones((8, 8))), "image"),
        (lambda: orientation_agreement(np.ones((64, 1)), np.ones((9, 9))), "image"),
        (lambda: main_contour(np.ones((8, 8))), "image"),
        (lambda: along(np.ones((64, 1)), np.ones((3, 3))), "contour"),
        (lambda: subspace_overlap(np.eye(4)[:, :2], np.eye(4)[:, :3]), "other"),
    ],
)
def test_what_cannot_be_used_is_named(call, named):
    with pytest.raises(ParameterError, match=f"^{named} = "):
        call()
