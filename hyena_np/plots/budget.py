"""What a budget of operations buys: the loss of competitors as their training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import line_colours, real_array
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import styled


@styled
def loss_against_operations(series: Mapping[str, Any], title: str, y_label: str) -> Figure:
    """Draw the loss of each competitor against the operations that its training has taken so far.

    Parameters
    ----------
    series : mapping of str to array (4, P)
        Operations, then mean, lowest and highest loss over the seeds, at P moments; P may differ between
        competitors. At most seven.
    title, y_label : str
        `y_label` is the loss, with its unit.

    Returns
    -------
    Figure

    Raises
    ------
    ShapeError
        A series has not four rows, or there are more than seven.
    DTypeError, NonFiniteError
        The numbers are not real, or not finite.

    Notes
    -----
    Source: Hyena paper, Fig. 4.2.
    """
    figure = new_figure(height=4.4)
    axes = figure.subplots()
    for (name, values), colour in zip(series.items(), line_colours(series), strict=True):
        numbers = real_array(name, values, "4 P")
        if len(numbers) != 4:
            raise ShapeError(f"{name}: got {len(numbers)} rows, allowed are 4: operations, mean, low, high")
        operations, mean, low, high = numbers[:, np.argsort(numbers[0])]
        axes.plot(operations, mean, marker="o", markersize=4, color=colour, label=name)
        axes.fill_between(operations, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="operations of the training", ylabel=y_label, title=title)
    axes.set_xscale("log")
    axes.legend()
    return figure
