"""What the figures ask of their arguments: real, finite arrays of the right shape, of any library."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from typing import Any

import numpy as np

from hyena_np.backend import to_numpy
from hyena_np.errors import DTypeError, NonFiniteError, ShapeError
from hyena_np.plots.style import LINES


def real_array(name: str, array: Any, axes: str, finite: bool = True) -> np.ndarray:
    """Copy an array of any library, or a nested list of numbers, to float64 on the host.

    Parameters
    ----------
    name : str
        The argument's name, for the error message.
    array : array or nested sequence
        Real numbers or integers.
    axes : str
        Letters of the axes that it must have, "C L" for (C, L); none may be empty.
    finite : bool
        Whether NaN and infinity are refused.

    Raises
    ------
    ShapeError, DTypeError, NonFiniteError
        Naming the argument, what was given and what is allowed.
    """
    try:
        host = np.asarray(array) if isinstance(array, Sequence | range) else to_numpy(array)
    except ValueError as error:
        raise ShapeError(f"{name}: got rows of unequal length, allowed is shape {_shape(axes)}") from error
    if host.dtype.kind not in "fiub":
        raise DTypeError(
            f"{name}: got dtype {host.dtype}, allowed are real numbers (plot .real, .imag or abs of complex)"
        )
    if host.ndim != len(axes.split()) or 0 in host.shape:
        raise ShapeError(f"{name}: got shape {host.shape}, allowed is {_shape(axes)}, no axis empty")
    if finite and not np.all(np.isfinite(host)):
        count = int(np.sum(~np.isfinite(host)))
        raise NonFiniteError(
            f"{name}: got {count} of {host.size} entries that are NaN or infinite, allowed are finite numbers"
        )
    return np.array(host, dtype=np.float64)


def square_matrix(name: str, matrix: Any) -> np.ndarray:
    """The same for one (L, L) matrix."""
    host = real_array(name, matrix, "L L")
    if host.shape[0] != host.shape[1]:
        raise ShapeError(f"{name}: got shape {host.shape}, allowed is a square matrix (L, L)")
    return host


def complex_square_matrix(name: str, matrix: Any) -> np.ndarray:
    """The same for one (L, L) matrix of real or complex numbers, to complex128."""
    host = np.asarray(matrix) if isinstance(matrix, Sequence) else to_numpy(matrix)
    if host.dtype.kind != "c":
        return square_matrix(name, host) + 0j
    return square_matrix(name, host.real) + 1j * square_matrix(name, host.imag)


def same_squares(
    matrices: Sequence[Any],
    titles: Sequence[str],
    square: Callable[[str, Any], np.ndarray] = square_matrix,
) -> list[np.ndarray]:
    """One or more square matrices of one size, with a title each."""
    if not matrices:
        raise ShapeError("matrices: got none, allowed is one or more")
    same_count("titles", titles, "the matrices", len(matrices))
    squares = [square(f"matrix {place}", M) for place, M in enumerate(matrices)]
    for place, M in enumerate(squares):
        if M.shape != squares[0].shape:
            raise ShapeError(
                f"matrix {place}: got shape {M.shape}, allowed is {squares[0].shape}, the shape of matrix 0"
            )
    return squares


def same_shape(name: str, array: Any, other_name: str, other: np.ndarray) -> np.ndarray:
    """`real_array` of the shape of `other`, which is (C, L)."""
    host = real_array(name, array, "C L")
    if host.shape != other.shape:
        raise ShapeError(
            f"{name}: got shape {host.shape}, allowed is {other.shape}, the shape of {other_name}"
        )
    return host


def same_count(name: str, items: Sized, other: str, count: int) -> None:
    """Raise ShapeError unless `items` has `count` entries, as many as `other`."""
    if len(items) != count:
        raise ShapeError(f"{name}: got {len(items)} entries, allowed are {count}, one for each of {other}")


def index_in(name: str, index: int, size: int) -> int:
    """A position 0..size-1 as a plain integer; negative ones count from the end."""
    if not -size <= index < size:
        raise ShapeError(f"{name}: got {index}, allowed are positions 0 to {size - 1}")
    return int(index) % size


def positive(name: str, values: np.ndarray) -> np.ndarray:
    """Return `values`, which a logarithmic axis can show only if all are positive."""
    if np.any(values <= 0):
        raise ShapeError(
            f"{name}: got {np.min(values):g}, allowed are positive numbers (the axis is logarithmic)"
        )
    return values


def line_colours(series: Sized) -> tuple[str, ...]:
    """One colour for each series; more than there are colours cannot be told apart in one figure."""
    if not 1 <= len(series) <= len(LINES):
        raise ShapeError(f"series: got {len(series)}, allowed are 1 to {len(LINES)} in one figure")
    return LINES[: len(series)]


def _shape(axes: str) -> str:
    letters = axes.split()
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
