"""The long convolution that sees both sides: a causal filter, and one that runs backward in time."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import (
    Array,
    check_convolution,
    check_ndim,
    check_shape,
    fft_length,
    irfft,
    namespace,
    owned,
    rfft,
    zeros_like_device,
)
from hyena_np.ops.toeplitz import toeplitz


def two_sided_filter(h: Array, h_reverse: Array) -> Array:
    r"""One filter over the lags -(Lh-1) to Lh-1, of a forward and a backward one.

    .. math:: k_\tau = h_\tau\,[\tau \ge 0] + \bar h_{-\tau}\,[\tau \le 0]

    Parameters
    ----------
    h : array (D, Lh), float32 or float64
        Taps at the lags 0..Lh-1: the present and the past.
    h_reverse : array (D, Lh), dtype of `h`
        Taps at the lags 0..-(Lh-1): the present and the future.

    Returns
    -------
    array (D, 2 Lh - 1)
        Lag 0, in the middle, is the sum of both filters' first taps.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: the official code's ``k_rev``; see `bidirectional_conv`.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import two_sided_filter
    >>> two_sided_filter(np.array([[1.0, 2.0, 3.0]]), np.array([[10.0, 20.0, 30.0]]))
    array([[30., 20., 11.,  2.,  3.]])
    """
    xp = namespace(h=h, h_reverse=h_reverse)
    check_ndim("h", h, "D Lh")
    check_shape("h_reverse", h_reverse, tuple(h.shape))
    future = xp.flip(h_reverse[:, 1:], axis=1)
    return xp.concat([future, h[:, :1] + h_reverse[:, :1], h[:, 1:]], axis=1)


def toeplitz_two_sided(h: Array, h_reverse: Array, L: int | None = None) -> Array:
    r"""The Toeplitz matrix of a two-sided filter: no triangle is empty.

    .. math:: (S)_{ij} = h_{i-j}\,[i \ge j] + \bar h_{j-i}\,[i \le j], \qquad S = S_h + S_{\bar h}^\top

    Parameters
    ----------
    h, h_reverse : array (D, Lh), float32 or float64
    L : int, optional
        Size of the matrix; Lh by default.

    Returns
    -------
    array (D, L, L)
        Same dtype; the sum of both first taps on the diagonal.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2, where S_h is lower triangular if and only if the filter is causal.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import toeplitz_two_sided
    >>> toeplitz_two_sided(np.array([[1.0, 2.0, 3.0]]), np.array([[10.0, 20.0, 30.0]]))[0]
    array([[11., 20., 30.],
           [ 2., 11., 20.],
           [ 3.,  2., 11.]])
    """
    xp = namespace(h=h, h_reverse=h_reverse)
    check_ndim("h", h, "D Lh")
    check_shape("h_reverse", h_reverse, tuple(h.shape))
    return toeplitz(h, L) + xp.matrix_transpose(toeplitz(h_reverse, L))


class BidirectionalConvCache(NamedTuple):
    """What `bidirectional_conv_backward` needs; n is the transform length, F = n//2 + 1."""

    u_f: Array  # (B, D, F) complex, spectrum of the signal
    k_f: Array  # (D, F) complex, spectrum of the two-sided filter
    u: Array | None  # (B, D, L), kept only for the gradient of the skip term
    skip: Array | None  # (D,)
    L: int
    Lh: int
    n: int


