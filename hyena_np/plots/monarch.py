"""Complex matrices in a row: the Fourier matrix and the sparse factors that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize

from hyena_np.plots.arguments import complex_square_matrix, same_squares
from hyena_np.plots.figure import Figure
from hyena_np.plots.row import row_of_axes
from hyena_np.plots.style import GREY, styled

# The phases -1, -i, 1, i and -1 again. Sixteen phases stay apart, from one another and from white paper, with
# every common form of colour blindness; matplotlib's own cyclic maps turn nearly white for one of the four.
PHASE_COLOURS = ("#C24A02", "#160006", "#6B48E1", "#5DD8FF", "#C24A02")
PHASES = LinearSegmentedColormap.from_list("phases", PHASE_COLOURS, N=512)

_BAR = 0.5  # inches for the colour bar under the matrices


@styled
def fft_factors(
    matrices: Sequence[Any],
    titles: Sequence[str],
    between: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    r"""Draw complex matrices in a row with signs between them: phases as colours, magnitudes as opacity.

    .. math:: F_n = P\,(I \otimes F_{N_2})\,T\,P\,(I \otimes F_{N_1})\,P \qquad (n = N_1 N_2,\ N_1 = N_2)

    Parameters
    ----------
    matrices : sequence of arrays (n, n)
        Such as a DFT matrix and its factors. Any real or complex dtype and library; all of one size.
    titles : sequence of str
        One above each.
    between : sequence of str, optional
        The signs, one fewer than matrices, such as ``["=", "·"]``.
    title : str

    Returns
    -------
    Figure
        Zeros are white. Below each matrix stands how many entries are not zero: what a product with it costs.

    Raises
    ------
    ShapeError
        A matrix is not square or of another size than the first, or a list has the wrong length.
    NonFiniteError, DTypeError
        An entry is NaN or infinite, or is no number.

    Notes
    -----
    Source: Monarch matrices (Dao et al., 2022) and FlashFFTConv (Fu et al., 2023); no counterpart in the
    Hyena paper.
    """
    squares = same_squares(matrices, titles, complex_square_matrix)
    figure, every = row_of_axes(len(squares), between, title, below=_BAR)
    for axes, M, heading in zip(every, squares, titles, strict=True):
        _draw_phases(axes, M)
        axes.set_title(heading)
    phases = ScalarMappable(Normalize(-np.pi, np.pi), PHASES)
    bar = figure.colorbar(phases, ax=figure.axes, location="bottom", shrink=0.45, aspect=32, pad=0.06)
    bar.set_ticks(np.pi * np.array([-1, -0.5, 0, 0.5, 1]), labels=["-1", "-i", "1", "i", "-1"])
    bar.set_label("phase (white: exactly 0)")
    return figure


def phase_image(M: np.ndarray) -> np.ndarray:
    """Colours (n, n, 4) of complex numbers: hue by phase, opacity by magnitude, the largest one opaque."""
    magnitude = np.abs(M)
    image = PHASES((np.angle(M) + np.pi) / (2 * np.pi))
    image[..., 3] = magnitude / max(float(np.max(magnitude)), np.finfo(float).tiny)
    return image


def _draw_phases(axes: Axes, M: np.ndarray) -> None:
    axes.imshow(phase_image(M), interpolation="nearest")
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY, linewidth=0.8)
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(f"{np.count_nonzero(M)} entries", fontsize="small")
