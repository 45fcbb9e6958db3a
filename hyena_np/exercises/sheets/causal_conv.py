"""Exercise 2: the sum itself, in loops."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, untouched, values
from hyena_np.exercises.sheets.convolution import circular_conv, conv


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """A signal u (L,) and a filter h (K,)."""
    return draw(rng, sizes["L"], dtype=dtype), draw(rng, sizes["K"], dtype=dtype)


def _full(h: np.ndarray, L: int) -> np.ndarray:
    """The filter at the length of the signal: zeros behind a short one, and the end of a long one cut off."""
    full = np.zeros(L, dtype=h.dtype)
    full[: min(L, len(h))] = h[:L]
    return full


def reference(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    """One channel of the matrix product."""
    return conv(u[None], _full(h, len(u))[None])[0]


def _wrapped(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    return circular_conv(u[None], _full(h, len(u))[None])[0]


def _reversed_filter(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    return reference(u, h[::-1])


def _without_present(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    return reference(u, h) - h[0] * u


def _without_last_tap(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    return reference(u, np.append(h[:-1], h.dtype.type(0)))


def _ahead(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Looks ahead instead of back."""
    return reference(u[::-1], h)[::-1]


def _late(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros_like(u[:1]), reference(u, h)[:-1]])


QUESTION = Question(
    name="causal_conv",
    arguments=("u", "h"),
    inputs=inputs,
    reference=reference,
    mistakes=(
        Mistake(
            "wrapped around: a negative index takes from the end; nothing lies before position 0", _wrapped
        ),
        Mistake("not causal: it looks ahead, at u[t + k], instead of back, at u[t - k]", _ahead),
        Mistake("the filter is reversed: h[0] belongs to the present", _reversed_filter),
        Mistake("the present is missing: the sum begins with k = 0", _without_present),
        Mistake("the last tap is missing: range(n) ends at n - 1", _without_last_tap),
        Mistake("shifted by one: everything comes one step late", _late),
    ),
)

CAUSAL_CONV = Exercise(
    number=2,
    name="causal_conv",
    title="Convolution by loop",
    goal="Write the sum of a causal convolution letter by letter: slow, and beyond doubt.",
    minutes=15,
    paper=("Eq. (1)",),
    questions=(QUESTION,),
    parts=(
        values(
            "as long as the signal",
            QUESTION,
            ({"L": 1, "K": 1}, {"L": 2, "K": 2}, {"L": 3, "K": 3}, {"L": 4, "K": 4}),
            points=2,
        ),
        values("a shorter filter", QUESTION, ({"L": 3, "K": 1}, {"L": 4, "K": 2}, {"L": 20, "K": 5})),
        values(
            "a longer filter",
            QUESTION,
            ({"L": 1, "K": 2}, {"L": 2, "K": 3}, {"L": 4, "K": 6}, {"L": 6, "K": 13}),
        ),
        causal(QUESTION, ({"L": 4, "K": 4}, {"L": 15, "K": 9})),
        precision(QUESTION, ({"L": 3, "K": 2}, {"L": 12, "K": 12})),
        untouched(QUESTION, ({"L": 3, "K": 3},)),
    ),
    hints=(
        "Compute y[0] and y[1] on paper. How many terms has each sum?",
        "For each t, add h[k] * u[t - k] for k = 0, 1, ... as long as both k < K and t - k >= 0.",
        "Two loops: for t in range(L), for k in range(min(t + 1, K)). Begin with y = np.zeros_like(u), which "
        "has the right dtype; a negative index would silently take from the end.",
    ),
    forbidden=(
        "hyena_np.causal_conv_loop",
        "hyena_np.causal_conv_matrix",
        "hyena_np.causal_conv",
        "hyena_np.fftconv",
        "hyena_np.matrix_conv",
        "hyena_np.toeplitz",
        "hyena_np.overlap_add",
        "hyena_np.overlap_save",
        "hyena_np.two_stage_conv",
        "hyena_np.monarch_conv",
        "hyena_np.short_conv",
        "numpy.convolve",
        "numpy.correlate",
        "numpy.polymul",
        "scipy.signal",
        "scipy.ndimage",
        "scipy.linalg.toeplitz",
        "scipy.linalg.matmul_toeplitz",
    ),
    needs=("toeplitz",),
    seed=24,  # its smallest inputs tell the mistakes apart
)
