"""Exercise 5: what the filter network sees of a position."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.compare import compare
from hyena_np.exercises.exercise import Ask, Exercise, Mistake, Part, Question, Sizes
from hyena_np.exercises.kinds import asked, values
from hyena_np.ops import filters


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Length L, number of frequencies K."""
    return sizes["L"], sizes["K"]


def reference(L: int, K: int) -> np.ndarray:
    """(L, 2K+1)."""
    return filters.positional_features(L, 2 * K + 1, np.zeros(1))[0][0]


def _parts(L: int, K: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    z = reference(L, K)
    return z[:, :1], z[:, 1 : K + 1], z[:, K + 1 :]


def _plus_sine(L: int, K: int) -> np.ndarray:
    t, cosine, sine = _parts(L, K)
    return np.concatenate([t, cosine, -sine], axis=1)


def _exchanged(L: int, K: int) -> np.ndarray:
    t, cosine, sine = _parts(L, K)
    return np.concatenate([t, sine, cosine], axis=1)


def _interleaved(L: int, K: int) -> np.ndarray:
    t, cosine, sine = _parts(L, K)
    return np.concatenate([t, np.stack([cosine, sine], axis=2).reshape(L, 2 * K)], axis=1)


def _waves(
    L: int, K: int, turn: float = 2 * np.pi, f: tuple[float, float] | None = None, period: int | None = None
) -> np.ndarray:
    """The features with another turn, other first and last frequencies, or another period."""
    position = np.arange(L)[:, None]
    first, last = f or (1e-4, K - 1)
    phase = turn * position / max(period or L, 1) * np.linspace(first, last, K)
    return np.concatenate([_parts(L, K)[0], np.cos(phase), -np.sin(phase)], axis=1)


def _complex(L: int, K: int) -> np.ndarray:
    t, cosine, sine = _parts(L, K)
    return np.concatenate([t, cosine + 1j * sine], axis=1)


def _as_in_the_paper(L: int, K: int) -> np.ndarray:
    z = _waves(L, K, f=(0.0, K - 1))
    z[:, K + 1 :] *= -1
    return z


QUESTION = Question(
    name="positional_features",
    arguments=("L", "K"),
    inputs=inputs,
    reference=reference,
    outputs=("z",),
    axis=-2,
    mistakes=(
        Mistake("a missing factor of 2: a wave goes once around in 2 pi", lambda L, K: _waves(L, K, np.pi)),
        Mistake("a missing factor of 2 pi: the phase is an angle", lambda L, K: _waves(L, K, 1.0)),
        Mistake("the paper's form: here f starts at 1e-4, and the sines are negative", _as_in_the_paper),
        Mistake("the sign of the sines: the phase is exp(-i f w), whose imaginary part is -sin", _plus_sine),
        Mistake("sines and cosines are exchanged: the real parts come first", _exchanged),
        Mistake("the columns are interleaved: first all cosines, then all sines", _interleaved),
        Mistake(
            "the frequencies start at 0: then one sine is 0 everywhere",
            lambda L, K: _waves(L, K, f=(0.0, K - 1)),
        ),
        Mistake(
            "the frequencies are shifted by one: they go from 1e-4 to K - 1, not from 1 to K",
            lambda L, K: _waves(L, K, f=(1.0, K)),
        ),
        Mistake("the frequencies end at K - 1, not at K", lambda L, K: _waves(L, K, f=(1e-4, K))),
        Mistake(
            "the phase is scaled by L - 1: the waves have the period L, only the first column ends at 1",
            lambda L, K: _waves(L, K, period=L - 1),
        ),
        Mistake("the first column, time, is missing", lambda L, K: reference(L, K)[:, 1:]),
        Mistake("complex numbers: real and imaginary parts are columns of their own", _complex),
    ),
)


TIME = Question(
    name="positional_features",
    arguments=("L", "K"),
    inputs=inputs,
    reference=lambda L, K: reference(L, K)[:, 0],
    outputs=("z[:, 0]",),
    mistakes=(
        Mistake(
            "time is scaled to 0..1, ends included: t / (L - 1), not t / L", lambda L, K: np.arange(L) / L
        ),
        Mistake("time is scaled to 0..1: t / (L - 1), not t", lambda L, K: np.arange(L)),
    ),
)


def _judge_time(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    """The first column alone, of a result that has the right shape."""
    for size in sizes:
        arguments = inputs(rng, size, "float64")
        z = asked(QUESTION, ask, arguments).value
        if not isinstance(z, np.ndarray) or z.shape != reference(*arguments).shape:
            compare(QUESTION, arguments, z)  # says which shape is expected
        compare(TIME, arguments, z[:, 0])


POSITIONAL_FEATURES = Exercise(
    number=5,
    name="positional_features",
    title="Positional features",
    goal="Turn a position into numbers from which a network can build a filter.",
    minutes=15,
    paper=("Eq. (7)", "App. D.3", "Algorithm 2"),
    questions=(QUESTION,),
    parts=(
        Part("time", 1, _judge_time, ({"L": 2, "K": 1}, {"L": 5, "K": 2})),
        values("two frequencies", QUESTION, ({"L": 3, "K": 2}, {"L": 4, "K": 2}), points=2),
        values("one frequency and many", QUESTION, ({"L": 3, "K": 1}, {"L": 33, "K": 8})),
        values("a single position", QUESTION, ({"L": 1, "K": 2},)),
    ),
    hints=(
        "Three blocks of columns: t / (L - 1), then K cosines, then K sines. Write down the row of t = 0.",
        "The phase of column k at position t is f_k * 2 pi t / L. np.linspace(1e-4, K - 1, K) gives the f_k.",
        "phase = (2 * np.pi * np.arange(L) / L)[:, None] * f; z = np.concatenate([t, np.cos(phase), "
        "-np.sin(phase)], axis=1). For L = 1, divide by max(L - 1, 1).",
    ),
    forbidden=(
        "hyena_np.positional_features",
        "hyena_np.positional_features_2d",
        "hyena_np.hyena_filter",
        "hyena_np.long_filter",
    ),
)
