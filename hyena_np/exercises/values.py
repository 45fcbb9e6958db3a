"""What a student's function returned, as plain data that nothing can lie about."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyena_np.exercises.exercise import Failure, Value

_KINDS = "biufc"  # of NumPy's dtypes: truth values, integers, real and complex numbers
_DEPTH = 8


def plain(value: Any, depth: int = 0) -> Value:
    """A copy made of NumPy's own arrays and Python's own types; no method of the student's is asked.

    Raises
    ------
    Failure
        Something else is in it, an object of the student's for instance.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, complex, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.array(np.ndarray.__array__(value) if isinstance(value, np.ndarray) else value, copy=True)
        if array.dtype.kind not in _KINDS:
            raise Failure(f"returned an array of dtype {array.dtype}; allowed are arrays of numbers")
        return array
    if depth < _DEPTH and issubclass(kind, tuple | list):
        items = tuple.__iter__(value) if issubclass(kind, tuple) else list.__iter__(value)
        return tuple(plain(item, depth + 1) for item in items)
    if depth < _DEPTH and issubclass(kind, dict):
        return {key: plain(item, depth + 1) for key, item in dict.items(value) if type(key) is str}
    allowed = "arrays, numbers, and tuples and dictionaries of them"
    raise Failure(f"returned an object of type {kind.__name__}; allowed are {allowed}")


def copied(value: Value) -> Value:
    """A copy that shares no memory; what is no array is returned as it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple):
        return tuple(copied(item) for item in value)
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value


def same(one: Value, other: Value) -> bool:
    """Equal to the last bit, in type and shape too."""
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and (one.dtype, one.shape) == (other.dtype, other.shape)
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(one[k], other[k]) for k in one)
        )
    return type(one) is type(other) and one == other
