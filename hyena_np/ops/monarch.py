"""The FFT as a few small matrix products, and a causal convolution made of it.

A transform of length n = N1 N2 is a product with a small DFT matrix along each axis of an (N1, N2) array, and
one element-wise product in between. More multiplications than a library's FFT, but all of them in matrix
products, which is what matrix units are built for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hyena_np.backend import (
    Array,
    arange_like,
    check_convolution,
    check_shape,
    host_range,
    like,
    namespace,
    owned,
    zeros_like_device,
)
from hyena_np.errors import ConfigError, ShapeError
from hyena_np.ops.checks import check_integer

_LONGEST_OF_TWO_FACTORS = 4096  # 64 * 64; a longer transform has three


class MonarchTables(NamedTuple):
    """The constants of one transform: made once with `monarch_tables`, good for every call of its length.

    The i-th twiddle has the shape (N_i, M_i), M_i being the product of all later factors.
    """

    factors: tuple[int, ...]
    dft: tuple[Array, ...]  # (N_i, N_i) complex, one a factor
    twiddles: tuple[Array, ...]  # (N_i, M_i) complex, one a factor but the last
    inverse_twiddles: tuple[Array, ...]  # their conjugates, the first one divided by n
    mirror: Array  # (n,) int: where frequency -k lies, for the k that lies here


def monarch_factors(length: int) -> tuple[int, ...]:
    """Factors of the shortest transform of a power of two that holds `length` samples.

    As equal as they can be, the larger ones first, because the first stage skips the causal half. Two factors
    up to a transform of 4,096, three above it: n (N1 + N2 + N3) multiplications are then far fewer than
    n (N1 + N2), at the price of one more pass over memory.

    Parameters
    ----------
    length : int
        At least 1.

    Returns
    -------
    tuple of int

    Raises
    ------
    ConfigError
        `length` is no such number.

    Notes
    -----
    Source: FlashFFTConv (Fu et al., 2023); no counterpart in the Hyena paper.

    Examples
    --------
    >>> from hyena_np import monarch_factors
    >>> monarch_factors(1000), monarch_factors(8192)
    ((32, 32), (32, 16, 16))
    """
    check_integer("length", length, 1)
    exponent = (length - 1).bit_length()
    factors: tuple[int, ...] = ()
    for left in range(2 if 2**exponent <= _LONGEST_OF_TWO_FACTORS else 3, 0, -1):
        share = -(-exponent // left)
        factors, exponent = (*factors, 2**share), exponent - share
    return factors


def monarch_order(factors: tuple[int, ...], reference: Array | None = None) -> Array:
    r"""Which frequency lies where in the output of `monarch_fft`.

    .. math:: p = N_2 k_1 + k_2 \ \mapsto\ k = k_1 + N_1 k_2

    and with three factors :math:`p = N_3 (N_2 k_1 + k_2) + k_3 \mapsto k_1 + N_1 (k_2 + N_2 k_3)`: the digits
    of the position, read backwards. The inverse permutation is therefore that of the factors in reverse.

    Parameters
    ----------
    factors : tuple of int
        Two or more; their product is n.
    reference : array, optional
        Gives library and device; without it the result is a NumPy array.

    Returns
    -------
    array (n,), int64
        ``take(spectrum, monarch_order(factors), axis=-1)`` permutes a spectrum as `monarch_fft` does,
        ``take(X, monarch_order(factors[::-1]), axis=-1)`` undoes it.

    Raises
    ------
    ConfigError
        `factors` are not two or more integers >= 1.

    Notes
    -----
    Source: Cooley and Tukey, 1965; FlashFFTConv (Fu et al., 2023). A convolution never needs it:
    the spectra of signal and filter are permuted alike, and the inverse transform takes them as they are.

    Examples
    --------
    >>> from hyena_np import monarch_order
    >>> monarch_order((2, 3))
    array([0, 2, 4, 1, 3, 5])
    """
    factors = _check_factors(factors)
    reference = host_range(1) if reference is None else reference
    xp = namespace(reference=reference)
    k = xp.reshape(arange_like(math.prod(factors), reference), factors[::-1])
    return xp.reshape(xp.permute_dims(k, tuple(range(k.ndim))[::-1]), (-1,))


def monarch_tables(factors: tuple[int, ...], reference: Array) -> MonarchTables:
    r"""DFT matrices and twiddle factors of a transform.

    .. math:: (F_N)_{kj} = e^{-2\pi i\, kj/N}, \qquad T_{kj} = e^{-2\pi i\, kj/n}

    Parameters
    ----------
    factors : tuple of int
        Two or more; their product is n.
    reference : array
        Gives library, device and precision. The numbers are computed in float64 on the host.

    Returns
    -------
    MonarchTables
        About 2 n complex numbers, and a DFT matrix (N, N) a factor.

    Raises
    ------
    ConfigError
        `factors` are not two or more integers >= 1.
    LibraryMismatchError, DTypeError
        `reference` is no array of floats.

    Notes
    -----
    Source: FlashFFTConv (Fu et al., 2023).
    """
    factors = _check_factors(factors)
    xp = namespace(reference=reference)
    complex_one = zeros_like_device((1,), reference) + 0j  # of the same precision
    n = math.prod(factors)
    dft = tuple(like(_roots_of_unity(N1, N1, N1), complex_one) for N1 in factors)
    later = [math.prod(factors[i:]) for i in range(1, len(factors))]  # what each first axis leaves
    twiddles = tuple(
        like(_roots_of_unity(N1, N2, N1 * N2), complex_one)
        for N1, N2 in zip(factors[:-1], later, strict=True)
    )
    inverse = [xp.conj(twiddle) for twiddle in twiddles]
    inverse[0] = inverse[0] / n
    # position -> frequency k -> frequency -k -> position
    position = monarch_order(factors[::-1], reference)
    mirror = xp.take(position, -monarch_order(factors, reference) % n)
    return MonarchTables(factors, dft, twiddles, tuple(inverse), mirror)


def _roots_of_unity(rows: int, columns: int, n: int) -> Array:
    """exp(-2 pi i k j / n) on the host; the product is reduced first, so that large ones stay exact."""
    k, j = host_range(rows), host_range(columns)
    xp = namespace(k=k)
    angle = (2 * math.pi / n) * (k[:, None] * j[None, :] % n)
    return xp.cos(angle) - 1j * xp.sin(angle)


def monarch_fft(x: Array, factors: tuple[int, ...] | MonarchTables) -> Array:
    r"""Discrete Fourier transform of the last axis by small matrix products, in permuted order.

    .. math:: X_{ij} = x_{N_2 i + j}, \qquad Y = \big(T \odot (F_{N_1} X)\big) F_{N_2}, \qquad
              Y_{k_1 k_2} = \hat x_{k_1 + N_1 k_2}

    With a third factor, the product with :math:`F_{N_2}` on the rows is replaced by this same transform.

    Parameters
    ----------
    x : array (..., length), float or complex
        At most n samples; the missing ones are zero. Rows of X that are zero altogether are left out of the
        first product: half of them for a signal padded to twice its length.
    factors : tuple of int, or MonarchTables
        N1, N2, and so on; their product is n. Tables made once save making them in every call.

    Returns
    -------
    array (..., n), complex
        The spectrum; what lies where is told by `monarch_order`.

    Raises
    ------
    ConfigError
        `factors` are not two or more integers >= 1.
    ShapeError, DTypeError, LibraryMismatchError
        `x` is empty or longer than n, or does not fit the tables.

    Notes
    -----
    Source: FlashFFTConv (Fu et al., 2023); the four steps are those of Cooley and Tukey, 1965. The
    adjoint is n times `monarch_ifft`.
    """
    tables = _tables_for(factors, "x", x)
    n = math.prod(tables.factors)
    if x.ndim < 1 or not 1 <= x.shape[-1] <= n:
        raise ShapeError(f"x: got shape {tuple(x.shape)}, allowed are 1 to {n} samples on the last axis")
    return _forward(_complex(x), tables.dft, tables.twiddles)


def monarch_ifft(X: Array, factors: tuple[int, ...] | MonarchTables, length: int | None = None) -> Array:
    r"""Inverse of `monarch_fft`: from the permuted order to the natural one, without a permutation.

    .. math:: X = \overline{F_{N_1}}\, \big(\tfrac1n \overline T \odot (Y \overline{F_{N_2}})\big)

    Parameters
    ----------
    X : array (..., n), complex
        A spectrum in the order of `monarch_fft`.
    factors : tuple of int, or MonarchTables
        Those of the forward transform.
    length : int, optional
        How many samples are wanted, n by default. Rows beyond them are not computed in the last product.

    Returns
    -------
    array (..., length), complex

    Raises
    ------
    ConfigError
        `factors` are not two or more integers >= 1, or `length` is not one of 1 to n.
    ShapeError, DTypeError, LibraryMismatchError
        `X` has not n frequencies, or does not fit the tables.

    Notes
    -----
    Source: FlashFFTConv (Fu et al., 2023), with 1/n folded into the twiddle factors.
    """
    tables = _tables_for(factors, "X", X)
    n = math.prod(tables.factors)
    if X.ndim < 1 or X.shape[-1] != n:
        raise ShapeError(f"X: got shape {tuple(X.shape)}, allowed are {n} frequencies on the last axis")
    length = n if length is None else length
    check_integer("length", length, 1)
    if length > n:
        raise ConfigError(f"length: got {length}, allowed are 1 to {n}")
    x = _inverse(_complex(X), tables.dft, tables.inverse_twiddles, length)
    return x if x.shape[-1] == length else owned(x[..., :length])


def _forward(x: Array, dft: tuple[Array, ...], twiddles: tuple[Array, ...]) -> Array:
    """(..., length) -> (..., n); the recursion of `monarch_fft`, N2 the product of all later factors."""
    xp = namespace(x=x)
    if not twiddles:
        return _times(x, dft[0])
    N1, N2 = twiddles[0].shape
    rows = -(-x.shape[-1] // N2)  # the rest of the N1 rows is zero
    end = zeros_like_device((*x.shape[:-1], rows * N2 - x.shape[-1]), x)
    X = xp.reshape(xp.concat([x, end], axis=-1), (*x.shape[:-1], rows, N2))
    Y = twiddles[0] * xp.matmul(dft[0][:, :rows], X)  # (N1,rows) @ (...,rows,N2) -> (...,N1,N2)
    return xp.reshape(_forward(Y, dft[1:], twiddles[1:]), (*x.shape[:-1], N1 * N2))


def _inverse(Y: Array, dft: tuple[Array, ...], inverse_twiddles: tuple[Array, ...], length: int) -> Array:
    """(..., n) -> (..., whole rows of at least `length`); the stages of `_forward`, last one first."""
    xp = namespace(Y=Y)
    if not inverse_twiddles:
        return _times(Y, xp.conj(dft[0]))
    N1, N2 = inverse_twiddles[0].shape
    rows = -(-length // N2)  # of the N1 rows, only these are asked for
    X = _inverse(xp.reshape(Y, (*Y.shape[:-1], N1, N2)), dft[1:], inverse_twiddles[1:], N2)
    X = xp.matmul(xp.conj(dft[0][:rows, :]), inverse_twiddles[0] * X)  # (rows,N1) @ (...,N1,N2)
    return xp.reshape(X, (*Y.shape[:-1], rows * N2))


def _times(x: Array, matrix: Array) -> Array:
    """(..., n) @ (n, n) as one product of two matrices."""
    xp = namespace(x=x)
    return xp.reshape(xp.matmul(xp.reshape(x, (-1, matrix.shape[0])), matrix), x.shape)


class MonarchConvCache(NamedTuple):
    """What `monarch_conv_backward` needs; P = ceil(B/2) or ceil(D/2) pairs, all spectra in permuted order."""

    u_f: Array  # (P, D, n) complex where rows of the batch are paired, (B, P, n) where channels are
    h_f: Array  # (D or D+1, n) complex: an even number of channels
    u: Array | None  # (B, D, L), kept only for the gradient of the skip term
    skip: Array | None  # (D,)
    tables: MonarchTables
    B: int
    D: int
    L: int
    Lh: int


def monarch_conv(
    u: Array,
    h: Array,
    skip: Array | None = None,
    factors: tuple[int, ...] | MonarchTables | None = None,
) -> tuple[Array, MonarchConvCache]:
    r"""`fftconv` with `monarch_fft` as its transform: the same result by matrix products.

    .. math:: y = \mathcal{F}^{-1}\big(\mathcal{F}(h) \odot \mathcal{F}(u)\big)_{0..L-1}
              + \mathrm{skip} \cdot u

    The transform is complex and the signals are real, so two of them, a and b, travel as
    :math:`z = a + ib`. Where B is even they are two rows of the batch: both meet the same real filter, and
    :math:`h * z = h * a + i\, (h * b)`. Where B is odd they are two channels, with two filters g and h: a
    zero row instead would double the work of B = 1. From :math:`\hat z` and
    :math:`\tilde z_k = \overline{\hat z_{-k}}`, the spectrum of :math:`a - ib`,

    .. math:: \hat g \hat a + i\, \hat h \hat b = \tfrac12 (\hat g + \hat h)\, \hat z
              + \tfrac12 (\hat g - \hat h)\, \tilde z

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, of any length.
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.
    factors : tuple of int, or MonarchTables, optional
        Of a transform of at least L + min(L, Lh) - 1; by default those of `monarch_factors`.

    Returns
    -------
    y : array (B, D, L)
        Same dtype.
    cache : MonarchConvCache
        The packed spectrum of `u` and that of `h`, and `u` where there is a skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.
    ConfigError
        `factors` are not two or more integers >= 1, or their product is too small.

    Notes
    -----
    Source: FlashFFTConv (Fu et al., 2023); Hyena paper, Sec. 2 (FFTConv). The order of frequencies
    is never undone, and the zero half of the padded signal is never multiplied.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import monarch_conv
    >>> y, _ = monarch_conv(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]))
    >>> np.round(y[0, 0], 9) + 0.0
    array([ 1., 10.,  0.,  2.])
    """
    _, taps = check_convolution(u, h, skip)
    B, D, L = u.shape
    shortest = L + taps - 1
    tables = _tables_for(monarch_factors(shortest) if factors is None else factors, "u", u)
    if math.prod(tables.factors) < shortest:
        raise ConfigError(
            f"factors: got {tables.factors}, allowed are products >= {shortest} (shorter ones wrap around)"
        )
    axis = B % 2  # of the pairs: rows of the batch, or channels
    u_f = _forward(_pack(u, axis), tables.dft, tables.twiddles)  # (B,D,L) -> (P,D,n) or (B,P,n)
    h_f = _filter_spectra(h[:, :taps], tables)  # (D,taps) -> (D,n)
    y = _signals(_multiply(u_f, h_f, tables.mirror, axis), tables, axis, u.shape)
    cache = MonarchConvCache(u_f, h_f, None if skip is None else u, skip, tables, B, D, L, h.shape[1])
    return y if skip is None else y + skip[:, None] * u, cache


def monarch_conv_backward(dy: Array, cache: MonarchConvCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `monarch_conv`: correlations, that is products with conjugate spectra.

    .. math::
        du_s = \sum_{t \ge s} h_{t-s}\, dy_t, \qquad
        dh_k = \sum_{b,t} dy_{b,t+k}\, u_{b,t}, \qquad
        d\mathrm{skip} = \sum_{b,t} dy_{b,t}\, u_{b,t}

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : MonarchConvCache

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
    Source: the transpose of the Toeplitz matrix of the Hyena paper's Sec. 2.
    """
    u_f, h_f, u, skip, tables, B, D, L, Lh = cache
    check_shape("dy", dy, (B, D, L))
    xp = namespace(dy=dy, skip=skip)
    axis, taps = B % 2, min(L, Lh)
    dz = _pack(dy, axis)
    namespace(u_f=u_f, dy=dz)  # without a skip term, the only witness of dtype and library
    dy_f = _forward(dz, tables.dft, tables.twiddles)
    # y = signals(h_f * u_f) + skip * u
    du = _signals(_multiply(dy_f, xp.conj(h_f), tables.mirror, axis), tables, axis, (B, D, L))
    dh = _signals(_filter_gradient(dy_f, u_f, tables.mirror, axis), tables, 0, (D, taps))
    dh = xp.concat([dh, zeros_like_device((D, Lh - taps), dh)], axis=-1)
    if skip is None:
        return du, dh, None
    return du + skip[:, None] * dy, dh, xp.sum(dy * u, axis=(0, 2))


