"""Exercise 12: find the leak."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, values
from hyena_np.exercises.sheets.convolution import circular_conv, conv
from hyena_np.exercises.sheets.operator import code


def matrix_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Matrices (D, L, L), in turn: one that leaks, one with an FFT's rounding, a diagonal, a strict past."""
    D, L = sizes["D"], sizes["L"]
    H = np.tril(draw(rng, D, L, L))
    H[1::4] += 1e-17 * np.triu(rng.standard_normal((L, L)), 1)
    H[2::4] *= np.eye(L)
    H[3::4] *= 1.0 - np.eye(L)
    for d in range(0, D, 4):
        t = int(rng.integers(0, L - 1))
        H[d, t, int(rng.integers(t + 1, L))] = -0.5
    return (H.astype(dtype),)


def leaks(H: np.ndarray) -> np.ndarray:
    """Which of the matrices (D, L, L) let the future in, beyond rounding."""
    return np.max(np.abs(np.triu(H, 1)), axis=(1, 2)) > 1e-9 * np.max(np.abs(H), axis=(1, 2))


LEAKS = Question(
    name="leaks",
    arguments=("H",),
    inputs=matrix_inputs,
    reference=leaks,
    outputs=("channels",),
    axis=None,
    mistakes=(
        Mistake(
            "it looks below the diagonal, at the past: the future is s > t",
            lambda H: leaks(np.swapaxes(H, 1, 2)),
        ),
        Mistake(
            "rounding is no leak: compare with a small fraction of the largest entry, not with 0",
            lambda H: np.any(np.triu(H, 1) != 0, axis=(1, 2)),
        ),
        Mistake(
            "a leak may be negative: take absolute values",
            lambda H: np.max(np.triu(H, 1), axis=(1, 2)) > 1e-9,
        ),
        Mistake(
            "the diagonal is the present, which is allowed", lambda H: leaks(H) | (np.abs(H[:, 0, 0]) > 0)
        ),
        Mistake("the answer is the other way round: True where it leaks", lambda H: ~leaks(H)),
        Mistake("one answer for each channel is asked", lambda H: np.any(leaks(H))),
    ),
)


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Value v (D, L), gates x1 and x2 (D, L), filter h (D, L)."""
    D, L = sizes.get("D", 1), sizes["L"]
    return tuple(draw(rng, D, L, dtype=dtype) for _ in range(4))


def mended(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Gate, convolve, gate; each position minus the mean so far."""
    y = code(v, np.stack([x2, x1]), h[None])
    steps = np.arange(1, y.shape[-1] + 1, dtype=y.dtype)
    return y - np.cumsum(y, axis=-1) / steps


def _circle(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    y = x2 * circular_conv(x1 * v, h)
    return y - np.cumsum(y, axis=-1) / np.arange(1, y.shape[-1] + 1)


def _whole_mean(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    y = code(v, np.stack([x2, x1]), h[None])
    return y - y.mean(axis=-1, keepdims=True)


def _broken(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    y = x2 * circular_conv(x1 * v, h)
    return y - y.mean(axis=-1, keepdims=True)


def _no_mean(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    return x2 * conv(x1 * v, h)


def _mean_before(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The mean of the past alone."""
    y = _no_mean(v, x1, x2, h)
    return y - (np.cumsum(y, axis=-1) - y) / np.maximum(np.arange(y.shape[-1]), 1)


MENDED = Question(
    name="mended",
    arguments=("v", "x1", "x2", "h"),
    inputs=inputs,
    reference=mended,
    mistakes=(
        Mistake("nothing is mended: both leaks are still there", _broken),
        Mistake("not causal: the convolution still runs on a circle", _circle),
        Mistake("not causal: the mean is still taken over the whole sequence, future included", _whole_mean),
        Mistake("the mean is gone; it must be taken over the positions so far", _no_mean),
        Mistake("the mean so far includes the present", _mean_before),
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
            "which channels leak", LEAKS, ({"D": 1, "L": 2}, {"D": 2, "L": 3}, {"D": 6, "L": 12}), points=3
        ),
        values("the mended operator", MENDED, ({"L": 1}, {"L": 2}, {"L": 3}, {"L": 19, "D": 2}), points=3),
        causal(MENDED, ({"L": 4}, {"L": 15, "D": 2}), argument="v"),
        precision(MENDED, ({"L": 9, "D": 2},)),
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
    forbidden=("hyena_np.hyena", "hyena_np.hyena_reference", "hyena_np.hyena_recurrence"),
    needs=("fftconv", "hyena_matrix"),
)
