"""Implicit filters over an image: a tap for every pair of lags, from one network and one window."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_shape, host_range, like, namespace
from hyena_np.ops.checks import check_integer
from hyena_np.ops.filters import (
    SineNetworkCache,
    WindowCache,
    decay_rates,
    exponential_window,
    exponential_window_backward,
    positional_features,
    sine_network,
    sine_network_backward,
    table_gradients,
    table_names,
)
from hyena_np.ops.noncausal_config import Hyena2DConfig, hyena2d_shapes
from hyena_np.ops.parameters import TABLES, check_params


def positional_features_2d(height: int, width: int, emb_dim: int, reference: Array) -> tuple[Array, Array]:
    r"""Features of a pair of lags, and its distance.

    .. math:: z_{ij} = \big[\mathrm{Features}_{2H-1}(i + H-1),\ \mathrm{Features}_{2W-1}(j + W-1)\big],
              \qquad t_{ij} = \frac{|i|}{H-1} + \frac{|j|}{W-1}

    for the lags i = -(H-1)..H-1 and j = -(W-1)..W-1, row by row. An axis has the features of
    `positional_features`, counted from its most negative lag. With the sum of two distances the window is a
    product of two windows, one an axis.

    Parameters
    ----------
    height, width : int
        Sides H and W of the image.
    emb_dim : int
        E = 2K+1 features an axis, odd, at least 3.
    reference : array
        Gives library, device and dtype. The tables are computed in float64 on the host.

    Returns
    -------
    z : array (1, P, 2E)
        P = (2H-1)(2W-1).
    t : array (1, P, 1)
        0 at the lag (0, 0), 2 in the corners.

    Raises
    ------
    ConfigError
        A number is not allowed.

    Notes
    -----
    Source: Hyena paper, App. D.3, with two positions.
    """
    check_integer("height", height, 1)
    check_integer("width", width, 1)
    host = host_range(1)
    xp = namespace(host=host)
    rows, _ = positional_features(2 * height - 1, emb_dim, host)  # (1,2H-1,E)
    columns, _ = positional_features(2 * width - 1, emb_dim, host)  # (1,2W-1,E)
    grid = (2 * height - 1, 2 * width - 1, emb_dim)
    z = xp.concat(
        [xp.broadcast_to(rows[0, :, None, :], grid), xp.broadcast_to(columns[0, None, :, :], grid)], axis=-1
    )
    t = _distance(height)[:, None] + _distance(width)[None, :]  # (2H-1,2W-1)
    z, t = xp.reshape(z, (1, -1, 2 * emb_dim)), xp.reshape(t, (1, -1, 1))
    return like(z, reference), like(t, reference)


def _distance(side: int) -> Array:
    """|lag| / (side - 1) for the lags -(side-1)..side-1, on the host."""
    lag = host_range(2 * side - 1) - (side - 1)
    return abs(lag) / max(side - 1, 1)


class HyenaFilter2DCache(NamedTuple):
    """What `hyena_filter2d_backward` needs; P = (2H-1)(2W-1)."""

    network: SineNetworkCache
    window_cache: WindowCache
    raw: Array  # (C, P), the network's output
    window: Array  # (C, P)
    tables: dict  # names of the tables that came from the parameters, by branch
    config: Hyena2DConfig


def hyena_filter2d(params: dict, config: Hyena2DConfig) -> tuple[Array, HyenaFilter2DCache]:
    r"""All long filters of a two-dimensional operator.

    .. math:: h_{ij} = \mathrm{Window}(t_{ij}) \cdot (\mathrm{FFN} \circ \mathrm{PositionalEncoding})(i, j)

    The paper says that Hyena took the place of S4ND, whose filters are outer products of two filters of one
    axis, but not how. An implicit filter needs no such structure: the network is a function of position,
    here of two. It gives filters of any rank, with oblique edges for example, and begins at the scale of the
    one-dimensional ones, where a product of two would begin at its square. Its cost does not depend on the
    batch.

    Parameters
    ----------
    params : dict
        Parameter tree of an operator; its branch ``"filter"`` is read. Where it has no ``"positional"`` or
        ``"window"`` tables, they are computed from `config`.
    config : Hyena2DConfig

    Returns
    -------
    h : array (N-1, D, 2H-1, 2W-1)
        Dtype of the parameters; the lag (0, 0) in the middle.
    cache : HyenaFilter2DCache
        The network's layers, the raw filter and the window.

    Raises
    ------
    ParameterError
        `params` does not fit `config`.

    Notes
    -----
    Source: Hyena paper, eq. (7) and Sec. 4.5.
    """
    tree = params.get("filter", {})
    shapes = {name: shape for name, shape in hyena2d_shapes(config).items() if name.startswith("filter.")}
    check_params({"filter": tree}, shapes, optional=(*TABLES, "filter.skip"))
    z, t, deltas = _tables(tree, config)
    raw, network = sine_network(z, tree["ffn"])
    window, window_cache = exponential_window(t, deltas, config.shift)
    xp = namespace(raw=raw)
    h = xp.reshape(window * raw, (config.num_convolutions, config.d_model, *config.lags))
    return h, HyenaFilter2DCache(network, window_cache, raw, window, table_names(tree), config)


def hyena_filter2d_backward(dh: Array, cache: HyenaFilter2DCache) -> dict:
    r"""Gradients of `hyena_filter2d`.

    .. math:: d\mathrm{FFN} = \mathrm{Window} \odot dh, \qquad d\mathrm{Window} = \mathrm{FFN} \odot dh

    Parameters
    ----------
    dh : array (N-1, D, 2H-1, 2W-1)
    cache : HyenaFilter2DCache

    Returns
    -------
    dict
        ``{"filter": {...}}`` with the keys and shapes of the parameters that the filter depends on. The skip
        term is none of them.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: Hyena paper, eq. (7), differentiated.
    """
    network, window_cache, raw, window, tables, config = cache
    xp = namespace(dh=dh, raw=raw)
    check_shape("dh", dh, (config.num_convolutions, config.d_model, *config.lags))
    dflat = xp.reshape(dh, tuple(raw.shape))  # (N-1,D,2H-1,2W-1) -> (C,P)
    # h = window * raw
    dz, dffn = sine_network_backward(window * dflat, network)
    dt, ddeltas = exponential_window_backward(raw * dflat, window_cache)
    return {"filter": {"ffn": dffn} | table_gradients(dz, dt, ddeltas, tables, config.network)}


def _tables(tree: dict, config: Hyena2DConfig) -> tuple[Array, Array, Array]:
    """Features (P, 2E), distances (P,), decay rates (C,): the tree's own, or computed where it has none."""
    tables = tree.get("positional", {}) | tree.get("window", {})
    if len(tables) < len(TABLES):
        reference = tree["ffn"]["freq"]
        z, t = positional_features_2d(config.height, config.width, config.emb_dim, reference)
        tables = {"z": z, "t": t, "deltas": decay_rates(config.network, reference)} | tables
    return tables["z"][0, :, :], tables["t"][0, :, 0], tables["deltas"][0, 0, :]
