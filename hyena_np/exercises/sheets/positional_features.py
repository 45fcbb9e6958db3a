"""Exercise 5: what the filter network sees of a position."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Answer, Ask, Exercise, Failure, Mistake, Part, Question, Sizes
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


def _waves(L: int, K: int, turns: float, f0: float = 1e-4, end: float = 0.0) -> np.ndarray:
    position = np.arange(L)[:, None]
    phase = turns * position / max(L - end, 1) * np.linspace(f0, K - 1, K)
    return np.concatenate([_parts(L, K)[0], np.cos(phase), -np.sin(phase)], axis=1)


QUESTION = Question(
    name="positional_features",
    arguments=("L", "K"),
    inputs=inputs,
    reference=reference,
    outputs=("z",),
    axis=-2,
    mistakes=(
        Mistake("a missing factor of 2: a wave goes once around in 2 pi", lambda L, K: _waves(L, K, np.pi)),
        Mistake("the sign of the sines: the phase is exp(-i f w), whose imaginary part is -sin", _plus_sine),
        Mistake("sines and cosines are exchanged: the real parts come first", _exchanged),
        Mistake("the columns are interleaved: first all cosines, then all sines", _interleaved),
        Mistake(
            "the frequencies start at 0: then one sine is 0 everywhere",
            lambda L, K: _waves(L, K, 2 * np.pi, 0),
        ),
        Mistake(
            "the phase is scaled by L - 1: the waves have the period L, only the first column ends at 1",
            lambda L, K: _waves(L, K, 2 * np.pi, end=1),
        ),
    ),
)


def _judge_kept_time(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    """The first column alone: time from 0 to 1."""
    for size in sizes:
        arguments = (size["L"], size["K"])
        answer: Answer = asked(QUESTION, ask, arguments)
        z = np.asarray(answer.value)
        expected = reference(*arguments)[:, 0]
        got = z[:, 0] if z.ndim == 2 and z.shape[1] else z
        if got.shape != expected.shape or not np.allclose(got, expected, rtol=0, atol=1e-9):
            raise Failure(
                "z[:, 0]: has wrong values",
                inputs={"L": size["L"], "K": size["K"]},
                expected=expected,
                got=got,
                likely="the first column is time scaled to 0..1, ends included: t / (L - 1)",
            )


POSITIONAL_FEATURES = Exercise(
    number=5,
    name="positional_features",
    title="Positional features",
    goal="Turn a position into numbers from which a network can build a filter.",
    minutes=15,
    paper=("Eq. (7)", "App. D.3", "Algorithm 2"),
    questions=(QUESTION,),
    parts=(
        Part("time", 1, _judge_kept_time, ({"L": 2, "K": 1}, {"L": 5, "K": 2})),
        values("two frequencies", QUESTION, ({"L": 2, "K": 2}, {"L": 4, "K": 2}), points=2),
        values("one frequency and many", QUESTION, ({"L": 4, "K": 1}, {"L": 33, "K": 8})),
        values("a single position", QUESTION, ({"L": 1, "K": 2},)),
    ),
    hints=(
        "Three blocks of columns: t / (L - 1), then K cosines, then K sines. Write down the row of t = 0.",
        "The phase of column k at position t is f_k * 2 pi t / L. np.linspace(1e-4, K - 1, K) gives the f_k.",
        "phase = (2 * np.pi * np.arange(L) / L)[:, None] * f; z = np.concatenate([t, np.cos(phase), "
        "-np.sin(phase)], axis=1). For L = 1, divide by max(L - 1, 1).",
    ),
    forbidden=("hyena_np.positional_features", "hyena_np.hyena_filter"),
)
