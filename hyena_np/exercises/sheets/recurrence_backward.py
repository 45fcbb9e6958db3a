"""Exercise 10: the gradient of the recurrence."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question
from hyena_np.exercises.kinds import precision, untouched, values
from hyena_np.exercises.sheets.convolution import conv, correlate
from hyena_np.exercises.sheets.operator import backward_inputs, paper_backward


def _steps(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple[list, list]:
    """What each convolution read, and what it gave."""
    read, given = [], []
    for gate, taps in zip(x, h, strict=True):
        read.append(v)
        given.append(conv(v, taps))
        v = gate * given[-1]
    return read, given


def _with(gate=lambda dz, x: dz * x, back=correlate, of_filter=correlate, of_gate=lambda dz, c: dz * c):
    """A backward with one of its four lines wrong."""

    def answer(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
        read, given = _steps(v, x, h)
        dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
        for n in reversed(range(len(x))):
            dx[n] = of_gate(dz, given[n])
            dc = gate(dz, x[n])
            dh[n] = of_filter(dc, read[n])
            dz = back(dc, h[n])
        return dz, dx, dh

    return answer


def _forward_order(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    read, given = _steps(v, x, h)
    dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
    for n in range(len(x)):
        dx[n], dc = dz * given[n], dz * x[n]
        dh[n], dz = correlate(dc, read[n]), correlate(dc, h[n])
    return dz, dx, dh


def _of_gate_first(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    """The gradient of the other order: gate, then convolve."""
    read = []
    for gate, taps in zip(x, h, strict=True):
        read.append(v)
        v = conv(gate * v, taps)
    dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
    for n in reversed(range(len(x))):
        dh[n] = correlate(dz, x[n] * read[n])
        dg = correlate(dz, h[n])
        dx[n], dz = dg * read[n], dg * x[n]
    return dz, dx, dh


BACKWARD = Question(
    name="recurrence_backward",
    arguments=("dy", "v", "x", "h"),
    inputs=backward_inputs,
    reference=paper_backward,
    outputs=("dv", "dx", "dh"),
    mistakes=(
        Mistake(
            "the conjugate is forgotten: it convolves where it must correlate",
            _with(back=conv, of_filter=conv),
        ),
        Mistake(
            "the gate is missing on the way back: dz must be multiplied by x", _with(gate=lambda dz, x: dz)
        ),
        Mistake("the steps must be undone from the last to the first", _forward_order),
        Mistake("the backward of another function: of gate, then convolve", _of_gate_first),
        Mistake(
            "dx needs what the gate multiplied, the convolution's result, not what came before it",
            lambda dy, v, x, h: _before(dy, v, x, h),
        ),
        Mistake(
            "dh is correlated with v in every step; it needs what that step read", lambda *a: _with_v(*a)
        ),
    ),
)


def _before(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    read, _ = _steps(v, x, h)
    dv, dx, dh = paper_backward(dy, v, x, h)
    dz = dy
    wrong = np.zeros_like(dx)
    for n in reversed(range(len(x))):
        wrong[n] = dz * read[n]
        dz = correlate(dz * x[n], h[n])
    return dv, wrong, dh


def _with_v(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    return _with(of_filter=lambda dc, read: correlate(dc, v))(dy, v, x, h)


RECURRENCE_BACKWARD = Exercise(
    number=10,
    name="recurrence_backward",
    title="The backward of the recurrence",
    goal="Undo the recurrence step by step, and keep on the way what its gradient needs.",
    minutes=35,
    paper=("Def. 3.1", "Algorithm 3"),
    questions=(BACKWARD,),
    parts=(
        values("order 1", BACKWARD, ({"N": 1, "L": 1}, {"N": 1, "L": 2}, {"N": 1, "L": 3}), points=3),
        values("order 2", BACKWARD, ({"N": 2, "L": 2}, {"N": 2, "L": 3, "D": 2}), points=2),
        values(
            "every order and length",
            BACKWARD,
            ({"N": 3, "L": 7, "D": 2}, {"N": 4, "L": 18, "D": 3}),
            points=2,
        ),
        precision(BACKWARD, ({"N": 2, "L": 10, "D": 2},)),
        untouched(BACKWARD, ({"N": 2, "L": 3},)),
    ),
    hints=(
        "First run the forward and keep two lists: what every convolution read, and what it gave.",
        "Then n from N - 1 down to 0, with dz = dy at first. z' = x[n] * c gives dx[n] = dz * c and dc = dz"
        " * x[n]; c = h[n] convolved with z gives dh[n] and the dz of the step before, as in exercise 4.",
        "for n in reversed(range(N)): dx[n] = dz * given[n]; dc = dz * x[n]; dz, dh[n] = conv_backward(dc, "
        "read[n], h[n]). At the end, dv is dz.",
    ),
    forbidden=(
        "hyena_np.hyena_recurrence_backward",
        "hyena_np.hyena_backward",
        "hyena_np.hyena_reference_backward",
    ),
    needs=("conv_backward", "recurrence"),
)
