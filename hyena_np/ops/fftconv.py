"""The causal convolution in O(L log L): a product of spectra (paper, Sec. 2 and App. A)."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import (
    Array,
    check_convolution,
    check_shape,
    fft_length,
    irfft,
    namespace,
    owned,
    rfft,
    zeros_like_device,
)


class FFTConvCache(NamedTuple):
    """What `fftconv_backward` needs; n is the transform length, F = n//2 + 1."""

    u_f: Array  # (B, D, F) complex, spectrum of the signal
    h_f: Array  # (D, F) complex, spectrum of the filter
    u: Array | None  # (B, D, L), kept only for the gradient of the skip term
    skip: Array | None  # (D,)
    L: int
    Lh: int
    n: int


def fftconv(u: Array, h: Array, skip: Array | None = None) -> tuple[Array, FFTConvCache]:
    r"""Causal convolution through the fast Fourier transform, plus a skip term.

    .. math:: y = \mathcal{F}^{-1}\big(\mathcal{F}(h) \odot \mathcal{F}(u)\big)_{0..L-1}
              + \mathrm{skip} \cdot u

    Both are zero-padded to at least L + Lh - 1: a shorter transform multiplies with a circulant matrix and
    the end of the signal wraps around into its beginning.

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, of any length.
    skip : array (D,), dtype of `u`, optional
        The official code's ``D`` (its parameter ``bias``): an extra tap at lag 0.

    Returns
    -------
    y : array (B, D, L)
        Same dtype.
    cache : FFTConvCache
        The two spectra, and `u` where there is a skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2 (FFTConv), Remark 3.1 and Algorithm 3; official code: ``fftconv_ref``.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import fftconv
    >>> y, _ = fftconv(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]))
    >>> np.round(y[0, 0], 9) + 0.0
    array([ 1., 10.,  0.,  2.])
    """
    _, taps = check_convolution(u, h, skip)
    L, Lh = u.shape[-1], h.shape[-1]
    n = fft_length(L + taps - 1)
    u_f = rfft(u, n)  # (B,D,L) -> (B,D,F)
    h_f = rfft(h[:, :taps], n)  # (D,Lh) -> (D,F)
    y = irfft(u_f * h_f, n)[..., :L]  # (B,D,n) -> (B,D,L)
    if skip is None:
        y = owned(y)  # lets go of the padded buffer behind the slice
        return y, FFTConvCache(u_f, h_f, None, None, L, Lh, n)
    return y + skip[:, None] * u, FFTConvCache(u_f, h_f, u, skip, L, Lh, n)


def fftconv_backward(dy: Array, cache: FFTConvCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `fftconv`: the adjoint of a convolution is a correlation.

    .. math::
        du_s = \sum_{t \ge s} h_{t-s}\, dy_t, \qquad
        dh_k = \sum_{b,t} dy_{b,t+k}\, u_{b,t}, \qquad
        d\mathrm{skip} = \sum_{b,t} dy_{b,t}\, u_{b,t}

    A correlation is a product with the conjugate spectrum. Its negative lags land in the padding, which is
    cut off.

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : FFTConvCache

    Returns
    -------
    du : array (B, D, L)
    dh : array (D, Lh)
        Zero at lags past L-1.
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of the Toeplitz matrix of the paper's Sec. 2.
    """
    u_f, h_f, u, skip, L, Lh, n = cache
    xp = namespace(dy=dy, skip=skip)
    check_shape("dy", dy, (u_f.shape[0], u_f.shape[1], L))
    dy_f = rfft(dy, n)
    namespace(u_f=u_f, dy_f=dy_f)  # without a skip term, the only witness of dtype and library
    # y = irfft(u_f * h_f)[..., :L] + skip * u
    du = irfft(dy_f * xp.conj(h_f), n)[..., :L]
    taps = min(L, Lh)
    dh = irfft(xp.sum(dy_f * xp.conj(u_f), axis=0), n)[..., :taps]
    dh = xp.concat([dh, zeros_like_device((dh.shape[0], Lh - taps), dh)], axis=-1)
    if skip is None:
        return owned(du), dh, None
    return du + skip[:, None] * dy, dh, xp.sum(dy * u, axis=(0, 2))
