"""Figures of numbers against steps, lengths and rungs."""

import numpy as np
import pytest

from hyena_np.errors import DTypeError, ShapeError
from hyena_np.plots import cost_against_length, error_ladder, learning_curve, lines


@pytest.fixture
def run(frozen):
    """A run of 60 steps, with accuracy measured at every tenth."""
    step = np.arange(60)
    accuracy = np.where(step % 10 == 9, step / 60, np.nan)
    return {"step": frozen(step), "loss": frozen(2.0 * 0.9**step), "accuracy": frozen(accuracy)}


def test_learning_curve_shows_what_was_measured(run, picture, texts):
    figure = learning_curve(run, chance=0.25, target=0.9)
    picture(figure)
    top, bottom = figure.axes
    np.testing.assert_array_equal(top.get_lines()[0].get_xdata(), [9, 19, 29, 39, 49, 59])
    np.testing.assert_array_equal(bottom.get_lines()[0].get_ydata(), run["loss"])
    assert (top.get_yscale(), bottom.get_yscale()) == ("linear", "log")
    levels = [line.get_ydata()[0] for line in top.get_lines()[1:]]
    assert levels == [0.9, 0.25]
    assert {"accuracy", "loss (nats)", "training step", "target 90%", "chance 25%"} <= set(texts(figure))


def test_learning_curve_without_levels(run):
    assert len(learning_curve(run, target=None).axes[0].get_lines()) == 1


def test_a_long_noisy_series_gets_its_running_mean(rng, picture, texts):
    step = np.arange(400)
    loss = 1 + 0.01 * step + rng.uniform(-0.5, 0.5, 400)
    figure = learning_curve({"step": step, "loss": loss, "accuracy": np.zeros(400)})
    picture(figure)
    faint, thick = figure.axes[1].get_lines()
    np.testing.assert_array_equal(faint.get_ydata(), loss)
    at, mean = thick.get_xdata(), thick.get_ydata()
    np.testing.assert_allclose(mean[7], loss[7:17].mean())
    np.testing.assert_allclose(at[7], step[7:17].mean())  # centred: a trailing mean would lag behind
    assert "thick: mean of 10 values" in texts(figure)


def test_several_runs_are_overlaid(run, picture, texts):
    figure = learning_curve({"seed 0": run, "seed 1": {**run, "loss": run["loss"] * 2}})
    picture(figure)
    first, second = figure.axes[1].get_lines()
    np.testing.assert_array_equal(second.get_ydata(), 2 * first.get_ydata())
    assert first.get_color() != second.get_color()
    assert {"seed 0", "seed 1"} <= set(texts(figure))


def test_bad_runs_are_refused_by_name(run):
    with pytest.raises(
        ShapeError, match="rows: got step, loss, allowed is a mapping with step, loss, accuracy"
    ):
        learning_curve({key: run[key] for key in ("step", "loss")})
    with pytest.raises(ShapeError, match=r"rows\['a'\]: got list"):
        learning_curve({"a": [1, 2]})
    with pytest.raises(ShapeError, match=r"rows\['loss'\]: got 59 entries, allowed are 60"):
        learning_curve({**run, "loss": run["loss"][1:]})
    with pytest.raises(DTypeError, match=r"rows\['loss'\]: got dtype <U1"):
        learning_curve({**run, "loss": ["a"] * 60})
    with pytest.raises(ShapeError, match="series: got 8, allowed are 1 to 7"):
        learning_curve({str(seed): run for seed in range(8)})


def test_cost_finds_the_slope_of_a_power_law(picture, texts):
    lengths = 2 ** np.arange(6, 14)
    quadratic = np.where(lengths <= 2048, 1e-9 * lengths**2.0, np.nan)
    with_overhead = 1e-8 * lengths**1.5
    with_overhead[:4] = with_overhead[4]  # a plateau at the short end must not spoil the slope
    figure = cost_against_length(lengths, {"loop": quadratic, "FFT": with_overhead})
    picture(figure)
    axes = figure.axes[0]
    found = texts(figure)
    assert "loop: grows as L$^{2.00}$" in found and "FFT: grows as L$^{1.50}$" in found
    assert {"time (s)", "sequence length L (tokens)"} <= set(found)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    loop = next(line for line in axes.get_lines() if line.get_label().startswith("loop"))
    assert loop.get_xdata().max() == 2048


