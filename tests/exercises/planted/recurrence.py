"""Wrong answers to exercise 9."""

import numpy as np

from exercises.planted import Wrong


def conv(z, h, n=None):
    n = n or 2 * z.shape[-1]
    y = np.fft.irfft(np.fft.rfft(z, n=n) * np.fft.rfft(h, n=n), n=n)
    return y[..., : z.shape[-1]].astype(z.dtype)


def right(v, x, h):
    for gate, taps in zip(x, h, strict=True):
        v = gate * conv(v, taps)
    return v


def right_code(v, x, h):
    for gate, taps in zip(x[:0:-1], h, strict=True):
        v = conv(gate * v, taps)
    return x[0] * v


def gate_first(v, x, h):
    for gate, taps in zip(x, h, strict=True):
        v = conv(gate * v, taps)
    return v


def gates_reversed(v, x, h):
    return right(v, x[::-1], h)


def first_filter_only(v, x, h):
    for gate in x:
        v = gate * conv(v, h[0])
    return v


def begins_anew(v, x, h):
    for gate, taps in zip(x, h, strict=True):
        z = gate * conv(v, taps)
    return z


def filters_reversed(v, x, h):
    return right(v, x, h[::-1])


def on_a_circle(v, x, h):
    for gate, taps in zip(x, h, strict=True):
        v = gate * conv(v, taps, n=v.shape[-1])
    return v


def double(v, x, h):
    return right(v.astype("float64"), x, h)


def gates_from_the_front(v, x, h):
    return right_code(v, x[::-1], h)


def last_gate_missing(v, x, h):
    return right_code(v, np.concatenate([np.ones_like(x[:1]), x[1:]]), h)


def papers_order(v, x, h):
    return x[-1] * right(v, x[:-1], h)


def in_place(v, x, h):
    for gate, taps in zip(x[:0:-1], h, strict=True):
        v *= gate
        v[...] = conv(v, taps)
    return x[0] * v


def code_on_a_circle(v, x, h):
    for gate, taps in zip(x[:0:-1], h, strict=True):
        v = conv(gate * v, taps, n=v.shape[-1])
    return x[0] * v


def double_code(v, x, h):
    return right_code(v.astype("float64"), x, h)


def paper_in_place(v, x, h):
    for gate, taps in zip(x, h, strict=True):
        gate *= conv(v, taps)
        v = gate
    return v.copy()


PAPER, CODE = {"recurrence_paper": right}, {"recurrence_code": right_code}
WRONG = (
    Wrong(gate_first, "gate and convolution in the wrong order", points=3, others=CODE),
    Wrong(gates_reversed, "gates are taken in reversed order", points=3, others=CODE),
    Wrong(filters_reversed, "filters are taken in reversed order", points=3, others=CODE),
    Wrong(first_filter_only, "the first filter", points=3, others=CODE),
    Wrong(begins_anew, "begins with v again", points=3, others=CODE),
    Wrong(on_a_circle, "wrapped around", points=3, others=CODE),
    Wrong(double, "wrong dtype", points=8, others=CODE),
    Wrong(paper_in_place, "argument overwritten", points=8, others=CODE),
    Wrong(gates_from_the_front, "from the front", points=4, name="recurrence_code", others=PAPER),
    Wrong(last_gate_missing, "the last gate is missing", points=4, name="recurrence_code", others=PAPER),
    Wrong(papers_order, "the paper's order", points=4, name="recurrence_code", others=PAPER),
    Wrong(code_on_a_circle, "wrapped around", points=4, name="recurrence_code", others=PAPER),
    Wrong(double_code, "wrong dtype", points=8, name="recurrence_code", others=PAPER),
    Wrong(in_place, "argument overwritten", points=8, name="recurrence_code", others=PAPER),
)
