"""Filters that are computed, not stored: h_t = Window(t) * FFN(PositionalEncoding(t)) (eq. (7))."""

from __future__ import annotations

import math
from typing import NamedTuple

from hyena_np.backend import (
    Array,
    check_ndim,
    check_shape,
    host_range,
    like,
    namespace,
    owned,
    zeros_like_device,
)
from hyena_np.errors import ConfigError, ParameterError, ShapeError
from hyena_np.ops.checks import check_integer, check_odd
from hyena_np.ops.config import HyenaConfig, operator_shapes
from hyena_np.ops.filter_arguments import check_lags
from hyena_np.ops.parameters import TABLES, check_params


def positional_features(l_max: int, emb_dim: int, reference: Array) -> tuple[Array, Array]:
    r"""Features of the position that the filter network sees.

    .. math:: z_t = \big[\tau_t,\ \cos(f_k \omega_t),\ -\sin(f_k \omega_t)\big],\quad
              \tau_t = \tfrac{t}{l_{max}-1},\quad \omega_t = \tfrac{2\pi t}{l_{max}},\quad k = 0..K-1

    with frequencies :math:`f` from 1e-4 to K-1 in equal steps. The paper writes :math:`e^{+i}` and starts at
    0, which would make one feature constant zero.

    Parameters
    ----------
    l_max : int
        Length of the table; time is scaled by it.
    emb_dim : int
        E = 2K+1, odd, at least 3.
    reference : array
        Gives library, device and dtype. The table itself is computed in float64 on the host.

    Returns
    -------
    z : array (1, l_max, E)
    t : array (1, l_max, 1)
        The scaled time alone, for the window.

    Raises
    ------
    ConfigError
        `l_max` or `emb_dim` is not allowed.

    Notes
    -----
    Source: Hyena paper, App. D.3; official code: ``PositionalEmbedding``.
    """
    check_integer("l_max", l_max, 1)
    check_odd("emb_dim", emb_dim, 3)
    K = (emb_dim - 1) // 2
    position = host_range(l_max)
    xp = namespace(position=position)
    t = (position / max(l_max - 1, 1))[:, None]
    omega = (2 * math.pi / l_max * position)[:, None]
    step = (K - 1 - 1e-4) / (K - 1) if K > 1 else 0.0
    f = 1e-4 + step * host_range(K)
    z = xp.concat([t, xp.cos(f * omega), -xp.sin(f * omega)], axis=1)  # (l_max, 1+K+K)
    return like(z[None], reference), like(t[None], reference)


def decay_rates(config: HyenaConfig, reference: Array) -> Array:
    r"""Decay rates of the window, from slow to fast over the C channels of all filters.

    .. math:: \delta_c \text{ in equal steps from } \ln(\mathrm{target})/\mathrm{slow}
              \text{ to } \ln(\mathrm{target})/\mathrm{fast}

    Parameters
    ----------
    config : HyenaConfig
    reference : array
        Gives library, device and dtype.

    Returns
    -------
    array (1, 1, C)
        Negative, in units of 1/l_max.

    Raises
    ------
    LibraryMismatchError
        `reference` is no array.

    Notes
    -----
    Source: Hyena paper, Sec. 3.3 and Fig. 3.1; official code: ``ExponentialModulation``.
    """
    slow = math.log(config.target) / config.slow_decay_pct
    fast = math.log(config.target) / config.fast_decay_pct
    C = config.filter_channels
    deltas = slow + (fast - slow) / max(C - 1, 1) * host_range(C)
    return like(deltas[None, None], reference)


class SineNetworkCache(NamedTuple):
    """What `sine_network_backward` needs: inputs and pre-activations of every layer."""

    params: dict
    inputs: list  # of (features, L): what each dense layer read
    preactivations: list  # of (M, L): what each sine read, before the frequency


