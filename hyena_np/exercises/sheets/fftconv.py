"""Exercise 3: the same convolution through the frequency domain."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question, Sizes
from hyena_np.exercises.kinds import causal, draw, precision, values
from hyena_np.exercises.sheets.convolution import circular_conv, conv, correlate


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """A signal u and a filter h, both (D, L)."""
    shape = (sizes.get("D", 1), sizes["L"])
    return draw(rng, *shape, dtype=dtype), draw(rng, *shape, dtype=dtype)


def _unscaled(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    return conv(u, h) * 2 * u.shape[-1]


QUESTION = Question(
    name="fftconv",
    arguments=("u", "h"),
    inputs=inputs,
    reference=conv,
    mistakes=(
        Mistake(
            "wrapped around: the end of the signal comes back at its beginning; pad to at least 2L - 1",
            circular_conv,
        ),
        Mistake("a conjugate too many: this is a correlation, not a convolution", correlate),
        Mistake("a missing factor: irfft divides by the length of the transform, once", _unscaled),
    ),
)

FFTCONV = Exercise(
    number=3,
    name="fftconv",
    title="The same convolution in O(L log L)",
    goal="Convolve with FFTs, and escape the trap of the circle.",
    minutes=25,
    paper=("Sec. 2", "Prop. 3.2"),
    questions=(QUESTION,),
    parts=(
        values("powers of two", QUESTION, ({"L": 2}, {"L": 4}, {"L": 64}), points=2),
        values("every length", QUESTION, ({"L": 1}, {"L": 3}, {"L": 4}, {"L": 5}, {"L": 37, "D": 3})),
        causal(QUESTION, ({"L": 6}, {"L": 33})),
        precision(QUESTION, ({"L": 3}, {"L": 20})),
    ),
    hints=(
        "Multiplying two spectra convolves on a circle: what runs over the end comes back at the beginning."
        " How much room does it take so that nothing can come back into the first L values?",
        "Two signals of length L convolve to 2L - 1 values. Transform both at n >= 2L - 1, multiply, "
        "transform back with the same n, keep the first L.",
        "np.fft.rfft(u, n=n) pads with zeros by itself. irfft needs n as well, or it guesses an even "
        "length. NumPy's transforms may return float64: .astype(u.dtype) at the end.",
    ),
    forbidden=(
        "hyena_np.fftconv",
        "hyena_np.causal_conv",
        "hyena_np.causal_conv_matrix",
        "hyena_np.causal_conv_loop",
        "hyena_np.toeplitz",
        "hyena_np.overlap_add",
        "hyena_np.overlap_save",
        "hyena_np.monarch_conv",
        "hyena_np.two_stage_conv",
        "numpy.convolve",
        "numpy.correlate",
        "scipy.signal",
        "scipy.linalg.toeplitz",
    ),
    needs=("toeplitz",),
)
