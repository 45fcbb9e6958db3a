"""What a filter does to each frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import real_array
from hyena_np.plots.channels import channel_label, choose_channels
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import BLUE, GREY, LINES, styled

FREQUENCY = "frequency (cycles per token)"
DECIBEL = "gain (dB)"

# Below this distance from the strongest entry a spectrum is rounding noise, and log of 0 is no number.
_DYNAMIC_RANGE_DB = 120.0


@styled
def filter_spectra(
    h: Any,
    channels: Sequence[int] | None = None,
    quantiles: tuple[float, float] = (0.1, 0.9),
    title: str = "Spectra of the filters",
) -> Figure:
    r"""Draw :math:`|H(f)|` in decibels: the median over channels, a band of quantiles, and a few channels.

    .. math:: H(f) = \sum_{t=0}^{L-1} h_t e^{-2 \pi i f t}, \qquad 20 \log_{10} |H(f)|, \quad 0 \le f \le 1/2

    Parameters
    ----------
    h : array (C, L)
        One filter a channel. Any real dtype and library.
    channels : sequence of int, optional
        Channels drawn as thin lines; by default three from fast to slow decay, ``()`` for none.
    quantiles : (low, high)
        Of the band, between 0 and 1.
    title : str

    Returns
    -------
    Figure
        Frequency in cycles per token; 0 dB is a gain of 1.

    Raises
    ------
    ShapeError, NonFiniteError, DTypeError
        As `filter_responses`.

    Notes
    -----
    The filter is zero-padded to 2L, the length of the transform that convolves with it.
    Source: Hyena paper, App. D.3, Figs. D.6, D.7, D.8 and D.9 (filters at initialisation).
    """
    h = real_array("h", h, "C L")
    chosen = choose_channels(h, channels, count=3)
    figure = new_figure(height=4.2)
    axes = figure.subplots()
    draw_band(axes, h, quantiles)
    for channel, colour in zip(chosen, LINES[1:], strict=False):
        frequency, level = _decibels(h)
        axes.plot(frequency, level[channel], color=colour, linewidth=1.1, label=channel_label(h, channel))
    label_spectrum(axes)
    axes.set_title(title)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _decibels(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = 2 * h.shape[-1]
    magnitude = np.abs(np.fft.rfft(h, n=n, axis=-1))
    peak = np.max(magnitude)
    floor = (peak if peak > 0 else 1.0) * 10 ** (-_DYNAMIC_RANGE_DB / 20)
    return np.fft.rfftfreq(n), 20 * np.log10(np.maximum(magnitude, floor))


def draw_band(axes: Axes, h: np.ndarray, quantiles: tuple[float, float]) -> None:
    """Draw the median over channels of :math:`|H(f)|` and the band between two quantiles."""
    low, high = quantiles
    if not 0 <= low < high <= 1:
        raise ShapeError(f"quantiles: got {quantiles}, allowed are 0 <= low < high <= 1")
    frequency, level = _decibels(h)
    bottom, middle, top = np.quantile(level, [low, 0.5, high], axis=0)
    axes.fill_between(
        frequency,
        bottom,
        top,
        color=BLUE,
        alpha=0.2,
        linewidth=0,
        label=f"{low:.0%} to {high:.0%} of {len(h)} channels",
    )
    axes.plot(frequency, middle, color=BLUE, linewidth=2.2, label="median channel")


def label_spectrum(axes: Axes) -> None:
    """Write what the axes of a spectrum are, and draw the line of gain 1."""
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlim(0, 0.5)
    axes.set_xlabel(FREQUENCY)
    axes.set_ylabel(DECIBEL)
