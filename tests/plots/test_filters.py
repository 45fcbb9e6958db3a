"""Figures of filters."""

import numpy as np
import pytest

from hyena_np.errors import DTypeError, NonFiniteError, ShapeError
from hyena_np.plots import filter_responses, filter_spectra, filters_before_after, parameters_against_length
from hyena_np.plots.channels import choose_channels, mean_lag


def curve(axes, number=0):
    return np.asarray(axes.get_lines()[number].get_ydata())


def test_mean_lag_of_a_delayed_impulse_is_the_delay():
    h = np.zeros((3, 10))
    h[0, 0], h[1, 4] = 2.0, -1.0
    np.testing.assert_array_equal(mean_lag(h), [0.0, 4.0, 0.0])


def test_channels_run_from_fast_to_slow(filters):
    h, _ = filters
    chosen = choose_channels(h, None, 4)
    assert np.all(np.diff(mean_lag(h)[chosen]) > 0)
    assert chosen[0] == np.argmin(mean_lag(h)) and chosen[-1] == np.argmax(mean_lag(h))
    assert sorted(choose_channels(h[:2], None, 4)) == [0, 1]


def test_responses_show_the_channels_asked_for(filters, picture, texts):
    h, window = filters
    figure = filter_responses(h, channels=[5, -1], window=window)
    picture(figure)
    np.testing.assert_array_equal(curve(figure.axes[0]), h[5])
    np.testing.assert_array_equal(curve(figure.axes[1]), h[11])
    found = texts(figure)
    assert {"lag t (tokens)", "filter h(t)"} <= set(found)
    assert f"channel 5, mean lag {mean_lag(h[5]):.1f} tokens" in found


def test_a_window_ranks_the_channels(filters, rng):
    _, window = filters
    figure = filter_responses(rng.normal(size=window.shape), window=window)
    order = [int(axes.get_title(loc="right").split()[1].rstrip(",")) for axes in figure.axes]
    assert order == [11, 7, 4, 0]  # channel 0 decays slowest


def test_the_envelope_touches_the_filter_and_never_cuts_it(filters):
    h, window = filters
    axes = filter_responses(h, channels=[3], window=window).axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    upper = np.array([band[band[:, 0] == t, 1].max() for t in range(48)])
    assert np.all(np.abs(h[3]) <= upper * (1 + 1e-12))
    assert np.min(upper - np.abs(h[3])) < 1e-12
    np.testing.assert_allclose(upper / upper[0], window[3] / window[3, 0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 48), (12, 2)])
def test_small_and_zero_filters_are_drawn(shape, rng, picture):
    picture(filter_responses(rng.normal(size=shape)))
    picture(filter_spectra(rng.normal(size=shape)))
    picture(filter_responses(np.zeros(shape), window=np.ones(shape)))
    picture(filter_spectra(np.zeros(shape)))


def test_spectrum_of_an_impulse_is_flat_at_its_gain(picture, texts):
    h = np.zeros((5, 16))
    h[:, 3] = 10.0
    figure = filter_spectra(h, channels=[2])
    picture(figure)
    median = next(line for line in figure.axes[0].get_lines() if line.get_label() == "median channel")
    np.testing.assert_allclose(median.get_ydata(), 20.0, atol=1e-10)
    frequency = median.get_xdata()
    assert (frequency[0], frequency[-1], len(frequency)) == (0.0, 0.5, 17)
    assert {"frequency (cycles per token)", "gain (dB)"} <= set(texts(figure))
    assert "10% to 90% of 5 channels" in texts(figure)


def test_spectrum_finds_the_frequency_of_a_cosine():
    h = np.cos(2 * np.pi * 0.125 * np.arange(64))[None]
    (median, *_) = filter_spectra(h, channels=()).axes[0].get_lines()
    assert median.get_xdata()[np.argmax(median.get_ydata())] == 0.125


