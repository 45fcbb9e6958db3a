"""What each factor of an experiment is worth, when one is changed at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import real_array, same_count
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import BLUE, VERMILION, note, styled


@styled
def one_at_a_time(
    factors: Mapping[str, Mapping[str, Any]], base: Mapping[str, str], title: str, x_label: str
) -> Figure:
    """Draw a measure for every value of every factor, the other factors as in the base.

    Parameters
    ----------
    factors : mapping of str to mapping of str to array (3,)
        By factor and value, from top to bottom: mean, lowest and highest. The mean may be NaN, for a value
        whose runs diverged, which is then written.
    base : mapping of str to str
        The value of each factor that the base has; it stands out.
    title, x_label : str
        `x_label` is the measure, with its unit.

    Returns
    -------
    Figure
        Points are means, bars the range over seeds; the vertical line is the base.

    Raises
    ------
    ShapeError
        No factor, or a value without three numbers.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: Hyena paper, App. D (effects of the initialisation).
    """
    rows = [
        (factor, value, numbers) for factor, values in factors.items() for value, numbers in values.items()
    ]
    if not rows:
        raise ShapeError("factors: got none, allowed is one or more with a value each")
    figure = new_figure(height=1.2 + 0.27 * (len(rows) + len(factors)))
    axes = figure.subplots()
    ticks: dict[float, str] = {}
    place, last = 0.0, rows[0][0]
    for factor, value, numbers in rows:
        mean, low, high = _three(f"{factor} {value}", numbers)
        place += 1.6 if factor != last else 1.0
        last = factor
        ticks[place] = f"{factor}: {value}"
        is_base = base.get(factor) == value
        colour = VERMILION if is_base else BLUE
        if not np.isfinite(mean):
            note(axes, "diverged", (0.02, place), ("axes fraction", "data"), va="center")
            continue
        axes.hlines(place, low, high, color=colour, linewidth=4, alpha=0.35)
        axes.plot(mean, place, "D" if is_base else "o", color=colour)
        if is_base:
            axes.axvline(mean, color=VERMILION, linewidth=0.8, zorder=0)
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_ylim(max(ticks) + 0.8, min(ticks) - 0.8)
    axes.grid(False, axis="y")
    axes.set_xlabel(x_label)
    axes.set_title(title)
    return figure


def _three(name: str, numbers: Any) -> np.ndarray:
    three = real_array(name, numbers, "statistics", finite=False)
    same_count(name, three, "mean, lowest and highest", 3)
    return three