# --- two real signals in one complex one --------------------------------------------------------------------


def _pack(x: Array, axis: int) -> Array:
    """Neighbours along an axis, a and b, become a + ib; an odd one at the end is paired with zeros."""
    xp = namespace(x=x)
    if x.shape[axis] % 2:
        lonely = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        x = xp.concat([x, zeros_like_device(lonely, x)], axis=axis)
    before = (slice(None),) * axis
    return x[(*before, slice(0, None, 2), ...)] + 1j * x[(*before, slice(1, None, 2), ...)]


def _interleave(a: Array, b: Array, axis: int) -> Array:
    """The arrays a and b, whose entries along an axis are to be neighbours."""
    xp = namespace(a=a, b=b)
    pairs = xp.stack([a, b], axis=axis + 1)
    return xp.reshape(pairs, (*a.shape[:axis], 2 * a.shape[axis], *a.shape[axis + 1 :]))


def _signals(z_f: Array, tables: MonarchTables, axis: int, shape: tuple[int, ...]) -> Array:
    """From packed spectra back to real signals of `shape`: the inverse of transform and `_pack`."""
    xp = namespace(z_f=z_f)
    z = _inverse(z_f, tables.dft, tables.inverse_twiddles, shape[-1])[..., : shape[-1]]
    x = _interleave(xp.real(z), xp.imag(z), axis)
    if x.shape[axis] == shape[axis]:
        return x
    return owned(x[(*(slice(None),) * axis, slice(shape[axis]), ...)])  # without the zeros of the odd one


