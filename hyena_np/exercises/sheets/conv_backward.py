"""Exercise 4: the gradient of a convolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import draw, precision, untouched, values
from hyena_np.exercises.sheets.convolution import conv, correlate
from hyena_np.exercises.sheets.gradients import one_gradient
from hyena_np.ops.toeplitz import circulant

Gradients = tuple[np.ndarray, np.ndarray]


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Gradient dy, signal u, filter h, all (D, L)."""
    shape = (sizes.get("D", 1), sizes["L"])
    return tuple(draw(rng, *shape, dtype=dtype) for _ in range(3))


def reference(dy: np.ndarray, u: np.ndarray, h: np.ndarray) -> Gradients:
    """Both by the transposed matrix."""
    return correlate(dy, h), correlate(dy, u)


def _by(
    product: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Gradients]:
    """Both gradients by another product of dy with h, and with u."""
    return lambda dy, u, h: (product(dy, h), product(dy, u))


def _around(dy: np.ndarray, a: np.ndarray) -> np.ndarray:
    return (np.swapaxes(circulant(a), -1, -2) @ dy[..., None])[..., 0]


def _early(dy: np.ndarray, a: np.ndarray) -> np.ndarray:
    y = correlate(dy, a)
    return np.concatenate([y[..., 1:], np.zeros_like(y[..., :1])], axis=-1)


def _late(dy: np.ndarray, a: np.ndarray) -> np.ndarray:
    y = correlate(dy, a)
    return np.concatenate([np.zeros_like(y[..., :1]), y[..., :-1]], axis=-1)


def _exchanged(dy: np.ndarray, u: np.ndarray, h: np.ndarray) -> Gradients:
    return correlate(dy, u), correlate(dy, h)


def _summed(keepdims: bool) -> Callable[[np.ndarray, np.ndarray, np.ndarray], Gradients]:
    return lambda dy, u, h: (correlate(dy, h), correlate(dy, u).sum(axis=0, keepdims=keepdims))


_SUMMED = "summed over channels: every channel has its own filter, and its own dh"
QUESTION = Question(
    name="conv_backward",
    arguments=("dy", "u", "h"),
    inputs=inputs,
    reference=reference,
    outputs=("du", "dh"),
    mistakes=(
        Mistake("the conjugate is forgotten, or the matrix not transposed: this convolves again", _by(conv)),
        Mistake("wrapped around: pad the correlation too, to at least 2L - 1", _by(_around)),
        Mistake("du and dh are exchanged: du needs h, and dh needs u", _exchanged),
        Mistake(
            "the backward of another function: this is the gradient of the product u * h",
            _by(np.multiply),
        ),
        Mistake(
            "reversed in time: what was reversed before must be reversed back",
            _by(lambda dy, a: correlate(dy, a)[..., ::-1]),
        ),
        Mistake("shifted by one: everything comes one step early", _by(_early)),
        Mistake("shifted by one: everything comes one step late", _by(_late)),
        Mistake(_SUMMED, _summed(keepdims=False)),
        Mistake(_SUMMED, _summed(keepdims=True)),
    ),
)

_SMALL = ({"L": 1}, {"L": 2}, {"L": 3}, {"L": 4})

CONV_BACKWARD = Exercise(
    number=4,
    name="conv_backward",
    title="The adjoint: the gradient of a convolution",
    goal="Derive the gradient of a convolution from its matrix, and compute it without.",
    minutes=25,
    paper=("Eq. (1)", "Eq. (2)"),
    questions=(QUESTION,),
    parts=(
        one_gradient(QUESTION, "du", _SMALL, points=2),
        one_gradient(QUESTION, "dh", _SMALL, points=2),
        values("every length and channel", QUESTION, ({"L": 3, "D": 2}, {"L": 4, "D": 2}, {"L": 37, "D": 3})),
        precision(QUESTION, ({"L": 2}, {"L": 21})),
        untouched(QUESTION, ({"L": 3},)),
    ),
    hints=(
        "y = S_h u is linear in u. If dy is the gradient with respect to y, which matrix gives the one with "
        "respect to u? What is that matrix's first row?",
        "du = S_h^T dy: du[s] = sum over t >= s of h[t - s] dy[t]. It looks ahead instead of back. A "
        "convolution is symmetric in u and h, so dh is the same with u in the place of h.",
        "Either reverse dy in time, convolve, and reverse the result; or use FFTs as in exercise 3, of "
        "length 2L, with np.conj on the spectrum of h (for du) or of u (for dh).",
    ),
    forbidden=(
        "hyena_np.fftconv_backward",
        "hyena_np.matrix_conv_backward",
        "hyena_np.causal_conv_backward",
        "hyena_np.overlap_add_backward",
        "hyena_np.overlap_save_backward",
        "hyena_np.monarch_conv_backward",
        "hyena_np.two_stage_conv_backward",
        "numpy.correlate",
        "scipy.signal",
        "scipy.ndimage",
    ),
    needs=("toeplitz", "fftconv"),
    seed=29,  # its smallest inputs tell the mistakes apart
)
