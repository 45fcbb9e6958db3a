"""From the entries of matrices to colours: signed, softmax weights, or logarithms of magnitudes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, Normalize

from hyena_np.errors import ConfigError
from hyena_np.plots.style import DIVERGING, FAINT, SEQUENTIAL

SCALES = ("signed", "attention", "log")

# A few entries often tower over the rest; beyond this quantile of the non-zero magnitudes a colour saturates,
# which the pointed end of the colour bar says.
_SATURATE = 0.99
# A logarithmic picture shows at most this many powers of ten below its largest entry.
_DECADES = 6.0


class ColourScale(NamedTuple):
    """How to show a matrix: `shown` turns entries into what `cmap` takes; `extend`, `label` are the bar's."""

    shown: Callable[[np.ndarray], np.ndarray]
    cmap: Colormap
    norm: Normalize
    extend: str
    label: str


def colour_scale(scale: str, matrices: Sequence[np.ndarray]) -> ColourScale:
    """Return one scale common to all `matrices`; `scale` is one of ``SCALES``, else ConfigError."""
    if scale not in SCALES:
        raise ConfigError(f"scale: got {scale!r}, allowed are {', '.join(SCALES)}")
    magnitudes = np.abs(np.concatenate([M.ravel() for M in matrices]))
    magnitudes = magnitudes[magnitudes > 0]
    if magnitudes.size == 0:
        magnitudes = np.ones(1)
    largest = float(np.max(magnitudes))
    if scale == "log":
        return _logarithmic(magnitudes, largest)
    limit = float(np.quantile(magnitudes, _SATURATE))
    beyond = largest > limit
    if scale == "signed":
        cmap = matplotlib.colormaps[DIVERGING]
        return ColourScale(
            np.asarray, cmap, Normalize(-limit, limit), "both" if beyond else "neither", "entry"
        )
    # An exact zero lies below the smallest positive number and takes the colour of the paper.
    cmap = matplotlib.colormaps[SEQUENTIAL].with_extremes(under="white")
    norm = Normalize(np.finfo(np.float64).tiny, limit)
    return ColourScale(
        np.asarray, cmap, norm, "max" if beyond else "neither", "attention weight (white: exactly 0)"
    )


def _logarithmic(magnitudes: np.ndarray, largest: float) -> ColourScale:
    top, smallest = np.log10(largest), np.log10(np.min(magnitudes))
    bottom = max(smallest, top - _DECADES)
    extend = "min" if smallest < bottom else "neither"
    norm = Normalize(bottom if bottom < top else top - 1.0, top)
    cmap = matplotlib.colormaps[SEQUENTIAL].with_extremes(bad=FAINT)
    return ColourScale(_log_magnitude, cmap, norm, extend, r"$\log_{10}$ |entry| (grey: exactly 0)")


def _log_magnitude(M: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.ma.masked_invalid(np.log10(np.abs(M)))
