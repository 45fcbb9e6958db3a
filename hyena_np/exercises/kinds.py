"""The kinds of parts that exercises are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hyena_np.exercises.compare import close, compare, parts_of, recognised
from hyena_np.exercises.exercise import Answer, Ask, Failure, Part, Question, Sizes, Value

LINES = 8  # more may run on the larger input: an "if" that goes the other way, say
POWERS_ONLY = "right on powers of two only: other lengths need another padding"


def values(
    name: str,
    question: Question,
    sizes: tuple[Sizes, ...],
    points: int = 1,
    dtype: str = "float64",
) -> Part:
    """The function equals the reference, on the smallest sizes first."""

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        answers: list[tuple[tuple[Value, ...], Value]] = []
        failures: list[Failure | None] = []
        for size in sizes:
            arguments = question.inputs(rng, size, dtype)
            try:
                answers.append((arguments, asked(question, ask, arguments).value))
                compare(question, *answers[-1])
                failures.append(None)
            except Failure as failure:
                failures.append(failure)
        first = next(filter(None, failures), None)
        if first is None:
            return
        # One input can look like several mistakes; all of them together seldom do.
        known = recognised(question, answers) if len(answers) == len(sizes) else ""
        if not known and _on_powers_only(sizes, failures):
            known = "; ".join(filter(None, [first.likely, POWERS_ONLY]))
        first.likely = known or first.likely
        raise first

    return Part(name, points, judge, sizes)


def precision(
    question: Question, sizes: tuple[Sizes, ...], points: int = 1, name: str = "float32 and float64"
) -> Part:
    """Single precision stays single, double stays double, and both are right."""

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for size in sizes:
            for dtype in ("float32", "float64"):
                arguments = question.inputs(rng, size, dtype)
                got = asked(question, ask, arguments).value
                compare(question, arguments, got)
                check_dtype(question, arguments, got, dtype)

    return Part(name, points, judge, sizes)


def untouched(
    question: Question, sizes: tuple[Sizes, ...], points: int = 1, name: str = "arguments untouched"
) -> Part:
    """The function is right, and its arguments are what they were before the call."""

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for size in sizes:
            arguments = question.inputs(rng, size, "float64")
            answer = asked(question, ask, arguments)
            if answer.overwritten:
                names = ", ".join(question.arguments[n] for n in answer.overwritten)
                inputs = dict(zip(question.arguments, arguments, strict=True))
                raise Failure(
                    f"{names} is not what it was before the call",
                    inputs=inputs,
                    likely=f"argument overwritten: work on a copy, or without writing into {names}",
                )
            compare(question, arguments, answer.value)

    return Part(name, points, judge, sizes)


def of_every(
    kind: Callable[[Question, tuple[Sizes, ...]], Part], questions: tuple[Question, ...], *sizes: Sizes
) -> Part:
    """One part that all of these functions must pass."""
    parts = [kind(question, sizes) for question in questions]

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for part in parts:
            part.judge(ask, sizes, rng)

    return replace(parts[0], judge=judge)


def causal(
    question: Question,
    sizes: tuple[Sizes, ...],
    argument: str = "u",
    points: int = 1,
    name: str = "causal",
    axis: int = -1,
) -> Part:
    """The past of the result does not change with the future of an argument, and the result is right."""
    index = question.arguments.index(argument)

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        for size in sizes:
            arguments = question.inputs(rng, size, "float64")
            changed = arguments[index].copy()
            t = changed.shape[axis] // 2
            np.moveaxis(changed, axis, 0)[t:] += 1.0
            others = (*arguments[:index], changed, *arguments[index + 1 :])
            whole, after = (asked(question, ask, given).value for given in (arguments, others))
            past, now = (_until(t, question, value) for value in (whole, after))
            if not close(past, now):
                raise Failure(
                    f"{argument} was changed from position {t} on, and the result changed before it",
                    inputs=dict(zip(question.arguments, arguments, strict=True)),
                    expected=past,
                    got=now,
                    likely="not causal: the future leaks into the past",
                )
            compare(question, arguments, whole)

    return Part(name, points, judge, sizes)


def _until(t: int, question: Question, value: Value) -> np.ndarray:
    """The first t positions of the first result."""
    first = parts_of(question, value)[0]
    if not isinstance(first, np.ndarray | bool | int | float | complex):
        raise Failure(f"expected an array or a number, came {type(first).__name__}")
    first = np.asarray(first)
    axis = -1 if question.axis is None else question.axis
    return np.moveaxis(first, axis, 0)[:t] if first.ndim else first


def without_loops(
    question: Question, sizes: tuple[Sizes, ...], points: int = 1, name: str = "without loops"
) -> Part:
    """The function is right, and runs no more lines of Python on the last of the sizes than on the first."""

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        lines: list[int] = []
        # The first one twice: what a library does once, on its first call, is not the student's.
        for size in (sizes[0], *sizes):
            arguments = question.inputs(rng, size, "float64")
            answer = asked(question, ask, arguments, count=True)
            compare(question, arguments, answer.value)
            lines.append(answer.lines)
        if lines[-1] > lines[1] + LINES:
            raise Failure(
                f"{lines[1]} lines of Python ran at {_sizes(sizes[0])}, {lines[-1]} at {_sizes(sizes[-1])}",
                likely="a loop over positions or channels: give NumPy whole arrays instead",
            )

    return Part(name, points, judge, sizes)


def _sizes(size: Sizes) -> str:
    return ", ".join(f"{letter} = {n}" for letter, n in size.items())


def asked(question: Question, ask: Ask, arguments: tuple[Value, ...], count: bool = False) -> Answer:
    """Ask, and give a failure the inputs that it came from."""
    try:
        return ask(question.name, *arguments, count=count)
    except Failure as failure:
        failure.inputs = failure.inputs or dict(zip(question.arguments, arguments, strict=True))
        raise


def check_dtype(question: Question, arguments: tuple[Value, ...], got: Value, dtype: str) -> None:
    """Every real array of the results has this dtype."""
    for name, result in zip(question.outputs, parts_of(question, got), strict=True):
        leaves = result.values() if isinstance(result, dict) else (result,)
        for leaf in leaves:
            if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" and leaf.dtype != dtype:
                raise Failure(
                    f"{name}: has dtype {leaf.dtype}, expected {dtype} like the arguments",
                    inputs=dict(zip(question.arguments, arguments, strict=True)),
                    likely="wrong dtype: a NumPy scalar, or an array made without dtype=, changes it",
                )


def _on_powers_only(sizes: tuple[Sizes, ...], failures: list[Failure | None]) -> bool:
    """Wrong at every length that is no power of two, and right at those that are."""
    powers = [failure for size, failure in zip(sizes, failures, strict=True) if _power(size.get("L", 0))]
    others = [failure for size, failure in zip(sizes, failures, strict=True) if not _power(size.get("L", 0))]
    return len(powers) > 1 and bool(others) and not any(powers) and all(others)


def _power(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


def draw(rng: np.random.Generator, *shape: int, dtype: str = "float64") -> np.ndarray:
    """Numbers to compute with: small integers other than 0 where they can be read, normal ones elsewhere."""
    if int(np.prod(shape)) <= 16:
        return rng.choice(np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]), size=shape).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)
