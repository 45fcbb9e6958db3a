"""Competitors side by side: the mean over seeds as a line, the range over seeds around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

from hyena_np.plots.arguments import line_colours, real_array, same_count
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import GREY, length_axis, short_number, styled

_MARKERS = "osD^vPX"


@styled
def compare(
    x: Sequence[float],
    series: Mapping[str, Any],
    title: str,
    x_label: str,
    y_label: str,
    chance: Sequence[float] | None = None,
    scale: str = "linear",
    percent: bool = True,
) -> Figure:
    """Draw competitors against what is varied, with the range over their seeds.

    Parameters
    ----------
    x : sequence of float (P,)
        What is varied.
    series : mapping of str to array (3, P)
        Mean, lowest and highest of each competitor, at most seven of them; NaN where nothing was measured.
    title, x_label, y_label : str
    chance : sequence of float (P,), optional
        What a guess reaches.
    scale : {"linear", "log", "length"}
        Of the x axis: "log" for learning rates and counts, "length" for powers of two.
    percent : bool
        Whether the numbers are shares of 1.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        A series has not as many entries as `x`.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: Hyena paper, Fig. 4.1.
    """
    at = real_array("x", x, "P")
    figure = new_figure(height=4.6)
    axes = figure.subplots()
    for (name, values), colour, marker in zip(series.items(), line_colours(series), _MARKERS, strict=False):
        mean, low, high = real_array(name, values, "3 P", finite=False)
        same_count(name, mean, "x", len(at))
        there = np.isfinite(mean)
        axes.plot(at[there], mean[there], color=colour, marker=marker, label=name)
        axes.fill_between(at[there], low[there], high[there], color=colour, alpha=0.15, linewidth=0)
    if chance is not None:
        axes.plot(at, real_array("chance", chance, "P"), color=GREY, linestyle=":", label="guessing")
    _x_axis(axes, at, x_label, scale)
    if percent:
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylabel(y_label)
    axes.set_title(title)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    return figure


def _x_axis(axes: Axes, at: np.ndarray, label: str, scale: str) -> None:
    if scale == "length":
        length_axis(axes, at, label)
        return
    if scale == "log":
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(at.tolist()))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.set_xlabel(label)
