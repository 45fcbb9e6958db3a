"""Competitors side by side."""

import numpy as np
import pytest

from hyena_np.errors import ShapeError
from hyena_np.plots.comparison import compare

NAN = float("nan")
SERIES = {"Hyena": [[1.0, 0.9, NAN], [0.9, 0.8, NAN], [1.0, 1.0, NAN]], "Conv1d": [[0.2, 0.1, 0.1]] * 3}


@pytest.mark.parametrize("scale", ["linear", "log", "length"])
def test_means_are_lines_and_ranges_are_bands(picture, texts, scale):
    figure = compare([16, 32, 64], SERIES, "Who recalls", "width D", "accuracy", [0.1, 0.1, 0.1], scale)
    picture(figure)
    first, second, guess = figure.axes[0].get_lines()
    np.testing.assert_array_equal(first.get_xdata(), [16, 32])  # what was not measured is not drawn
    np.testing.assert_array_equal(first.get_ydata(), [1.0, 0.9])
    np.testing.assert_array_equal(second.get_ydata(), [0.2, 0.1, 0.1])
    np.testing.assert_array_equal(guess.get_ydata(), [0.1, 0.1, 0.1])
    low, high = np.array([[16, 32], [0.9, 0.8]]), np.array([[16, 32], [1.0, 1.0]])
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    for points in (low, high):
        assert all((band == point).all(axis=1).any() for point in points.T)
    assert {"Who recalls", "width D", "accuracy", "Hyena", "Conv1d", "guessing", "64", "100%"} <= set(
        texts(figure)
    )


def test_numbers_that_are_no_shares_keep_their_scale(texts):
    figure = compare([1, 2], {"a": [[3.0, 4.0]] * 3}, "", "layers", "nats", percent=False)
    assert not any("%" in text for text in texts(figure))
    assert figure.axes[0].get_ylim()[1] > 4


def test_bad_series_are_refused_by_name():
    with pytest.raises(ShapeError, match="Hyena: got 2 entries, allowed are 3, one for each of x"):
        compare([1, 2, 3], {"Hyena": [[1.0, 1.0]] * 3}, "", "", "")
    with pytest.raises(ShapeError, match="series: got 8, allowed are 1 to 7"):
        compare([1], {str(i): [[1.0]] * 3 for i in range(8)}, "", "", "")