def test_a_single_point_has_no_slope(picture, texts):
    figure = cost_against_length([64, 128], {"once": [1.0, np.nan], "both": [1.0, 2.0]})
    picture(figure)
    assert "once" in texts(figure) and "both: grows as L$^{1.00}$" in texts(figure)


def test_bad_costs_are_refused_by_name():
    with pytest.raises(ShapeError, match="FFT: got 1 entries, allowed are 2, one for each of lengths"):
        cost_against_length([64, 128], {"FFT": [1.0]})
    with pytest.raises(ShapeError, match="FFT: got -1, allowed are positive"):
        cost_against_length([64, 128], {"FFT": [1.0, -1.0]})
    with pytest.raises(ShapeError, match="lengths: got 0, allowed are positive"):
        cost_against_length([0, 128], {"FFT": [1.0, 1.0]})


def markers(figure):
    return [line.get_marker() for line in figure.axes[0].get_lines()]


def test_ladder_within_tolerance(picture, texts):
    errors = {"Toeplitz": 3e-16, "FFT": 0.0, "differences": 1e-8}
    figure = error_ladder(errors, {"Toeplitz": 1e-12, "FFT": 1e-12, "differences": 1e-7})
    picture(figure)
    found = texts(figure)
    assert {*errors, "3.0e-16 ≤ 1e-12", "0 ≤ 1e-12", "1.0e-08 ≤ 1e-07"} <= set(found)
    assert "Each rung agrees with the one before" in found
    assert markers(figure) == ["o", "o", "o"]
    figure.draw_without_rendering()
    top_to_bottom = sorted(errors, key=lambda name: list(errors).index(name))
    ticks = {text.get_text(): text.get_window_extent().y0 for text in figure.axes[0].get_yticklabels()}
    assert sorted(ticks, key=ticks.get, reverse=True) == top_to_bottom


def test_ladder_shows_failures(picture, texts):
    figure = error_ladder({"Toeplitz": 3e-16, "FFT": 1e-3, "operator": np.nan, "matrix": np.inf})
    picture(figure)
    found = texts(figure)
    assert "3 of 4 rungs over tolerance" in found
    assert "1.0e-03 > 1e-12" in found and found.count("not finite") == 2
    assert markers(figure) == ["o", "X", "X", "X"]


def test_bad_ladders_are_refused_by_name():
    with pytest.raises(ShapeError, match=r"errors: got shape \(0,\)"):
        error_ladder({})
    with pytest.raises(ShapeError, match="errors: got -1, allowed are numbers >= 0"):
        error_ladder({"a": -1.0})
    with pytest.raises(ShapeError, match="tolerance: got none for 'b'"):
        error_ladder({"a": 0.0, "b": 0.0}, {"a": 1e-12})
    with pytest.raises(ShapeError, match="tolerance: got 0, allowed are positive"):
        error_ladder({"a": 0.0}, 0.0)


def test_lines_have_labels_scales_and_marks(frozen, picture, texts):
    x = frozen(np.arange(1, 100))
    series = {"a": x**2, "b": np.where(x > 50, np.nan, x)}
    figure = lines(x, series, "n", "error", "title", log_x=True, log_y=True, marks={"2L - 1": 63})
    picture(figure)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert {"n", "error", "title", "a", "b", "2L - 1"} <= set(texts(figure))
    assert axes.get_lines()[2].get_xdata()[0] == 63


def test_bad_lines_are_refused_by_name():
    with pytest.raises(ShapeError, match="a: got 2 entries, allowed are 3, one for each of x"):
        lines([1, 2, 3], {"a": [1, 2]}, "x", "y")


def test_any_librarys_numbers_are_drawn(library):
    loss = library.asarray(np.array([2.0, 1.0, 0.5]))
    figure = learning_curve({"step": [0, 1, 2], "loss": loss, "accuracy": library.asarray(np.zeros(3))})
    np.testing.assert_array_equal(figure.axes[1].get_lines()[0].get_ydata(), [2.0, 1.0, 0.5])