def _conjugate_signal(z_f: Array, mirror: Array) -> Array:
    """The spectrum of conj(z), from that of z: conj(z_f) at the frequencies -k."""
    xp = namespace(z_f=z_f)
    return xp.conj(xp.take(z_f, mirror, axis=-1))


def _filter_spectra(h: Array, tables: MonarchTables) -> Array:
    """(D, taps) -> (D, n), or (D+1, n) where D is odd: two channels a transform, then taken apart."""
    z_f = _forward(_pack(h, 0), tables.dft, tables.twiddles)
    other = _conjugate_signal(z_f, tables.mirror)
    return _interleave(0.5 * (z_f + other), -0.5j * (z_f - other), 0)


def _multiply(z_f: Array, h_f: Array, mirror: Array, axis: int) -> Array:
    """Packed spectra times those of the filters: the equation of `monarch_conv`."""
    if axis == 0:  # both signals of a pair meet the same filter
        return z_f * h_f[: z_f.shape[1], :]
    first, second = h_f[0::2, :], h_f[1::2, :]
    return 0.5 * (first + second) * z_f + 0.5 * (first - second) * _conjugate_signal(z_f, mirror)


def _filter_gradient(dy_f: Array, u_f: Array, mirror: Array, axis: int) -> Array:
    r"""Spectra of the filters' gradients, two channels packed: (ceil(D/2), n).

    With :math:`z = a + ib` and :math:`dz = da + i\,db`, the real part of the correlation of dz with z is
    cor(da, a) + cor(db, b), and that of dz with conj(z) is cor(da, a) - cor(db, b).
    """
    xp = namespace(dy_f=dy_f, u_f=u_f)
    total = _real_part(xp.sum(dy_f * xp.conj(u_f), axis=0), mirror)
    if axis == 0:
        return _pack(total, 0)
    difference = _real_part(xp.sum(dy_f * xp.take(u_f, mirror, axis=-1), axis=0), mirror)
    return 0.5 * (total + difference) + 0.5j * (total - difference)


def _real_part(z_f: Array, mirror: Array) -> Array:
    """The spectrum of the real part of a signal, from that of the signal."""
    return 0.5 * (z_f + _conjugate_signal(z_f, mirror))


# --- arguments ----------------------------------------------------------------------------------------------


def _check_factors(factors: tuple[int, ...]) -> tuple[int, ...]:
    sound = isinstance(factors, tuple | list) and len(factors) >= 2
    if not sound or any(isinstance(f, bool) or not isinstance(f, int) or f < 1 for f in factors):
        raise ConfigError(f"factors: got {factors!r}, allowed are two or more integers >= 1")
    return tuple(factors)


def _tables_for(factors: tuple[int, ...] | MonarchTables, name: str, x: Array) -> MonarchTables:
    """The tables themselves, checked against x, or those of the factors."""
    namespace(**{name: x})
    if not isinstance(factors, MonarchTables):
        return monarch_tables(factors, x)
    namespace(**{"tables": factors.dft[0], name: zeros_like_device((1,), x) + 0j})  # one precision, one place
    return factors


def _complex(x: Array) -> Array:
    return x + 0j if namespace(x=x).isdtype(x.dtype, "real floating") else x
