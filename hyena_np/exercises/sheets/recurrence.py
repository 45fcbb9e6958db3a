"""Exercise 9: the order-N recurrence, as the paper and as the official code have it."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Exercise, Mistake, Question
from hyena_np.exercises.kinds import causal, of_every, precision, untouched, values
from hyena_np.exercises.sheets.convolution import circular_conv, conv
from hyena_np.exercises.sheets.operator import code, code_inputs, inputs, paper


def _gate_first(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    for gate, taps in zip(x, h, strict=True):
        v = conv(gate * v, taps)
    return v


def _on_a_circle(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    for gate, taps in zip(x, h, strict=True):
        v = gate * circular_conv(v, taps)
    return v


def _code_on_a_circle(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    for gate, taps in zip(x[:0:-1], h, strict=True):
        v = circular_conv(gate * v, taps)
    return x[0] * v


def _same_filter(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    return paper(v, x, np.stack([h[0]] * len(h)))


def _from_the_value(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Every step begins anew with v."""
    return paper(v, x[-1:], h[-1:])


PAPER = Question(
    name="recurrence_paper",
    arguments=("v", "x", "h"),
    inputs=inputs,
    reference=paper,
    mistakes=(
        Mistake(
            "gate and convolution in the wrong order: the paper convolves first, then gates", _gate_first
        ),
        Mistake("the gates are taken in reversed order", lambda v, x, h: paper(v, x[::-1], h)),
        Mistake("the filters are taken in reversed order", lambda v, x, h: paper(v, x, h[::-1])),
        Mistake("every step uses the first filter", _same_filter),
        Mistake("every step begins with v again, instead of with the step before", _from_the_value),
        Mistake("wrapped around: the convolution is circular", _on_a_circle),
        Mistake("the last step is missing", lambda v, x, h: paper(v, x[:-1], h[:-1]) if len(x) > 1 else v),
    ),
)
CODE = Question(
    name="recurrence_code",
    arguments=("v", "x", "h"),
    inputs=code_inputs,
    reference=code,
    mistakes=(
        Mistake(
            "the gates are taken from the front: the code begins with the last, and x[0] is the end's",
            lambda v, x, h: code(v, x[::-1], h),
        ),
        Mistake("the last gate is missing", lambda v, x, h: code(v, np.stack([np.ones_like(v), *x[1:]]), h)),
        Mistake("this is the paper's order, convolve then gate", lambda v, x, h: x[-1] * paper(v, x[:-1], h)),
        Mistake("the filters are taken in reversed order", lambda v, x, h: code(v, x, h[::-1])),
        Mistake("wrapped around: the convolution is circular", _code_on_a_circle),
    ),
)


_SMALL = ({"N": 1, "L": 1}, {"N": 1, "L": 2}, {"N": 2, "L": 2}, {"N": 2, "L": 3})
_LARGE = ({"N": 3, "L": 9, "D": 2}, {"N": 4, "L": 21, "D": 3})
_CODE_SMALL = ({"N": 2, "L": 1}, {"N": 2, "L": 2}, {"N": 2, "L": 3})

RECURRENCE = Exercise(
    number=9,
    name="recurrence",
    title="The order-N recurrence, both variants",
    goal="Write the heart of Hyena twice: as the paper defines it, and as the official code computes it.",
    minutes=30,
    paper=("Def. 3.1", "Eq. (4)", "Algorithm 3", "Remark 3.2"),
    questions=(PAPER, CODE),
    parts=(
        values("order 1 and 2, as in the paper", PAPER, _SMALL, points=2),
        values("higher orders, as in the paper", PAPER, _LARGE),
        causal(PAPER, ({"N": 2, "L": 4}, {"N": 3, "L": 11, "D": 2}), argument="v"),
        values("order 2, as in the code", CODE, _CODE_SMALL, points=2),
        values("higher orders, as in the code", CODE, _LARGE),
        of_every(precision, (PAPER, CODE), {"N": 2, "L": 3}),
        of_every(untouched, (PAPER, CODE), {"N": 3, "L": 3}),
    ),
    hints=(
        "Keep one array z and replace it step by step; it begins as v.",
        "Paper: z = x[n] * conv(z, h[n]) for n = 0, ..., N - 1. Code: z = conv(x[i] * z, h[o]) with i "
        "counting down from N - 1 while o counts up from 0, and at the end x[0] * z.",
        "Code: for o in range(N - 1): z = conv(x[N - 1 - o] * z, h[o]); return x[0] * z. Never write z *= "
        "..., which would change v.",
    ),
    forbidden=(
        "hyena_np.hyena_recurrence",
        "hyena_np.hyena",
        "hyena_np.hyena_reference",
        "hyena_np.gss",
        "hyena_np.h3",
        "hyena_np.hyena_matrix",
        "hyena_np.hyena_factors",
        "hyena_np.h3_attention_matrix",
    ),
    needs=("fftconv",),
)
