"""Wrong answers to exercise 4."""

import numpy as np

from exercises.planted import Wrong


def product(dy, a, n, conjugate=np.conj, start=0):
    y = np.fft.irfft(np.fft.rfft(dy, n=n) * conjugate(np.fft.rfft(a, n=n)), n=n)
    return y[..., start : start + dy.shape[-1]].astype(dy.dtype)


def right(dy, u, h):
    n = 2 * u.shape[-1]
    return product(dy, h, n), product(dy, u, n)


def no_conjugate(dy, u, h):
    n = 2 * u.shape[-1]
    return product(dy, h, n, conjugate=lambda a: a), product(dy, u, n, conjugate=lambda a: a)


def wraps(dy, u, h):
    n = u.shape[-1]
    return product(dy, h, n), product(dy, u, n)


def exchanged(dy, u, h):
    du, dh = right(dy, u, h)
    return dh, du


def of_the_product(dy, u, h):
    return dy * h, dy * u


def only_du(dy, u, h):
    return right(dy, u, h)[0]


def not_reversed_back(dy, u, h):
    du, dh = right(dy, u, h)
    return du[..., ::-1], dh[..., ::-1]


def early(dy, u, h):
    """The whole correlation has 2L - 1 lags; its middle is lag 0."""
    L = u.shape[-1]
    du, dh = (product(dy, a[..., ::-1], 3 * L, conjugate=lambda a: a, start=L) for a in (h, u))
    return du, dh


def late(dy, u, h):
    return tuple(np.pad(d, ((0, 0), (1, 0)))[..., :-1] for d in right(dy, u, h))


def summed(dy, u, h):
    du, dh = right(dy, u, h)
    return du, dh.sum(axis=0)


def summed_and_kept(dy, u, h):
    du, dh = right(dy, u, h)
    return du, dh.sum(axis=0, keepdims=True)


def only_du_is_right(dy, u, h):
    return right(dy, u, h)[0], no_conjugate(dy, u, h)[1]


def double(dy, u, h):
    return tuple(d.astype("float64") for d in right(dy, u, h))


def overwrites(dy, u, h):
    du, dh = right(dy, u, h)
    dy *= 0
    return du, dh


WRONG = (
    Wrong(no_conjugate, "conjugate is forgotten", points=0),
    Wrong(wraps, "wrapped around", points=0),
    Wrong(exchanged, "exchanged", points=0),
    Wrong(of_the_product, "the backward of another function", points=0),
    Wrong(only_du, "as a tuple", points=0),
    Wrong(not_reversed_back, "reversed in time", points=0),
    Wrong(early, "one step early", points=0),
    Wrong(late, "one step late", points=0),
    Wrong(summed, "summed over channels", points=2),
    Wrong(summed_and_kept, "summed over channels", points=6),
    Wrong(only_du_is_right, "this convolves again", points=2),
    Wrong(double, "wrong dtype", points=6),
    Wrong(overwrites, "argument overwritten", points=6),
)
