"""AFT-conv, a rival mixer: attention without queries times keys, with weights of content times lag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace
from hyena_np.ops.branches import branches, branches_backward
from hyena_np.ops.checks import check_integer
from hyena_np.ops.lag_average import LagAverageCache, lag_average, lag_average_backward
from hyena_np.ops.layers import LinearCache, linear, linear_backward
from hyena_np.ops.mixer_arguments import check_mixer, check_mixer_config
from hyena_np.ops.sigmoid_gate import SigmoidGateCache, sigmoid_gate, sigmoid_gate_backward


@dataclass(frozen=True)
class AFTConvConfig:
    """Configuration of the causal AFT-conv.

    Parameters
    ----------
    d_model : int
        Width D.
    l_max : int
        Longest sequence.
    window : int
        Lags J with a learned bias, one for each lag and channel; all earlier positions have bias 0. Time
        grows with L times `window`.
    init : {"torch", "gpt2"}
        Of the projections.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Zhai et al. 2021, "An attention free transformer", Sec. 3.2, with a head a channel; its
    standardisation of the biases is left out, and its window is cut at the present, for causality.
    """

    d_model: int
    l_max: int
    window: int = 32
    init: str = "torch"

    def __post_init__(self) -> None:
        check_mixer_config(self)
        check_integer("window", self.window, 1)


def aft_conv_shapes(config: AFTConvConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the layer's parameter tree, by dotted name.

    Parameters
    ----------
    config : AFTConvConfig

    Returns
    -------
    dict

    Notes
    -----
    Source: Zhai et al. 2021, Sec. 3.2.
    """
    D = config.d_model
    return {
        "in_proj.weight": (3 * D, D),
        "in_proj.bias": (3 * D,),
        "position_bias": (D, config.window),
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
    }


class AFTConvCache(NamedTuple):
    """What `aft_conv_backward` needs."""

    in_proj: tuple  # LinearCache of q, k and v
    average: LagAverageCache
    gate: SigmoidGateCache
    out_proj: LinearCache


def aft_conv(u: Array, params: dict, config: AFTConvConfig) -> tuple[Array, AFTConvCache]:
    r"""Causal AFT-conv with its projections: the same interface as `hyena`.

    .. math:: (q, k, v) = \mathrm{Linear}(u), \qquad
              z_t = \frac{\sum_{s \le t} e^{k_s + w_{t-s}}\, v_s}{\sum_{s \le t} e^{k_s + w_{t-s}}}, \qquad
              y = \mathrm{Linear}(\sigma(q) \odot z)

    with :math:`w_j` learned for the lags of the window and 0 beyond. What a position reads depends on keys
    and lags, never on its own query, which only gates the result.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        Tree of `aft_conv_shapes`; the blocks of ``in_proj`` are q, k, v.
    config : AFTConvConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : AFTConvCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Zhai et al. 2021, eq. (2) and Sec. 3.2; Hyena paper, Tables 4.2 and C.1.
    """
    check_mixer(u, params, aft_conv_shapes(config), config)
    (q, k, v), in_proj = branches(u, params["in_proj"], 3)
    average, cache = lag_average(k, v, params["position_bias"])
    gated, gate = sigmoid_gate(q, average)
    y, out_proj = linear(gated, params["out_proj"]["weight"], params["out_proj"]["bias"])
    return y, AFTConvCache(in_proj, cache, gate, out_proj)


def aft_conv_backward(dy: Array, cache: AFTConvCache) -> tuple[Array, dict]:
    r"""Gradients of `aft_conv`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : AFTConvCache

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
    Source: Zhai et al. 2021, eq. (2), differentiated.
    """
    namespace(dy=dy, u=cache.out_proj.x)
    check_shape("dy", dy, tuple(cache.out_proj.x.shape))
    # y = linear(sigmoid_gate(q, average))
    dgated, dweight, dbias = linear_backward(dy, cache.out_proj)
    dq, daverage = sigmoid_gate_backward(dgated, cache.gate)
    # average = lag_average(k, v, position_bias)
    dk, dv, dposition_bias, _ = lag_average_backward(daverage, cache.average)
    # q, k, v = in_proj(u)
    du, din_proj = branches_backward((dq, dk, dv), cache.in_proj)
    return du, {
        "in_proj": din_proj,
        "position_bias": dposition_bias,
        "out_proj": {"weight": dweight, "bias": dbias},
    }
