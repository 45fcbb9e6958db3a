"""What a check says: a line a part, and of the first part that fails what was expected and what came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import indent

import numpy as np

from hyena_np.exercises.exercise import Exercise, Failure, Result, Value


def report(exercise: Exercise, results: Iterable[Result]) -> str:
    """The whole text of a check.

    Parameters
    ----------
    exercise : Exercise
    results : iterable of Result

    Returns
    -------
    str
        Several lines.
    """
    results = list(results)
    total = sum(result.points for result in results)
    lines = [f"Exercise {exercise.number}, {exercise.name}: {total} of {exercise.points} points"]
    said = None
    for result in results:
        mark = "ok  " if result.passed else "FAIL" if result.written else "todo"
        lines.append(f"  {mark}  {result.points}/{result.part.points}  {result.part.name}")
        if result.failure and said is None:  # one thing at a time: later parts often fail for the same reason
            lines.append(indent(explain(result.failure), " " * 8))
        elif result.failure and result.failure.likely not in ("", said):
            lines.append(f"        likely    {result.failure.likely}")
        said = result.failure.likely if result.failure else said
    if total < exercise.points:
        lines.append(f'A hint: hint("{exercise.name}")')
    return "\n".join(lines)


def explain(failure: Failure) -> str:
    """One failure in full."""
    rows = [("wrong", failure.says)]
    rows += [("input", f"{name} = {shown(value)}") for name, value in failure.inputs.items()]
    if failure.expected is not None:
        rows += [("expected", shown(failure.expected)), ("yours", shown(failure.got))]
    if failure.likely:
        rows.append(("likely", failure.likely))
    return "\n".join(f"{label:<9} {text.replace(chr(10), chr(10) + ' ' * 10)}" for label, text in rows)


def shown(value: Value) -> str:
    """A value as short text; of a large array, its shape, dtype and corners."""
    if isinstance(value, np.ndarray):
        text = np.array2string(
            value,
            precision=4,
            suppress_small=_readable(value),
            threshold=40,
            edgeitems=2,
            separator=", ",
            max_line_width=88,
        )
        small = value.size <= 40 and value.dtype == "float64"
        return text if small else f"{text}  {value.shape} {value.dtype}"
    if isinstance(value, tuple):
        return "(" + ", ".join(shown(item) for item in value) + ")"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return repr(value)


def _readable(array: np.ndarray) -> bool:
    """Large enough that what is much smaller may be written as 0."""
    return bool(np.max(np.abs(array), initial=0.0) > 1e-3)
