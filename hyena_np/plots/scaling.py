"""What grows with the length of the sequence: time, memory, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter

from hyena_np.plots.arguments import line_colours, positive, real_array, same_count
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import length_axis, styled

_MARKERS = "osD^vPX"


@styled
def cost_against_length(
    lengths: Sequence[int],
    costs: Mapping[str, Any],
    title: str = "Cost against length",
    y_label: str = "time (s)",
) -> Figure:
    r"""Draw costs against sequence length, both axes logarithmic, with fitted slopes in the legend.

    .. math:: \log(\mathrm{cost}) \approx a + p \log L

    Parameters
    ----------
    lengths : sequence of int (P,)
        Sequence lengths in tokens, positive and ascending.
    costs : mapping of str to array (P,)
        Cost at each length, positive; NaN where it was not measured.
    title, y_label : str
        `y_label` holds the unit.

    Returns
    -------
    Figure
        The dashed lines are the fits. The slope p is fitted to the longer half of the measured lengths,
        because at the short end fixed costs hide the growth.

    Raises
    ------
    ShapeError
        A series has not as many entries as `lengths`, or a number is not positive.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: Hyena paper, Prop. 3.2 (cost of the operator) and Sec. 4.4 (run times).
    """
    x = real_array("lengths", lengths, "P")
    positive("lengths", x)
    figure = new_figure(height=4.6)
    axes = figure.subplots()
    for (name, values), colour, marker in zip(costs.items(), line_colours(costs), _MARKERS, strict=False):
        at, values = _measured(name, values, x)
        label = name
        fit = _power_law(at, values)
        if fit is not None:
            power, xs, ys = fit
            label = f"{name}: grows as L$^{{{power:.2f}}}$"
            axes.plot(xs, ys, color=colour, linestyle="--", linewidth=1.0, zorder=1)
        axes.plot(at, values, color=colour, marker=marker, label=label)
    length_axis(axes, x)
    axes.set_yscale("log")
    axes.set_ylabel(y_label)
    axes.set_title(title)
    axes.legend()
    return figure


@styled
def ratio_against_length(
    lengths: Sequence[int],
    ratios: Mapping[str, Any],
    title: str,
    y_label: str,
) -> Figure:
    """Draw ratios against sequence length, both axes logarithmic.

    Parameters
    ----------
    lengths : sequence of int (P,)
        Sequence lengths in tokens, positive and ascending.
    ratios : mapping of str to array (P,)
        Ratio at each length, positive and without a unit; NaN where it was not measured.
    title, y_label : str
        `y_label` says what is divided by what.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        A series has not as many entries as `lengths`, or a number is not positive.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: Hyena paper, Sec. 4.4 (speed-up over attention).
    """
    x = positive("lengths", real_array("lengths", lengths, "P"))
    figure = new_figure(height=4.6)
    axes = figure.subplots()
    for (name, values), colour, marker in zip(ratios.items(), line_colours(ratios), _MARKERS, strict=False):
        at, values = _measured(name, values, x)
        axes.plot(at, values, color=colour, marker=marker, label=name)
    length_axis(axes, x)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" if _leading(value) in (2, 5) else "")
    )
    axes.set_ylabel(y_label)
    axes.set_title(title)
    axes.legend()
    return figure


def _measured(name: str, values: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lengths at which a series has a number, and its numbers there; all of them positive."""
    values = real_array(name, values, "P", finite=False)
    same_count(name, values, "lengths", len(x))
    measured = np.isfinite(values)
    return x[measured], positive(name, values[measured])


def _leading(value: float) -> int:
    """First digit of a positive number."""
    return int(f"{value:e}"[0])


@styled
def parameters_against_length(
    lengths: Sequence[int],
    counts: Mapping[str, Any],
    title: str = "Parameters of a filter against its length",
) -> Figure:
    """Draw how many parameters each kind of filter needs for a given length, both axes logarithmic.

    Parameters
    ----------
    lengths : sequence of int (P,)
        Sequence lengths in tokens, positive.
    counts : mapping of str to array (P,)
        Number of parameters at each length, by the name of the parametrisation.
    title : str

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        A series has not as many entries as `lengths`, or a number is not positive.

    Notes
    -----
    Source: Hyena paper, Sec. 2 and 3.3 (explicit and implicit parametrisation).
    """
    x = positive("lengths", real_array("lengths", lengths, "P"))
    figure = new_figure(height=4.2)
    axes = figure.subplots()
    for (name, values), colour, marker in zip(counts.items(), line_colours(counts), _MARKERS, strict=False):
        values = positive(name, real_array(name, values, "P"))
        same_count(name, values, "lengths", len(x))
        axes.plot(x, values, color=colour, marker=marker, label=name)
    length_axis(axes, x)
    axes.set_yscale("log")
    axes.set_ylabel("parameters")
    axes.set_title(title)
    axes.legend()
    return figure


def _power_law(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
    """Fit y = e^a x^p to the longer half of the points: p, x and fitted y there; None for a single point."""
    start = min(len(x) // 2, len(x) - 2)
    if start < 0:
        return None
    power, offset = np.polyfit(np.log(x[start:]), np.log(y[start:]), 1)
    return float(power), x[start:], np.exp(offset) * x[start:] ** power
