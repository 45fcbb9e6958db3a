"""Wrong answers to exercise 3."""

import numpy as np

from exercises.planted import Wrong


def by_fft(u, h, n, L=None):
    y = np.fft.irfft(np.fft.rfft(u, n=n) * np.fft.rfft(h, n=n), n=n)
    return y[..., : L or u.shape[-1]].astype(u.dtype)


def wraps(u, h):
    return by_fft(u, h, u.shape[-1])


def not_cut(u, h):
    return by_fft(u, h, 2 * u.shape[-1], L=2 * u.shape[-1])


def powers_of_two(u, h):
    half = 1 << (u.shape[-1] - 1).bit_length()
    return by_fft(u, h, 2 * half, L=half)


def conjugated(u, h):
    n = 2 * u.shape[-1]
    y = np.fft.irfft(np.fft.rfft(u, n=n) * np.conj(np.fft.rfft(h, n=n)), n=n)
    return y[..., : u.shape[-1]].astype(u.dtype)


def is_complex(u, h):
    n = 2 * u.shape[-1]
    return np.fft.ifft(np.fft.fft(u, n=n) * np.fft.fft(h, n=n), n=n)[..., : u.shape[-1]]


def late(u, h):
    n = 2 * u.shape[-1]
    return np.roll(by_fft(u, h, n, L=n), 1, axis=-1)[..., : u.shape[-1]]


def unscaled(u, h):
    return 2 * u.shape[-1] * by_fft(u, h, 2 * u.shape[-1])


def double(u, h):
    n = 2 * u.shape[-1]
    return np.fft.irfft(np.fft.rfft(u.astype("float64"), n=n) * np.fft.rfft(h, n=n), n=n)[..., : u.shape[-1]]


WRONG = (
    Wrong(wraps, "wrapped around", points=0),
    Wrong(not_cut, "not cut off", points=0),
    Wrong(powers_of_two, "powers of two only", points=2),
    Wrong(conjugated, "conjugate", points=0),
    Wrong(is_complex, "complex", points=0),
    Wrong(late, "shifted by one", points=0),
    Wrong(unscaled, "missing factor", points=0),
    Wrong(double, "wrong dtype", points=4),
)
