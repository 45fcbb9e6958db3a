"""Wrong answers to exercise 2."""

import numpy as np

from exercises.planted import Wrong


def right(u, h):
    y = np.zeros_like(u)
    for t in range(len(u)):
        for k in range(min(t + 1, len(h))):
            y[t] += h[k] * u[t - k]
    return y


def wraps(u, h):
    y = np.zeros_like(u)
    for t in range(len(u)):
        for k in range(min(len(u), len(h))):
            y[t] += h[k] * u[t - k]
    return y


def looks_ahead(u, h):
    return right(u[::-1], h)[::-1]


def reversed_filter(u, h):
    return right(u, h[::-1])


def without_present(u, h):
    y = np.zeros_like(u)
    for t in range(len(u)):
        for k in range(1, min(t + 1, len(h))):
            y[t] += h[k] * u[t - k]
    return y


def last_tap_missing(u, h):
    y = np.zeros_like(u)
    for t in range(len(u)):
        for k in range(min(t + 1, len(h) - 1)):
            y[t] += h[k] * u[t - k]
    return y


def runs_over_the_end(u, h):
    y = np.zeros_like(u)
    for t in range(len(u)):
        for k in range(t + 1):
            y[t] += h[k] * u[t - k]
    return y


def full_length(u, h):
    return right(np.concatenate([u, np.zeros_like(h[1:])]), h)


def late(u, h):
    return np.concatenate([np.zeros_like(u[:1]), right(u, h)[:-1]])


def double(u, h):
    y = np.zeros(len(u))
    for t in range(len(u)):
        for k in range(min(t + 1, len(h))):
            y[t] += h[k] * u[t - k]
    return y


def in_place(u, h):
    y = right(u, h)
    u[:] = y
    return u


WRONG = (
    Wrong(wraps, "wrapped around", points=0),
    Wrong(looks_ahead, "not causal", points=0),
    Wrong(reversed_filter, "the filter is reversed", points=0),
    Wrong(without_present, "the present is missing", points=0),
    Wrong(last_tap_missing, "the last tap is missing", points=1),
    Wrong(runs_over_the_end, "IndexError", points=4),
    Wrong(full_length, "not cut off", points=0),
    Wrong(late, "shifted by one", points=0),
    Wrong(double, "wrong dtype", points=6),
    Wrong(in_place, "argument overwritten", points=6),
)
