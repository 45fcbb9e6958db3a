"""What every figure must be, and data that look like the real ones."""

from io import BytesIO

import matplotlib.image
import numpy as np
import pytest

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


@pytest.fixture
def picture():
    """The function that checks a figure."""
    return assert_picture


@pytest.fixture
def frozen():
    """A function that makes an array which nobody can write into."""

    def freeze(array):
        array = np.array(array)
        array.setflags(write=False)
        return array

    return freeze


@pytest.fixture
def filters(rng, frozen):
    """Damped random filters (C, L) = (12, 48); channel 0 decays slowest, the last one fastest."""
    t = np.linspace(0, 1, 48)
    window = np.exp(-np.linspace(2, 40, 12)[:, None] * t)
    return frozen(window * rng.normal(size=(12, 48))), frozen(window)


@pytest.fixture
def causal(rng, frozen):
    """A function that makes a random causal matrix (L, L)."""
    return lambda L: frozen(np.tril(rng.normal(size=(L, L))))


@pytest.fixture
def texts():
    """A function that lists every text of a figure, drawn once so that tick labels exist."""

    def collect(figure):
        figure.draw_without_rendering()
        return [text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))]

    return collect
