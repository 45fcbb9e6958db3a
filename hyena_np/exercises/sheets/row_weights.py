"""A part on a matrix whose rows are weights of the past."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.compare import close, recognised
from hyena_np.exercises.exercise import Ask, Failure, Part, Question, Sizes, Value
from hyena_np.exercises.kinds import asked

FUTURE = "not causal: the future is not masked"
WRONG_AXIS = "the softmax runs along the wrong axis: each row sums to one, not each column"
_ROUNDING = 1e-6  # of float32: dtypes are judged elsewhere


def rows_are_weights(question: Question, sizes: tuple[Sizes, ...], points: int = 1) -> Part:
    """Rows are positive and sum to one; where no position is preferred, each is the mean of the past.

    The matrix need not be the right one otherwise: that is another part. The question's arguments are queries
    and keys.
    """

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for size in sizes:
            q, k = question.inputs(rng, size, "float64")
            for queries in (q, np.zeros_like(q)):
                A = asked(question, ask, (queries, k)).value
                says, likely = _not_weights(A, len(q))
                if not says and not queries.any() and not close(question.reference(queries, k), A):
                    says = "with queries of 0 all scores are equal, and so must be the weights of the past"
                if says:
                    raise Failure(
                        f"A: {says}",
                        inputs={"q": queries, "k": k},
                        expected=question.reference(queries, k),
                        got=A,
                        likely=recognised(question, [((queries, k), A)]) or likely,
                    )

    return Part("rows are weights of the past", points, judge, sizes)


def _not_weights(A: Value, L: int) -> tuple[str, str]:
    """What keeps a matrix from being one of weights of the past, and why it may be so; nothing if it is."""
    if not isinstance(A, np.ndarray) or A.shape != (L, L) or A.dtype.kind == "c":
        return f"must be an array of real numbers, of shape {(L, L)}", ""
    if not np.all(np.isfinite(A)):
        return "holds values that are not finite", ""
    if np.any(np.abs(np.triu(A, 1)) > _ROUNDING):
        return "has weights above the diagonal, of the future", FUTURE
    if np.min(A) < 0:
        return "has negative weights", "the softmax is missing: the exponential makes weights positive"
    wrong = np.abs(A.sum(axis=1) - 1) > _ROUNDING
    if np.any(wrong):
        t = int(np.argmax(wrong))
        columns = np.allclose(A.sum(axis=0), 1, rtol=0, atol=_ROUNDING)
        return f"row {t} sums to {A[t].sum():.4g}, expected 1", WRONG_AXIS if columns else ""
    return "", ""
