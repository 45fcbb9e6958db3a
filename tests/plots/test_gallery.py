"""Filters of many kinds."""

import numpy as np
import pytest

from hyena_np.errors import ShapeError
from hyena_np.plots.gallery import filter_gallery


def test_a_row_a_kind_and_a_column_a_moment(picture, texts, filters):
    h, window = filters
    figure = filter_gallery({"Hyena": (h, 2 * h), "FIR": (window, window)}, ("before", "after"), channels=2)
    picture(figure)
    assert len(figure.axes) == 4
    drawn = figure.axes[1].get_lines()
    assert len(drawn) == 2
    assert all(any((line.get_ydata() == channel).all() for channel in 2 * h) for line in drawn)
    shown = texts(figure)
    assert {"Hyena", "FIR", "before", "after", "lag t (tokens)"} <= set(shown)
    assert f"largest tap {np.abs(h).max():.2g}" in shown


def test_bad_filters_are_refused_by_name(filters):
    with pytest.raises(ShapeError, match="Hyena: got 1 arrays, allowed are 2, one a column"):
        filter_gallery({"Hyena": (filters[0],)}, ("before", "after"))
    with pytest.raises(ShapeError, match=r"Hyena: got shape \(48,\), allowed is \(C, L\)"):
        filter_gallery({"Hyena": (filters[0][0],)}, ("before",))
