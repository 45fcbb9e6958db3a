"""Wrong answers to exercise 7."""

import numpy as np

from exercises.planted import Wrong


def right(t, deltas, shift):
    return np.exp(-t * np.abs(deltas)[:, None]) + shift


def count(deltas, L, fraction):
    t = np.arange(L) / max(L - 1, 1)
    return np.sum(np.exp(-t * np.abs(deltas)[:, None]) >= fraction, axis=1)


def no_absolute_value(t, deltas, shift):
    return np.exp(-t * deltas[:, None]) + shift


def grows(t, deltas, shift):
    return np.exp(t * np.abs(deltas)[:, None]) + shift


def no_shift(t, deltas, shift):
    return np.exp(-t * np.abs(deltas)[:, None])


def shift_inside(t, deltas, shift):
    return np.exp(-t * np.abs(deltas)[:, None] + shift)


def transposed(t, deltas, shift):
    return right(t, deltas, shift).T


def double(t, deltas, shift):
    return right(t, deltas, np.float64(shift))


def in_place(t, deltas, shift):
    deltas *= -np.sign(deltas)
    return np.exp(t * deltas[:, None]) + shift


def an_index(deltas, L, fraction):
    return count(deltas, L, fraction) - 1


def forgotten(deltas, L, fraction):
    return L - count(deltas, L, fraction)


def unbounded(deltas, L, fraction):
    return np.floor(np.log(1 / fraction) / np.abs(deltas) * (L - 1)) + 1


def by_argmax(deltas, L, fraction):
    t = np.arange(L) / max(L - 1, 1)
    return np.argmax(right(t, deltas, 0.0) < fraction, axis=1)


def of_all_channels(deltas, L, fraction):
    return count(deltas, L, fraction).sum()


def unscaled_time(deltas, L, fraction):
    return np.sum(right(np.arange(L), deltas, 0.0) >= fraction, axis=1)


def no_absolute_length(deltas, L, fraction):
    t = np.arange(L) / max(L - 1, 1)
    return np.sum(np.exp(-t * deltas[:, None]) >= fraction, axis=1)


def by_length(deltas, L, fraction):
    return np.sum(np.exp(-np.arange(L) / L * np.abs(deltas)[:, None]) >= fraction, axis=1)


WINDOW, LENGTH = {"window": right}, {"effective_length": count}
WRONG = (
    Wrong(no_absolute_value, "absolute value is missing", points=3, others=LENGTH),
    Wrong(grows, "it grows", points=3, others=LENGTH),
    Wrong(no_shift, "the shift is missing", points=3, others=LENGTH),
    Wrong(shift_inside, "inside the exponential", points=3, others=LENGTH),
    Wrong(transposed, "transposed", points=3, others=LENGTH),
    Wrong(double, "wrong dtype", points=6, others=LENGTH),
    Wrong(in_place, "argument overwritten", points=6, others=LENGTH),
    Wrong(an_index, "an index, not a number", points=4, name="effective_length", others=WINDOW),
    Wrong(forgotten, "that are forgotten", points=4, name="effective_length", others=WINDOW),
    Wrong(unbounded, "never more than L", points=5, name="effective_length", others=WINDOW),
    Wrong(by_length, "scaled by L - 1", points=5, name="effective_length", others=WINDOW),
    Wrong(by_argmax, "argmax finds nothing", points=4, name="effective_length", others=WINDOW),
    Wrong(of_all_channels, "one number a channel", points=4, name="effective_length", others=WINDOW),
    Wrong(unscaled_time, "time is not scaled", points=5, name="effective_length", others=WINDOW),
    Wrong(no_absolute_length, "absolute value", points=5, name="effective_length", others=WINDOW),
)
