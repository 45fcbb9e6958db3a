"""Hyena without a direction of time: the operator with two-sided convolutions."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_ndim, namespace
from hyena_np.errors import ShapeError
from hyena_np.ops.bidirectional import bidirectional_conv, bidirectional_conv_backward
from hyena_np.ops.filters import HyenaFilterCache, hyena_filter, hyena_filter_backward
from hyena_np.ops.gated_operator import GatedOperatorCache, gated_operator, gated_operator_backward
from hyena_np.ops.noncausal_config import BidirectionalHyenaConfig, bidirectional_hyena_shapes
from hyena_np.ops.parameters import TABLES, check_params


class BidirectionalHyenaCache(NamedTuple):
    """What `bidirectional_hyena_backward` needs."""

    operator: GatedOperatorCache
    filters: HyenaFilterCache


def bidirectional_hyena(
    u: Array, params: dict, config: BidirectionalHyenaConfig
) -> tuple[Array, BidirectionalHyenaCache]:
    r"""The Hyena operator where every position sees every other.

    .. math::
        (x_0, \dots, x_{N-1}, v) = \mathrm{CentredConv}(\mathrm{Linear}(u)), \qquad z = v, \\
        z \leftarrow (h^{o} + \bar h^{o}) * (x_{N-1-o} \odot z) \quad (o = 0..N-2), \qquad
        y = \mathrm{Linear}(x_0 \odot z)

    with :math:`h^o` over the past and :math:`\bar h^o` over the future, as in `bidirectional_conv`. One
    filter network gives both: its first N-1 filters are the :math:`h^o`, the others the :math:`\bar h^o`.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
        L at most ``config.l_max``.
    params : dict
        Parameter tree of `init_bidirectional_hyena`. The projection's blocks of D rows are the gates in
        order and the value last.
    config : BidirectionalHyenaConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : BidirectionalHyenaCache
        What each part kept.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `u` does not fit `config` or `params`.
    ParameterError
        `params` does not fit `config`.

    Notes
    -----
    Source: Hyena paper, Algorithm 3, with the two-sided filters of the official ``fftconv_ref``.
    """
    _, L, D = check_ndim("u", u, "B L D")
    if D != config.d_model or not 1 <= L <= config.l_max:
        raise ShapeError(
            f"u: got shape {tuple(u.shape)}, allowed is (B, L <= {config.l_max}, {config.d_model})"
        )
    shapes = bidirectional_hyena_shapes(config)
    xp = namespace(u=u, **check_params(params, shapes, optional=TABLES))
    network = {name: branch for name, branch in params["filter"].items() if name != "skip"}
    h, filters = hyena_filter({"filter": network}, L, config.network)  # (2(N-1),D,L)
    N = config.num_convolutions
    skip = xp.reshape(params["filter"]["skip"], (N, D))

    def convolve(n: int, z: Array):
        return bidirectional_conv(z, h[n, :, :], h[N + n, :, :], skip[n, :])

    y, operator = gated_operator(u, params, (L,), convolve)
    return y, BidirectionalHyenaCache(operator, filters)


def bidirectional_hyena_backward(dy: Array, cache: BidirectionalHyenaCache) -> tuple[Array, dict]:
    r"""Gradients of `bidirectional_hyena`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : BidirectionalHyenaCache

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
    Source: Hyena paper, Algorithm 3, differentiated.
    """
    du, dparams, dconvs = gated_operator_backward(dy, cache.operator, bidirectional_conv_backward)
    xp = namespace(dy=dy)
    dh, dh_reverse, dskip = zip(*dconvs, strict=True)
    dfilter = hyena_filter_backward(xp.stack([*dh, *dh_reverse]), cache.filters)["filter"]
    return du, dparams | {"filter": dfilter | {"skip": xp.concat(dskip)}}
