"""A causal convolution is a product with a lower-triangular Toeplitz matrix (paper, Sec. 2).

These are the slow references. Every fast path of the package is tested against them.
"""

from __future__ import annotations

from hyena_np.backend import Array, arange_like, check_ndim, namespace, zeros_like_device
from hyena_np.errors import ShapeError


def causal_conv_loop(u: Array, h: Array) -> Array:
    r"""Causal convolution by its definition, one product at a time.

    .. math:: y_t = \sum_{s=0}^{t} h_{t-s}\, u_s

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, any length: lags beyond L-1 never meet the signal, missing lags are zero.

    Returns
    -------
    array (B, D, L)
        Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2, the definition of the causal linear convolution.
    """
    xp, L, Lh = _check(u, h)
    outputs = []
    for t in range(L):
        y_t = zeros_like_device(tuple(u.shape[:2]), u)
        for s in range(max(0, t - Lh + 1), t + 1):
            y_t = y_t + h[:, t - s] * u[:, :, s]
        outputs.append(y_t)
    return xp.stack(outputs, axis=-1)


def toeplitz(h: Array, L: int | None = None) -> Array:
    r"""The Toeplitz matrix of a causal filter.

    .. math:: (S_h)_{ij} = h_{i-j} \text{ for } i \ge j, \text{ else } 0

    Parameters
    ----------
    h : array (D, Lh), float32 or float64
        One filter a channel.
    L : int, optional
        Size of the matrix; Lh by default. A longer matrix is filled with zeros, a shorter one cuts the
        filter.

    Returns
    -------
    array (D, L, L)
        Lower triangular, constant along diagonals; same dtype.

    Raises
    ------
    ShapeError
        `h` has not two axes, or L is not a positive integer.

    Notes
    -----
    Source: Hyena paper, Sec. 2: the matrix S_h.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import toeplitz
    >>> toeplitz(np.array([[1.0, 2.0, 3.0]]))[0]
    array([[1., 0., 0.],
           [2., 1., 0.],
           [3., 2., 1.]])
    """
    xp = namespace(h=h)
    D, Lh = check_ndim("h", h, "D Lh")
    L = Lh if L is None else L
    if isinstance(L, bool) or not isinstance(L, int) or L < 1:
        raise ShapeError(f"L: got {L!r}, allowed are integers >= 1")
    # A zero in front answers for every entry above the diagonal, one behind for every lag past the filter.
    zero = zeros_like_device((D, 1), h)
    padded = xp.concat([zero, h, zero], axis=1)
    i = arange_like(L, h)
    lag = i[:, None] - i[None, :]
    index = xp.clip(lag, -1, Lh) + 1
    return xp.reshape(xp.take(padded, xp.reshape(index, (-1,)), axis=1), (D, L, L))


def causal_conv_matrix(u: Array, h: Array) -> Array:
    r"""Causal convolution as a matrix product, :math:`y = S_h u`.

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
    h : array (D, Lh), dtype of `u`

    Returns
    -------
    array (B, D, L)
        Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2.
    """
    xp, L, _ = _check(u, h)
    return xp.matmul(toeplitz(h, L), u[..., None])[..., 0]  # (D,L,L) @ (B,D,L,1)


def circulant(h: Array) -> Array:
    r"""The circulant matrix of a filter: what an FFT without padding multiplies with.

    .. math:: (C_h)_{ij} = h_{(i-j) \bmod n}

    Its eigenvectors are the Fourier modes and its eigenvalues the discrete Fourier transform of `h`.

    Parameters
    ----------
    h : array (D, n), float32 or float64

    Returns
    -------
    array (D, n, n)
        Same dtype.

    Raises
    ------
    ShapeError
        `h` has not two axes.

    Notes
    -----
    Source: Hyena paper, Sec. 2 and App. A, on fast convolution.
    """
    xp = namespace(h=h)
    D, n = check_ndim("h", h, "D n")
    i = arange_like(n, h)
    index = (i[:, None] - i[None, :]) % n
    return xp.reshape(xp.take(h, xp.reshape(index, (-1,)), axis=1), (D, n, n))


def _check(u: Array, h: Array):
    xp = namespace(u=u, h=h)
    _, D, L = check_ndim("u", u, "B D L")
    Dh, Lh = check_ndim("h", h, "D Lh")
    if Dh != D:
        raise ShapeError(f"h: got {Dh} channels, allowed are the {D} of u")
    if L < 1 or Lh < 1:
        raise ShapeError(f"u, h: got lengths {L} and {Lh}, allowed are lengths >= 1")
    return xp, L, Lh
