"""Square pictures side by side with signs between them: how an equation between matrices is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.gridspec import GridSpec

from hyena_np.plots.arguments import same_count
from hyena_np.plots.figure import Figure, new_figure


def row_of_axes(
    count: int, between: Sequence[str] | None = None, title: str = "", below: float = 0.0
) -> tuple[Figure, list[Axes]]:
    """Lay out `count` square axes in a row; `below` inches are left under them for a colour bar.

    Raises
    ------
    ShapeError
        `between` is not one fewer than the axes.
    """
    signs = [""] * (count - 1) if between is None else list(between)
    same_count("between", signs, "the gaps between matrices", count - 1)
    gap = 0.22 if any(signs) else 0.06
    side = min(2.6, 11.0 / (count + gap * len(signs)))
    figure = new_figure(side * (count + gap * len(signs)), side + (0.95 if title else 0.65) + below)
    figure.set_layout_engine("constrained", w_pad=0.08, wspace=0.0)
    ratios = [1.0, *[width for _ in signs for width in (gap, 1.0)]]
    grid = GridSpec(1, len(ratios), figure=figure, width_ratios=ratios)
    every = [figure.add_subplot(grid[0, 2 * place]) for place in range(count)]
    for place, sign in enumerate(signs):
        axes = figure.add_subplot(grid[0, 2 * place + 1])
        axes.set_axis_off()
        axes.text(
            0.5, 0.5, sign, ha="center", va="center", fontsize=20, fontweight="bold", transform=axes.transAxes
        )
    if title:
        figure.suptitle(title)
    return figure, every
