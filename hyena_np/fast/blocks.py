"""The steps of the operator on a block of channels, while it is in the cache.

Arrays are (c, B, L): the c channels of the block, all of the batch, time last. A skip term is an extra tap at
lag 0, so the filters that arrive here have it in their first tap, and its gradient is theirs.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import as_strided

# --- short convolution --------------------------------------------------------------------------------------


def short_conv_block(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray, z: np.ndarray, scratch: np.ndarray
) -> None:
    """`short_conv` on a block: x (c, B, L), weight (c, K), bias (c,); writes z (c, B, L)."""
    K, L = weight.shape[1], x.shape[-1]
    taps = weight[:, :, None, None]
    np.multiply(x, taps[:, K - 1], out=z)
    z += bias[:, None, None]
    for lag in range(1, min(K, L)):
        np.multiply(x[..., :-lag], taps[:, K - 1 - lag], out=scratch[..., lag:])
        z[..., lag:] += scratch[..., lag:]


def short_conv_block_backward(
    dz: np.ndarray, x: np.ndarray, weight: np.ndarray, dx: np.ndarray, scratch: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`short_conv_backward` on a block; writes dx, returns dweight (c, K) and dbias (c,)."""
    K, L = weight.shape[1], x.shape[-1]
    taps = weight[:, :, None, None]
    dweight = np.zeros_like(weight)
    # z = weight[K-1] * x + bias
    np.multiply(dz, taps[:, K - 1], out=dx)
    dweight[:, K - 1] = dots(dz, x)
    for lag in range(1, min(K, L)):
        # z[..., lag:] += weight[K-1-lag] * x[..., :-lag]
        np.multiply(dz[..., lag:], taps[:, K - 1 - lag], out=scratch[..., lag:])
        dx[..., :-lag] += scratch[..., lag:]
        dweight[:, K - 1 - lag] = dots(dz[..., lag:], x[..., :-lag])
    return dweight, np.sum(dz, axis=(1, 2))


def dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sum of products over batch and time: (c, B, L), (c, B, L) -> (c,), without the product in memory."""
    return np.einsum("cbl,cbl->c", a, b)


# --- long convolution by FFT --------------------------------------------------------------------------------


def spectra_block(s: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra (c, B, F) of s (c, B, n), padded with zeros, and (c, F) of h (c, L).

    `s` is lost: its padding serves the filter too, because a library that has to pad makes a copy.
    """
    n, L = s.shape[-1], h.shape[-1]
    s_f = _rfft(s, n)
    s[:, 0, :L] = h
    return s_f, _rfft(s[:, 0], n)


def fft_conv_block(s_f: np.ndarray, h_f: np.ndarray, n: int, y: np.ndarray) -> None:
    """The rest of `fftconv` on a block: writes y (c, B, L); `s_f` is lost."""
    s_f *= h_f[:, None, :]
    y[...] = _irfft(s_f, n)[..., : y.shape[-1]]


def fft_conv_block_backward(dy: np.ndarray, s_f: np.ndarray, h_f: np.ndarray, ds: np.ndarray) -> np.ndarray:
    """`fftconv_backward` on a block: dy (c, B, n) zero-padded; writes ds (c, B, L), returns dh (c, L)."""
    n, L = dy.shape[-1], ds.shape[-1]
    dy_f = _rfft(dy, n)
    dh_f = np.conj(s_f)
    dh_f *= dy_f
    dh = _irfft(_sum_over_batch(dh_f), n)[..., :L]
    dy_f *= np.conj(h_f)[:, None, :]
    ds[...] = _irfft(dy_f, n)[..., :L]
    return dh


def _sum_over_batch(x: np.ndarray) -> np.ndarray:
    return x[:, 0] if x.shape[1] == 1 else np.sum(x, axis=1)


def _rfft(x: np.ndarray, n: int) -> np.ndarray:
    return scipy.fft.rfft(x, n, axis=-1, workers=1)  # the block is this thread's


def _irfft(x: np.ndarray, n: int) -> np.ndarray:
    return scipy.fft.irfft(x, n, axis=-1, workers=1, overwrite_x=True)


# --- long convolution as a matrix, where the sequence is short ----------------------------------------------


def matrix_conv_block(s: np.ndarray, h: np.ndarray, y: np.ndarray) -> None:
    """`causal_conv_matrix` on a block: s (c, B, L), h (c, L); writes y (c, B, L)."""
    np.matmul(s, np.swapaxes(_toeplitz(h), 1, 2), out=y)


def matrix_conv_block_backward(dy: np.ndarray, s: np.ndarray, h: np.ndarray, ds: np.ndarray) -> np.ndarray:
    """Gradients of `matrix_conv_block`: writes ds (c, B, L), returns dh (c, L)."""
    c, L = h.shape
    np.matmul(dy, _toeplitz(h), out=ds)
    # dh[k] is the sum of dT[t, s] = dy[t] s[s] over a diagonal, t - s = k. With s reversed and rows of 2L
    # numbers, a diagonal is a column of the same memory read in rows of 2L-1.
    skewed = np.zeros((c, L, 2 * L), dy.dtype)
    np.matmul(np.swapaxes(dy, 1, 2), s[..., ::-1].copy(), out=skewed[..., :L])
    channel, _, step = skewed.strides
    from_lag_0 = skewed.reshape(c, -1)[:, L - 1 :]
    diagonals = as_strided(from_lag_0, (c, L, L), (channel, (2 * L - 1) * step, step), writeable=False)
    return np.sum(diagonals, axis=1)


def _toeplitz(h: np.ndarray) -> np.ndarray:
    """`toeplitz`, (c, L) -> (c, L, L), at the cost of one copy."""
    c, L = h.shape
    # row t of the matrix, h[t-s] over s, is a window of the reversed filter followed by zeros
    line = np.zeros((c, 2 * L - 1), h.dtype)
    line[:, :L] = h[:, ::-1]
    channel, step = line.strides
    windows = as_strided(line[:, L - 1 :], (c, L, L), (channel, -step, step), writeable=False)
    return np.ascontiguousarray(windows)
