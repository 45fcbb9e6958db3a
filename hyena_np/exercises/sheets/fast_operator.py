"""Exercise 14: make it fast."""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from hyena_np.backend import threads
from hyena_np.exercises.compare import compare, difference
from hyena_np.exercises.exercise import Ask, Exercise, Failure, Mistake, Part, Question, Sizes
from hyena_np.exercises.kinds import asked, draw, precision, untouched, values
from hyena_np.exercises.sheets.convolution import circular_conv, conv
from hyena_np.ops.fftconv import fftconv

REPEATS = 3
LONG_ONLY = "if the parts above pass, it is right on short inputs only"
EARLIER = "the result of an earlier call is returned: right on the first input only"


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Value v, gates x1 and x2, filter h, all (D, L)."""
    return tuple(draw(rng, sizes.get("D", 1), sizes["L"], dtype=dtype) for _ in range(4))


def slow_hyena(v: np.ndarray, x1: np.ndarray, x2: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Gate, convolve, gate, by matrices: the reference to beat."""
    rows = zip(x1 * v, h, strict=True)  # a channel at a time, or the matrices would not fit
    return x2 * np.stack([conv(u[None], taps[None])[0] for u, taps in rows])


QUESTION = Question(
    name="fast_hyena",
    arguments=("v", "x1", "x2", "h"),
    inputs=inputs,
    reference=slow_hyena,
    mistakes=(
        Mistake("wrapped around: the FFT is too short", lambda v, x1, x2, h: x2 * circular_conv(x1 * v, h)),
        Mistake("the first gate is missing", lambda v, x1, x2, h: x2 * conv(v, h)),
        Mistake("the last gate is missing", lambda v, x1, x2, h: conv(x1 * v, h)),
        Mistake("the gates are exchanged", lambda v, x1, x2, h: x1 * conv(x2 * v, h)),
    ),
)


def _judge_again(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
    """A second call at sizes that were asked before."""
    for size in sizes:
        for _ in range(2):
            try:
                compare(QUESTION, *_called(ask, rng, size))
            except Failure as failure:
                failure.likely = failure.likely or EARLIER
                raise


def _called(ask: Ask, rng: np.random.Generator, size: Sizes) -> tuple:
    arguments = inputs(rng, size, "float64")
    return arguments, asked(QUESTION, ask, arguments).value


@cache
def reference_seconds(D: int, L: int) -> float:
    """What the reference takes, on one thread: the best of two."""
    arguments = inputs(np.random.default_rng(0), {"D": D, "L": L}, "float32")
    taken = []
    with threads(1):
        for _ in range(2):
            start = time.perf_counter()
            slow_hyena(*arguments)
            taken.append(time.perf_counter() - start)
    return min(taken)


def speedup(ask: Ask, size: Sizes, rng: np.random.Generator) -> float:
    """How many times as fast as the reference: the best of some calls, each on fresh inputs."""
    taken: list[float] = []
    for n in range(REPEATS):
        v, x1, x2, h = arguments = inputs(rng, size, "float32")
        start = time.perf_counter()
        got = asked(QUESTION, ask, arguments).value
        taken.append(time.perf_counter() - start)
        expected = x2 * fftconv((x1 * v)[None], h)[0][0]  # the matrices would take too long here
        if difference(expected, got):
            raise Failure("y: has wrong values on long inputs", likely=EARLIER if n else LONG_ONLY)
        # Only now: of what is not written or wrong, nobody waits for the reference.
        if reference_seconds(size["D"], size["L"]) < taken[-1]:
            break  # no better call will make up for this
    return reference_seconds(size["D"], size["L"]) / min(taken)


def faster(factor: int, points: int, sizes: tuple[Sizes, ...]) -> Part:
    """At least so many times as fast as the reference."""

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for size in sizes:
            reached = speedup(ask, size, rng)
            if reached < factor:
                raise Failure(
                    f"{reached:.1f} times as fast as the reference at L = {size['L']}, {factor} are asked",
                    likely="too slow: a loop over positions, or an L x L matrix, grows with the square of L",
                )

    return Part(f"{factor} times as fast", points, judge, sizes)


_LONG = ({"L": 2048, "D": 16},)

FAST_OPERATOR = Exercise(
    number=14,
    name="fast_operator",
    title="Make it fast",
    goal="Beat a correct but quadratic operator by a measured factor, and stay correct.",
    minutes=30,
    paper=("Prop. 3.2", "Algorithm 3"),
    questions=(QUESTION,),
    parts=(
        values(
            "equal to the reference", QUESTION, ({"L": 1}, {"L": 2}, {"L": 3}, {"L": 50, "D": 3}), points=2
        ),
        Part("a second call", 1, _judge_again, ({"L": 3}, {"L": 20, "D": 2})),
        precision(QUESTION, ({"L": 3}, {"L": 9, "D": 2})),
        untouched(QUESTION, ({"L": 3},)),
        faster(5, 2, _LONG),
        faster(20, 3, _LONG),
    ),
    hints=(
        "Where does the time go? Count the operations of the reference for L = 2,048 and D = 16, and the "
        "numbers in one of its matrices.",
        "Exercise 3 convolves in O(L log L), and all channels at once.",
        "y = scipy.fft.irfft(scipy.fft.rfft(x1 * v, n) * scipy.fft.rfft(h, n), n)[..., :L] * x2, with n = "
        "scipy.fft.next_fast_len(2 * L - 1, real=True). SciPy's transforms keep float32, NumPy's do not.",
    ),
    forbidden=(
        "hyena_np.fftconv",
        "hyena_np.causal_conv",
        "hyena_np.overlap_add",
        "hyena_np.overlap_save",
        "hyena_np.monarch_conv",
        "hyena_np.two_stage_conv",
        "hyena_np.hyena_recurrence",
        "hyena_np.hyena",
        "hyena_np.hyena_reference",
        "numpy.convolve",
        "numpy.correlate",
        "scipy.signal",
    ),
    needs=("fftconv", "recurrence"),
    slow=True,
)
