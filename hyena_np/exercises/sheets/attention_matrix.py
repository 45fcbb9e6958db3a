"""Exercise 16: the rival's matrix."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.compare import recognised
from hyena_np.exercises.exercise import Ask, Exercise, Failure, Mistake, Part, Question, Sizes, Value
from hyena_np.exercises.kinds import asked, causal, draw, precision, untouched, values
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


_FUTURE = "not causal: the future is not masked"
_WRONG_AXIS = "the softmax runs along the wrong axis: each row sums to one, not each column"
MATRIX = Question(
    name="attention_matrix",
    arguments=("q", "k"),
    inputs=inputs,
    reference=matrix,
    outputs=("A",),
    axis=-2,
    mistakes=(
        Mistake(_FUTURE, lambda q, k: _softmax(_scores(q, k))),
        Mistake(
            "masked after the softmax: the rows no longer sum to one",
            lambda q, k: np.tril(_softmax(_scores(q, k))),
        ),
        Mistake(
            "masked with 0: the exponential of 0 is 1; mask with minus infinity",
            lambda q, k: _softmax(np.tril(_scores(q, k))),
        ),
        Mistake(_WRONG_AXIS, lambda q, k: _softmax(_masked(_scores(q, k)), axis=0)),
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
        Mistake(_FUTURE, lambda q, k, v: _softmax(_scores(q, k)) @ v),
        Mistake("the values are not used", lambda q, k, v: matrix(q, k) @ k),
        Mistake("the arguments are in another order: q, k, v", lambda q, k, v: matrix(k, q) @ v),
    ),
)


def _rows(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    """Rows are weights of the past; without any preference, the mean of it."""
    for size in sizes:
        q, k = inputs(rng, size, "float64")
        _check_rows(q, k, asked(MATRIX, ask, (q, k)).value)
        q = np.zeros_like(q)
        A = asked(MATRIX, ask, (q, k)).value
        _check_rows(q, k, A)
        if not np.allclose(A, matrix(q, k), rtol=0, atol=1e-9):
            raise Failure(
                "A: with queries of 0 all scores are equal, and so must be the weights of the past",
                inputs={"q": q, "k": k},
                expected=matrix(q, k),
                got=A,
            )


def _check_rows(q: np.ndarray, k: np.ndarray, A: Value) -> None:
    says, likely = _not_weights(A, len(q))
    if says:
        likely = recognised(MATRIX, [((q, k), A)]) or likely
        raise Failure(f"A: {says}", inputs={"q": q, "k": k}, expected=matrix(q, k), got=A, likely=likely)


def _not_weights(A: Value, L: int) -> tuple[str, str]:
    """What keeps a matrix from being one of weights of the past, and why it may be so; nothing if it is."""
    if not isinstance(A, np.ndarray) or A.shape != (L, L):
        return f"must be an array of shape {(L, L)}", ""
    if not np.all(np.isfinite(A)):
        return "holds values that are not finite", ""
    if np.any(np.abs(np.triu(A, 1)) > 1e-9):
        return "has weights above the diagonal, of the future", _FUTURE
    if np.min(A) < 0:
        return "has negative weights", "the softmax is missing: the exponential makes weights positive"
    wrong = np.abs(A.sum(axis=1) - 1) > 1e-9
    if np.any(wrong):
        t = int(np.argmax(wrong))
        columns = np.allclose(A.sum(axis=0), 1, rtol=0, atol=1e-9)
        return f"row {t} sums to {A[t].sum():.4g}, expected 1", _WRONG_AXIS if columns else ""
    return "", ""


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
        Part("rows are weights of the past", 1, _rows, ({"L": 2, "D": 2}, {"L": 5, "D": 3})),
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
)