def sine_network(z: Array, params: dict) -> tuple[Array, SineNetworkCache]:
    r"""The filter network: dense layers with sine activations that share one frequency vector.

    .. math:: a^{0} = z^\top,\qquad a^{i+1} = \sin\big(\omega \odot (W_i a^{i} + b_i)\big),\qquad
              \hat h = W_n a^{n}

    Parameters
    ----------
    z : array (L, E), float32 or float64
        Positional features.
    params : dict
        ``{"linear_0": {"weight" (M, E), "bias" (M,)}, ..., "linear_n": {"weight" (C, M)}, "freq" (1, M)}``.

    Returns
    -------
    h : array (C, L)
        Raw filters of all orders and channels, time last.
    cache : SineNetworkCache
        Two (M, L) arrays a layer.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 3.3 and App. D.3; official code: ``implicit_filter``, ``Sin``.
    """
    check_ndim("z", z, "L E")
    depth = sum(name.startswith("linear_") for name in params)
    if "freq" not in params or depth < 2:
        raise ParameterError(f"params: got {sorted(params)}, allowed are 'freq' and two or more 'linear_i'")
    freq = params["freq"]
    xp = namespace(z=z, freq=freq)
    omega = freq[0, :, None]  # (1,M) -> (M,1)
    a, inputs, preactivations = xp.matrix_transpose(z), [], []
    for i in range(depth - 1):
        weight, bias = params[f"linear_{i}"]["weight"], params[f"linear_{i}"]["bias"]
        if weight.shape[1] != a.shape[0]:
            raise ShapeError(
                f"linear_{i}.weight: got shape {tuple(weight.shape)}, allowed is (M, {a.shape[0]})"
            )
        x = xp.matmul(weight, a) + bias[:, None]  # (M,features) @ (features,L)
        inputs.append(a)
        preactivations.append(x)
        a = xp.sin(omega * x)
    inputs.append(a)
    h = xp.matmul(params[f"linear_{depth - 1}"]["weight"], a)  # (C,M) @ (M,L)
    return h, SineNetworkCache(params, inputs, preactivations)


def sine_network_backward(dh: Array, cache: SineNetworkCache) -> tuple[Array, dict]:
    r"""Gradients of `sine_network`; the shared frequency collects a term from every layer.

    .. math:: dx = \omega \odot \cos(\omega x) \odot da, \qquad
              d\omega = \sum_{\mathrm{layers},\,t} x \odot \cos(\omega x) \odot da

    Parameters
    ----------
    dh : array (C, L)
    cache : SineNetworkCache

    Returns
    -------
    dz : array (L, E)
    dparams : dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 3.3, differentiated.
    """
    params, inputs, preactivations = cache
    freq = params["freq"]
    xp = namespace(dh=dh, freq=freq)
    omega = freq[0, :, None]
    last = len(preactivations)
    weight = params[f"linear_{last}"]["weight"]
    check_shape("dh", dh, (weight.shape[0], inputs[0].shape[1]))
    # h = weight @ a
    dparams = {f"linear_{last}": {"weight": xp.matmul(dh, xp.matrix_transpose(inputs[last]))}}
    da = xp.matmul(xp.matrix_transpose(weight), dh)
    dfreq = xp.zeros_like(freq)
    for i in reversed(range(last)):
        x = preactivations[i]
        # a = sin(omega * x)
        dphase = da * xp.cos(omega * x)
        dfreq = dfreq + xp.sum(dphase * x, axis=1)[None, :]
        dx = omega * dphase
        # x = weight @ inputs[i] + bias
        dparams[f"linear_{i}"] = {
            "weight": xp.matmul(dx, xp.matrix_transpose(inputs[i])),
            "bias": xp.sum(dx, axis=1),
        }
        da = xp.matmul(xp.matrix_transpose(params[f"linear_{i}"]["weight"]), dx)
    dparams["freq"] = dfreq
    return xp.matrix_transpose(da), {name: dparams[name] for name in params}


class WindowCache(NamedTuple):
    """What `exponential_window_backward` needs."""

    t: Array  # (L,)
    deltas: Array  # (C,)
    decay: Array  # (C, L), the window without its shift


