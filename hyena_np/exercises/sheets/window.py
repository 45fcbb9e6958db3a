"""Exercise 7: the window, and how far a filter reaches."""

from __future__ import annotations

import math

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import draw, precision, untouched, values
from hyena_np.ops import filters


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Scaled time t (L,), decay rates (C,) of both signs, the first positive, and a shift."""
    t = np.linspace(0.0, 1.0, sizes["L"]).astype(dtype)
    signs = np.where(np.arange(sizes["C"]) % 2, -1.0, 1.0)
    return t, (signs * np.abs(draw(rng, sizes["C"]))).astype(dtype), 0.25


def forward(t: np.ndarray, deltas: np.ndarray, shift: float) -> np.ndarray:
    """The window (C, L)."""
    return filters.exponential_window(t, deltas, shift)[0]


def _made_of(decay):
    return lambda t, deltas, shift: decay(t, deltas[:, None], shift)


WINDOW = Question(
    name="window",
    arguments=("t", "deltas", "shift"),
    inputs=inputs,
    reference=forward,
    outputs=("window",),
    mistakes=(
        Mistake(
            "the absolute value is missing: a rate of either sign must decay",
            _made_of(lambda t, d, s: np.exp(-t * d) + s),
        ),
        Mistake(
            "it grows instead of decaying: the sign", _made_of(lambda t, d, s: np.exp(t * np.abs(d)) + s)
        ),
        Mistake("the shift is missing", _made_of(lambda t, d, s: np.exp(-t * np.abs(d)))),
        Mistake(
            "the shift is inside the exponential, where it only scales",
            _made_of(lambda t, d, s: np.exp(-t * np.abs(d) + s)),
        ),
        Mistake("powers of 2 instead of e", _made_of(lambda t, d, s: 2.0 ** (-t * np.abs(d)) + s)),
    ),
)


def length_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Rates (C,), sequence length L, the fraction that still counts."""
    deltas = rng.uniform(3.0, 30.0, size=sizes["C"]) * rng.choice([-1.0, 1.0], size=sizes["C"])
    deltas[0] = rng.uniform(0.2, 2.0)  # slow: it reaches the end
    return deltas.astype(dtype), sizes["L"], 0.1


def effective_length(deltas: np.ndarray, L: int, fraction: float) -> np.ndarray:
    """Number of positions at which the window without shift is at least this fraction of its start."""
    t = np.arange(L) / max(L - 1, 1)
    return np.sum(np.exp(-t * np.abs(deltas)[:, None]) >= fraction, axis=1)


def _closed_form(deltas: np.ndarray, L: int, fraction: float) -> np.ndarray:
    return math.log(1 / fraction) / np.abs(deltas) * (L - 1)


LENGTH = Question(
    name="effective_length",
    arguments=("deltas", "L", "fraction"),
    inputs=length_inputs,
    reference=effective_length,
    outputs=("positions",),
    axis=None,
    mistakes=(
        Mistake(
            "an index, not a number of positions: position 0 counts too",
            lambda d, L, f: effective_length(d, L, f) - 1,
        ),
        Mistake("it counts the positions that are forgotten", lambda d, L, f: L - effective_length(d, L, f)),
        Mistake(
            "never more than L positions: a slow window reaches the end", lambda d, L, f: _unbounded(d, L, f)
        ),
        Mistake("positions are integers: count them", _closed_form),
        Mistake(
            "argmax finds nothing where the window never falls below the fraction, and says 0",
            lambda d, L, f: np.argmax(_table(np.abs(d), L) < f, axis=1),
        ),
        Mistake(
            "one number a channel: count along time only", lambda d, L, f: np.sum(effective_length(d, L, f))
        ),
        Mistake(
            "the absolute value is missing: a rate of either sign must decay",
            lambda d, L, f: np.sum(_table(d, L) >= f, axis=1),
        ),
        Mistake(
            "time is not scaled: it goes from 0 to 1",
            lambda d, L, f: effective_length(d * max(L - 1, 1), L, f),
        ),
        Mistake(
            "time is scaled by L - 1, so that it ends at 1, not by L", lambda d, L, f: _by_length(d, L, f)
        ),
    ),
)


def _table(deltas: np.ndarray, L: int) -> np.ndarray:
    return np.exp(-np.arange(L) / max(L - 1, 1) * deltas[:, None])


def _unbounded(deltas: np.ndarray, L: int, fraction: float) -> np.ndarray:
    return np.floor(_closed_form(deltas, L, fraction)) + 1


def _by_length(deltas: np.ndarray, L: int, fraction: float) -> np.ndarray:
    return np.sum(np.exp(-np.arange(L) / L * np.abs(deltas)[:, None]) >= fraction, axis=1)


WINDOW_EXERCISE = Exercise(
    number=7,
    name="window",
    title="The window and the effective length",
    goal="Give every channel its own memory, and say how long it is.",
    minutes=20,
    paper=("Eq. (7)", "Fig. 3.1", "Algorithm 2"),
    questions=(WINDOW, LENGTH),
    parts=(
        values("the window", WINDOW, ({"L": 2, "C": 1}, {"L": 3, "C": 2}, {"L": 19, "C": 6}), points=2),
        precision(WINDOW, ({"L": 7, "C": 3},), name="the window in float32 and float64"),
        untouched(WINDOW, ({"L": 3, "C": 2},)),
        values("the effective length", LENGTH, ({"L": 5, "C": 2}, {"L": 64, "C": 24}), points=2),
        values("of a single position", LENGTH, ({"L": 1, "C": 2},)),
    ),
    hints=(
        "t is a row of L times, deltas a column of C rates: their product is a table (C, L).",
        "np.exp(-t * np.abs(deltas)[:, None]) decays; the shift is added to it afterwards.",
        "For the length, make the table with t = np.arange(L) / max(L - 1, 1), compare it with the "
        "fraction, and count the True of each row with np.sum(..., axis=1).",
    ),
    forbidden=(
        "hyena_np.exponential_window",
        "hyena_np.exponential_window_backward",
        "hyena_np.hyena_filter",
        "hyena_np.long_filter",
    ),
    needs=("positional_features",),
)
