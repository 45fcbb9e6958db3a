"""The H3 layer, a rival mixer: Hyena of order 2 with a shift and a state-space model as its filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace, owned
from hyena_np.ops.branches import TIME_LAST, branches, branches_backward
from hyena_np.ops.filter_configs import FIRConfig, S4DConfig
from hyena_np.ops.fir import FIRCache, fir_filter, fir_filter_backward
from hyena_np.ops.hyena import RecurrenceCache
from hyena_np.ops.layers import LinearCache, linear, linear_backward
from hyena_np.ops.mixer_arguments import check_mixer, check_mixer_config
from hyena_np.ops.s4d import S4DCache
from hyena_np.ops.special_cases import h3, h3_backward
from hyena_np.ops.state_space import (
    add_skip,
    state_space_filter,
    state_space_filter_backward,
    state_space_shapes,
)


@dataclass(frozen=True)
class H3Config:
    """Configuration of an H3 layer.

    Parameters
    ----------
    d_model : int
        Width D.
    l_max : int
        Longest sequence.
    state : int
        State of the diagonal model of each channel; even.
    shift_taps : int
        State of the shift, which is the number of taps of its filter.
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
    Heads of width 1, which is what the Hyena paper takes H3 to be. Source: Hyena paper, Remark 3.2; Fu et al.
    2023, "Hungry hungry hippos".
    """

    d_model: int
    l_max: int
    state: int = 64
    shift_taps: int = 64
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    init: str = "torch"

    def __post_init__(self) -> None:
        check_mixer_config(self)
        _ = self.shift, self.ssm  # which check the rest

    @property
    def shift(self) -> FIRConfig:
        """Of the inner filter."""
        return FIRConfig(self.shift_taps)

    @property
    def ssm(self) -> S4DConfig:
        """Of the outer filter."""
        return S4DConfig(self.state, self.dt_min, self.dt_max)


def h3_shapes(config: H3Config) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the layer's parameter tree, by dotted name.

    Parameters
    ----------
    config : H3Config

    Returns
    -------
    dict

    Notes
    -----
    Source: Fu et al. 2023, Sec. 3.
    """
    D = config.d_model
    ssm = state_space_shapes(D, config.l_max, config.ssm)
    return {
        "in_proj.weight": (3 * D, D),
        "in_proj.bias": (3 * D,),
        "shift.weight": (D, config.shift_taps),
        "shift.skip": (D,),
        **{f"ssm.{name}": shape for name, shape in ssm.items()},
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
    }


class H3Cache(NamedTuple):
    """What `h3_layer_backward` needs."""

    in_proj: tuple  # ProjectionCache of q, k and v
    shift: FIRCache
    ssm: S4DCache
    recurrence: RecurrenceCache
    out_proj: LinearCache


def h3_layer(u: Array, params: dict, config: H3Config) -> tuple[Array, H3Cache]:
    r"""The H3 layer with its projections: the same interface as `hyena`.

    .. math:: (q, k, v) = \mathrm{Linear}(u), \qquad z_t = k_t\,(\varphi * v)_t, \qquad
              y = \mathrm{Linear}\big(q_t\,(\psi * z)_t\big)

    with :math:`\varphi` the taps of the shift and :math:`\psi` the response of the diagonal model, both with
    a skip term at lag 0. Keys and values are named as in the Hyena paper; what is shifted, v here, is called
    k in the H3 paper.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        Tree of `h3_shapes`; the blocks of ``in_proj`` are q, k, v.
    config : H3Config

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : H3Cache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Remark 3.2 and Table 4.2; Fu et al. 2023, Algorithm 1.
    """
    xp, L = check_mixer(u, params, h3_shapes(config), config), u.shape[1]
    (q, k, v), in_proj = branches(u, params["in_proj"], 3, TIME_LAST)  # (B,D,L)
    phi, shift = fir_filter({"weight": params["shift"]["weight"]}, L, config.l_max, config.shift)
    phi = add_skip(phi, params["shift"]["skip"])
    psi, ssm = state_space_filter(params["ssm"], L, config.l_max, config.ssm)
    z, recurrence = h3(q, k, v, phi, psi)
    y, out_proj = linear(xp.matrix_transpose(z), params["out_proj"]["weight"], params["out_proj"]["bias"])
    return y, H3Cache(in_proj, shift, ssm, recurrence, out_proj)


def h3_layer_backward(dy: Array, cache: H3Cache) -> tuple[Array, dict]:
    r"""Gradients of `h3_layer`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : H3Cache

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
    # y = linear(z^T), z = h3(q, k, v, phi, psi)
    dz, dweight, dbias = linear_backward(dy, cache.out_proj)
    dq, dk, dv, dphi, dpsi = h3_backward(xp.matrix_transpose(dz), cache.recurrence)
    # q, k, v = in_proj(u)
    du, din_proj = branches_backward((dq, dk, dv), cache.in_proj, TIME_LAST)
    return du, {
        "in_proj": din_proj,
        "shift": fir_filter_backward(dphi, cache.shift) | {"skip": owned(dphi[:, 0])},
        "ssm": state_space_filter_backward(dpsi, cache.ssm),
        "out_proj": {"weight": dweight, "bias": dbias},
    }
