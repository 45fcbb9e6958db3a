"""Exercise 11: the whole operator as one matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import precision, untouched, values, without_loops
from hyena_np.exercises.sheets.operator import inputs as operator_inputs
from hyena_np.ops.matrices import hyena_factors
from hyena_np.ops.toeplitz import circulant, toeplitz


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Gates x (N, D, L), filters h (N, D, L)."""
    return operator_inputs(rng, sizes, dtype)[1:]


def reference(x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """(D, L, L)."""
    return reduce(np.matmul, hyena_factors(tuple(x[:, None]), h, None, "paper"))[0]


def _product(
    factor: Callable = lambda x, S: x * S, order: int = 1, matrix: Callable = toeplitz
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The product of other factors, or of the right ones in another order."""

    def answer(x: np.ndarray, h: np.ndarray) -> np.ndarray:
        factors = [factor(gate[..., None], matrix(taps)) for gate, taps in zip(x, h, strict=True)]
        return reduce(lambda done, new: new @ done, factors[::order])

    return answer


MATRIX = Question(
    name="hyena_matrix",
    arguments=("x", "h"),
    inputs=inputs,
    reference=reference,
    outputs=("H",),
    axis=-2,
    mistakes=(
        Mistake(
            "the factors are in the wrong order: the last step stands on the left",
            _product(order=-1),
        ),
        Mistake(
            "the gate is on the wrong side: diag(x) S multiplies the rows of S, not its columns",
            _product(lambda x, S: S * np.swapaxes(x, -1, -2)),
        ),
        Mistake("transposed: H must be lower-triangular", lambda x, h: np.swapaxes(reference(x, h), -1, -2)),
        Mistake("the gates are taken in reversed order", lambda x, h: reference(x[::-1], h)),
        Mistake("the filters are taken in reversed order", lambda x, h: reference(x, h[::-1])),
        Mistake("the gates are missing", _product(lambda x, S: S)),
        Mistake("wrapped around: the filters' matrices are circulant", _product(matrix=circulant)),
        Mistake("the filters' matrices are transposed", _product(lambda x, S: x * np.swapaxes(S, -1, -2))),
        Mistake(
            "multiplied element by element: steps one after the other are a matrix product",
            lambda x, h: np.prod(x[..., None] * np.stack([toeplitz(taps) for taps in h]), axis=0),
        ),
    ),
)

HYENA_MATRIX = Exercise(
    number=11,
    name="hyena_matrix",
    title="The Hyena matrix without loops",
    goal="See the operator as one matrix that the input makes, and compare it with attention.",
    minutes=25,
    paper=("Sec. 3.2", "Def. 3.1"),
    questions=(MATRIX,),
    parts=(
        values("order 1", MATRIX, ({"N": 1, "L": 1}, {"N": 1, "L": 2}, {"N": 1, "L": 3}), points=2),
        values("order 2", MATRIX, ({"N": 2, "L": 2}, {"N": 2, "L": 3, "D": 2}), points=2),
        values("every order", MATRIX, ({"N": 3, "L": 6, "D": 2}, {"N": 4, "L": 17, "D": 3})),
        precision(MATRIX, ({"N": 2, "L": 3},)),
        untouched(MATRIX, ({"N": 2, "L": 3},)),
        without_loops(MATRIX, ({"N": 2, "L": 2, "D": 1}, {"N": 2, "L": 20, "D": 20})),
    ),
    hints=(
        "Each step is two matrices: first the Toeplitz matrix of its filter, then, on its left, the "
        "diagonal matrix of its gate.",
        "diag(x) @ S is x[:, None] * S: every row of S times its gate, without a diagonal matrix.",
        "Begin with H = np.eye(L, dtype=x.dtype), and for every step: H = gate[..., None] * "
        "(hyena_np.toeplitz(taps) @ H). A loop over the N steps is fine; none over D, L.",
    ),
    forbidden=(
        "hyena_np.hyena_matrix",
        "hyena_np.hyena_factors",
        "hyena_np.h3_attention_matrix",
        "hyena_np.hyena_recurrence",
        "hyena_np.gss",
        "hyena_np.h3",
    ),
    needs=("toeplitz", "recurrence"),
)
