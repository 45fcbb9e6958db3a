"""Figures of sequences below one another."""

import numpy as np
import pytest

from hyena_np.errors import DTypeError, NonFiniteError, ShapeError
from hyena_np.plots.signals import signals


def heights(axes):
    """What the stems of a row stand for: their upper or lower ends."""
    (stems,) = axes.collections
    return np.array([segment[1, 1] for segment in stems.get_segments()])


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("L", [1, 33, 500])
def test_every_row_is_drawn_with_its_name(rng, picture, texts, frozen, count, L):
    rows = {f"row {i}": frozen(rng.normal(size=L)) for i in range(count)}
    figure = signals(rows, title="A title", x_label="lag t (tokens)", y_label="height")
    picture(figure)
    found = texts(figure)
    assert {*rows, "A title", "lag t (tokens)", "height"} <= set(found)
    assert len(figure.axes) == count


def test_stems_show_the_numbers(rng):
    u, y = rng.normal(size=(2, 20))
    figure = signals({"u": u, "y": y})
    np.testing.assert_array_equal(heights(figure.axes[0]), u)
    np.testing.assert_array_equal(heights(figure.axes[1]), y)


def test_long_sequences_are_lines_and_one_long_row_makes_all_rows_lines(rng):
    short, long = rng.normal(size=40), rng.normal(size=90)
    figure = signals({"short": short, "long": long})
    for axes, values in zip(figure.axes, (short, long), strict=True):
        assert not axes.collections
        np.testing.assert_array_equal(axes.get_lines()[-1].get_ydata(), values)
    assert signals({"short": short}).axes[0].collections


def test_rows_share_their_positions_and_if_wanted_their_scale(rng):
    rows = {"loud": 100 * rng.normal(size=30), "quiet": rng.normal(size=60)}
    together, apart = signals(rows).axes, signals(rows, share_y=False).axes
    for loud, quiet in (together, apart):
        assert loud.get_xlim() == quiet.get_xlim()
    assert together[0].get_ylim() == together[1].get_ylim()
    assert apart[0].get_ylim()[1] > 10 * apart[1].get_ylim()[1]


def test_rings_are_drawn_over_the_row_of_their_name(rng, picture, texts):
    rows = {"u": rng.normal(size=20), "y": rng.normal(size=20)}
    expected = rng.normal(size=20)
    figure = signals(rows, over={"y": expected}, over_label="true output")
    picture(figure)
    (rings,) = [line for line in figure.axes[1].get_lines() if line.get_label() == "true output"]
    np.testing.assert_array_equal(rings.get_ydata(), expected)
    assert rings.get_markerfacecolor() == "none"
    assert not [line for line in figure.axes[0].get_lines() if line.get_label() == "true output"]
    assert texts(figure).count("true output") >= 1


def test_arguments_of_other_kinds_are_refused(rng):
    u = rng.normal(size=8)
    with pytest.raises(ShapeError, match="1 to 7"):
        signals({})
    with pytest.raises(ShapeError, match="1 to 7"):
        signals({str(i): u for i in range(8)})
    with pytest.raises(ShapeError, match="u: got shape"):
        signals({"u": u[None]})
    with pytest.raises(ShapeError, match="over: got 'z', allowed are the rows 'u'"):
        signals({"u": u}, over={"z": u})
    with pytest.raises(ShapeError, match="got 7 entries, allowed are 8"):
        signals({"u": u}, over={"u": u[1:]})
    with pytest.raises(DTypeError):
        signals({"u": u + 1j})
    with pytest.raises(NonFiniteError):
        signals({"u": np.array([1.0, np.nan])})
