"""Wrong answers to exercise 1."""

import numpy as np

from exercises.planted import Wrong


def right(h):
    t = np.arange(h.shape[-1])
    lags = t[:, None] - t[None, :]
    return np.where(lags >= 0, h[..., lags], np.zeros((), dtype=h.dtype))


def transposed(h):
    return np.swapaxes(right(h), -1, -2)


def circle(h):
    t = np.arange(h.shape[-1])
    return h[..., (t[:, None] - t[None, :]) % h.shape[-1]]


def shifted(h):
    S = np.zeros_like(right(h))
    S[..., 1:, :] = right(h)[..., :-1, :]
    return S


def hankel(h):
    return right(h)[..., ::-1]


def symmetric(h):
    t = np.arange(h.shape[-1])
    return h[..., np.abs(t[:, None] - t[None, :])]


def double(h):
    return right(h).astype("float64")


def overwrites(h):
    S = right(h)
    h *= 0
    return S


WRONG = (
    Wrong(transposed, "transposed", points=0),
    Wrong(circle, "wrapped around", points=0),
    Wrong(shifted, "shifted by one", points=0),
    Wrong(hankel, "Hankel", points=0),
    Wrong(symmetric, "not causal", points=0),
    Wrong(double, "wrong dtype", points=4),
    Wrong(overwrites, "argument overwritten", points=4),
)
