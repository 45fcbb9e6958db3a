"""A check of figures, and data that look like the real ones."""

import numpy as np
import pytest

from support.figures import assert_picture


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
