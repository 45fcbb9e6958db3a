"""Ratios against length."""

import numpy as np
import pytest

from hyena_np.errors import ShapeError
from hyena_np.plots.scaling import ratio_against_length


def test_ratios_are_drawn_where_they_were_measured(picture, texts):
    lengths = [64, 1024, 16384]
    ratios = {"ours": [1.0, 1.0, 1.0], "theirs": [0.4, np.nan, 30.0]}
    figure = ratio_against_length(lengths, ratios, "Who is quicker", "time / time of ours")
    picture(figure)
    ours, theirs = figure.axes[0].get_lines()
    np.testing.assert_array_equal(ours.get_xdata(), lengths)
    np.testing.assert_array_equal(theirs.get_xdata(), [64, 16384])
    np.testing.assert_array_equal(theirs.get_ydata(), [0.4, 30.0])
    assert {"Who is quicker", "time / time of ours", "ours", "theirs", "16K", "10"} <= set(texts(figure))
    assert not {"3", "0.3"} & set(texts(figure))  # minor ticks only at 2 and 5


def test_bad_ratios_are_refused_by_name():
    with pytest.raises(ShapeError, match="theirs: got 1 entries, allowed are 2, one for each of lengths"):
        ratio_against_length([1, 2], {"theirs": [1.0]}, "", "")
    with pytest.raises(ShapeError, match="theirs: got -1, allowed are positive"):
        ratio_against_length([1, 2], {"theirs": [1.0, -1.0]}, "", "")
    with pytest.raises(ShapeError, match="lengths: got 0, allowed are positive"):
        ratio_against_length([0, 2], {"theirs": [1.0, 1.0]}, "", "")
