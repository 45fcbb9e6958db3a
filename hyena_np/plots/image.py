"""The pieces of a picture of a matrix: the image, its axes, rings round cells.

Rows are output positions (top is the first token), columns are input positions: a causal matrix is empty
above its diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import index_in, same_count
from hyena_np.plots.colour_scale import ColourScale
from hyena_np.plots.style import BLACK, GREY

INPUT = "input position s (tokens)"
OUTPUT = "output position t (tokens)"

# More token labels than this along five inches cannot be read.
_MAX_TOKEN_LABELS = 32
# More entries than pixels: thin lines (a diagonal) would vanish unless the picture is averaged.
_NEAREST_UP_TO = 256

_RING: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": BLACK, "markeredgewidth": 1.3}

Mark = tuple[int, int] | tuple[int, int, str]


def draw_matrix(
    axes: Axes, M: np.ndarray, colours: ColourScale, tokens: Sequence[str] | None = None
) -> AxesImage:
    """Draw `M` (L, L) as an image without a colour bar, with token labels where there is room."""
    interpolation = "nearest" if max(M.shape) <= _NEAREST_UP_TO else "antialiased"
    image = axes.imshow(colours.shown(M), cmap=colours.cmap, norm=colours.norm, interpolation=interpolation)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY, linewidth=0.8)
    if tokens is not None:
        same_count("tokens", tokens, "the positions", len(M))
        if len(M) <= _MAX_TOKEN_LABELS:
            size = "small" if len(M) <= 20 else "x-small"
            turn = 90 if len(M) * max(len(str(token)) for token in tokens) > 42 else 0
            axes.set_xticks(range(len(M)), tokens, fontsize=size, rotation=turn)
            axes.set_yticks(range(len(M)), tokens, fontsize=size)
    return image


def label_positions(axes: Axes) -> None:
    """Write what rows and columns are."""
    axes.set_xlabel(INPUT)
    axes.set_ylabel(OUTPUT)


def colour_bar(figure: Figure, image: AxesImage, axes: Axes | Sequence[Axes], colours: ColourScale) -> None:
    """Draw the colour bar of `image` beside `axes`, with pointed ends where colours saturate."""
    figure.colorbar(image, ax=axes, label=colours.label, extend=colours.extend, shrink=0.9)


def ring(axes: Axes, cells: Sequence[tuple[int, int]], size: float = 8.0) -> None:
    """Draw a ring of `size` points round each (row, col)."""
    for row, col in cells:
        axes.plot(col, row, "o", markersize=size, **_RING, clip_on=False, zorder=3)


def draw_marks(axes: Axes, M: np.ndarray, marks: Sequence[Mark]) -> None:
    """Ring cells, number those that have a label, and list the labels in the upper right corner.

    Causality leaves that corner empty; a label beside its cell would hide other cells.
    """
    L = len(M)
    lines: list[str] = []
    for mark in marks:
        if len(mark) not in (2, 3):
            raise ShapeError(f"marks: got {mark!r}, allowed are (row, col) and (row, col, label)")
        row, col = index_in("marks: row", mark[0], L), index_in("marks: col", mark[1], L)
        size = max(8.0, 260.0 / L)  # points: a cell of a small matrix is larger than the smallest ring
        ring(axes, [(row, col)], size)
        if len(mark) == 3:
            lines.append(f"{len(lines) + 1}  {mark[2]}")
            halo = [withStroke(linewidth=3, foreground="white")]
            axes.annotate(
                str(len(lines)), (col, row), xytext=(0.5 * size, 0.5 * size), textcoords="offset points",
                fontweight="bold", path_effects=halo, annotation_clip=False,
            )  # fmt: skip
    if lines:
        box: dict[str, Any] = {
            "boxstyle": "round,pad=0.3",
            "facecolor": "white",
            "edgecolor": GREY,
            "alpha": 0.9,
        }
        axes.text(
            0.975, 0.97, "\n".join(lines), ha="right", va="top", ma="left", transform=axes.transAxes, bbox=box
        )
