"""Is an answer right, and if not, which mistake does it look like?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hyena_np.exercises.exercise import Failure, Question, Value

_KINDS = {tuple: "a list or tuple", dict: "a dictionary", str: "a text", type(None): "None"}
# Relative to the largest expected number. A correct FFT convolution stays a hundred times below both.
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def compare(question: Question, arguments: tuple[Value, ...], got: Value) -> None:
    """Compare what a function returned with the right answer for the same arguments.

    Raises
    ------
    Failure
        They differ; it names the result that does, and the likely mistake.
    """
    expected = question.reference(*arguments)
    inputs = dict(zip(question.arguments, arguments, strict=True))
    rights, answers = parts_of(question, expected), parts_of(question, got)
    if len(rights) != len(answers):
        likely = "the results are returned one by one, as a tuple, in the order of the signature"
        says = (
            f"returned {_count(len(answers))}, expected {_count(len(rights))}: {', '.join(question.outputs)}"
        )
        raise Failure(says, inputs=inputs, expected=expected, got=got, likely=likely)
    for name, right, answer in zip(question.outputs, rights, answers, strict=True):
        if says := difference(right, answer):
            likely = _likely(question, arguments, got, name, right, answer)
            raise Failure(f"{name}: {says}", inputs=inputs, expected=right, got=answer, likely=likely)


def recognised(question: Question, answers: list[tuple[tuple[Value, ...], Value]]) -> str:
    """The mistake that gives each of these (arguments, result), where one is known; else nothing."""
    for mistake in question.mistakes:
        if all(_alike(mistake.answer(*arguments), got) for arguments, got in answers):
            return mistake.says
    return ""


def parts_of(question: Question, value: Value) -> tuple[Value, ...]:
    """The results of a function, one by one."""
    if len(question.outputs) > 1 and isinstance(value, tuple):
        return value
    return (value,)


def difference(expected: Value, got: Value) -> str:
    """What differs, in words; empty where nothing does."""
    if isinstance(expected, dict):
        if not isinstance(got, dict) or expected.keys() != got.keys():
            return f"expected a dictionary with the keys {', '.join(expected)}"
        found = ((key, difference(expected[key], got[key])) for key in expected)
        return next((f"[{key!r}] {says}" for key, says in found if says), "")
    if isinstance(expected, tuple):
        if not isinstance(got, tuple) or len(expected) != len(got):
            return f"expected {len(expected)} items in a tuple or list"
        found = ((n, difference(*pair)) for n, pair in enumerate(zip(expected, got, strict=True)))
        return next((f"item {n}: {says}" for n, says in found if says), "")
    if expected is None or isinstance(expected, bool | str):
        return (
            "" if type(got) is type(expected) and got == expected else f"expected {expected!r}, came {got!r}"
        )
    if not isinstance(got, np.ndarray | bool | int | float | complex):
        return f"expected an array or a number, came {_KINDS.get(type(got), type(got).__name__)}"
    return _array_difference(np.asarray(expected), np.asarray(got))


def _array_difference(expected: np.ndarray, got: np.ndarray) -> str:
    if got.shape != expected.shape:
        return f"has shape {got.shape}, expected {expected.shape}"
    if got.dtype.kind == "c" and expected.dtype.kind != "c":
        return f"is complex ({got.dtype}), expected real numbers"
    if not close(expected, got):
        return "has wrong values" if np.all(np.isfinite(got)) else "holds values that are not finite"
    return ""


def close(expected: Value, got: Value) -> bool:
    """Equal up to rounding of the expected dtype; the dtype itself is another question."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return False
    if expected.size == 0:
        return True
    single = "float32" in (str(expected.dtype), str(got.dtype)) or "complex64" in (
        str(expected.dtype),
        str(got.dtype),
    )
    scale = max(float(np.max(np.abs(expected))), 1e-300)
    error = np.max(np.abs(np.subtract(got, expected, dtype=np.result_type(got, expected, np.float64))))
    return bool(np.isfinite(error) and error <= TOLERANCE["float32" if single else "float64"] * scale)


def _likely(
    question: Question, arguments: tuple[Value, ...], whole: Value, name: str, expected: Value, got: Value
) -> str:
    if known := recognised(question, [(arguments, whole)]):
        return known
    for mistake in question.mistakes:
        # The answer of a mistake has the same results, in the same order.
        wrong = parts_of(question, mistake.answer(*arguments))
        index = question.outputs.index(name)
        if index < len(wrong) and _alike(wrong[index], got) and not _alike(wrong[index], expected):
            return mistake.says
    if isinstance(expected, np.ndarray | float | int) and isinstance(got, np.ndarray | float | int | complex):
        return next(_general(np.asarray(expected), np.asarray(got), question.axis), "")
    return ""


def _alike(one: Value, other: Value) -> bool:
    return not difference(one, other)


def _general(expected: np.ndarray, got: np.ndarray, axis: int | None) -> Iterator[str]:
    """Mistakes that are known in every exercise, the surest first."""
    if got.ndim == expected.ndim >= 2 and close(expected, np.swapaxes(got, -1, -2)):
        yield "transposed: the last two axes are exchanged"
    if got.dtype.kind == "c" and expected.dtype.kind != "c" and close(expected, got.real):
        yield "the result is complex; real signals have a real result (irfft, or the real part)"
    if got.shape != expected.shape:
        if expected.ndim and got.ndim == expected.ndim:
            cut = got[tuple(slice(n) for n in expected.shape)]
            if close(expected, cut):
                yield "the tail of the padding was not cut off"
        if got.size == expected.size:
            yield "the axes are in another order, or transposed"
        return
    if expected.ndim and axis is not None:
        yield from _along_time(np.moveaxis(expected, axis, -1), np.moveaxis(got, axis, -1))
    if (got.dtype.kind == "c") == (expected.dtype.kind == "c"):
        yield from _factor(expected, got)
    if expected.dtype.kind == "c" and close(expected, np.conj(got)):
        yield "the conjugate is forgotten, or one too many"
    if np.any(np.isnan(got)):
        yield "something was divided by zero, or a logarithm of zero taken"


def _along_time(expected: np.ndarray, got: np.ndarray) -> Iterator[str]:
    L = expected.shape[-1]
    if L > 1 and np.any(expected[..., :-1]) and close(expected[..., :-1], got[..., 1:]):
        yield "shifted by one: everything comes one step late"
    if L > 1 and np.any(expected[..., 1:]) and close(expected[..., 1:], got[..., :-1]):
        yield "shifted by one: everything comes one step early"
    if L > 1 and close(expected[..., ::-1], got):
        yield "reversed in time"


def _factor(expected: np.ndarray, got: np.ndarray) -> Iterator[str]:
    energy = float(np.sum(np.abs(got) ** 2))
    if energy == 0.0:
        yield "every value is zero: was the result ever filled in?"
        return
    if not np.isfinite(energy):
        return
    factor = float(np.real(np.vdot(got, expected))) / energy
    if factor == 0.0 or not close(expected, factor * got):
        return
    if np.isclose(factor, -1.0, rtol=1e-4):
        yield "the sign is wrong"
    elif np.isclose(factor, 2.0, rtol=1e-4):
        yield "a missing factor of 2"
    elif np.isclose(factor, 0.5, rtol=1e-4):
        yield "a factor of 2 too many"
    else:
        yield f"a missing factor: multiplied by {factor:.6g} it would be right"


def _count(n: int) -> str:
    return "one result" if n == 1 else f"{n} results"
