"""Exercise 12: find the leak."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, values
from hyena_np.exercises.sheets.convolution import circular_conv, conv
from hyena_np.exercises.sheets.leaks import LEAKS
from hyena_np.exercises.sheets.operator import code


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Value v (D, L), gates x1 and x2 (D, L), filter h (D, L)."""
    D, L = sizes.get("D", 1), sizes["L"]
    return tuple(draw(rng, D, L, dtype=dtype) for _ in range(4))


def mended(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Gate, convolve, gate; each position minus the mean so far."""
    y = code(v, np.stack([x2, x1]), h[None])
    return y - _so_far(y)


def _so_far(y: np.ndarray) -> np.ndarray:
    return np.cumsum(y, axis=-1) / np.arange(1, y.shape[-1] + 1, dtype=y.dtype)


def _before(y: np.ndarray) -> np.ndarray:
    return (np.cumsum(y, axis=-1) - y) / np.maximum(np.arange(y.shape[-1], dtype=y.dtype), 1)


def _whole(y: np.ndarray) -> np.ndarray:
    return np.mean(y, axis=-1, keepdims=True)


def _operator(convolve: Callable, mean: Callable) -> Callable[..., np.ndarray]:
    """Gate, convolve in one way, gate, take off one kind of mean."""

    def answer(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
        y = x2 * convolve(x1 * v, h)
        return y - mean(y)

    return answer


MENDED = Question(
    name="mended",
    arguments=("v", "x1", "x2", "h"),
    inputs=inputs,
    reference=mended,
    mistakes=(
        Mistake("nothing is mended: both leaks are still there", _operator(circular_conv, _whole)),
        Mistake("not causal: the convolution still runs on a circle", _operator(circular_conv, _so_far)),
        Mistake(
            "not causal: the mean is still taken over the whole sequence, future included",
            _operator(conv, _whole),
        ),
        Mistake(
            "the mean is gone; it must be taken over the positions so far", _operator(conv, np.zeros_like)
        ),
        Mistake("the mean so far must include the present", _operator(conv, _before)),
    ),
)

CAUSALITY = Exercise(
    number=12,
    name="causality",
    title="Find the leak",
    goal="Prove with a matrix that an operator looks into the future, and mend it.",
    minutes=30,
    paper=("Prop. 3.1",),
    questions=(LEAKS, MENDED),
    parts=(
        values(
            "which channels leak", LEAKS, ({"D": 1, "L": 2}, {"D": 2, "L": 2}, {"D": 6, "L": 5}), points=2
        ),
        values(
            "rounding is no leak",
            LEAKS,
            ({"D": 3, "L": 2, "rounding": 1}, {"D": 6, "L": 12, "rounding": 1}),
        ),
        values("the mended operator", MENDED, ({"L": 1}, {"L": 2}, {"L": 3}, {"L": 19, "D": 2}), points=3),
        causal(MENDED, ({"L": 4}, {"L": 15, "D": 2}), argument="v"),
        precision(MENDED, ({"L": 3},)),
    ),
    hints=(
        "H[t, s] says how the output at t depends on the input at s. Where must it be 0? For the operator: "
        "go through its lines, and ask of each whether position t uses anything later than t.",
        "np.triu(H, 1) is what lies above the diagonal. In the operator two lines leak: the FFT is too "
        "short, and the mean is over all positions.",
        "leaks: np.abs(np.triu(H, 1)).max(axis=(1, 2)) > 1e-9 * np.abs(H).max(axis=(1, 2)). Mended: n=2 * L"
        " in all three transforms, [..., :L]; and np.cumsum(y, axis=-1) / (1, 2, ..., L) for the mean so "
        "far.",
    ),
    forbidden=(
        "hyena_np.hyena",
        "hyena_np.hyena_reference",
        "hyena_np.hyena_recurrence",
        "hyena_np.gss",
        "hyena_np.h3",
    ),
    needs=("fftconv", "hyena_matrix"),
)
