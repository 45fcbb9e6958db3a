"""Complex matrices in a row, and the cyclic colours that must be told apart by everybody."""

import numpy as np
import pytest

from hyena_np.errors import DTypeError, NonFiniteError, ShapeError
from hyena_np.plots import fft_factors
from hyena_np.plots.monarch import PHASES, phase_image

# What is left of linear RGB with each form of dichromacy (Machado, Oliveira and Fernandes, 2009).
VISION = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(rgb, vision):
    """CIELAB coordinates (C, 3) of colours (C, 3) as somebody with that vision sees them."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.asarray(vision).T, 0, 1)
    xyz = seen @ TO_XYZ.T / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])],
        axis=1,
    )


def dft(n):
    k = np.arange(n)
    return np.exp(-2j * np.pi * np.outer(k, k) / n)


def images(figure):
    return [image.get_array() for axes in figure.axes for image in axes.get_images()]


@pytest.mark.parametrize("vision", VISION.values(), ids=VISION)
def test_sixteen_phases_and_paper_are_told_apart(vision):
    """A difference of 2.3 is just noticeable side by side; these must be recognised across a figure."""
    sixteen = PHASES(np.arange(16) / 16)[:, :3]
    colours = lab(np.vstack([sixteen, np.ones(3)]), vision)
    apart = np.linalg.norm(colours[:, None] - colours[None, :], axis=-1)
    phases, paper = apart[:16, :16], apart[:16, 16]
    assert phases[~np.eye(16, dtype=bool)].min() > 10
    assert phases[::4, ::4][~np.eye(4, dtype=bool)].min() > 50  # 1, i, -1, -i
    assert paper.min() > 25


def test_phases_close_the_circle():
    np.testing.assert_allclose(PHASES(0.0), PHASES(1.0))
    around = PHASES(np.arange(513) % 512)
    assert np.abs(np.diff(around, axis=0)).max() < 0.01  # no step anywhere, the seam included


def test_hue_is_phase_and_opacity_is_magnitude():
    picture = phase_image(np.array([[2.0, 1j], [-1j, 0.0]]))
    np.testing.assert_allclose(picture[..., 3], [[1.0, 0.5], [0.5, 0.0]])
    one, i, minus_i = picture[0, 0, :3], picture[0, 1, :3], picture[1, 0, :3]
    for colour, place in ((one, 0.5), (i, 0.75), (minus_i, 0.25)):
        np.testing.assert_allclose(colour, PHASES(place)[:3], atol=1e-6)
    np.testing.assert_array_equal(phase_image(np.zeros((2, 2)))[..., 3], 0.0)


def test_rounding_at_the_seam_does_not_show():
    above, below = phase_image(np.array([[-1 + 1e-16j, -1 - 1e-16j]]))[0]
    np.testing.assert_allclose(above, below, atol=0.01)


def test_factors_are_drawn_with_signs_titles_and_counts(frozen, picture, texts):
    F, P = frozen(dft(8)), frozen(np.eye(8)[::-1])
    figure = fft_factors([F, P, F], ["$F_8$", "reversal", "again"], ["=", "·"], "A title")
    picture(figure)
    for shown, M in zip(images(figure), [F, P, F], strict=True):
        np.testing.assert_allclose(shown, phase_image(M))
    found = texts(figure)
    assert {"$F_8$", "reversal", "again", "=", "·", "A title"} <= set(found)
    assert found.count("64 entries") == 2 and "8 entries" in found
    assert {"1", "i", "-1", "-i", "phase (white: exactly 0)"} <= set(found)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_rows_of_any_length_are_pictures(picture, count):
    picture(fft_factors([dft(6)] * count, ["F"] * count, title="A title" if count > 1 else ""))


def test_real_matrices_lists_and_any_library_are_taken(library, rng):
    M = rng.normal(size=(4, 4))
    figure = fft_factors([library.asarray(M), M.tolist()], ["array", "list"])
    first, second = images(figure)
    np.testing.assert_allclose(first, second, atol=1e-5)
    np.testing.assert_allclose(second, phase_image(M))


def test_bad_matrices_are_refused_by_name():
    F = dft(4)
    with pytest.raises(ShapeError, match="matrices: got none"):
        fft_factors([], [])
    with pytest.raises(ShapeError, match="titles: got 1 entries, allowed are 2"):
        fft_factors([F, F], ["a"])
    with pytest.raises(ShapeError, match="between: got 2 entries, allowed are 1"):
        fft_factors([F, F], ["a", "b"], ["=", "·"])
    with pytest.raises(ShapeError, match=r"matrix 0: got shape \(4, 3\), allowed is a square matrix"):
        fft_factors([F[:, :3]], ["a"])
    with pytest.raises(ShapeError, match=r"matrix 1: got shape \(3, 3\), allowed is \(4, 4\)"):
        fft_factors([F, F[:3, :3]], ["a", "b"])
    with pytest.raises(NonFiniteError, match="matrix 1: got 16 of 16 entries"):
        fft_factors([F, F * np.nan], ["a", "b"])
    with pytest.raises(DTypeError, match="matrix 0: got dtype <U1"):
        fft_factors([[["a"]]], ["a"])
