"""The long filters of an operator, whichever way they are parametrised (Sec. 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hyena_np.backend import Array, check_shape
from hyena_np.ops.ckconv import ckconv_filter, ckconv_filter_backward
from hyena_np.ops.config import HyenaConfig, operator_shapes
from hyena_np.ops.filter_arguments import check_lags
from hyena_np.ops.filters import hyena_filter, hyena_filter_backward, merge_orders, split_orders
from hyena_np.ops.fir import fir_filter, fir_filter_backward
from hyena_np.ops.fno import fno_filter, fno_filter_backward
from hyena_np.ops.longconv import longconv_filter, longconv_filter_backward
from hyena_np.ops.parameters import check_params
from hyena_np.ops.s4d import s4d_filter, s4d_filter_backward
from hyena_np.ops.transfer_function import transfer_function_filter, transfer_function_filter_backward


class Rival(NamedTuple):
    """A parametrisation: parameters and length in, filters out."""

    forward: Callable  # (params, L, l_max, config) -> (h (C, L), cache)
    backward: Callable  # (dh, cache) -> dparams


RIVALS = {
    "fir": Rival(fir_filter, fir_filter_backward),
    "longconv": Rival(longconv_filter, longconv_filter_backward),
    "fno": Rival(fno_filter, fno_filter_backward),
    "s4d": Rival(s4d_filter, s4d_filter_backward),
    "transfer_function": Rival(transfer_function_filter, transfer_function_filter_backward),
    "ckconv": Rival(ckconv_filter, ckconv_filter_backward),
}


class LongFilterCache(NamedTuple):
    """What `long_filter_backward` needs."""

    inner: Any  # the cache of the parametrisation
    config: HyenaConfig
    L: int


def long_filter(params: dict, L: int, config: HyenaConfig) -> tuple[Array, LongFilterCache]:
    r"""All long filters of an operator, for the lags 0..L-1, as ``config.filter`` says.

    .. math:: h_t = \mathrm{Window}(t) \cdot (\mathrm{FFN} \circ \mathrm{PositionalEncoding})(t)

    where it is None, or what a rival has in that place. Projections, short convolutions, gates and skip terms
    are the same for all, which is what makes the comparison one of filters.

    Parameters
    ----------
    params : dict
        Parameter tree of an operator; its branch ``"filter"`` is read: as `hyena_filter` does, or for a rival
        below its name, for example ``{"filter": {"fir": {"weight" (C, taps)}}}``.
    L : int
        Number of lags, 1 to ``config.l_max``.
    config : HyenaConfig

    Returns
    -------
    h : array (filters, D, L)
        Dtype of the parameters. At a given lag it does not depend on L.
    cache : LongFilterCache

    Raises
    ------
    ShapeError
        L is not between 1 and ``config.l_max``.
    ParameterError
        `params` does not fit `config`.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1 and App. A.1.
    """
    if config.filter is None:
        h, inner = hyena_filter(params, L, config)
        return h, LongFilterCache(inner, config, L)
    flat, inner = rival_filter(params, L, config)
    return split_orders(flat, config), LongFilterCache(inner, config, L)


def long_filter_backward(dh: Array, cache: LongFilterCache) -> dict:
    r"""Gradients of `long_filter`.

    .. math:: \theta \to h \quad\text{has the adjoint}\quad dh \to d\theta
              = \big(\partial h / \partial \theta\big)^{\top} dh

    Parameters
    ----------
    dh : array (filters, D, L)
    cache : LongFilterCache

    Returns
    -------
    dict
        ``{"filter": {...}}`` with the keys and shapes of the parameters that the filters depend on. The skip
        term is none of them.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1, differentiated.
    """
    inner, config, L = cache
    if config.filter is None:
        return hyena_filter_backward(dh, inner)
    check_shape("dh", dh, (config.num_filters, config.d_model, L))
    # h = split_orders(flat)
    return {"filter": rival_filter_backward(merge_orders(dh, config), inner, config)}


def rival_filter(params: dict, L: int, config: HyenaConfig) -> tuple[Array, Any]:
    """The filters (C, L) of ``config.filter``, which is not None; `params` is the operator's tree."""
    assert config.filter is not None
    check_lags(L, config.l_max)
    name, tree = config.filter.name, params.get("filter", {})
    shapes = {name: shape for name, shape in operator_shapes(config).items() if name.startswith("filter.")}
    check_params({"filter": tree}, shapes, optional=("filter.skip",))
    return RIVALS[name].forward(tree[name], L, config.l_max, config.filter)


def rival_filter_backward(dh: Array, cache: Any, config: HyenaConfig) -> dict:
    """``{name: dparams}`` of `rival_filter`, for dh (C, L)."""
    assert config.filter is not None
    return {config.filter.name: RIVALS[config.filter.name].backward(dh, cache)}
