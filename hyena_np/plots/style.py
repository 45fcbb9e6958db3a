"""How every figure looks: one place for colours, sizes and the way a length is written on an axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

P = ParamSpec("P")
R = TypeVar("R")

# The Okabe-Ito palette: told apart with every common form of colour blindness. Its yellow is left out,
# because a yellow line on white is hard for everybody.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#7F7F7F"
LINES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
FAINT = "#D9D9D9"
NOTE = "#555555"  # text inside the axes

# Both maps are (nearly) white at zero, so that the zeros of a causal matrix read as paper.
SEQUENTIAL = "magma_r"  # perceptually uniform
DIVERGING = "RdBu_r"  # blue is negative, red is positive, white is 0

WIDTH = 8.0  # inches of a full-width figure: 800 points of a notebook's page
SCREEN_DPI = 100  # at which a figure is laid out and shown
RENDER_DPI = 120  # at which its pixels are drawn, so that it stays sharp on a fine screen and a projector

STYLE: dict[Any, Any] = {
    "figure.dpi": SCREEN_DPI,
    "savefig.dpi": RENDER_DPI,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same figure on every machine
    "font.size": 11.0,
    "axes.titlesize": 12.0,
    "axes.labelsize": 11.0,
    "figure.titlesize": 13.0,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
    "legend.fontsize": 10.0,
    "legend.frameon": False,
    "axes.prop_cycle": cycler(color=LINES),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` under matplotlib's defaults plus this package's style, then put the user's back."""

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            return function(*args, **kwargs)

    return inner


def short_number(value: float) -> str:
    """Write 4096 as 4K and 1048576 as 1M, as lengths that are powers of two are usually written."""
    for unit, size in (("M", 1 << 20), ("K", 1 << 10)):
        if value >= size and value % size == 0:
            return f"{int(value) // size}{unit}"
    return f"{value:g}"


def length_axis(axes: Axes, lengths, label: str = "sequence length L (tokens)") -> None:
    """Make the x axis logarithmic to base 2, with ticks at (some of) the given `lengths`."""
    axes.set_xscale("log", base=2)
    axes.set_xlabel(label)
    ticks = sorted({float(length) for length in lengths})
    step = -(-len(ticks) // 9)  # at most nine labels, or they touch
    axes.xaxis.set_major_locator(FixedLocator(ticks[::step]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def note(
    axes: Axes, text: str, xy: Any, coordinates: Any, offset: tuple[float, float] = (0, 0), **align: Any
) -> None:
    """Write grey text inside the axes, `offset` points from `xy`; `align` is ``ha`` and ``va``."""
    axes.annotate(
        text, xy, xycoords=coordinates, xytext=offset, textcoords="offset points", color=NOTE, **align
    )
