"""What a setting does to the filters: one row a setting, in time on the left, in frequency on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import real_array
from hyena_np.plots.channels import choose_channels
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.spectra import draw_band, label_spectrum
from hyena_np.plots.style import GREY, LINES, note, styled

# More rows than this do not fit on a screen.
_MAX_SETTINGS = 6


@styled
def filters_by_setting(
    filters: Mapping[str, Any],
    channels: Sequence[int] | None = None,
    quantiles: tuple[float, float] = (0.1, 0.9),
    share_y: bool = True,
    title: str = "",
) -> Figure:
    r"""Draw the filters of several settings, h(t) beside \|H(f)\|, one row a setting.

    .. math:: H(f) = \sum_{t=0}^{L-1} h_t e^{-2 \pi i f t}, \qquad 20 \log_{10} |H(f)|, \quad 0 \le f \le 1/2

    Parameters
    ----------
    filters : mapping of str to array (C, L)
        One to six sets of filters, by what was set. All have one number of channels; lengths may differ.
    channels : sequence of int, optional
        Channels drawn in time, the same in every row; by default three from fast to slow decay in the first.
    quantiles : (low, high)
        Of the band over channels in the spectra, between 0 and 1.
    share_y : bool
        Whether the rows have one vertical scale in time; the spectra always do.
    title : str

    Returns
    -------
    Figure
        Frequency in cycles per token; 0 dB is a gain of 1.

    Raises
    ------
    ShapeError
        No setting or more than six, an array that is not (C, L), differing numbers of channels, or a channel
        that does not exist.
    NonFiniteError, DTypeError
        An entry is NaN or infinite, or the numbers are not real.

    Notes
    -----
    Source: Hyena paper, App. D.3, Figs. D.6, D.7, D.8 and D.9 (filters at initialisation).
    """
    sets = _check(filters)
    chosen = choose_channels(next(iter(sets.values())), channels, count=3)
    figure = new_figure(9.0, 1.1 + 1.75 * len(sets))
    grid = figure.subplots(len(sets), 2, squeeze=False, sharex="col", width_ratios=[1.25, 1.0])
    for (time, frequency), (name, h) in zip(grid, sets.items(), strict=True):
        time.axhline(0, color=GREY, linewidth=0.8)
        for channel, colour in zip(chosen, LINES[1:], strict=False):
            time.plot(
                np.arange(h.shape[1]), h[channel], color=colour, linewidth=1.3, label=f"channel {channel}"
            )
        time.margins(x=0.01)
        draw_band(frequency, h, quantiles)
        label_spectrum(frequency)
        note(time, name, (0.99, 0.96), "axes fraction", ha="right", va="top", fontweight="bold")
    _share(grid[:, 1])
    if share_y:
        _share(grid[:, 0])
    for axes in grid[:-1].flat:
        axes.set_xlabel("")
    grid[0, 0].set_title("in time: h(t)")
    grid[0, 1].set_title("in frequency: |H(f)|")
    grid[-1, 0].set_xlabel("lag t (tokens)")
    handles = [axes.get_legend_handles_labels()[0] for axes in grid[0]]
    figure.legend(handles=[*handles[0], *handles[1]], loc="outside lower center", ncols=5)
    if title:
        figure.suptitle(title)
    return figure


def _check(filters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not 1 <= len(filters) <= _MAX_SETTINGS:
        raise ShapeError(f"filters: got {len(filters)} settings, allowed are 1 to {_MAX_SETTINGS}")
    sets = {name: real_array(name, h, "C L") for name, h in filters.items()}
    first, C = next((name, len(h)) for name, h in sets.items())
    for name, h in sets.items():
        if len(h) != C:
            raise ShapeError(f"{name}: got {len(h)} channels, allowed are {C}, as many as {first} has")
    return sets


def _share(column: np.ndarray) -> None:
    """One vertical scale for all axes of a column."""
    limits = np.array([axes.get_ylim() for axes in column])
    for axes in column:
        axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
