"""RWKV's time mixing, a rival mixer: a linear recurrence whose decay is learned, one number a channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace
from hyena_np.ops.decayed_sums import earlier, later
from hyena_np.ops.lag_average import LagAverageCache, lag_average, lag_average_backward
from hyena_np.ops.layers import LinearCache, linear, linear_backward
from hyena_np.ops.mixer_arguments import check_mixer, check_mixer_config
from hyena_np.ops.sigmoid_gate import SigmoidGateCache, sigmoid_gate, sigmoid_gate_backward

BRANCHES = ("receptance", "key", "value")


@dataclass(frozen=True)
class RWKVConfig:
    """Configuration of the time mixing of RWKV (version 4).

    Parameters
    ----------
    d_model : int
        Width D.
    l_max : int
        Longest sequence; the recurrence itself has no longest one.
    init : {"torch", "gpt2"}
        Of the value and output projections; receptance and key begin at 0.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    RWKV's own channel mixing is replaced by the model's MLP, as for every mixer here. Source: Peng et al.
    2023, "RWKV: Reinventing RNNs for the Transformer era", Sec. 3.
    """

    d_model: int
    l_max: int
    init: str = "torch"

    def __post_init__(self) -> None:
        check_mixer_config(self)


def rwkv_shapes(config: RWKVConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the layer's parameter tree, by dotted name.

    Parameters
    ----------
    config : RWKVConfig

    Returns
    -------
    dict
        ``mix`` says how much of the present, against the position before, each branch sees.

    Notes
    -----
    Source: Peng et al. 2023, Sec. 3 (``time_mix_*``, ``time_decay`` and ``time_first`` in its code).
    """
    D = config.d_model
    shapes: dict[str, tuple[int, ...]] = {f"mix.{name}": (D,) for name in BRANCHES}
    shapes |= {"log_decay": (D,), "bonus": (D,)}
    shapes |= {f"{name}.weight": (D, D) for name in BRANCHES}
    return shapes | {"out_proj.weight": (D, D)}


class RWKVCache(NamedTuple):
    """What `rwkv_backward` needs."""

    difference: Array  # (B, L, D), present minus the position before
    mix: dict  # the parameter
    decay: Array  # (D,), e to the power of its logarithm
    branches: dict  # LinearCache of each
    average: LagAverageCache
    gate: SigmoidGateCache
    out_proj: LinearCache


def rwkv(u: Array, params: dict, config: RWKVConfig) -> tuple[Array, RWKVCache]:
    r"""RWKV's time mixing: the same interface as `hyena`.

    .. math:: r_t = W_r\,(\mu_r \odot u_t + (1 - \mu_r) \odot u_{t-1}), \quad k_t, v_t \text{ alike}, \qquad
              y = \mathrm{Linear}(\sigma(r) \odot \mathrm{wkv})

    .. math:: \mathrm{wkv}_t = \frac{\sum_{s < t} e^{-(t-1-s)\,w + k_s}\, v_s + e^{b + k_t}\, v_t}
              {\sum_{s < t} e^{-(t-1-s)\,w + k_s} + e^{b + k_t}}, \qquad w = e^{\mathrm{log\_decay}}

    with b the bonus of the present. Numerator and denominator are linear recurrences, so the next token costs
    the same at any length; computed here for all positions at once (`decayed_sums`).

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        Tree of `rwkv_shapes`.
    config : RWKVConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : RWKVCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Peng et al. 2023, eqs. (11) to (17); Hyena paper, Table 4.2.
    """
    xp = check_mixer(u, params, rwkv_shapes(config), config)
    before = later(u, 1)
    difference = u - before
    mixed = {name: before + params["mix"][name] * difference for name in BRANCHES}
    results = {name: linear(mixed[name], params[name]["weight"]) for name in BRANCHES}
    r, k, v = (results[name][0] for name in BRANCHES)
    decay = xp.exp(params["log_decay"])
    wkv, average = lag_average(k, v, params["bonus"][:, None], decay)
    gated, gate = sigmoid_gate(r, wkv)
    y, out_proj = linear(gated, params["out_proj"]["weight"])
    caches = {name: cache for name, (_, cache) in results.items()}
    return y, RWKVCache(difference, params["mix"], decay, caches, average, gate, out_proj)


def rwkv_backward(dy: Array, cache: RWKVCache) -> tuple[Array, dict]:
    r"""Gradients of `rwkv`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : RWKVCache

    Returns
    -------
    du : array (B, L, D)
    dparams : dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Peng et al. 2023, Sec. 3, differentiated.
    """
    xp = namespace(dy=dy, u=cache.difference)
    check_shape("dy", dy, tuple(cache.difference.shape))
    # y = linear(sigmoid_gate(r, wkv))
    dgated, dout_proj, _ = linear_backward(dy, cache.out_proj)
    dr, dwkv = sigmoid_gate_backward(dgated, cache.gate)
    # wkv = lag_average(k, v, bonus, exp(log_decay))
    dk, dv, dbonus, ddecay = lag_average_backward(dwkv, cache.average)
    grads: dict = {"mix": {}, "log_decay": ddecay * cache.decay, "bonus": xp.sum(dbonus, axis=1)}
    du, dbefore = xp.zeros_like(dy), xp.zeros_like(dy)
    for name, dbranch in zip(BRANCHES, (dr, dk, dv), strict=True):
        # branch = linear(before + mix * (u - before))
        dmixed, dweight, _ = linear_backward(dbranch, cache.branches[name])
        grads[name] = {"weight": dweight}
        grads["mix"][name] = xp.sum(dmixed * cache.difference, axis=(0, 1))
        dpresent = cache.mix[name] * dmixed
        du, dbefore = du + dpresent, dbefore + dmixed - dpresent
    # before = later(u, 1)
    return du + earlier(dbefore, 1), grads | {"out_proj": {"weight": dout_proj}}
