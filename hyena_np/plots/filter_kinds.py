"""Filters of several kinds, side by side in frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hyena_np.plots.arguments import line_colours, real_array
from hyena_np.plots.figure import Figure, new_figure
from hyena_np.plots.spectra import DECIBEL, FREQUENCY
from hyena_np.plots.style import GREY, styled

_STYLES = ("-", "--", "-.", ":", "-", "--", "-.")
# Below this a filter does nothing at all; without a floor one such kind would squeeze all others together.
_FLOOR_DB = -120.0


@styled
def median_spectra(kinds: Mapping[str, Any], title: str) -> Figure:
    r"""Draw :math:`|H(f)|` in decibels for several kinds of filter: of each the median over its channels.

    .. math:: 20 \log_{10} \operatorname{median}_c \Big| \sum_{t=0}^{L-1} h_{c,t} e^{-2 \pi i f t} \Big|,
              \quad 0 \le f \le 1/2

    Parameters
    ----------
    kinds : mapping of str to array (C, L)
        Filters by the name of their kind, at most seven kinds. C and L may differ between them.
    title : str

    Returns
    -------
    Figure
        Frequency in cycles per token; 0 dB is a gain of 1. Values below -120 dB stand there.

    Raises
    ------
    ShapeError, NonFiniteError, DTypeError
        As `filter_responses`, or more kinds than colours.

    Notes
    -----
    The transform has length L, without padding: what varies within the lags is the question, not what the
    end of the filter adds.
    Source: Hyena paper, App. D.3 (filters at initialisation).
    """
    figure = new_figure(height=4.6)
    axes = figure.subplots()
    for (name, h), colour, style in zip(kinds.items(), line_colours(kinds), _STYLES, strict=False):
        h = real_array(name, h, "C L")
        middle = np.median(np.abs(np.fft.rfft(h, axis=-1)), axis=0)
        level = 20 * np.log10(np.maximum(middle, 10 ** (_FLOOR_DB / 20)))
        axes.plot(np.fft.rfftfreq(h.shape[-1]), level, color=colour, linestyle=style, label=name)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlim(0, 0.5)
    axes.set_xlabel(FREQUENCY)
    axes.set_ylabel(DECIBEL)
    axes.set_title(title)
    figure.legend(loc="outside right center")
    return figure
