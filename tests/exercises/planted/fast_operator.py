"""Wrong answers to exercise 14, and right ones that are slow."""

import numpy as np
import scipy.fft

from exercises.planted import Wrong
from exercises.planted.toeplitz import right as toeplitz


def fast(v, x1, x2, h, n=None):
    L = v.shape[-1]
    n = n or scipy.fft.next_fast_len(2 * L - 1, real=True)
    return x2 * scipy.fft.irfft(scipy.fft.rfft(x1 * v, n) * scipy.fft.rfft(h, n), n)[..., :L]


def by_matrices(v, x1, x2, h):
    rows = zip(x1 * v, h, strict=True)
    return x2 * np.stack([toeplitz(taps) @ u for u, taps in rows])


def by_convolve(v, x1, x2, h):
    rows = zip(x1 * v, h, strict=True)
    return x2 * np.stack([np.convolve(u, taps)[: len(u)] for u, taps in rows])


def wraps(v, x1, x2, h):
    return fast(v, x1, x2, h, n=v.shape[-1])


def double(v, x1, x2, h):
    return fast(v.astype("float64"), x1, x2, h)


def remembers():
    kept = {}

    def remembers(v, x1, x2, h):
        return kept.setdefault((v.shape, v.dtype), fast(v, x1, x2, h))

    return remembers


def first_gate_missing(v, x1, x2, h):
    return fast(v, np.ones_like(x1), x2, h)


def gates_exchanged(v, x1, x2, h):
    return fast(v, x2, x1, h)


def in_place(v, x1, x2, h):
    v *= x1
    return fast(v, np.ones_like(x1), x2, h)


WRONG = (
    Wrong(by_matrices, "too slow", points=5),
    Wrong(by_convolve, "calls numpy.convolve", points=0),
    Wrong(wraps, "wrapped around", points=0),
    Wrong(double, "wrong dtype", points=9),
    Wrong(remembers(), "earlier call", points=2),
    Wrong(first_gate_missing, "the first gate is missing", points=0),
    Wrong(gates_exchanged, "the gates are exchanged", points=0),
    Wrong(in_place, "argument overwritten", points=9),
)
