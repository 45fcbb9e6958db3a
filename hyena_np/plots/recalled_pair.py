"""A solved recall example: the Hyena matrix, and where its query's row looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpec

from hyena_np.plots.arguments import index_in, same_count, square_matrix
from hyena_np.plots.colour_scale import ColourScale, colour_scale
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.image import INPUT, colour_bar, draw_matrix, label_positions, ring
from hyena_np.plots.style import BLACK, GREY, VERMILION, styled

# Rows of the zoom: the query's and those just before it.
_LAST_ROWS = 8


@styled
def recalled_pair_matrix(
    M: Any,
    tokens: Sequence[str],
    query_index: int,
    value_indices: Sequence[int],
    title: str = "Hyena matrix of one recall example",
) -> Figure:
    """Draw the Hyena matrix of a recall example, the recalled pair marked, and the query's row beside it.

    Parameters
    ----------
    M : array (L, L)
        The matrix of one channel, or a mean over channels. Any real dtype and library.
    tokens : sequence of str (L,)
        The example's tokens.
    query_index : int
        Position of the query, whose output must be the value.
    value_indices : sequence of int
        Positions at which the value stood behind the query's key.
    title : str

    Returns
    -------
    Figure
        Left the whole matrix, right above its last rows up to the query, right below the query's row as bars.

    Raises
    ------
    ShapeError
        `M` is not square, `tokens` has not L entries, or a position does not exist.
    NonFiniteError, DTypeError
        As `matrix_image`.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2 and 4.1 (associative recall); official code: `assoc_recall`.
    """
    M = square_matrix("M", M)
    L = len(M)
    same_count("tokens", tokens, "the positions of M", L)
    query = index_in("query_index", query_index, L)
    values = [index_in("value_indices", index, L) for index in value_indices]
    colours = colour_scale("signed", [M])
    figure = new_figure(11.0, 4.9, square=True)
    grid = GridSpec(2, 2, figure=figure, width_ratios=[1.0, 1.25], height_ratios=[1.0, 1.3])
    whole, rows, bars = (figure.add_subplot(grid[cell]) for cell in ((slice(None), 0), (0, 1), (1, 1)))
    image = draw_matrix(whole, M, colours, tokens)
    label_positions(whole)
    ring(whole, [(query, value) for value in values])
    whole.set_title("the whole matrix, recalled pair ringed")
    _draw_last_rows(rows, M, colours, tokens, query, values)
    _draw_row_weights(bars, M[query], tokens, query, values)
    bars.sharex(rows)
    colour_bar(figure, image, [rows, bars], colours)
    figure.suptitle(title)
    return figure


def _draw_last_rows(
    axes: Axes, M: np.ndarray, colours: ColourScale, tokens: Sequence[str], query: int, values: Sequence[int]
) -> None:
    first = max(0, query - _LAST_ROWS + 1)
    extent = (-0.5, query + 0.5, query + 0.5, first - 0.5)
    image = M[first : query + 1, : query + 1]
    axes.imshow(
        colours.shown(image),
        cmap=colours.cmap,
        norm=colours.norm,
        aspect="auto",
        interpolation="nearest",
        extent=extent,
    )
    axes.grid(False)
    axes.set_yticks(range(first, query + 1), tokens[first : query + 1])
    axes.set_ylabel("output token")
    ring(axes, [(query, value) for value in values])
    axes.tick_params(labelbottom=False)
    axes.set_title("the last rows up to the query")


def _draw_row_weights(
    axes: Axes, row: np.ndarray, tokens: Sequence[str], query: int, values: Sequence[int]
) -> None:
    colours = [VERMILION if s in values else GREY for s in range(query + 1)]
    axes.bar(range(query + 1), row[: query + 1], color=colours, width=0.8)
    axes.axhline(0, color=BLACK, linewidth=0.8)
    axes.set_xlabel(INPUT)
    axes.set_ylabel("entry")
    axes.set_title(f"query's row; in colour what stood behind '{tokens[query]}'")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low))  # room for the labels
    for s in values:
        pair = f"{tokens[s - 1]}→{tokens[s]}" if s > 0 else str(tokens[s])
        axes.annotate(
            pair,
            (s, 0.97),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="center",
            va="top",
            color=VERMILION,
        )
