"""Exercise 16: the rival's matrix."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, untouched, values
from hyena_np.ops import attention


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Queries q and keys k (L, D)."""
    return tuple(draw(rng, sizes["L"], sizes["D"], dtype=dtype) for _ in range(2))


def value_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """The same, and values v (L, D)."""
    return *inputs(rng, sizes, dtype), draw(rng, sizes["L"], sizes["D"], dtype=dtype)


def large_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Scores whose exponential would overflow."""
    q, k = inputs(rng, sizes, dtype)
    return 100 * q, 100 * k


def matrix(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    """(L, L)."""
    return attention.causal_attention_matrix(q[None, None], k[None, None])[0, 0]


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(L, D)."""
    return matrix(q, k) @ v


def _softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(scores - np.max(scores, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _masked(q: np.ndarray, k: np.ndarray, scale: float | None = None) -> np.ndarray:
    scores = q @ k.T * (q.shape[1] ** -0.5 if scale is None else scale)
    return np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)


MATRIX_MISTAKES = (
    Mistake("not causal: the future is not masked", lambda q, k: _softmax(q @ k.T / np.sqrt(q.shape[1]))),
    Mistake(
        "masked after the softmax: the rows no longer sum to one",
        lambda q, k: np.tril(_softmax(q @ k.T / np.sqrt(q.shape[1]))),
    ),
    Mistake("the scale is missing: scores are divided by sqrt(D)", lambda q, k: _softmax(_masked(q, k, 1.0))),
    Mistake(
        "the scores are divided by D, not by its root", lambda q, k: _softmax(_masked(q, k, 1 / q.shape[1]))
    ),
    Mistake("queries and keys are exchanged", lambda q, k: matrix(k, q)),
    Mistake(
        "masked with 0: the exponential of 0 is 1; mask with minus infinity",
        lambda q, k: _softmax(np.tril(q @ k.T / np.sqrt(q.shape[1]))),
    ),
)
MATRIX = Question(
    "attention_matrix", ("q", "k"), inputs, matrix, outputs=("A",), mistakes=MATRIX_MISTAKES, axis=-2
)
LARGE = Question(
    "attention_matrix",
    ("q", "k"),
    large_inputs,
    matrix,
    outputs=("A",),
    mistakes=(Mistake("", lambda q, k: np.full((len(q), len(q)), np.nan)),),
    axis=-2,
)
ATTEND = Question(
    name="attend",
    arguments=("q", "k", "v"),
    inputs=value_inputs,
    reference=attend,
    axis=-2,
    mistakes=(
        Mistake(
            "the matrix is transposed: each row of A is a mean over positions",
            lambda q, k, v: matrix(q, k).T @ v,
        ),
        Mistake(
            "not causal: the future is not masked",
            lambda q, k, v: _softmax(q @ k.T / np.sqrt(q.shape[1])) @ v,
        ),
        Mistake("the values are not used", lambda q, k, v: matrix(q, k) @ k),
    ),
)

_SMALL = ({"L": 1, "D": 1}, {"L": 2, "D": 1}, {"L": 3, "D": 2})
_LARGE_SIZES = ({"L": 19, "D": 4},)

ATTENTION_MATRIX = Exercise(
    number=16,
    name="attention_matrix",
    title="Attention as a matrix",
    goal="Write the rival in the language of matrices, and see what Hyena keeps of it and what not.",
    minutes=25,
    paper=("Sec. 2",),
    questions=(MATRIX, ATTEND),
    parts=(
        values("the matrix", MATRIX, (*_SMALL, *_LARGE_SIZES), points=3),
        values("large scores", LARGE, ({"L": 2, "D": 1}, {"L": 6, "D": 3})),
        values("attend", ATTEND, (*_SMALL, *_LARGE_SIZES)),
        causal(ATTEND, ({"L": 4, "D": 2},), argument="k", axis=-2),
        precision(ATTEND, _LARGE_SIZES),
        untouched(MATRIX, ({"L": 3, "D": 2},)),
    ),
    hints=(
        "Three steps: scores, mask, softmax along each row. In which order?",
        "scores = q @ k.T / sqrt(D). Put -inf where s > t; the exponential makes it 0, and the row still "
        "sums to one.",
        "np.where(np.tril(np.ones((L, L), bool)), scores, -np.inf), then subtract each row's maximum, "
        "np.exp, divide by the row's sum. math.sqrt keeps float32 what it is.",
    ),
    forbidden=(
        "hyena_np.causal_attention_matrix",
        "hyena_np.causal_attention",
        "hyena_np.attention",
        "scipy.special.softmax",
    ),
    needs=("hyena_matrix",),
)
