"""Sequences below one another: what goes into an operation, what comes out, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import line_colours, real_array, same_count
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import BLACK, GREY, styled

# Up to so many entries there is room to show each as a stem; beyond, a line is easier to read.
_STEMS_UP_TO = 80


@styled
def signals(
    rows: Mapping[str, Any],
    over: Mapping[str, Any] | None = None,
    over_label: str = "expected",
    title: str = "",
    x_label: str = "position t (tokens)",
    share_y: bool = True,
    y_label: str = "value",
) -> Figure:
    """Draw sequences below one another over one axis of positions.

    Parameters
    ----------
    rows : mapping of str to array (L,)
        One to seven sequences by what to write above them, from top to bottom. Any real dtype and library;
        they may differ in length.
    over : mapping of str to array (L,), optional
        Sequences drawn on top of the rows of the same name, as rings: what the row should have been.
    over_label : str
        What the rings are.
    title, x_label : str
    share_y : bool
        Whether all rows have one vertical scale.
    y_label : str
        What the entries are; written once, for all rows.

    Returns
    -------
    Figure
        Each entry is a stem where the longest sequence has at most 80, else a point of a line.

    Raises
    ------
    ShapeError
        No row or more than seven, an array that is not (L,), or rings for a row that does not exist or has
        another length.
    NonFiniteError, DTypeError
        An entry is NaN or infinite, or the numbers are not real.

    Notes
    -----
    Source: no counterpart in the paper; Sec. 2 defines the sequences.
    """
    sequences = {name: real_array(name, values, "L") for name, values in rows.items()}
    colours = line_colours(sequences)
    rings = _rings(over or {}, sequences)
    stems = max(len(values) for values in sequences.values()) <= _STEMS_UP_TO
    figure = new_figure(height=0.7 + max(1.7, 1.15 * len(sequences)))
    grid = figure.subplots(len(sequences), 1, sharex=True, sharey=share_y, squeeze=False)[:, 0]
    for axes, (name, values), colour in zip(grid, sequences.items(), colours, strict=True):
        _draw(axes, values, colour, stems)
        if name in rings:
            axes.plot(np.arange(len(values)), rings[name], "o", markersize=7, markerfacecolor="none",
                      markeredgecolor=BLACK, markeredgewidth=1.0, label=over_label)  # fmt: skip
            # beside the row's name, where no entry can be
            axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.96), borderaxespad=0.0)
        axes.set_title(name, loc="left", color=colour, fontsize=11, pad=3)
    grid[-1].set_xlabel(x_label)
    figure.supylabel(y_label, fontsize=11)
    if title:
        figure.suptitle(title)
    return figure


def _rings(over: Mapping[str, Any], sequences: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    rings = {}
    for name, values in over.items():
        if name not in sequences:
            raise ShapeError(f"over: got {name!r}, allowed are the rows {', '.join(map(repr, sequences))}")
        rings[name] = real_array(f"over[{name!r}]", values, "L")
        same_count(f"over[{name!r}]", rings[name], "the row's entries", len(sequences[name]))
    return rings


def _draw(axes: Axes, values: np.ndarray, colour: str, stems: bool) -> None:
    position = np.arange(len(values))
    axes.axhline(0, color=GREY, linewidth=0.8)
    if stems:
        axes.vlines(position, 0, values, color=colour, linewidth=1.6)
        axes.plot(position, values, "o", color=colour, markersize=3.5)
    else:
        axes.plot(position, values, color=colour, linewidth=1.4)
    axes.margins(x=0.015, y=0.12)
