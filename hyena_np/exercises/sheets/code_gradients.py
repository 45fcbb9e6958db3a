"""The second question of exercise 10: the gradient of the official code's recurrence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hyena_np.exercises.exercise import Mistake, Question
from hyena_np.exercises.sheets.convolution import conv, correlate
from hyena_np.exercises.sheets.operator import code_backward, code_backward_inputs, paper, paper_backward


def _with(
    step: Callable[..., tuple], last: Callable = lambda dy, z, gate: (dy * gate, dy * z)
) -> Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], tuple]:
    """A backward of the code's variant made of other steps; ``last`` is that of the gate at the end."""

    def answer(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
        read, z, gates = [], v, x[:0:-1]
        for gate, taps in zip(gates, h, strict=True):
            read.append(z)
            z = conv(gate * z, taps)
        dx, dh = np.zeros_like(x), np.zeros_like(h)
        dz, dx[0] = last(dy, z, x[0])
        for n in reversed(range(len(gates))):
            dz, dx[-1 - n], dh[n] = step(dz, read[n], gates[n], h[n])
        return dz, dx, dh

    return answer


def _right(dz, read, gate, taps):
    du = correlate(dz, taps)
    return du * gate, du * read, correlate(dz, gate * read)


def _convolving(dz, read, gate, taps):
    du = conv(dz, taps)
    return du * gate, du * read, conv(dz, gate * read)


def _gate_skips_the_adjoint(dz, read, gate, taps):
    return correlate(dz, taps) * gate, dz * read, correlate(dz, gate * read)


def _ungated_filter(dz, read, gate, taps):
    du = correlate(dz, taps)
    return du * gate, du * read, correlate(dz, read)


def _gates_backwards(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    dv, dx, dh = code_backward(dy, v, x, h)
    return dv, dx[::-1], dh


def _then_last_gate(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    """The gradient of x[0] times the paper's recurrence with the other gates."""
    dv, dx, dh = paper_backward(dy * x[0], v, x[:0:-1], h)
    return dv, np.concatenate([(dy * paper(v, x[:0:-1], h))[None], dx[::-1]]), dh


CODE_BACKWARD = Question(
    name="recurrence_code_backward",
    arguments=("dy", "v", "x", "h"),
    inputs=code_backward_inputs,
    reference=code_backward,
    outputs=("dv", "dx", "dh"),
    mistakes=(
        Mistake("the conjugate is forgotten: it convolves where it must correlate", _with(_convolving)),
        Mistake(
            "the gate at the end is forgotten on the way back: dz begins as dy * x[0]",
            _with(_right, last=lambda dy, z, gate: (dy, dy * z)),
        ),
        Mistake(
            "dx needs the gradient of the convolution's input: the adjoint comes before the gate",
            _with(_gate_skips_the_adjoint),
        ),
        Mistake("dh needs what the convolution read, which is gated", _with(_ungated_filter)),
        Mistake("dx is in reversed order: that of the code's first step is the last", _gates_backwards),
        Mistake(
            "the backward of another function: of the paper's order, convolve then gate",
            _then_last_gate,
        ),
    ),
)
