"""What every figure must be."""

from io import BytesIO

import matplotlib.image
import numpy as np

from hyena_np.plots import Figure
from hyena_np.plots.figure import png
from hyena_np.plots.style import RENDER_DPI


def assert_picture(figure):
    """A figure that renders to a PNG with something on it, and with nothing cut off at its edges."""
    assert isinstance(figure, Figure)
    pixels = matplotlib.image.imread(BytesIO(png(figure)), format="png")
    width, height = figure.get_size_inches()
    assert abs(pixels.shape[1] - width * RENDER_DPI) <= 1 and abs(pixels.shape[0] - height * RENDER_DPI) <= 1
    levels = np.round(255 * pixels[..., :3]).astype(int) @ [1 << 16, 1 << 8, 1]
    assert len(np.unique(levels)) > 20, "an empty picture"
    assert np.mean(np.any(pixels[..., :3] < 0.9, axis=-1)) > 0.005, "nearly nothing drawn"
    figure.set_dpi(RENDER_DPI)
    (left, bottom), (right, top) = figure.get_tightbbox().get_points()  # inches, of everything drawn
    assert min(left, bottom) >= 0, f"cut off at the left or the bottom: {left}, {bottom}"
    assert right <= width and top <= height, f"cut off at the right or the top: {right}, {top}"
