"""How wide the spectrum of a layer's long filters is (App. D.3)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyena_np.backend import get_backend, to_numpy
from hyena_np.models.mixers import mixer_of
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import filter_tables, hyena_filter, sine_network

SHARE = 0.9  # of the energy, that lies at or below the cut-off


class Filters(NamedTuple):
    """The long filters of an operator on the host, without and with their window."""

    raw: np.ndarray  # (C, L), what the filter network gives
    windowed: np.ndarray  # (C, L), what the operator convolves with


def filters_of(params: dict, L: int, config: HyenaConfig) -> Filters:
    """The filters of an operator's parameters, for the lags 0..L-1; those are Hyena's own, no rival's."""
    z, _, _ = filter_tables(params["filter"], L, config)
    raw, _ = sine_network(z, params["filter"]["ffn"])
    windowed, _ = hyena_filter(params, L, config)
    raw = to_numpy(raw)
    # Of a layout in which order and channel change places; no measure here asks for the order of channels.
    return Filters(raw, to_numpy(windowed).reshape(raw.shape))


def initial_filters(config: HyenaConfig, seed: int) -> Filters:
    """The filters that an operator starts with, over its whole table: nothing is trained."""
    backend = get_backend("numpy", "float64")
    params = mixer_of(config).init(config, np.random.default_rng(seed), backend, 2)
    return filters_of(params, config.l_max, config)


def cutoff(h: np.ndarray) -> int:
    r"""The smallest k at or below which 90 % of the filters' energy lies, in cycles over their L lags.

    .. math:: \sum_{0 < j \le k} \sum_c |H_{c,j}|^2 \ge 0.9 \sum_{0 < j \le L/2} \sum_c |H_{c,j}|^2

    The means of the filters, j = 0, do not count: most of a flat filter is its mean, and that says nothing of
    how fast it can vary. White noise has its cut-off at 0.45 L.

    Parameters
    ----------
    h : numpy.ndarray
        (C, L) real.

    Returns
    -------
    int
        From 1 to L/2, or 0 where every filter is constant.

    Notes
    -----
    The transform takes the filter as periodic: a straight slope from one end to the other counts as a jump,
    and has its cut-off at 6. Source: Hyena paper, App. D.3, which speaks of a cut-off and does not define it.
    """
    energy = np.sum(np.abs(np.fft.rfft(h.astype(np.float64), axis=-1)) ** 2, axis=0)
    energy[0] = 0.0
    # A constant filter leaves rounding errors of the transform, which have no spectrum worth a number.
    if np.sum(energy) <= 1e-24 * np.sum(h.astype(np.float64) ** 2) * h.shape[-1]:
        return 0
    below = np.cumsum(energy)
    return int(np.argmax(below >= SHARE * below[-1]))
