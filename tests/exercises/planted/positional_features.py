"""Wrong answers to exercise 5."""

import numpy as np

from exercises.planted import Wrong


def features(L, K, f0=1e-4, turns=2 * np.pi, period=None, sign=-1.0, end=1):
    t = np.arange(L)[:, None]
    phase = turns * t / (period or L) * np.linspace(f0, K - 1, K)
    return t / max(L - end, 1), np.cos(phase), sign * np.sin(phase)


def half_a_turn(L, K):
    return np.concatenate(features(L, K, turns=np.pi), axis=1)


def plus_sine(L, K):
    return np.concatenate(features(L, K, sign=1.0), axis=1)


def sines_first(L, K):
    t, cosine, sine = features(L, K)
    return np.concatenate([t, sine, cosine], axis=1)


def interleaved(L, K):
    t, cosine, sine = features(L, K)
    return np.concatenate([t, np.stack([cosine, sine], axis=2).reshape(L, 2 * K)], axis=1)


def from_zero(L, K):
    return np.concatenate(features(L, K, f0=0.0), axis=1)


def period_too_short(L, K):
    return np.concatenate(features(L, K, period=max(L - 1, 1)), axis=1)


def time_by_length(L, K):
    return np.concatenate(features(L, K, end=0), axis=1)


def no_turn(L, K):
    return np.concatenate(features(L, K, turns=1.0), axis=1)


def as_in_the_paper(L, K):
    return np.concatenate(features(L, K, f0=0.0, sign=1.0), axis=1)


def from_one(L, K):
    t = np.arange(L)[:, None]
    phase = 2 * np.pi * t / L * np.arange(1, K + 1)
    return np.concatenate([t / max(L - 1, 1), np.cos(phase), -np.sin(phase)], axis=1)


def unscaled_time(L, K):
    _, cosine, sine = features(L, K)
    return np.concatenate([1.0 * np.arange(L)[:, None], cosine, sine], axis=1)


def no_time(L, K):
    return np.concatenate(features(L, K)[1:], axis=1)


def is_complex(L, K):
    t, cosine, sine = features(L, K)
    return np.concatenate([t, cosine + 1j * sine], axis=1)


def three_results(L, K):
    return features(L, K)


def divides_by_zero(L, K):
    with np.errstate(invalid="ignore"):
        t = np.arange(L)[:, None] / np.float64(L - 1)
    return np.concatenate([t, *features(L, K)[1:]], axis=1)


def transposed(L, K):
    return np.concatenate(features(L, K), axis=1).T


WRONG = (
    Wrong(half_a_turn, "missing factor of 2", points=2),
    Wrong(plus_sine, "the sign of the sines", points=2),
    Wrong(sines_first, "exchanged", points=1),
    Wrong(interleaved, "interleaved", points=1),
    Wrong(from_zero, "start at 0", points=2),
    Wrong(period_too_short, "scaled by L - 1", points=2),
    Wrong(time_by_length, "not t / L", points=1),
    Wrong(unscaled_time, "t / (L - 1), not t", points=1),
    Wrong(no_turn, "missing factor of 2 pi", points=2),
    Wrong(as_in_the_paper, "the paper's form", points=2),
    Wrong(from_one, "shifted by one", points=2),
    Wrong(no_time, "time, is missing", points=0),
    Wrong(is_complex, "complex numbers", points=0),
    Wrong(three_results, "came a list or tuple", points=0),
    Wrong(divides_by_zero, "divided by zero", points=4),
    Wrong(transposed, "transposed", points=0),
)
