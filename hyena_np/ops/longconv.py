"""A rival filter: as many taps as the sequence is long, the small ones set to zero."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace, zeros_like_device
from hyena_np.ops.filter_arguments import check_filter
from hyena_np.ops.filter_configs import LongConvConfig


class LongConvCache(NamedTuple):
    """What `longconv_filter_backward` needs."""

    kernel: Array  # (C, l_max), the parameter itself
    passes: Array  # (C, L), 1 where a tap is over the threshold, 0 elsewhere


def longconv_filter(params: dict, L: int, l_max: int, config: LongConvConfig) -> tuple[Array, LongConvCache]:
    r"""Filters that are stored whole, and squashed.

    .. math:: h_t = \mathrm{sign}(k_t)\, \max(|k_t| - \lambda,\ 0)

    The threshold :math:`\lambda` keeps the filter sparse; without it so many free taps, of which the last
    ones are seldom used, fit noise.

    Parameters
    ----------
    params : dict
        ``{"kernel" (C, l_max)}``, float32 or float64.
    L : int
        Number of lags, 1 to `l_max`.
    l_max : int
    config : LongConvConfig

    Returns
    -------
    h : array (C, L)
        Same dtype.
    cache : LongConvCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Fu et al. 2023, Sec. 3 (squash).
    """
    xp, _ = check_filter(params, L, l_max, config, channels_of="kernel")
    kernel = params["kernel"]
    k = kernel[:, :L]
    passes = xp.astype(xp.abs(k) >= config.lam, k.dtype)
    return (k - config.lam * xp.sign(k)) * passes, LongConvCache(kernel, passes)


def longconv_filter_backward(dh: Array, cache: LongConvCache) -> dict:
    r"""Gradients of `longconv_filter`.

    .. math:: dk_t = dh_t \ \text{where}\ |k_t| \ge \lambda, \qquad dk_t = 0 \ \text{elsewhere}

    Parameters
    ----------
    dh : array (C, L)
    cache : LongConvCache

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
    Source: Fu et al. 2023, differentiated. A tap below the threshold learns nothing.
    """
    kernel, passes = cache
    xp = namespace(dh=dh, kernel=kernel)
    check_shape("dh", dh, tuple(passes.shape))
    C, L = passes.shape
    # h = (k - lam * sign(k)) * passes
    rest = zeros_like_device((C, kernel.shape[1] - L), dh)
    return {"kernel": xp.concat([dh * passes, rest], axis=1)}
