"""Sequences below one another: what each step of an operator makes of a signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import index_in, line_colours, real_array, same_count
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import BLACK, FAINT, GREY, note, styled

# Up to this length every entry is drawn as a needle; a longer sequence is a line.
_NEEDLES_UP_TO = 96
_REFERENCE_WIDTH = 7.0  # points


@styled
def sequence_rows(
    rows: Mapping[str, Any],
    title: str = "",
    x_label: str = "position t (tokens)",
    marks: Mapping[str, int] | None = None,
    reference: Mapping[str, Any] | None = None,
    share_y: bool = False,
) -> Figure:
    r"""Draw a few sequences below one another over one axis of positions.

    .. math:: z^1 = v, \qquad z^{n+1}_t = x^n_t \, (h^n * z^n)_t

    is read from top to bottom: one row a step.

    Parameters
    ----------
    rows : mapping of str to array (L,)
        Sequences of one length by what to write above them; at most seven. Any real dtype and library.
    title, x_label : str
    marks : mapping of str to int, optional
        Positions to mark with a dashed line through all rows, by what to write there.
    reference : mapping of str to array (L,), optional
        What a row ought to be, by the row's name; drawn as a broad grey needle behind it.
    share_y : bool
        Whether all rows have one vertical scale, so that their sizes can be compared.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        Sequences of different lengths, none or more than seven, a mark outside, or a reference without a row.
    NonFiniteError, DTypeError
        An entry is NaN or infinite, or the numbers are not real.

    Notes
    -----
    Source: Hyena paper, Def. 3.1 (the steps of the recurrence).
    """
    colours = line_colours(rows)
    values = {name: real_array(name, row, "L") for name, row in rows.items()}
    first, L = next((name, len(row)) for name, row in values.items())
    for name, row in values.items():
        same_count(name, row, f"the positions of {first}", L)
    expected = _references(reference or {}, values, L)
    figure = new_figure(height=0.7 + 1.15 * len(values) + (0.3 if title else 0.0))
    every = figure.subplots(len(values), 1, sharex=True, sharey=share_y, squeeze=False)[:, 0]
    for axes, (name, row), colour in zip(every, values.items(), colours, strict=True):
        if name in expected:
            _draw_reference(axes, expected[name])
        _draw_sequence(axes, row, colour)
        axes.set_title(name, loc="left", color=colour, fontsize="medium")
        axes.margins(x=0.01, y=0.12)
    for text, position in (marks or {}).items():
        place = index_in("marks", position, L)
        for axes in every:
            axes.axvline(place, color=GREY, linestyle="--", linewidth=1.2, zorder=0)
        note(every[0], text, (place, 1.0), ("data", "axes fraction"), (4, 4), va="bottom")
    every[-1].set_xlabel(x_label)
    if title:
        figure.suptitle(title)
    return figure


def _references(reference: Mapping[str, Any], rows: Mapping[str, Any], L: int) -> dict[str, np.ndarray]:
    unknown = [name for name in reference if name not in rows]
    if unknown:
        raise ShapeError(f"reference: got {unknown[0]!r}, allowed are the names of the rows")
    host = {name: real_array(f"reference {name}", row, "L") for name, row in reference.items()}
    for name, row in host.items():
        same_count(f"reference {name}", row, "the positions", L)
    return host


def _draw_reference(axes: Axes, row: np.ndarray) -> None:
    if len(row) <= _NEEDLES_UP_TO:
        width = min(_REFERENCE_WIDTH, 400.0 / len(row))
        axes.vlines(np.arange(len(row)), 0, row, color=FAINT, linewidth=width, zorder=1)
    else:
        axes.plot(np.arange(len(row)), row, color=FAINT, linewidth=_REFERENCE_WIDTH, zorder=1)


def _draw_sequence(axes: Axes, row: np.ndarray, colour: str) -> None:
    position = np.arange(len(row))
    axes.axhline(0, color=BLACK, linewidth=0.8, zorder=1)
    if len(row) <= _NEEDLES_UP_TO:
        axes.vlines(position, 0, row, color=colour, linewidth=1.6)
        axes.plot(position, row, "o", color=colour, markersize=4.0)
    else:
        axes.plot(position, row, color=colour, linewidth=1.3)
