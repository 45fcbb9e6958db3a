"""Exercise 10: the gradient of the recurrence, as the paper and as the official code have it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hyena_np.exercises.compare import compare, parts_of, recognised
from hyena_np.exercises.exercise import Ask, Exercise, Failure, Mistake, Part, Question, Sizes
from hyena_np.exercises.kinds import asked, of_every, precision, untouched, values
from hyena_np.exercises.sheets.code_gradients import CODE_BACKWARD
from hyena_np.exercises.sheets.convolution import conv, correlate
from hyena_np.exercises.sheets.operator import backward_inputs, paper_backward


def _with(
    step: Callable[..., tuple], order: Callable = reversed
) -> Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], tuple]:
    """A backward made of other steps: ``step(dz, read, given, gate, taps, v)`` gives dz, dx, dh of one."""

    def answer(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
        read, given, z = [], [], v
        for gate, taps in zip(x, h, strict=True):
            read.append(z)
            given.append(conv(z, taps))
            z = gate * given[-1]
        dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
        for n in order(range(len(x))):
            dz, dx[n], dh[n] = step(dz, read[n], given[n], x[n], h[n], v)
        return dz, dx, dh

    return answer


def _right(dz, read, given, gate, taps, v):
    return correlate(dz * gate, taps), dz * given, correlate(dz * gate, read)


def _convolving(dz, read, given, gate, taps, v):
    return conv(dz * gate, taps), dz * given, conv(dz * gate, read)


def _ungated(dz, read, given, gate, taps, v):
    return correlate(dz, taps), dz * given, correlate(dz, read)


def _gated_after(dz, read, given, gate, taps, v):
    return gate * correlate(dz, taps), dz * given, correlate(dz, read)


def _of_what_was_read(dz, read, given, gate, taps, v):
    return correlate(dz * gate, taps), dz * read, correlate(dz * gate, read)


def _with_v(dz, read, given, gate, taps, v):
    return correlate(dz * gate, taps), dz * given, correlate(dz * gate, v)


def _of_gate_first(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    """The gradient of the other order: gate, then convolve."""
    read = []
    for gate, taps in zip(x, h, strict=True):
        read.append(v)
        v = conv(gate * v, taps)
    dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
    for n in reversed(range(len(x))):
        dh[n], dg = correlate(dz, x[n] * read[n]), correlate(dz, h[n])
        dx[n], dz = dg * read[n], dg * x[n]
    return dz, dx, dh


def _stacked_backwards(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    dv, dx, dh = paper_backward(dy, v, x, h)
    return dv, dx[::-1], dh[::-1]


BACKWARD = Question(
    name="recurrence_backward",
    arguments=("dy", "v", "x", "h"),
    inputs=backward_inputs,
    reference=paper_backward,
    outputs=("dv", "dx", "dh"),
    mistakes=(
        Mistake("the conjugate is forgotten: it convolves where it must correlate", _with(_convolving)),
        Mistake("the backward of another function: of gate, then convolve", _of_gate_first),
        Mistake("the gate is missing on the way back: dz must be multiplied by x", _with(_ungated)),
        Mistake("on the way back the gate comes first, then the convolution's adjoint", _with(_gated_after)),
        Mistake("the steps must be undone from the last to the first", _with(_right, order=list)),
        Mistake("dx and dh are in reversed order: the first step's come first", _stacked_backwards),
        Mistake(
            "dx needs what the gate multiplied, the convolution's result, not what came before it",
            _with(_of_what_was_read),
        ),
        Mistake("dh is correlated with v in every step; it needs what that step read", _with(_with_v)),
    ),
)


def _one_gradient(name: str, sizes: tuple[Sizes, ...]) -> Part:
    """One of the three gradients, whatever the others are."""
    index = BACKWARD.outputs.index(name)

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for size in sizes:
            arguments = backward_inputs(rng, size, "float64")
            got = whole = asked(BACKWARD, ask, arguments).value
            if len(parts_of(BACKWARD, whole)) == len(BACKWARD.outputs):
                right = paper_backward(*arguments)
                got = (*right[:index], whole[index], *right[index + 1 :])
            try:
                compare(BACKWARD, arguments, got)
            except Failure as failure:
                # Several mistakes give this one gradient; all three together seldom are of two.
                failure.likely = recognised(BACKWARD, [(arguments, whole)]) or failure.likely
                raise

    return Part(f"order 1: {name}", 1, judge, sizes)


_SMALL = ({"N": 2, "L": 1}, {"N": 2, "L": 2}, {"N": 2, "L": 3})

RECURRENCE_BACKWARD = Exercise(
    number=10,
    name="recurrence_backward",
    title="The backward of the recurrence, both variants",
    goal="Undo the recurrence step by step, and keep on the way what its gradient needs.",
    minutes=40,
    paper=("Def. 3.1", "Eq. (4)", "Algorithm 3"),
    questions=(BACKWARD, CODE_BACKWARD),
    parts=(
        *(_one_gradient(name, tuple({"N": 1, "L": L} for L in (1, 2, 3))) for name in BACKWARD.outputs),
        values("order 2", BACKWARD, _SMALL, points=2),
        values("every order", BACKWARD, ({"N": 3, "L": 7, "D": 2}, {"N": 4, "L": 18, "D": 3}), points=2),
        values("as in the code, order 2", CODE_BACKWARD, _SMALL, points=2),
        values("as in the code, higher orders", CODE_BACKWARD, ({"N": 3, "L": 7, "D": 2}, {"N": 5, "L": 12})),
        of_every(precision, (BACKWARD, CODE_BACKWARD), {"N": 2, "L": 3}),
        of_every(untouched, (BACKWARD, CODE_BACKWARD), {"N": 2, "L": 3}),
    ),
    hints=(
        "First run the forward and keep two lists: what every convolution read, and what it gave.",
        "Then n from N - 1 down to 0, with dz = dy at first. z' = x[n] * c gives dx[n] = dz * c and "
        "dc = dz * x[n]; c = conv(z, h[n]) gives dh[n] and the dz of the step before, as in exercise 4.",
        "for n in reversed(range(N)): dx[n] = dz * given[n]; dc = dz * x[n]; "
        "dz, dh[n] = conv_gradients(dc, read[n], h[n]). At the end, dv is dz. The code: dx[0] = dy * z and "
        "dz = dy * x[0]; then, for o downwards, du, dh[o] = conv_gradients(dz, gate * read[o], h[o]).",
    ),
    forbidden=(
        "hyena_np.hyena_recurrence_backward",
        "hyena_np.hyena_backward",
        "hyena_np.hyena_reference_backward",
        "hyena_np.gss_backward",
        "hyena_np.h3_backward",
    ),
    needs=("conv_backward", "recurrence"),
)