def exponential_window(t: Array, deltas: Array, shift: float = 0.0) -> tuple[Array, WindowCache]:
    r"""The window: channels forget at different rates.

    .. math:: \mathrm{Window}_c(t) = e^{-\tau_t |\delta_c|} + \mathrm{shift}

    Parameters
    ----------
    t : array (L,), float32 or float64
        Time scaled to 0..1.
    deltas : array (C,), dtype of `t`
        Decay rates.
    shift : float
        Keeps the tail of a filter alive.

    Returns
    -------
    window : array (C, L)
        Same dtype.
    cache : WindowCache
        The decaying part, which is its own derivative up to a factor.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, eq. (7), Fig. 3.1; official code: ``ExponentialModulation``.
    """
    xp = namespace(t=t, deltas=deltas)
    check_ndim("t", t, "L")
    check_ndim("deltas", deltas, "C")
    decay = xp.exp(-t * xp.abs(deltas)[:, None])
    return decay + shift, WindowCache(t, deltas, decay)


def exponential_window_backward(dwindow: Array, cache: WindowCache) -> tuple[Array, Array]:
    r"""Gradients of `exponential_window`.

    .. math:: d\tau_t = -\sum_c |\delta_c|\, e^{-\tau_t|\delta_c|}\, dW_{c,t}, \qquad
              d\delta_c = -\mathrm{sign}(\delta_c) \sum_t \tau_t\, e^{-\tau_t|\delta_c|}\, dW_{c,t}

    Parameters
    ----------
    dwindow : array (C, L)
    cache : WindowCache

    Returns
    -------
    dt : array (L,)
    ddeltas : array (C,)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dwindow` does not fit.

    Notes
    -----
    Source: Hyena paper, eq. (7), differentiated. The official code keeps both constant by default.
    """
    t, deltas, decay = cache
    xp = namespace(dwindow=dwindow, t=t)
    check_shape("dwindow", dwindow, tuple(decay.shape))
    # decay = exp(-t * |deltas|)
    dexponent = dwindow * decay
    dt = -xp.sum(xp.abs(deltas)[:, None] * dexponent, axis=0)
    ddeltas = -xp.sign(deltas) * xp.sum(t * dexponent, axis=1)
    return dt, ddeltas


class HyenaFilterCache(NamedTuple):
    """What `hyena_filter_backward` needs."""

    network: SineNetworkCache
    window_cache: WindowCache
    raw: Array  # (C, L), the network's output
    window: Array  # (C, L)
    tables: dict  # names of the tables that came from the parameters, by branch
    config: HyenaConfig


def hyena_filter(params: dict, L: int, config: HyenaConfig) -> tuple[Array, HyenaFilterCache]:
    r"""All long filters of an operator, for the lags 0..L-1.

    .. math:: h_t = \mathrm{Window}(t) \cdot (\mathrm{FFN} \circ \mathrm{PositionalEncoding})(t)

    The table of positions is cut, never rescaled: the filter at a lag does not depend on L.

    Parameters
    ----------
    params : dict
        Parameter tree of an operator; its branch ``"filter"`` is read. Where it has no ``"positional"`` or
        ``"window"`` tables, they are computed from `config`.
    L : int
        Number of lags, 1 to ``config.l_max``.
    config : HyenaConfig

    Returns
    -------
    h : array (filters, D, L)
        Dtype of the parameters; ``filters`` is N in the paper's variant and N-1 in the code's.
    cache : HyenaFilterCache
        The network's layers, the raw filter and the window.

    Raises
    ------
    ShapeError
        L is not between 1 and ``config.l_max``.
    ParameterError
        `params` does not fit `config`.
    ConfigError
        ``config.filter`` is a rival's; `long_filter` computes those too.

    Notes
    -----
    Source: Hyena paper, eq. (7), Algorithm 2; official code: ``HyenaFilter.filter``.
    """
    if config.filter is not None:
        raise ConfigError(f"filter: got {type(config.filter).__name__}, allowed is None; use long_filter")
    check_lags(L, config.l_max)
    tree = params.get("filter", {})
    shapes = {name: shape for name, shape in operator_shapes(config).items() if name.startswith("filter.")}
    check_params({"filter": tree}, shapes, optional=(*TABLES, "filter.skip"))
    z, t, deltas = filter_tables(tree, L, config)
    raw, network = sine_network(z, tree["ffn"])
    window, window_cache = exponential_window(t, deltas, config.shift)
    h = split_orders(window * raw, config)
    return h, HyenaFilterCache(network, window_cache, raw, window, table_names(tree), config)


