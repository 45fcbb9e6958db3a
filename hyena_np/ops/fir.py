"""A rival filter: a few taps, stored (the paper's Conv1d)."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace, owned, zeros_like_device
from hyena_np.ops.filter_arguments import check_filter
from hyena_np.ops.filter_configs import FIRConfig


class FIRCache(NamedTuple):
    """What `fir_filter_backward` needs."""

    weight: Array  # (C, taps), the parameter itself
    L: int


def fir_filter(params: dict, L: int, l_max: int, config: FIRConfig) -> tuple[Array, FIRCache]:
    r"""Filters with a finite impulse response.

    .. math:: h_t = w_t \quad (t < \mathrm{taps}), \qquad h_t = 0 \quad (t \ge \mathrm{taps})

    The whole memory of such an operator is its taps: whatever is further back is not seen.

    Parameters
    ----------
    params : dict
        ``{"weight" (C, taps)}``, float32 or float64.
    L : int
        Number of lags, 1 to `l_max`.
    l_max : int
    config : FIRConfig

    Returns
    -------
    h : array (C, L)
        Same dtype.
    cache : FIRCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, App. A.1, "Conv1d".
    """
    xp, _ = check_filter(params, L, l_max, config, channels_of="weight")
    weight = params["weight"]
    C, taps = weight.shape
    if taps >= L:
        return owned(weight[:, :L]), FIRCache(weight, L)
    return xp.concat([weight, zeros_like_device((C, L - taps), weight)], axis=1), FIRCache(weight, L)


def fir_filter_backward(dh: Array, cache: FIRCache) -> dict:
    r"""Gradients of `fir_filter`.

    .. math:: dw_t = dh_t \quad (t < L)

    Parameters
    ----------
    dh : array (C, L)
    cache : FIRCache

    Returns
    -------
    dict
        Keys and shapes of the parameters; zero for taps past L.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: the transpose of cutting and padding.
    """
    weight, L = cache
    xp = namespace(dh=dh, weight=weight)
    C, taps = weight.shape
    check_shape("dh", dh, (C, L))
    if taps <= L:
        return {"weight": owned(dh[:, :taps])}
    return {"weight": xp.concat([dh, zeros_like_device((C, taps - L), dh)], axis=1)}
