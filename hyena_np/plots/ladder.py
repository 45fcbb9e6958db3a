"""The ladder of proofs as one picture: relative error of each rung against its tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import positive, real_array
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.style import BLACK, BLUE, VERMILION, styled


@styled
def error_ladder(
    errors: Mapping[str, float],
    tolerance: float | Mapping[str, float] = 1e-12,
    title: str | None = None,
) -> Figure:
    """Draw the relative error of each rung of the ladder, with the tolerance that it must meet.

    Parameters
    ----------
    errors : mapping of str to float
        Relative error (no unit) by the name of the rung, from the first rung, on top, to the last.
    tolerance : float or mapping of str to float
        One for all rungs, or one for each.
    title : str, optional
        By default it says whether every rung is within its tolerance.

    Returns
    -------
    Figure
        The axis is logarithmic. A rung over its tolerance is a cross in another colour; an error of exactly 0
        stands at the left edge, one that is NaN or infinite at the right edge, as a failure.

    Raises
    ------
    ShapeError
        No rung, a negative error, or a rung without a positive tolerance.
    DTypeError
        The numbers are not real.

    Notes
    -----
    Source: no counterpart in the paper; it is how this package is proved.
    """
    names = list(errors)
    values = real_array("errors", list(errors.values()), "rungs", finite=False)
    limits = _limits(names, tolerance)
    if np.any(values < 0):
        raise ShapeError(f"errors: got {np.nanmin(values):g}, allowed are numbers >= 0")
    finite = values[np.isfinite(values) & (values > 0)]
    left = 10 ** (np.floor(np.log10(min([1e-17, *finite]))) - 0.5)
    right = 10 ** (np.ceil(np.log10(max([*finite, *limits]))) + 1.0)
    figure = new_figure(height=1.1 + 0.4 * len(names))
    axes = figure.subplots()
    for place, (value, limit) in enumerate(zip(values, limits, strict=True)):
        passed = bool(value <= limit)  # False for NaN
        end = float(np.clip(value, left, right)) if np.isfinite(value) else right
        colour = BLUE if passed else VERMILION
        axes.hlines(place, left, end, color=colour, linewidth=7, alpha=0.35)
        axes.plot(end, place, "o" if passed else "X", color=colour, markersize=8, clip_on=False)
        text = _verdict(value, limit, passed)
        axes.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", color=colour)
        axes.vlines(limit, place - 0.4, place + 0.4, color=BLACK, linestyle="--")
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, pad=10)
    axes.grid(False, axis="y")
    axes.set_xlabel("relative error (dashed: tolerance)")
    axes.set_title(_summary(values, limits) if title is None else title)
    return figure


def _limits(names: Sequence[str], tolerance: float | Mapping[str, float]) -> list[float]:
    each = tolerance if isinstance(tolerance, Mapping) else dict.fromkeys(names, tolerance)
    missing = [name for name in names if name not in each]
    if missing:
        raise ShapeError(f"tolerance: got none for {missing[0]!r}, allowed is one number or one a rung")
    limits = real_array("tolerance", [each[name] for name in names], "rungs")
    return [float(limit) for limit in positive("tolerance", limits)]


def _verdict(value: float, limit: float, passed: bool) -> str:
    if not np.isfinite(value):
        return "not finite"
    number = "0" if value == 0 else f"{value:.1e}"
    return f"{number} {'≤' if passed else '>'} {limit:.0e}"


def _summary(values: np.ndarray, limits: Sequence[float]) -> str:
    failed = int(np.sum(~(values <= np.asarray(limits))))
    if failed:
        return f"{failed} of {len(values)} rungs over tolerance"
    return "Each rung agrees with the one before"
