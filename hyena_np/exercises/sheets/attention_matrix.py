"""Exercise 16: the rival's matrix."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Ask, Exercise, Failure, Mistake, Part, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, untouched, values
from hyena_np.exercises.sheets.row_weights import FUTURE, WRONG_AXIS, rows_are_weights
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


def _scores(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    return q @ k.T / np.sqrt(q.shape[1])


def _masked(scores: np.ndarray) -> np.ndarray:
    return np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)


MATRIX = Question(
    name="attention_matrix",
    arguments=("q", "k"),
    inputs=inputs,
    reference=matrix,
    outputs=("A",),
    axis=-2,
    mistakes=(
        Mistake(FUTURE, lambda q, k: _softmax(_scores(q, k))),
        Mistake(
            "masked after the softmax: the rows no longer sum to one",
            lambda q, k: np.tril(_softmax(_scores(q, k))),
        ),
        Mistake(
            "masked with 0: the exponential of 0 is 1; mask with minus infinity",
            lambda q, k: _softmax(np.tril(_scores(q, k))),
        ),
        Mistake(WRONG_AXIS, lambda q, k: _softmax(_masked(_scores(q, k)), axis=0)),
        Mistake(
            "the scale is missing: divide the scores by sqrt(D)", lambda q, k: _softmax(_masked(q @ k.T))
        ),
        Mistake(
            "the scores are divided by D, not by its root",
            lambda q, k: _softmax(_masked(q @ k.T / q.shape[1])),
        ),
        Mistake("queries and keys are exchanged: row t belongs to q[t]", lambda q, k: matrix(k, q)),
        Mistake("the scores themselves: the softmax is missing", lambda q, k: np.tril(_scores(q, k))),
    ),
)
ATTEND = Question(
    name="attend",
    arguments=("q", "k", "v"),
    inputs=value_inputs,
    reference=attend,
    axis=-2,
    mistakes=(
        Mistake("the matrix is transposed: A[t, s] weighs v[s] in y[t]", lambda q, k, v: matrix(q, k).T @ v),
        Mistake(FUTURE, lambda q, k, v: _softmax(_scores(q, k)) @ v),
        Mistake("the values are not used", lambda q, k, v: matrix(q, k) @ k),
        Mistake("the arguments are in another order: q, k, v", lambda q, k, v: matrix(k, q) @ v),
    ),
)


_LARGE_SIZES = ({"L": 3, "D": 1}, {"L": 6, "D": 3})
_LARGE = Question("attention_matrix", ("q", "k"), large_inputs, matrix, ("A",), axis=None)


def _large_scores(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    """The right matrix, where the exponential of a score is too large for any float."""
    try:
        values("", _LARGE, sizes).judge(ask, sizes, rng)
    except Failure as failure:
        if isinstance(failure.got, np.ndarray) and not np.all(np.isfinite(failure.got)):
            failure.likely = "the exponential overflows: subtract each row's largest score before it"
        raise


_SMALL = ({"L": 1, "D": 1}, {"L": 2, "D": 2}, {"L": 3, "D": 2})

ATTENTION_MATRIX = Exercise(
    number=16,
    name="attention_matrix",
    title="Attention as a matrix",
    goal="Write the rival in the language of matrices, and see what Hyena keeps of it and what not.",
    minutes=25,
    paper=("Eq. (3)", "Fig. 2.1"),
    questions=(MATRIX, ATTEND),
    parts=(
        values("the matrix", MATRIX, (*_SMALL, {"L": 19, "D": 4}), points=3),
        rows_are_weights(MATRIX, ({"L": 2, "D": 2}, {"L": 5, "D": 3})),
        Part("large scores", 1, _large_scores, _LARGE_SIZES),
        values("attend", ATTEND, (*_SMALL, {"L": 19, "D": 4})),
        causal(ATTEND, ({"L": 4, "D": 2},), argument="k", axis=-2),
        precision(ATTEND, ({"L": 3, "D": 2}, {"L": 19, "D": 4})),
        untouched(MATRIX, ({"L": 3, "D": 2},)),
    ),
    hints=(
        "Three steps: scores, mask, softmax along each row. In which order?",
        "scores = q @ k.T / sqrt(D). Put -inf where s > t; the exponential makes it 0, and the row still "
        "sums to one. Before the exponential, subtract each row's largest score: it cancels.",
        "scores[np.triu_indices(L, 1)] = -math.inf; weights = np.exp(scores - scores.max(axis=-1, "
        "keepdims=True)); divide by weights.sum(axis=-1, keepdims=True). math.sqrt keeps float32 what it is.",
    ),
    forbidden=(
        "hyena_np.causal_attention_matrix",
        "hyena_np.causal_attention",
        "hyena_np.attention",
        "hyena_np.softmax",
        "scipy.special.softmax",
    ),
    needs=("hyena_matrix",),
    seed=680,  # its smallest matrices are neither close to 0 and 1 nor all 1/2
)
