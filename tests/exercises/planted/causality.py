"""Wrong answers to exercise 12."""

import numpy as np

from exercises.planted import Wrong
from exercises.planted.recurrence import conv


def leaks(H):
    return np.abs(np.triu(H, 1)).max(axis=(1, 2)) > 1e-9 * np.abs(H).max(axis=(1, 2))


def so_far(y):
    return np.cumsum(y, axis=-1) / np.arange(1, y.shape[-1] + 1, dtype=y.dtype)


def mended(v, x1, x2, h):
    y = x2 * conv(x1 * v, h)
    return y - so_far(y)


def of_the_past(H):
    return leaks(np.swapaxes(H, 1, 2))


def rounding_too(H):
    return np.any(np.triu(H, 1) != 0, axis=(1, 2))


def positive_only(H):
    return np.triu(H, 1).max(axis=(1, 2)) > 1e-9


def fixed_tolerance(H):
    return ~np.array([np.allclose(np.triu(matrix, 1), 0.0) for matrix in H])


def diagonal_too(H):
    return np.abs(np.triu(H)).max(axis=(1, 2)) > 1e-9


def inverted(H):
    return ~leaks(H)


def any_channel(H):
    return bool(leaks(H).any())


def as_it_was(v, x1, x2, h):
    y = x2 * conv(x1 * v, h, n=v.shape[-1])
    return y - y.mean(axis=-1, keepdims=True)


def circle_left(v, x1, x2, h):
    y = x2 * conv(x1 * v, h, n=v.shape[-1])
    return y - so_far(y)


def mean_left(v, x1, x2, h):
    y = x2 * conv(x1 * v, h)
    return y - y.mean(axis=-1, keepdims=True)


def mean_dropped(v, x1, x2, h):
    return x2 * conv(x1 * v, h)


def mean_of_the_past_alone(v, x1, x2, h):
    y = x2 * conv(x1 * v, h)
    return y - (np.cumsum(y, axis=-1) - y) / np.maximum(np.arange(y.shape[-1]), 1)


def double(v, x1, x2, h):
    y = x2 * conv(x1 * v, h)
    return y - np.cumsum(y, axis=-1) / np.arange(1, y.shape[-1] + 1)


LEAKS, MENDED = {"leaks": leaks}, {"mended": mended}
WRONG = (
    Wrong(of_the_past, "below the diagonal", points=5, others=MENDED),
    Wrong(rounding_too, "rounding is no leak", points=7, others=MENDED),
    Wrong(fixed_tolerance, "a fixed number", points=7, others=MENDED),
    Wrong(positive_only, "may be negative", points=5, others=MENDED),
    Wrong(diagonal_too, "the present, which is allowed", points=5, others=MENDED),
    Wrong(inverted, "the other way round", points=5, others=MENDED),
    Wrong(any_channel, "one answer for each channel", points=5, others=MENDED),
    Wrong(as_it_was, "nothing is mended", points=3, name="mended", others=LEAKS),
    Wrong(circle_left, "on a circle", points=3, name="mended", others=LEAKS),
    Wrong(mean_left, "over the whole sequence", points=3, name="mended", others=LEAKS),
    Wrong(mean_dropped, "the mean is gone", points=3, name="mended", others=LEAKS),
    Wrong(mean_of_the_past_alone, "must include the present", points=3, name="mended", others=LEAKS),
    Wrong(double, "wrong dtype", points=7, name="mended", others=LEAKS),
)
