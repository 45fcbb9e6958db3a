"""Which of many filters to draw: a few, from the one that decays fastest to the one that decays slowest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hyena_np.errors import ShapeError
from hyena_np.plots.arguments import index_in

# Only so many channels can be told apart in one picture.
_MAX_CHANNELS = 6


def mean_lag(h: np.ndarray) -> np.ndarray:
    """Where the energy of each filter lies: sum_t t h_t^2 / sum_t h_t^2 in tokens; (..., L) -> (...)."""
    energy = h * h
    total = np.sum(energy, axis=-1)
    return (energy @ np.arange(h.shape[-1])) / np.where(total > 0, total, 1.0)


def choose_channels(h: np.ndarray, channels: Sequence[int] | None, count: int) -> list[int]:
    """The channels asked for, or `count` of them, evenly spread over the ranking by mean lag."""
    if channels is not None:
        if len(channels) > _MAX_CHANNELS:
            raise ShapeError(f"channels: got {len(channels)} entries, allowed are at most {_MAX_CHANNELS}")
        return [index_in("channels", channel, len(h)) for channel in channels]
    ranked = np.argsort(mean_lag(h), kind="stable")
    places = np.linspace(0, len(h) - 1, min(count, len(h)))
    return [int(ranked[round(place)]) for place in places]


def channel_label(h: np.ndarray, channel: int) -> str:
    """Name a channel of `h` (C, L) by its index and its mean lag."""
    return f"channel {channel}, mean lag {mean_lag(h[channel]):.1f}"
