"""The first question of exercise 12: which matrices let the future in?"""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Mistake, Question, Sizes
from hyena_np.exercises.kinds import draw


def matrix_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Matrices (D, L, L), in turn: one that leaks, one that does not, a diagonal, a strict past.

    With ``rounding`` the second and third have what an FFT leaves above the diagonal; the third is large.
    """
    D, L = sizes["D"], sizes["L"]
    H = np.tril(draw(rng, D, L, L))
    H[2::4] *= np.eye(L)
    H[3::4] *= 1.0 - np.eye(L)
    for d in range(0, D, 4):
        t = int(rng.integers(0, L - 1))
        H[d, t, int(rng.integers(t + 1, L))] = -0.5
    if sizes.get("rounding"):
        H[1::4] += 1e-17 * np.triu(rng.standard_normal((L, L)), 1)
        H[2::4] = 1e9 * (H[2::4] + 1e-16 * np.triu(rng.uniform(1.0, 2.0, (L, L)), 1))
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
            lambda H: np.max(np.triu(H, 1), axis=(1, 2)) > 1e-9 * np.max(np.abs(H), axis=(1, 2)),
        ),
        Mistake(
            "a fixed number fits no other scale: compare with the largest entry of the same matrix",
            lambda H: np.max(np.abs(np.triu(H, 1)), axis=(1, 2)) > 1e-9,
        ),
        Mistake(
            "the diagonal is the present, which is allowed",
            lambda H: np.max(np.abs(np.triu(H)), axis=(1, 2)) > 0,
        ),
        Mistake("the answer is the other way round: True where it leaks", lambda H: ~leaks(H)),
        Mistake("one answer for each channel is asked", lambda H: np.any(leaks(H))),
    ),
)
