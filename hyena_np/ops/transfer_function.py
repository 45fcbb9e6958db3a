"""A rival filter: the impulse response of a rational transfer function."""

from __future__ import annotations

import math
from typing import NamedTuple

from hyena_np.backend import (
    Array,
    arange_like,
    check_shape,
    fft_length,
    irfft,
    namespace,
    rfft,
)
from hyena_np.ops.filter_arguments import check_filter
from hyena_np.ops.filter_configs import TransferFunctionConfig


class TransferFunctionCache(NamedTuple):
    """What `transfer_function_filter_backward` needs; F = n // 2 + 1 for transforms of length n."""

    raw: Array  # (C, order), the parameter "denominator" itself
    response: Array  # (C, F) complex, numerator over denominator
    denominator: Array  # (C, F) complex
    L: int
    l_max: int


def stable_denominator(raw: Array) -> Array:
    r"""Coefficients whose poles lie inside the unit circle, whatever the numbers that they are made of.

    .. math:: a_i = \frac{r_i}{1 + \sum_j |r_j|}, \qquad \text{so that}\ \sum_i |a_i| < 1

    A pole p has :math:`1 = |\sum_i a_i p^{-i}| \le \sum_i |a_i|\,|p|^{-i}`, which would be less
    than 1 with :math:`|p| \ge 1`.

    Parameters
    ----------
    raw : array (C, order), float32 or float64

    Returns
    -------
    array (C, order)
        Same dtype.

    Raises
    ------
    DTypeError, LibraryMismatchError
        `raw` is no float array.

    Notes
    -----
    Source: Montel's bound on the roots of a polynomial; Parnichkun et al. 2024, on stability.
    """
    xp = namespace(raw=raw)
    return raw / (1 + xp.sum(xp.abs(raw), axis=1, keepdims=True))


def transfer_function_filter(
    params: dict, L: int, l_max: int, config: TransferFunctionConfig
) -> tuple[Array, TransferFunctionCache]:
    r"""Impulse responses of rational transfer functions.

    .. math:: H(z) = h_0 + \frac{\sum_{i=1}^{p} b_i z^{-i}}{1 + \sum_{i=1}^{p} a_i z^{-i}}

    which is the filter of the difference equation :math:`s_t = b_t - \sum_i a_i s_{t-i}`, with
    :math:`h_t = s_t + h_0 \delta_t`. It is computed without a loop over time: the transforms of the
    zero-padded coefficients are numerator and denominator at n points of a circle, and the inverse transform
    of their quotient is h, plus what the endless response has n, 2n, ... lags later. Two things make that
    alias small: n is at least 2 `l_max`, and the circle has a radius :math:`\rho > 1`, on which
    :math:`\rho^{-t} h_t` is found. The alias then has the factor :math:`\rho^{-n}`, about 4e-11 in float64
    and 2e-5 in float32.

    Parameters
    ----------
    params : dict
        ``{"h0" (C,), "numerator" (C, order), "denominator" (C, order)}``, float32 or float64. The
        coefficients :math:`a` are `stable_denominator` of the last one.
    L : int
        Number of lags, 1 to `l_max`.
    l_max : int
    config : TransferFunctionConfig

    Returns
    -------
    h : array (C, L)
        Same dtype.
    cache : TransferFunctionCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, App. A.1, "TransferFunc"; Parnichkun et al. 2024, which trains the numerator of the
    aliased response in the place of keeping the alias small.
    """
    xp, _ = check_filter(params, L, l_max, config, channels_of="h0")
    h0, b, raw = params["h0"], params["numerator"], params["denominator"]
    n, growth, shrink = _circle(l_max, config.order, h0)
    zero = xp.zeros_like(h0)[:, None]
    numerator = rfft(xp.concat([zero, b * shrink], axis=1), n)  # (C, F)
    denominator = rfft(xp.concat([zero + 1, stable_denominator(raw) * shrink], axis=1), n)
    response = numerator / denominator
    s = irfft(response, n)[:, :L] * growth[:L]
    h = xp.concat([h0[:, None], s[:, 1:]], axis=1)  # s_0 is 0
    return h, TransferFunctionCache(raw, response, denominator, L, l_max)


def transfer_function_filter_backward(dh: Array, cache: TransferFunctionCache) -> dict:
    r"""Gradients of `transfer_function_filter`.

    A product of spectra is a convolution in a circle, and its adjoint a product with the conjugate:

    .. math:: \widehat{db} = \hat{ds} \odot \overline{1 / \hat a}, \qquad
              \widehat{da} = -\hat{ds} \odot \overline{\hat s / \hat a}, \qquad
              dr_i = \frac{da_i}{S} - \mathrm{sign}(r_i) \frac{\sum_j da_j r_j}{S^2}

    with :math:`S = 1 + \sum_j |r_j|`.

    Parameters
    ----------
    dh : array (C, L)
    cache : TransferFunctionCache

    Returns
    -------
    dict
        Keys and shapes of the parameters.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: the equations of `transfer_function_filter`, differentiated.
    """
    raw, response, denominator, L, l_max = cache
    xp = namespace(dh=dh, raw=raw)
    C, order = raw.shape
    check_shape("dh", dh, (C, L))
    n, growth, shrink = _circle(l_max, order, dh)
    # h = [h0, s_1, s_2, ...], s = irfft(numerator / denominator) * growth
    ds = xp.concat([xp.zeros_like(dh[:, :1]), dh[:, 1:]], axis=1)
    dnumerator = rfft(ds * growth[:L], n) / xp.conj(denominator)
    # numerator = rfft([0, b * shrink]), denominator = rfft([1, a * shrink])
    db = irfft(dnumerator, n)[:, 1 : order + 1] * shrink
    da = irfft(-dnumerator * xp.conj(response), n)[:, 1 : order + 1] * shrink
    # a = raw / size
    size = 1 + xp.sum(xp.abs(raw), axis=1, keepdims=True)
    draw = da / size - xp.sign(raw) * xp.sum(da * raw, axis=1, keepdims=True) / (size * size)
    return {"h0": dh[:, 0] + 0.0, "numerator": db, "denominator": draw}


def transform_length(l_max: int, order: int) -> int:
    """Number n of points on the circle; the coefficients must fit too."""
    return fft_length(max(2 * l_max, order + 1))


def _circle(l_max: int, order: int, reference: Array) -> tuple[int, Array, Array]:
    """Length n of the transforms, the powers 0..l_max-1 of the radius, and the powers -1..-order."""
    xp = namespace(reference=reference)
    n = transform_length(l_max, order)
    # The alias is damped by radius^n, the rounding of the last lags grows by radius^l_max: made equal.
    log_radius = -math.log(xp.finfo(reference.dtype).eps) / (n + l_max)
    t, i = (xp.astype(arange_like(count, reference), reference.dtype) for count in (l_max, order))
    return n, xp.exp(log_radius * t), xp.exp(-log_radius * (i + 1))
