"""Figures of filters by what was set."""

import numpy as np
import pytest

from hyena_np.errors import DTypeError, NonFiniteError, ShapeError
from hyena_np.plots.channels import choose_channels
from hyena_np.plots.knobs import filters_by_setting


def responses(axes):
    """The filters drawn in time, by label."""
    return {
        line.get_label(): np.asarray(line.get_ydata())
        for line in axes.get_lines()
        if line.get_label().startswith("channel")
    }


@pytest.mark.parametrize("count", [1, 3, 6])
def test_every_setting_has_its_row(filters, picture, texts, count):
    h, _ = filters
    figure = filters_by_setting({f"w = {i}": (i + 1) * h for i in range(count)}, title="A knob")
    picture(figure)
    found = texts(figure)
    assert {f"w = {i}" for i in range(count)} | {"A knob", "lag t (tokens)"} <= set(found)
    assert {"frequency (cycles per token)", "10% to 90% of 12 channels", "gain (dB)"} <= set(found)
    assert len(figure.axes) == 2 * count


def test_the_same_channels_are_followed_through_all_rows(filters):
    h, _ = filters
    other = h[::-1]  # would give the opposite ranking
    figure = filters_by_setting({"a": h, "b": other})
    chosen = choose_channels(h, None, 3)
    first, second = responses(figure.axes[0]), responses(figure.axes[2])
    assert list(first) == list(second) == [f"channel {channel}" for channel in chosen]
    for channel in chosen:
        np.testing.assert_array_equal(first[f"channel {channel}"], h[channel])
        np.testing.assert_array_equal(second[f"channel {channel}"], other[channel])
    assert list(responses(filters_by_setting({"a": h}, channels=(2,)).axes[0])) == ["channel 2"]


@pytest.mark.paper("Fig. D.6", "Fig. D.7", "Fig. D.8", "Fig. D.9")
def test_spectra_are_those_of_the_filters(filters):
    h, _ = filters
    figure = filters_by_setting({"a": h, "b": 10 * h})
    median = [
        next(line for line in axes.get_lines() if line.get_label() == "median channel").get_ydata()
        for axes in (figure.axes[1], figure.axes[3])
    ]
    expected = np.median(20 * np.log10(np.abs(np.fft.rfft(h, 96))), axis=0)
    np.testing.assert_allclose(median[0], expected, atol=1e-9)
    np.testing.assert_allclose(median[1], expected + 20, atol=1e-9)


def test_columns_share_their_scale(filters):
    h, _ = filters
    figure = filters_by_setting({"loud": h, "dead": 1e-4 * h})
    loud, loud_spectrum, dead, dead_spectrum = figure.axes
    assert loud.get_ylim() == dead.get_ylim()
    assert loud_spectrum.get_ylim() == dead_spectrum.get_ylim()
    low, high = dead.get_ylim()
    for label, response in responses(loud).items():
        assert low <= response.min() and response.max() <= high, label
    apart = filters_by_setting({"loud": h, "dead": 1e-4 * h}, share_y=False).axes
    assert apart[0].get_ylim()[1] > 1e3 * apart[2].get_ylim()[1]
    assert apart[1].get_ylim() == apart[3].get_ylim()


def test_lengths_may_differ_and_zero_is_drawn(filters, picture):
    h, _ = filters
    picture(filters_by_setting({"long": h, "short": h[:, :7], "nothing": np.zeros_like(h)}))


def test_arguments_of_other_kinds_are_refused(filters):
    h, _ = filters
    with pytest.raises(ShapeError, match="1 to 6"):
        filters_by_setting({})
    with pytest.raises(ShapeError, match="1 to 6"):
        filters_by_setting({str(i): h for i in range(7)})
    with pytest.raises(ShapeError, match="b: got 3 channels, allowed are 12"):
        filters_by_setting({"a": h, "b": h[:3]})
    with pytest.raises(ShapeError, match="a: got shape"):
        filters_by_setting({"a": h[0]})
    with pytest.raises(ShapeError, match="channels: got 12"):
        filters_by_setting({"a": h}, channels=(12,))
    with pytest.raises(ShapeError, match="quantiles"):
        filters_by_setting({"a": h}, quantiles=(0.9, 0.1))
    with pytest.raises(DTypeError):
        filters_by_setting({"a": h + 1j})
    with pytest.raises(NonFiniteError):
        filters_by_setting({"a": np.full((2, 3), np.inf)})