def test_band_holds_the_given_share_of_channels(rng):
    h = rng.normal(size=(40, 8))
    axes = filter_spectra(h, channels=(), quantiles=(0.25, 0.75)).axes[0]
    band = axes.collections[0].get_paths()[0].vertices
    level = 20 * np.log10(np.abs(np.fft.rfft(h, 16)))
    at_zero = band[band[:, 0] == 0, 1]
    np.testing.assert_allclose(
        [at_zero.min(), at_zero.max()], np.quantile(level[:, 0], [0.25, 0.75]), rtol=1e-12
    )


@pytest.mark.paper("Fig. D.5")
def test_before_and_after_show_the_same_channels_on_the_same_scales(filters, picture, texts):
    after, _ = filters
    before = 0.01 * after[::-1]
    figure = filters_before_after(before, after, channels=[7])
    picture(figure)
    time_before, time_after, spectrum_before, spectrum_after = figure.axes
    np.testing.assert_array_equal(curve(time_before), before[7])
    np.testing.assert_array_equal(curve(time_after), after[7])
    assert time_before.get_ylim() == time_after.get_ylim()
    assert spectrum_before.get_ylim() == spectrum_after.get_ylim()
    assert {"before training", "after training", "lag t (tokens)", "channel 7"} <= set(texts(figure))


def test_parameters_are_drawn_on_logarithmic_axes(picture, texts):
    lengths = [64, 1024, 1 << 20]
    figure = parameters_against_length(lengths, {"explicit": [64, 1024, 1 << 20], "implicit": [8960] * 3})
    picture(figure)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["64", "1K", "1M"]
    assert {"parameters", "sequence length L (tokens)", "explicit", "implicit"} <= set(texts(figure))


def test_any_librarys_arrays_are_drawn(library, filters):
    h = library.asarray(filters[0])
    figure = filter_responses(h, channels=[4])
    np.testing.assert_allclose(curve(figure.axes[0]), filters[0][4], rtol=1e-6)


@pytest.mark.parametrize("draw", [filter_responses, filter_spectra])
def test_bad_filters_are_refused_by_name(draw, filters):
    h, _ = filters
    with pytest.raises(ShapeError, match=r"h: got shape \(48,\), allowed is \(C, L\)"):
        draw(h[0])
    with pytest.raises(ShapeError, match=r"h: got shape \(0, 48\)"):
        draw(h[:0])
    with pytest.raises(ShapeError, match="h: got rows of unequal length"):
        draw([[1.0, 2.0], [3.0]])
    with pytest.raises(ShapeError, match="channels: got 12, allowed are positions 0 to 11"):
        draw(h, channels=[12])
    with pytest.raises(ShapeError, match="channels: got 7 entries, allowed are at most 6"):
        draw(h, channels=range(7))
    with pytest.raises(DTypeError, match="h: got dtype complex128"):
        draw(h + 1j)
    with pytest.raises(NonFiniteError, match="h: got 12 of 576 entries that are NaN or infinite"):
        draw(np.where(np.arange(48) == 3, np.nan, h))


def test_disagreeing_arguments_are_refused_by_name(filters):
    h, window = filters
    with pytest.raises(ShapeError, match=r"window: got shape \(12, 40\), allowed is \(12, 48\)"):
        filter_responses(h, window=window[:, :40])
    with pytest.raises(ShapeError, match="channels: got none, allowed are 1 to 6"):
        filter_responses(h, channels=())
    with pytest.raises(ShapeError, match=r"before: got shape \(11, 48\), allowed is \(12, 48\)"):
        filters_before_after(h[1:], h)
    with pytest.raises(ShapeError, match="labels: got 1 entries, allowed are 2"):
        filters_before_after(h, h, labels=("only one",))
    with pytest.raises(ShapeError, match=r"quantiles: got \(0.9, 0.1\)"):
        filter_spectra(h, quantiles=(0.9, 0.1))
    with pytest.raises(ShapeError, match="explicit: got 2 entries, allowed are 3, one for each of lengths"):
        parameters_against_length([1, 2, 3], {"explicit": [1, 2]})
    with pytest.raises(ShapeError, match="explicit: got 0, allowed are positive"):
        parameters_against_length([1, 2], {"explicit": [0, 2]})
    with pytest.raises(ShapeError, match="series: got 0, allowed are 1 to 7"):
        parameters_against_length([1, 2], {})