def bidirectional_conv(
    u: Array, h: Array, h_reverse: Array, skip: Array | None = None
) -> tuple[Array, BidirectionalConvCache]:
    r"""Convolution with the past and with the future, in O(L log L).

    .. math::
        y_t = \sum_{s \le t} h_{t-s}\, u_s + \sum_{s \ge t} \bar h_{s-t}\, u_s + \mathrm{skip} \cdot u_t,
        \qquad y = \mathcal{F}^{-1}\big((\mathcal{F}(h) + \overline{\mathcal{F}(\bar h)})
        \odot \mathcal{F}(u)\big)_{0..L-1} + \mathrm{skip} \cdot u

    Both filters have a tap at lag 0, which thus counts twice: the operator is the causal convolution plus
    the causal convolution of the reversed signal, reversed, and reversing time exchanges the two filters.
    Codes differ here. In this package, as in the official ``fftconv_ref``, the conjugate spectrum of the
    reversed filter is added; in the S4 code the reversed filter begins at lag -1, which is this operator
    with a zero put in front of `h_reverse`.

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        Taps at the lags 0, 1, 2, ...; of any length.
    h_reverse : array (D, Lh), dtype of `u`
        Taps at the lags 0, -1, -2, ...
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.

    Returns
    -------
    y : array (B, D, L)
        Same dtype.
    cache : BidirectionalConvCache
        The two spectra, and `u` where there is a skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: official code: ``fftconv_ref`` with its argument ``k_rev``. Hyena itself is causal.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import bidirectional_conv
    >>> u, past, future = np.array([[[0.0, 1.0, 0.0]]]), np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])
    >>> np.round(bidirectional_conv(u, past, future)[0], 9)
    array([[[20., 11.,  2.]]])
    """
    xp, taps = check_convolution(u, h, skip)
    namespace(u=u, h_reverse=h_reverse)
    L, Lh = u.shape[-1], h.shape[-1]
    check_shape("h_reverse", h_reverse, tuple(h.shape))
    # Long enough that what leaves on one side does not come back into 0..L-1 on the other.
    n = fft_length(L + taps - 1)
    u_f = rfft(u, n)  # (B,D,L) -> (B,D,F)
    k_f = rfft(h[:, :taps], n) + xp.conj(rfft(h_reverse[:, :taps], n))  # (D,Lh) -> (D,F)
    y = irfft(u_f * k_f, n)[..., :L]  # (B,D,n) -> (B,D,L)
    if skip is None:
        return owned(y), BidirectionalConvCache(u_f, k_f, None, None, L, Lh, n)
    return y + skip[:, None] * u, BidirectionalConvCache(u_f, k_f, u, skip, L, Lh, n)


def bidirectional_conv_backward(
    dy: Array, cache: BidirectionalConvCache
) -> tuple[Array, Array, Array, Array | None]:
    r"""Gradients of `bidirectional_conv`: in the adjoint the two filters change places.

    .. math::
        du_s = \sum_{t \ge s} h_{t-s}\, dy_t + \sum_{t \le s} \bar h_{s-t}\, dy_t, \qquad
        dh_k = \sum_{b,t} dy_{b,t+k}\, u_{b,t}, \qquad
        d\bar h_k = \sum_{b,t} dy_{b,t}\, u_{b,t+k}

    Both filters' gradients are halves of one correlation, at its positive and at its negative lags.

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : BidirectionalConvCache

    Returns
    -------
    du : array (B, D, L)
    dh, dh_reverse : array (D, Lh)
        Zero at lags past L-1.
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of `toeplitz_two_sided`.
    """
    u_f, k_f, u, skip, L, Lh, n = cache
    xp = namespace(dy=dy, skip=skip)
    check_shape("dy", dy, (u_f.shape[0], u_f.shape[1], L))
    dy_f = rfft(dy, n)
    namespace(u_f=u_f, dy_f=dy_f)  # without a skip term, the only witness of dtype and library
    # y = irfft(u_f * (h_f + conj(h_reverse_f)))[..., :L] + skip * u
    du = irfft(dy_f * xp.conj(k_f), n)[..., :L]
    correlation = irfft(xp.sum(dy_f * xp.conj(u_f), axis=0), n)  # (D,n); lag -k is number n-k
    taps = min(L, Lh)
    missing = zeros_like_device((correlation.shape[0], Lh - taps), correlation)
    dh = xp.concat([correlation[:, :taps], missing], axis=1)
    negative = xp.flip(correlation[:, n - taps + 1 :], axis=1)
    dh_reverse = xp.concat([correlation[:, :1], negative, missing], axis=1)
    if skip is None:
        return owned(du), dh, dh_reverse, None
    return du + skip[:, None] * dy, dh, dh_reverse, xp.sum(dy * u, axis=(0, 2))
