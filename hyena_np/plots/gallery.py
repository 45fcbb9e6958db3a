"""Many kinds of filters at a glance: a row a kind, a column a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import real_array
from hyena_np.plots.channels import choose_channels
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import LINES, styled

_ROW_HEIGHT = 0.95  # inches


@styled
def filter_gallery(
    filters: Mapping[str, Sequence[Any]],
    columns: Sequence[str],
    channels: int = 3,
    title: str = "Filters of every kind",
) -> Figure:
    """Draw a few channels of filters, a row a kind; the rows have scales of their own.

    Parameters
    ----------
    filters : mapping of str to sequence of array (C, L)
        For each kind as many arrays as there are columns. Any real dtype and library.
    columns : sequence of str
        Headings.
    channels : int
        How many channels of each, from fast to slow decay.
    title : str

    Returns
    -------
    Figure
        Each row is scaled to its largest tap, which is written beside it: what differs is the form.

    Raises
    ------
    ShapeError
        A kind has not as many arrays as there are columns, or one is not (C, L).

    Notes
    -----
    Source: Hyena paper, App. A.1 (the parametrisations that were compared).
    """
    figure = new_figure(height=1.2 + _ROW_HEIGHT * len(filters))
    grid = figure.subplots(len(filters), len(columns), sharex=True, sharey="row", squeeze=False)
    for row, (name, arrays) in zip(grid, filters.items(), strict=True):
        if len(arrays) != len(columns):
            raise ShapeError(f"{name}: got {len(arrays)} arrays, allowed are {len(columns)}, one a column")
        for axes, array in zip(row, arrays, strict=True):
            h = real_array(name, array, "C L")
            chosen = choose_channels(h, None, count=channels)
            for channel, colour in zip(chosen, LINES, strict=False):
                axes.plot(h[channel], color=colour, linewidth=1.1)
            axes.set_yticks([])
            axes.set_title(f"largest tap {np.max(np.abs(h)):.2g}", loc="right", fontsize="small", pad=2)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for axes, heading in zip(grid[0], columns, strict=True):
        axes.set_title(heading, loc="left", pad=2)
    for axes in grid[-1]:
        axes.set_xlabel("lag t (tokens)")
    figure.suptitle(title)
    return figure
