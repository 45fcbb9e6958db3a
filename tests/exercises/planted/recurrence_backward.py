"""Wrong answers to exercise 10."""

import numpy as np

from exercises.planted import Wrong
from exercises.planted.conv_backward import no_conjugate, right as conv_backward
from exercises.planted.recurrence import conv


def forward(v, x, h):
    read, given = [], []
    for gate, taps in zip(x, h, strict=True):
        read.append(v)
        given.append(conv(v, taps))
        v = gate * given[-1]
    return read, given


def right(dy, v, x, h, back=conv_backward, gated=True, order=reversed):
    read, given = forward(v, x, h)
    dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
    for n in order(range(len(x))):
        dx[n] = dz * given[n]
        dz, dh[n] = back(dz * x[n] if gated else dz, read[n], h[n])
    return dz, dx, dh


def convolves(*a):
    return right(*a, back=no_conjugate)


def without_gate(*a):
    return right(*a, gated=False)


def from_the_first(*a):
    return right(*a, order=lambda n: n)


def of_gate_first(dy, v, x, h):
    read = []
    for gate, taps in zip(x, h, strict=True):
        read.append(v)
        v = conv(gate * v, taps)
    dx, dh, dz = np.zeros_like(x), np.zeros_like(h), dy
    for n in reversed(range(len(x))):
        dg, dh[n] = conv_backward(dz, x[n] * read[n], h[n])
        dx[n], dz = dg * read[n], dg * x[n]
    return dz, dx, dh


def with_v(dy, v, x, h):
    return right(
        dy,
        v,
        x,
        h,
        back=lambda dc, read, taps: (conv_backward(dc, read, taps)[0], conv_backward(dc, v, taps)[1]),
    )


def gate_of_what_was_read(dy, v, x, h):
    read, _ = forward(v, x, h)
    dv, dx, dh = right(dy, v, x, h)
    dz = dy
    for n in reversed(range(len(x))):
        dx[n] = dz * read[n]
        dz, _ = conv_backward(dz * x[n], read[n], h[n])
    return dv, dx, dh


def gate_after_the_adjoint(*a):
    turn = iter(a[2][::-1])

    def back(dz, read, taps):
        du, dh = conv_backward(dz, read, taps)
        return next(turn) * du, dh

    return right(*a, back=back, gated=False)


def stacked_backwards(*a):
    dv, dx, dh = right(*a)
    return dv, dx[::-1], dh[::-1]


def double(*a):
    return tuple(d.astype("float64") for d in right(*a))


def in_place(dy, v, x, h):
    read, given = forward(v, x, h)
    dx, dh = np.zeros_like(x), np.zeros_like(h)
    for n in reversed(range(len(x))):
        dx[n] = dy * given[n]
        dy *= x[n]
        du, dh[n] = conv_backward(dy, read[n], h[n])
        dy[...] = du
    return dy.copy(), dx, dh


def code(dy, v, x, h, back=conv_backward, gated_end=True, ungated=False, early=False):
    """Right where no option is changed: gate, convolve, and the gate x[0] at the end."""
    gates, read, z = x[:0:-1], [], v
    for gate, taps in zip(gates, h, strict=True):
        read.append(z)
        z = conv(gate * z, taps)
    dx, dh = np.zeros_like(x), np.zeros_like(h)
    dx[0], dz = dy * z, dy * x[0] if gated_end else dy
    for n in reversed(range(len(gates))):
        du, dh[n] = back(dz, read[n] if ungated else gates[n] * read[n], h[n])
        dx[-1 - n], dz = (dz if early else du) * read[n], du * gates[n]
    return dz, dx, dh


def code_convolves(*a):
    return code(*a, back=no_conjugate)


def code_without_the_end(*a):
    return code(*a, gated_end=False)


def code_reads_ungated(*a):
    return code(*a, ungated=True)


def code_gate_before_the_adjoint(*a):
    return code(*a, early=True)


def code_gates_backwards(*a):
    dv, dx, dh = code(*a)
    return dv, dx[::-1], dh


def code_as_the_paper(dy, v, x, h):
    y, dgates = v, x[:0:-1]
    for gate, taps in zip(dgates, h, strict=True):
        y = gate * conv(y, taps)
    dv, dx, dh = right(dy * x[0], v, dgates, h)
    return dv, np.stack([dy * y, *dx[::-1]]), dh


def of_the_code(function, says):
    others = {"recurrence_backward": right}
    return Wrong(function, says, points=7, name="recurrence_code_backward", others=others)


CODE = {"recurrence_code_backward": code}
WRONG = (
    of_the_code(code_convolves, "conjugate is forgotten"),
    of_the_code(code_without_the_end, "the gate at the end is forgotten"),
    of_the_code(code_reads_ungated, "which is gated"),
    of_the_code(code_gate_before_the_adjoint, "the adjoint comes before the gate"),
    of_the_code(code_gates_backwards, "in reversed order"),
    of_the_code(code_as_the_paper, "the backward of another function"),
    Wrong(convolves, "conjugate is forgotten", points=4, others=CODE),
    Wrong(without_gate, "the gate is missing", points=4, others=CODE),
    Wrong(from_the_first, "from the last to the first", points=6, others=CODE),
    Wrong(of_gate_first, "the backward of another function", points=3, others=CODE),
    Wrong(gate_after_the_adjoint, "the gate comes first", points=4, others=CODE),
    Wrong(stacked_backwards, "in reversed order", points=6, others=CODE),
    Wrong(with_v, "correlated with v in every step", points=6, others=CODE),
    Wrong(gate_of_what_was_read, "what the gate multiplied", points=5, others=CODE),
    Wrong(double, "wrong dtype", points=11, others=CODE),
    Wrong(in_place, "argument overwritten", points=11, others=CODE),
)