def hyena_filter_backward(dh: Array, cache: HyenaFilterCache) -> dict:
    r"""Gradients of `hyena_filter`.

    .. math:: d\mathrm{FFN} = \mathrm{Window} \odot dh, \qquad d\mathrm{Window} = \mathrm{FFN} \odot dh

    Parameters
    ----------
    dh : array (filters, D, L)
    cache : HyenaFilterCache

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
    namespace(dh=dh, raw=raw)
    L = raw.shape[1]
    check_shape("dh", dh, (config.num_filters, config.d_model, L))
    dflat = merge_orders(dh, config)  # (filters,D,L) -> (C,L)
    # h = window * raw
    dz, dffn = sine_network_backward(window * dflat, network)
    dt, ddeltas = exponential_window_backward(raw * dflat, window_cache)
    return {"filter": {"ffn": dffn} | table_gradients(dz, dt, ddeltas, tables, config)}


def filter_tables(tree: dict, L: int, config: HyenaConfig) -> tuple[Array, Array, Array]:
    """Features (L, E), time (L,) and decay rates (C,): the tree's own, or computed where it has none."""
    tables = tree.get("positional", {}) | tree.get("window", {})
    if len(tables) < len(TABLES):
        reference = tree["ffn"]["freq"]
        z, t = positional_features(config.l_max, config.emb_dim, reference)
        # owned: the cache must not keep the rows past L alive
        computed = {
            "z": owned(z[:, :L, :]),
            "t": owned(t[:, :L, :]),
            "deltas": decay_rates(config, reference),
        }
        tables = computed | tables
    return tables["z"][0, :L, :], tables["t"][0, :L, 0], tables["deltas"][0, 0, :]


def table_names(tree: dict) -> dict[str, tuple[str, ...]]:
    """Names of the tables that a filter's tree holds, by branch."""
    return {branch: tuple(tree[branch]) for branch in ("positional", "window") if branch in tree}


def table_gradients(
    dz: Array, dt: Array, ddeltas: Array, tables: dict[str, tuple[str, ...]], config: HyenaConfig
) -> dict[str, dict[str, Array]]:
    """Gradients of the tables that the tree holds, in its shapes: rows past L have none."""
    rest = config.l_max - dt.shape[0]
    xp = namespace(dz=dz, dt=dt)
    gradients = {
        "z": xp.concat([dz, zeros_like_device((rest, dz.shape[1]), dz)])[None, :, :],
        "t": xp.concat([dt, zeros_like_device((rest,), dt)])[None, :, None],
        "deltas": ddeltas[None, None, :],
    }
    return {branch: {name: gradients[name] for name in names} for branch, names in tables.items()}


def split_orders(flat: Array, config: HyenaConfig) -> Array:
    """(C, ...) -> (filters, D, ...), in the channel layout of the config."""
    xp = namespace(flat=flat)
    rest = tuple(flat.shape[1:])
    if config.filter_layout == "od":
        return xp.reshape(flat, (config.num_filters, config.d_model, *rest))
    return xp.moveaxis(xp.reshape(flat, (config.d_model, config.num_filters, *rest)), 1, 0)


def merge_orders(split: Array, config: HyenaConfig) -> Array:
    """(filters, D, ...) -> (C, ...): the inverse, and the adjoint, of `split_orders`."""
    xp = namespace(split=split)
    if config.filter_layout == "do":
        split = xp.moveaxis(split, 0, 1)
    return xp.reshape(split, (config.filter_channels, *tuple(split.shape[2:])))
