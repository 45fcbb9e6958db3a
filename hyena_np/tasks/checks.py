"""Is an argument of a task allowed? One error, in one form, for every task."""

from __future__ import annotations

import operator

import numpy as np

from hyena_np.errors import ConfigError, DTypeError


def integer(name: str, value: int, minimum: int) -> int:
    """Return `value` as a plain int, so that a task can be written as JSON; NumPy integers are welcome."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < minimum:
        raise ConfigError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    return number


def set_integers(task: object, **minima: int) -> None:
    """Check integer fields of a frozen task, each against its minimum, and store them as plain ints."""
    for name, minimum in minima.items():
        object.__setattr__(task, name, integer(name, getattr(task, name), minimum))


def boolean(name: str, value: bool) -> None:
    """Raise ConfigError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be True or False, got {value!r}")


def generator(rng: np.random.Generator) -> np.random.Generator:
    """Return `rng`, or raise DTypeError if it is none of NumPy's generators."""
    if not isinstance(rng, np.random.Generator):
        raise DTypeError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(0), got {rng!r}")
    return rng


def integer_array(name: str, array: np.ndarray) -> None:
    """Raise DTypeError unless `array` is a NumPy array of integers, of any shape."""
    if not isinstance(array, np.ndarray):
        raise DTypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{name} must hold integers, got {array.dtype}")
