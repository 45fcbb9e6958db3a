"""Wrong answers to exercise 11."""

from functools import reduce

import numpy as np

from exercises.planted import Wrong
from exercises.planted.toeplitz import circle, right as toeplitz


def product(x, h, factor=lambda x, S: x[..., None] * S, toeplitz=toeplitz, order=1):
    factors = factor(x, toeplitz(h))[::order]
    return reduce(lambda done, new: new @ done, factors)


def wrong_order(x, h):
    return product(x, h, order=-1)


def gates_on_the_right(x, h):
    return product(x, h, factor=lambda x, S: S * x[..., None, :])


def transposed(x, h):
    return np.swapaxes(product(x, h), -1, -2)


def without_gates(x, h):
    return product(x, h, factor=lambda x, S: S)


def element_by_element(x, h):
    return np.prod(x[..., None] * toeplitz(h), axis=0)


def on_a_circle(x, h):
    return product(x, h, toeplitz=circle)


def gates_reversed(x, h):
    return product(x[::-1], h)


def double(x, h):
    return product(x, h).astype("float64")


def overwrites(x, h):
    H = product(x, h)
    x[...] = h
    return H


def column_by_column(x, h):
    H = np.zeros((*x.shape[1:], x.shape[-1]), x.dtype)
    for s in range(x.shape[-1]):
        H[..., s] = product(x, h)[..., s]
    return H


def channel_by_channel(x, h):
    return np.stack([product(x[:, d : d + 1], h[:, d : d + 1])[0] for d in range(x.shape[1])])


WRONG = (
    Wrong(wrong_order, "the factors are in the wrong order", points=2),
    Wrong(gates_on_the_right, "on the wrong side", points=0),
    Wrong(transposed, "transposed", points=0),
    Wrong(without_gates, "the gates are missing", points=0),
    Wrong(element_by_element, "element by element", points=2),
    Wrong(on_a_circle, "wrapped around", points=0),
    Wrong(gates_reversed, "the gates are taken in reversed order", points=2),
    Wrong(double, "wrong dtype", points=7),
    Wrong(overwrites, "argument overwritten", points=7),
    Wrong(column_by_column, "a loop over positions", points=7),
    Wrong(channel_by_channel, "a loop over positions or channels", points=7),
)
