"""Figures: functions from arrays of any library to a `Figure` that shows itself in a notebook. No pyplot."""

from hyena_np.plots.curves import cost_against_length, error_ladder, learning_curve, lines
from hyena_np.plots.figure import Figure, new_figure, save
from hyena_np.plots.filters import (
    filter_responses,
    filter_spectra,
    filters_before_after,
    parameters_against_length,
)
from hyena_np.plots.matrices import matrix_image, matrix_pair, matrix_row, recalled_pair_matrix
from hyena_np.plots.monarch import fft_factors
from hyena_np.plots.panel import panel

__all__ = [
    "Figure",
    "cost_against_length",
    "error_ladder",
    "fft_factors",
    "filter_responses",
    "filter_spectra",
    "filters_before_after",
    "learning_curve",
    "lines",
    "matrix_image",
    "matrix_pair",
    "matrix_row",
    "new_figure",
    "panel",
    "parameters_against_length",
    "recalled_pair_matrix",
    "save",
]
