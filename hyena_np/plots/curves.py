"""Numbers against steps, lengths and rungs: learning, cost, error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import line_colours, real_array, same_count
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.ladder import error_ladder
from hyena_np.plots.scaling import cost_against_length
from hyena_np.plots.style import GREY, note, styled

__all__ = ["cost_against_length", "error_ladder", "learning_curve", "lines"]

# From so many points on, a series is drawn faintly with its running mean on top.
_SMOOTH_FROM = 120


@styled
def learning_curve(
    rows: Mapping[str, Any],
    chance: float | None = None,
    target: float | None = 0.99,
    title: str = "Learning to recall",
) -> Figure:
    """Draw accuracy and loss against training steps, of one run or of several.

    Parameters
    ----------
    rows : mapping
        ``{"step": (S,), "loss": (S,), "accuracy": (S,)}`` for one run, ``{name: such a mapping}`` for more.
        Accuracy between 0 and 1, loss in nats. NaN where a quantity was not measured at a step.
    chance : float, optional
        Accuracy of guessing, drawn as a dashed line.
    target : float, optional
        Accuracy to be reached, drawn as a dotted line; None for no line.
    title : str

    Returns
    -------
    Figure
        Accuracy above, loss (logarithmic) below. A series of 120 values or more is drawn faintly, its running
        mean on top.

    Raises
    ------
    ShapeError
        The arrays of a run differ in length or one is missing.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1 (associative recall).
    """
    runs = {"": rows} if "step" in rows else dict(rows)
    figure = new_figure(height=5.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[1.4, 1.0])
    width = 1
    for (name, run), colour in zip(runs.items(), line_colours(runs), strict=True):
        step, loss, accuracy = _run(name, run)
        width = max(width, _draw_smoothed(top, step, accuracy, colour, name))
        width = max(width, _draw_smoothed(bottom, step, loss, colour, name))
    if target is not None:  # accuracy starts low and ends high: the other corners are free for the labels
        top.axhline(target, color=GREY, linestyle=":", linewidth=1.4)
        note(top, f"target {target:.0%}", (0.01, target), ("axes fraction", "data"), (0, -4), va="top")
    if chance is not None:
        top.axhline(chance, color=GREY, linestyle="--", linewidth=1.4)
        note(top, f"chance {chance:.0%}", (0.99, chance), ("axes fraction", "data"), (0, 3), ha="right")
    top.set_ylim(-0.03, 1.03)
    top.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    top.set_ylabel("accuracy")
    top.set_title(title)
    bottom.set_yscale("log")
    bottom.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    bottom.set_ylabel("loss (nats)")
    bottom.set_xlabel("training step")
    if width > 1:
        note(bottom, f"thick: mean of {width} values", (0.99, 0.96), "axes fraction", ha="right", va="top")
    if len(runs) > 1:
        top.legend(loc="center right")
    return figure


@styled
def lines(
    x: Any,
    series: Mapping[str, Any],
    x_label: str,
    y_label: str,
    title: str = "",
    log_x: bool = False,
    log_y: bool = False,
    marks: Mapping[str, float] | None = None,
) -> Figure:
    """Draw a few series over one axis: what a notebook needs beside the figures with a name.

    Parameters
    ----------
    x : array (P,)
        Real numbers.
    series : mapping of str to array (P,)
        At most seven; NaN leaves a gap.
    x_label, y_label : str
        With units.
    title : str
    log_x, log_y : bool
        Logarithmic axes.
    marks : mapping of str to float, optional
        Places on the x axis to mark with a vertical line, by what to write there.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        A series has not as many entries as `x`, or there are more than seven.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    x = real_array("x", x, "P")
    figure = new_figure(height=4.2)
    axes = figure.subplots()
    for (name, values), colour in zip(series.items(), line_colours(series), strict=True):
        values = real_array(name, values, "P", finite=False)
        same_count(name, values, "x", len(x))
        axes.plot(x, values, color=colour, label=name, marker="o" if len(x) <= 64 else None, markersize=3.5)
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    for text, place in (marks or {}).items():
        axes.axvline(place, color=GREY, linestyle="--", linewidth=1.2)
        note(axes, text, (place, 0.98), ("data", "axes fraction"), (4, 0), va="top")
    axes.set(xlabel=x_label, ylabel=y_label, title=title)
    if len(series) > 1:
        axes.legend()
    return figure


def _run(name: str, run: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    where = f"rows[{name!r}]" if name else "rows"
    needed = ("step", "loss", "accuracy")
    if not isinstance(run, Mapping) or not set(needed) <= set(run):
        given = ", ".join(run) if isinstance(run, Mapping) else type(run).__name__
        raise ShapeError(f"{where}: got {given}, allowed is a mapping with {', '.join(needed)}")
    step, loss, accuracy = (real_array(f"{where}[{key!r}]", run[key], "S", finite=False) for key in needed)
    for key, values in (("loss", loss), ("accuracy", accuracy)):
        same_count(f"{where}[{key!r}]", values, f"{where}['step']", len(step))
    return step, loss, accuracy


def _draw_smoothed(axes: Axes, step: np.ndarray, values: np.ndarray, colour: str, name: str) -> int:
    """Draw what was measured and, of a long series, the centred running mean; return the mean's width."""
    measured = np.isfinite(values)
    step, values = step[measured], values[measured]
    if len(values) < _SMOOTH_FROM:
        marker = "o" if len(values) <= 40 else None
        axes.plot(step, values, color=colour, marker=marker, markersize=4, label=name)
        return 1
    width = len(values) // 40
    weights = np.full(width, 1 / width)
    axes.plot(step, values, color=colour, alpha=0.3, linewidth=0.8)
    mean_step, mean = (np.convolve(series, weights, mode="valid") for series in (step, values))
    axes.plot(mean_step, mean, color=colour, label=name)
    return width
