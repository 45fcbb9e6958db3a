"""The gated state-space layer, a rival mixer: Hyena of order 1 with a state-space model as its filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace
from hyena_np.ops.branches import TIME_LAST, branches, branches_backward
from hyena_np.ops.filter_configs import S4DConfig
from hyena_np.ops.hyena import RecurrenceCache
from hyena_np.ops.layers import LinearCache, gelu, gelu_backward, linear, linear_backward
from hyena_np.ops.mixer_arguments import check_mixer, check_mixer_config
from hyena_np.ops.s4d import S4DCache
from hyena_np.ops.special_cases import gss, gss_backward
from hyena_np.ops.state_space import state_space_filter, state_space_filter_backward, state_space_shapes


@dataclass(frozen=True)
class GSSConfig:
    """Configuration of a gated state-space layer.

    Parameters
    ----------
    d_model : int
        Width D of the input, of the gate and of the branch with the state-space model.
    l_max : int
        Longest sequence.
    state : int
        State of the diagonal model of each channel; even.
    dt_min, dt_max : float
        As in S4DConfig.
    init : {"torch", "gpt2"}
        Of the projections.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    The GSS paper narrows the state branch to D/4 and widens the gate to 4 D, in place of an MLP. Here both
    have width D, as Hyena_1 has, because the model has its MLP. Source: Hyena paper, Remark 3.2; Mehta et al.
    2022, "Long range language modeling via gated state spaces".
    """

    d_model: int
    l_max: int
    state: int = 64
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    init: str = "torch"

    def __post_init__(self) -> None:
        check_mixer_config(self)
        _ = self.ssm  # which checks the rest

    @property
    def ssm(self) -> S4DConfig:
        """Of the filter."""
        return S4DConfig(self.state, self.dt_min, self.dt_max)


def gss_shapes(config: GSSConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the layer's parameter tree, by dotted name.

    Parameters
    ----------
    config : GSSConfig

    Returns
    -------
    dict

    Notes
    -----
    Source: Mehta et al. 2022, Sec. 3.2.
    """
    D = config.d_model
    ssm = state_space_shapes(D, config.l_max, config.ssm)
    return {
        "in_proj.weight": (2 * D, D),
        "in_proj.bias": (2 * D,),
        **{f"ssm.{name}": shape for name, shape in ssm.items()},
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
    }


class GSSCache(NamedTuple):
    """What `gss_layer_backward` needs."""

    in_proj: tuple  # ProjectionCache of the gate and the value
    gelus: tuple  # GeluCache of the same
    ssm: S4DCache
    recurrence: RecurrenceCache
    out_proj: LinearCache


def gss_layer(u: Array, params: dict, config: GSSConfig) -> tuple[Array, GSSCache]:
    r"""The gated state-space layer with its projections: the same interface as `hyena`.

    .. math:: (x, v) = \mathrm{GELU}(\mathrm{Linear}(u)), \qquad y = \mathrm{Linear}\big(x_t\,(h * v)_t\big)

    with h the response of a diagonal state-space model and a skip term at lag 0. One gate only: a position
    cannot choose by content what it reads, only whether it reads.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        Tree of `gss_shapes`; the blocks of ``in_proj`` are the gate x and the value v.
    config : GSSConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : GSSCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Remark 3.2 and Table 4.2; Mehta et al. 2022, Sec. 3.2.
    """
    xp, L = check_mixer(u, params, gss_shapes(config), config), u.shape[1]
    inputs, in_proj = branches(u, params["in_proj"], 2, TIME_LAST)  # (B,D,L)
    (x, gelu_x), (v, gelu_v) = (gelu(z) for z in inputs)
    h, ssm = state_space_filter(params["ssm"], L, config.l_max, config.ssm)
    z, recurrence = gss(x, v, h)
    y, out_proj = linear(xp.matrix_transpose(z), params["out_proj"]["weight"], params["out_proj"]["bias"])
    return y, GSSCache(in_proj, (gelu_x, gelu_v), ssm, recurrence, out_proj)


def gss_layer_backward(dy: Array, cache: GSSCache) -> tuple[Array, dict]:
    r"""Gradients of `gss_layer`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : GSSCache

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
    Source: Hyena paper, Remark 3.2, differentiated.
    """
    xp = namespace(dy=dy, z=cache.out_proj.x)
    check_shape("dy", dy, tuple(cache.out_proj.x.shape))
    # y = linear(z^T), z = gss(x, v, h)
    dz, dweight, dbias = linear_backward(dy, cache.out_proj)
    dx, dv, dh = gss_backward(xp.matrix_transpose(dz), cache.recurrence)
    # x, v = gelu(in_proj(u))
    dinputs = tuple(gelu_backward(d, kept) for d, kept in zip((dx, dv), cache.gelus, strict=True))
    du, din_proj = branches_backward(dinputs, cache.in_proj, TIME_LAST)
    return du, {
        "in_proj": din_proj,
        "ssm": state_space_filter_backward(dh, cache.ssm),
        "out_proj": {"weight": dweight, "bias": dbias},
    }
