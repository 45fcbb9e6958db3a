"""The picture of a difference: what was expected, what came, and how far apart they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyena_np.exercises.exercise import Failure, Value
from hyena_np.plots.figure import Figure
from hyena_np.plots.style import BLUE, DIVERGING, VERMILION, WIDTH, styled


@styled
def picture(failure: Failure) -> Figure | None:
    """Expected, yours, difference.

    Parameters
    ----------
    failure : Failure

    Returns
    -------
    Figure or None
        None where there is nothing to draw: no arrays, or arrays of two shapes or three axes and more.
    """
    expected, got = _drawable(failure.expected), _drawable(failure.got)
    if expected is None or got is None or expected.shape != got.shape:
        return None
    return (
        _matrices(expected, got) if expected.ndim == 2 and min(expected.shape) > 1 else _lines(expected, got)
    )


def _drawable(value: Value) -> np.ndarray | None:
    """Real numbers with one or two axes; axes of length 1 in front are dropped."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf" or value.size < 2:
        return None
    while value.ndim > 1 and value.shape[0] == 1:
        value = value[0]
    if value.ndim > 2:
        value = value[(0,) * (value.ndim - 2)]  # the first of each leading axis
    return value.astype(float)


def _lines(expected: np.ndarray, got: np.ndarray) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.8))
    left, right = figure.subplots(1, 2, sharex=True)
    expected, got = expected.ravel(), got.ravel()
    left.plot(expected, "o-", color=BLUE, label="expected")
    left.plot(got, "x--", color=VERMILION, label="yours")
    left.set_title("values")
    left.set_ylabel("value")
    left.legend()
    right.axhline(0.0, color="0.5", linewidth=0.8)
    right.plot(got - expected, "o-", color=VERMILION)
    right.set_title("yours minus expected")
    for axes in (left, right):
        axes.set_xlabel("position t")
    return figure


def _matrices(expected: np.ndarray, got: np.ndarray) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.8))
    panels = figure.subplots(1, 3)
    limit = float(np.nanmax(np.abs(np.stack([expected, np.nan_to_num(got)])))) or 1.0
    titles = ("expected", "yours", "yours minus expected")
    image: Any = None
    for axes, title, matrix in zip(panels, titles, (expected, got, got - expected), strict=True):
        image = axes.imshow(matrix, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
        axes.set_title(title)
        axes.set_xlabel("column")
        axes.grid(False)
    panels[0].set_ylabel("row")
    figure.colorbar(image, ax=panels, label="value")
    return figure
