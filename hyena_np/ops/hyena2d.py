"""Hyena over an image: the operator with two-dimensional convolutions (paper, Sec. 4.5)."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_ndim, namespace
from hyena_np.errors import ShapeError
from hyena_np.ops.fftconv2d import fftconv2d, fftconv2d_backward
from hyena_np.ops.filters2d import HyenaFilter2DCache, hyena_filter2d, hyena_filter2d_backward
from hyena_np.ops.gated_operator import GatedOperatorCache, gated_operator, gated_operator_backward
from hyena_np.ops.noncausal_config import Hyena2DConfig, hyena2d_shapes
from hyena_np.ops.parameters import TABLES, check_params


class Hyena2DCache(NamedTuple):
    """What `hyena2d_backward` needs."""

    operator: GatedOperatorCache
    filters: HyenaFilter2DCache


def hyena2d(u: Array, params: dict, config: Hyena2DConfig) -> tuple[Array, Hyena2DCache]:
    r"""The Hyena operator where every pixel sees every other, through two-dimensional filters.

    .. math::
        (x_0, \dots, x_{N-1}, v) = \mathrm{CentredConv}_{3 \times 3}(\mathrm{Linear}(u)), \qquad z = v, \\
        z \leftarrow h^{o} * (x_{N-1-o} \odot z) \quad (o = 0..N-2), \qquad
        y = \mathrm{Linear}(x_0 \odot z)

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
        Images row by row, L = height * width: pixel (i, j) is number i * width + j.
    params : dict
        Parameter tree of `init_hyena2d`. The projection's blocks of D rows are the gates in order and the
        value last.
    config : Hyena2DConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : Hyena2DCache
        What each part kept.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `u` does not fit `config` or `params`. A shorter sequence is no image: L must be as said above.
    ParameterError
        `params` does not fit `config`.

    Notes
    -----
    Source: Hyena paper, Sec. 4.5 and Table 4.7; Algorithm 3 with the convolution of `fftconv2d`.
    """
    check_ndim("u", u, "B L D")
    if tuple(u.shape[1:]) != (config.l_max, config.d_model):
        raise ShapeError(
            f"u: got shape {tuple(u.shape)}, allowed is (B, {config.height} * {config.width} = "
            f"{config.l_max}, {config.d_model})"
        )
    xp = namespace(u=u, **check_params(params, hyena2d_shapes(config), optional=TABLES))
    h, filters = hyena_filter2d(params, config)  # (N-1,D,2H-1,2W-1)
    skip = xp.reshape(params["filter"]["skip"], (config.num_convolutions, config.d_model))

    def convolve(n: int, z: Array):
        return fftconv2d(z, h[n, ...], skip[n, :])

    y, operator = gated_operator(u, params, (config.height, config.width), convolve)
    return y, Hyena2DCache(operator, filters)


def hyena2d_backward(dy: Array, cache: Hyena2DCache) -> tuple[Array, dict]:
    r"""Gradients of `hyena2d`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : Hyena2DCache

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
    du, dparams, dconvs = gated_operator_backward(dy, cache.operator, fftconv2d_backward)
    xp = namespace(dy=dy)
    dh, dskip = zip(*dconvs, strict=True)
    dfilter = hyena_filter2d_backward(xp.stack(dh), cache.filters)["filter"]
    return du, dparams | {"filter": dfilter | {"skip": xp.concat(dskip)}}
