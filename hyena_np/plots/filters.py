"""Long filters in time and in frequency, and what they cost in parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import real_array, same_count, same_shape
from hyena_np.plots.channels import channel_label, choose_channels
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.scaling import parameters_against_length
from hyena_np.plots.spectra import draw_band, filter_spectra, label_spectrum
from hyena_np.plots.style import FAINT, LINES, styled

__all__ = ["filter_responses", "filter_spectra", "filters_before_after", "parameters_against_length"]

LAG = "lag t (tokens)"


@styled
def filter_responses(
    h: Any,
    channels: Sequence[int] | None = None,
    window: Any = None,
    title: str = "Filters of a few channels",
) -> Figure:
    r"""Draw a few filters h(t) below one another, with the window that shapes them.

    .. math:: h_t = \mathrm{Window}(t) \cdot (\mathrm{FFN} \circ \mathrm{PositionalEncoding})(t)

    Parameters
    ----------
    h : array (C, L)
        One filter a channel; of the operator's ``(filters, D, L)`` pass ``h[0]``. Any real dtype and library.
    channels : sequence of int, optional
        Which channels, in this order; one to six. By default four, from fast to slow decay: ranked by the
        mean lag of the energy of the window, or of the filter where no window is given.
    window : array (C, L), optional
        The window's envelope. It is drawn as a band, scaled to touch the filter: the network that it
        multiplies is not bounded by 1, so only its form can be compared.
    title : str

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        `h` is not (C, L), `window` has another shape, a channel does not exist, or there are too many.
    NonFiniteError, DTypeError
        An entry is NaN or infinite, or the numbers are not real.

    Notes
    -----
    Source: Hyena paper, Sec. 3.3, eq. (7) and Fig. 3.1.
    """
    h = real_array("h", h, "C L")
    envelope = same_shape("window", window, "h", h) if window is not None else None
    chosen = choose_channels(h if envelope is None else envelope, channels, count=4)
    if not chosen:
        raise ShapeError("channels: got none, allowed are 1 to 6 entries")
    figure = new_figure(height=0.9 + 1.25 * len(chosen))
    rows = figure.subplots(len(chosen), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, channel, colour in zip(rows, chosen, LINES, strict=False):
        if envelope is not None:
            _draw_envelope(axes, h[channel], envelope[channel])
        _draw_response(axes, h[channel], colour)
        label = f"{channel_label(h, channel)} tokens"
        axes.set_title(label, loc="right", color=colour, fontsize="medium", pad=2)
    largest = np.max(np.abs(h[chosen]))
    if envelope is not None:
        figure.legend(handles=rows[-1].collections, loc="outside lower right")
        if largest > 0:
            rows[0].set_ylim(-1.3 * largest, 1.3 * largest)  # the filters fill the rows, not their envelopes
    rows[-1].set_xlabel(LAG)
    figure.supylabel("filter h(t)", fontsize="medium")
    figure.suptitle(title)
    return figure


@styled
def filters_before_after(
    before: Any,
    after: Any,
    channels: Sequence[int] | None = None,
    labels: tuple[str, str] = ("before training", "after training"),
    title: str = "What training does to the filters",
) -> Figure:
    """Draw the same channels before and after training: in time above, all spectra below.

    Parameters
    ----------
    before, after : array (C, L)
        One filter a channel, the same channels in both. Any real dtype and library.
    channels : sequence of int, optional
        Which channels to draw in time; by default three, from fast to slow decay after training.
    labels : (str, str)
        Headings of the two columns.
    title : str

    Returns
    -------
    Figure
        Rows share their vertical scale, so that the columns can be compared.

    Raises
    ------
    ShapeError, NonFiniteError, DTypeError
        As `filter_responses`; `before` and `after` must have one shape.

    Notes
    -----
    Source: Hyena paper, App. D.2 and Fig. D.5 (initial and trained filters).
    """
    after = real_array("after", after, "C L")
    before = same_shape("before", before, "after", after)
    same_count("labels", labels, "before and after", 2)
    chosen = choose_channels(after, channels, count=3)
    figure = new_figure(height=6.6)
    grid = figure.subplots(2, 2, sharex="row", sharey="row")
    for (time, frequency), h, label in zip(grid.T, (before, after), labels, strict=True):
        for channel, colour in zip(chosen, LINES[1:], strict=False):
            _draw_response(time, h[channel], colour, label=f"channel {channel}")
        time.set_title(label)
        time.set_xlabel(LAG)
        draw_band(frequency, h, (0.1, 0.9))
        label_spectrum(frequency)
    grid[0, 0].set_ylabel("filter h(t)")
    grid[1, 1].set_ylabel("")
    handles = [*grid[1, 0].get_legend_handles_labels()[0], *grid[0, 0].get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    figure.suptitle(title)
    return figure


def _draw_response(axes: Axes, h: np.ndarray, colour: str, label: str | None = None) -> None:
    marker = "o" if len(h) <= 64 else None  # a filter is a sequence: where there is room, show its entries
    axes.plot(np.arange(len(h)), h, color=colour, linewidth=1.3, marker=marker, markersize=2.5, label=label)
    axes.margins(x=0.01)


def _draw_envelope(axes: Axes, h: np.ndarray, window: np.ndarray) -> None:
    inside = np.abs(window) > 0
    scale = np.max(np.abs(h[inside] / window[inside]), initial=0.0)
    band = scale * np.abs(window)
    axes.fill_between(
        np.arange(len(h)), -band, band, color=FAINT, linewidth=0, label="± window, scaled to touch the filter"
    )
