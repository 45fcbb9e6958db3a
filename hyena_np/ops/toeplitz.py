"""A causal convolution is a product with a lower-triangular Toeplitz matrix (paper, Sec. 2).

These are the slow references. Every fast path of the package is tested against them. Where the sequence is
short, the matrix is no slow path at all: `matrix_conv` has a gradient, like every form that may be chosen.
"""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import (
    Array,
    arange_like,
    check_convolution,
    check_ndim,
    check_shape,
    namespace,
    zeros_like_device,
)
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
    Source: Hyena paper, eq. (1), the definition of the causal linear convolution.
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
    Source: Hyena paper, eqs. (2) and (17): the matrix S_h.

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
    Source: Hyena paper, eqs. (1) and (2).
    """
    xp, L, _ = _check(u, h)
    return xp.matmul(toeplitz(h, L), u[..., None])[..., 0]  # (D,L,L) @ (B,D,L,1)


class MatrixConvCache(NamedTuple):
    """What `matrix_conv_backward` needs."""

    u: Array  # (B, D, L)
    S: Array  # (D, L, L), the Toeplitz matrices
    skip: Array | None  # (D,)
    Lh: int


def matrix_conv(u: Array, h: Array, skip: Array | None = None) -> tuple[Array, MatrixConvCache]:
    r"""`causal_conv_matrix` with a skip term and a gradient: one matrix product a channel, for all the batch.

    .. math:: y = S_h u + \mathrm{skip} \cdot u

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, of any length.
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.

    Returns
    -------
    y : array (B, D, L)
        Same dtype; equal to that of `fftconv`.
    cache : MatrixConvCache
        The signal and the matrices, D L^2 numbers.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, eq. (2): the matrix S_h.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import matrix_conv
    >>> matrix_conv(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]))[0]
    array([[[ 1., 10.,  0.,  2.]]])
    """
    xp, _ = check_convolution(u, h, skip)
    S = toeplitz(h, u.shape[2])
    y = _swapped(xp.matmul(_swapped(u), xp.matrix_transpose(S)))  # (D,B,L) @ (D,L,L) -> (B,D,L)
    return y if skip is None else y + skip[:, None] * u, MatrixConvCache(u, S, skip, h.shape[1])


def matrix_conv_backward(dy: Array, cache: MatrixConvCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `matrix_conv`: the transposed matrix, and sums along the diagonals of an outer product.

    .. math:: du = S_h^\top dy, \qquad dS = \sum_b dy_b\, u_b^\top, \qquad dh_k = \sum_{i-j=k} dS_{ij}, \qquad
              d\mathrm{skip} = \sum_{b,t} dy_{b,t}\, u_{b,t}

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : MatrixConvCache

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
    u, S, skip, Lh = cache
    check_shape("dy", dy, u.shape)
    xp = namespace(u=u, dy=dy)
    D, L, _ = S.shape
    # y = S @ u + skip * u
    du = _swapped(xp.matmul(_swapped(dy), S))
    dS = xp.matmul(xp.matrix_transpose(_swapped(dy)), _swapped(u))  # (D,L,B) @ (D,B,L)
    # S = toeplitz(h, L)
    taps = min(L, Lh)
    dh = _diagonal_sums(dS)[:, :taps]
    dh = xp.concat([dh, zeros_like_device((D, Lh - taps), dh)], axis=-1)
    if skip is None:
        return du, dh, None
    return du + skip[:, None] * dy, dh, xp.sum(dy * u, axis=(0, 2))


def _diagonal_sums(G: Array) -> Array:
    """Sums over i - j = 0..L-1 of matrices (D, L, L): (D, L); the adjoint of `toeplitz`.

    Entry (i, j) is number iL + j = i(L+1) - (i-j) in memory. Read in rows of L+1 numbers, a diagonal is thus
    a column, the (i-j)-th from the right. Numbers above the main diagonal would fall in the same columns.
    """
    xp = namespace(G=G)
    D, L, _ = G.shape
    numbers = xp.reshape(xp.tril(G), (D, L * L))
    rows = xp.reshape(xp.concat([numbers, zeros_like_device((D, L), G)], axis=1), (D, L, L + 1))
    columns = xp.sum(rows, axis=1)
    # column 0 is lag 0, column 1 would be lag L, the last column is lag 1
    return xp.concat([columns[:, :1], xp.flip(columns[:, 2:], axis=1)], axis=1)


def _swapped(x: Array) -> Array:
    """(B, D, L) <-> (D, B, L): the batch as rows of one matrix a channel."""
    return namespace(x=x).permute_dims(x, (1, 0, 2))


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
    Source: Hyena paper, Sec. 2, on fast convolution, and eq. (20).
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
