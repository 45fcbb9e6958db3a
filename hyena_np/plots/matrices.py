"""Mixing matrices as pictures: one, two side by side, a product of factors, and a solved recall example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hyena_np.plots.arguments import same_count, same_squares, square_matrix
from hyena_np.plots.colour_scale import colour_scale
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.image import Mark, colour_bar, draw_marks, draw_matrix, label_positions
from hyena_np.plots.recalled_pair import recalled_pair_matrix
from hyena_np.plots.row import row_of_axes
from hyena_np.plots.style import styled

__all__ = ["matrix_image", "matrix_pair", "matrix_row", "recalled_pair_matrix"]


@styled
def matrix_image(
    M: Any,
    title: str = "",
    tokens: Sequence[str] | None = None,
    marks: Sequence[Mark] | None = None,
    scale: str = "signed",
) -> Figure:
    r"""Draw one L x L matrix as an image with a colour bar.

    Parameters
    ----------
    M : array (L, L)
        Row t holds the weights with which output t reads the inputs s. Any real dtype and library.
    title : str
    tokens : sequence of str, optional
        One label a position, written along both axes where L is at most 32.
    marks : sequence of (row, col) or (row, col, label), optional
        Cells to ring; those with a label are numbered, and the labels listed in the upper right corner.
    scale : {"signed", "attention", "log"}
        ``"signed"``: white is 0, blue negative, red positive, symmetric. ``"attention"``: from 0 up, for
        softmax weights. ``"log"``: the logarithm of \|M\|, exact zeros in grey. The first two saturate at the
        largest hundredth of the magnitudes, which pointed ends of the colour bar say.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        `M` is not square, `tokens` has not L entries, or a mark lies outside.
    ConfigError
        An unknown `scale`.
    NonFiniteError, DTypeError
        An entry is NaN or infinite, or the numbers are not real.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2 (the matrix H(u)), Figs. D.1 and D.2 (pictures of such).
    """
    M = square_matrix("M", M)
    figure = new_figure(6.6, 5.4, square=True)
    axes = figure.subplots()
    colours = colour_scale(scale, [M])
    image = draw_matrix(axes, M, colours, tokens)
    label_positions(axes)
    draw_marks(axes, M, marks or ())
    colour_bar(figure, image, axes, colours)
    axes.set_title(title)
    return figure


@styled
def matrix_row(
    matrices: Sequence[Any],
    titles: Sequence[str],
    between: Sequence[str] | None = None,
    title: str = "",
    scale: str = "signed",
) -> Figure:
    r"""Draw matrices in a row with signs between them: a product and its factors as pictures.

    .. math:: H(u) = D_x^N S_h^N \cdots D_x^2 S_h^2 D_x^1 S_h^1

    Parameters
    ----------
    matrices : sequence of arrays (L, L)
        Such as H and its factors from `hyena_np.hyena_factors`, all of one size.
    titles : sequence of str
        One above each.
    between : sequence of str, optional
        The signs, one fewer than matrices, such as ``["=", "·", "·"]``.
    title : str
    scale : {"signed", "attention", "log"}
        As in `matrix_image`. Each matrix has its own largest entry, written below it, because the factors of
        a product differ by orders of magnitude.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        A matrix is not square or of another size than the first, or a list has the wrong length.
    ConfigError, NonFiniteError, DTypeError
        As `matrix_image`.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2 and Fig. 2.1 (the factors of H(u)).
    """
    squares = same_squares(matrices, titles)
    figure, every = row_of_axes(len(squares), between, title)
    for axes, M, heading in zip(every, squares, titles, strict=True):
        draw_matrix(axes, M, colour_scale(scale, [M]))
        axes.set(xticks=[], yticks=[], title=heading)
        axes.set_xlabel(f"max |entry| {np.max(np.abs(M)):.2g}", fontsize="small")
    return figure


@styled
def matrix_pair(
    A: Any,
    B: Any,
    titles: tuple[str, str],
    title: str = "",
    tokens: tuple[Sequence[str], Sequence[str]] | None = None,
    scale: str = "signed",
) -> Figure:
    """Draw two matrices side by side on one colour scale: the same operator for two inputs.

    Parameters
    ----------
    A, B : array (L, L)
        Both of one size. Any real dtype and library.
    titles : (str, str)
        One above each.
    title : str
    tokens : pair of sequences of str, optional
        Labels of the positions of each, written where L is at most 32.
    scale : {"signed", "attention", "log"}
        As in `matrix_image`, common to both.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError, ConfigError, NonFiniteError, DTypeError
        As `matrix_row`.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2 (data control: H depends on u).
    """
    squares = same_squares([A, B], titles)
    labels = tokens if tokens is not None else (None, None)
    same_count("tokens", labels, "the matrices", 2)
    figure = new_figure(10.0, 4.9, square=True)
    left, right = figure.subplots(1, 2)
    colours = colour_scale(scale, squares)
    for axes, M, heading, names in zip((left, right), squares, titles, labels, strict=True):
        image = draw_matrix(axes, M, colours, names)
        label_positions(axes)
        axes.set_title(heading)
    right.set_ylabel("")
    colour_bar(figure, image, [left, right], colours)
    if title:
        figure.suptitle(title)
    return figure
