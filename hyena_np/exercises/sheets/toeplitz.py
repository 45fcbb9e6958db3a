"""Exercise 1: the matrix of a causal convolution."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import draw, precision, untouched, values
from hyena_np.ops import toeplitz as ops


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """A filter h, (L,) or (D, L)."""
    shape = (sizes["D"], sizes["L"]) if "D" in sizes else (sizes["L"],)
    return (draw(rng, *shape, dtype=dtype),)


def reference(h: np.ndarray) -> np.ndarray:
    """Of one filter, or of one a channel."""
    return ops.toeplitz(h[None])[0] if h.ndim == 1 else ops.toeplitz(h)


def _circulant(h: np.ndarray) -> np.ndarray:
    return ops.circulant(h[None])[0] if h.ndim == 1 else ops.circulant(h)


def _symmetric(h: np.ndarray) -> np.ndarray:
    t = np.arange(h.shape[-1])
    return h[..., np.abs(t[:, None] - t)]


QUESTION = Question(
    name="toeplitz",
    arguments=("h",),
    inputs=inputs,
    reference=reference,
    outputs=("S",),
    axis=-2,
    mistakes=(
        Mistake(
            "transposed: row t must hold the past, columns 0 to t",
            lambda h: np.swapaxes(reference(h), -1, -2),
        ),
        Mistake("wrapped around: this is the circulant matrix, which lets the future in", _circulant),
        Mistake(
            "a Hankel matrix: its entry depends on t + s instead of t - s", lambda h: reference(h)[..., ::-1]
        ),
        Mistake("not causal: entries above the diagonal must be 0", _symmetric),
    ),
)


TOEPLITZ = Exercise(
    number=1,
    name="toeplitz",
    title="A causal convolution is a matrix",
    goal="Write the matrix of a causal convolution, and know it by sight.",
    minutes=15,
    paper=("Sec. 2", "Eq. (2)"),
    questions=(QUESTION,),
    parts=(
        values("small matrices", QUESTION, ({"L": 1}, {"L": 2}, {"L": 3}, {"L": 4}), points=2),
        values("one matrix a channel", QUESTION, ({"D": 2, "L": 3}, {"D": 5, "L": 17})),
        precision(QUESTION, ({"L": 3}, {"L": 8})),
        untouched(QUESTION, ({"L": 4},)),
    ),
    hints=(
        "Write down the sum for y_0, y_1 and y_2, and read off which h stands before which u.",
        "The entry in row t and column s is h[t - s] where s <= t, and 0 elsewhere: only t - s matters.",
        "t[:, None] - t[None, :] with t = np.arange(L) is the table of all lags. Take h at these lags "
        "(h[..., lags] keeps the channels), and np.where(lags >= 0, ..., 0) for the rest; mind the dtype.",
    ),
    forbidden=(
        "hyena_np.toeplitz",
        "hyena_np.circulant",
        "hyena_np.matrix_conv",
        "hyena_np.fast",
        "scipy.linalg.toeplitz",
    ),
)
