"""Which form of the causal convolution is the fastest, where: the measurement that the chooser reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from hyena_np.backend import Array, Backend, cores, get_backend, threads, to_numpy
from hyena_np.bench.cases import BOTH, Case
from hyena_np.bench.compare import Results, max_error
from hyena_np.bench.contenders import cupy_clock
from hyena_np.bench.machine import check_machine, describe
from hyena_np.bench.table import write_csv
from hyena_np.bench.timing import host_clock, interleave, spread
from hyena_np.errors import ConfigError, OutputError
from hyena_np.fast.choose import device_name
from hyena_np.fast.conv_forms import DEFAULT, FORMS, too_many_taps
from hyena_np.fast.conv_table import FormRow
from hyena_np.files import make_folder, remove_parts
from hyena_np.ops.blockconv import two_stage_block
from hyena_np.ops.checks import check_integer

LENGTHS = tuple(4**k for k in range(3, 9))  # 64 to 65,536
BATCH, WIDTH = 4, 64
_LARGEST = 1 << 22  # numbers in u; a longer sequence has fewer channels
_LIMIT = 4 << 30  # bytes of one form's call
_TOO_SLOW = 20  # times the best, at the length before: not measured any more
_SLOW = "took"
_SEED = 2302


class Size(NamedTuple):
    """A point of the grid: u is (B, D, L), h is (D, taps)."""

    B: int
    D: int
    L: int
    taps: int


def grid(lengths: Sequence[int] = LENGTHS, B: int = BATCH, D: int = WIDTH) -> tuple[Size, ...]:
    """The points: at each length, filters of every power of four up to it, and one as long as itself.

    Parameters
    ----------
    lengths : sequence of int
    B, D : int
        Batch and width; at great lengths D is reduced to what makes u no larger than 16 MiB.

    Returns
    -------
    tuple of Size
        Short sequences first.

    Raises
    ------
    ConfigError
        A size is no integer >= 1, or there are no lengths.

    Notes
    -----
    Source: no counterpart in the paper. Shapes: u (B, D, L).
    """
    for name, values in (("length", lengths), ("B", (B,)), ("D", (D,))):
        for value in values:
            check_integer(name, value, 1)
    if not lengths:
        raise ConfigError("length: got none, allowed are one or more integers >= 1")
    return tuple(
        Size(B, max(1, min(D, _LARGEST // (B * L))), L, taps)
        for L in sorted(set(lengths))
        for taps in _taps(L)
    )


def _taps(L: int) -> tuple[int, ...]:
    return tuple(sorted({4**k for k in range(1, L.bit_length()) if 4**k < L} | {L}))


def measure_forms(
    path: Path,
    backend: str = "numpy",
    count: int | None = None,
    points: Sequence[Size] | None = None,
    budget: float = 1.0,
    repeats: int | None = None,
    overwrite: bool = False,
    echo: Callable[[str], None] = tqdm.write,
    bar: bool = True,
) -> list[FormRow]:
    """Time forward and backward of every form at every point, in float32; write the table.

    At each point the forms first agree with `fftconv` in float64, then take turns. A form is skipped, and its
    row says so, where the filter is too long for it, where it would need more than 4 GiB, and where it took
    20 times as long as the best at the length before.

    Parameters
    ----------
    path : Path
        Of the CSV file, written again after every point.
    backend : {"numpy", "cupy"}
    count : int, optional
        Threads, all cores by default.
    points : sequence of Size, optional
        Those of `grid` by default.
    budget : float
        Seconds of calls for each form at each point.
    repeats : int, optional
        Calls instead.
    overwrite : bool
        Replace the file.
    echo : callable
        Takes a line of text.
    bar : bool
        Show a progress bar.

    Returns
    -------
    list of FormRow
        Arrays are (B, D, L) and (D, taps).

    Raises
    ------
    ConfigError
        A value is not allowed.
    OutputError
        The file is there already, or cannot be written.
    BackendError
        No GPU answers.
    DisagreementError
        A form computes something else; its time would mean nothing.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    count = cores() if count is None else count
    check_machine(backend, (count,))
    if path.exists() and not overwrite:
        raise OutputError(f"out: {path} exists; --overwrite replaces it")
    points = grid() if points is None else tuple(points)
    library = get_backend(backend)
    rows: list[FormRow] = []
    make_folder(path.parent)
    remove_parts(path)
    with threads(count):
        machine = _header(backend, count)
        for name, value in machine.items():
            echo(f"{name}: {value}")
        progress = tqdm(points, unit="point", disable=not bar, dynamic_ncols=True)
        for size in progress:
            progress.set_postfix_str(f"L {size.L}, {size.taps} taps")
            new = list(_measure(size, library, _reasons(size, rows), budget, repeats))
            rows += new
            write_forms(path, machine, rows)
            echo(line(new))
    return rows


def _header(backend: str, count: int) -> dict[str, str]:
    machine = {name: value for name, value in describe(backend).items() if name != "memory"}
    machine["threads"] = str(count)
    return machine | {"measured": "forward and backward, no skip term", "limit": f"{_LIMIT >> 30} GiB a form"}


# --- who takes part -----------------------------------------------------------------------------------------


def _reasons(size: Size, rows: Sequence[FormRow]) -> dict[str, str]:
    """By form, why it is skipped at a point; the rows of shorter sequences are there already."""
    found = {}
    for form in FORMS:
        needed, slow = bytes_needed(form, size), _too_slow(form, size, rows)
        if too_many_taps(form, size.L, size.taps):
            found[form] = "more than L/2 + 1 taps"
        elif needed > _LIMIT:
            found[form] = f"needs {needed / 2**30:.1f} GiB"
        elif slow and form != DEFAULT:
            found[form] = slow
    return found


def bytes_needed(form: str, size: Size) -> int:
    """About what a form holds at its peak where that grows with a square; 0 for all other forms.

    The matrix and its gradient are there, and two copies of that on the way to the filter's. The two-stage
    product holds a gradient for each sequence of the batch before it sums them, and up to six of that size.
    """
    B, D, L, taps = size
    if form == "matrix":
        return 4 * 4 * D * L**2
    if form == "two_stage":
        return 4 * (B + 6) * D * two_stage_block(taps) ** 2
    return 0


def _too_slow(form: str, size: Size, rows: Sequence[FormRow]) -> str | None:
    """By how much it was too slow at the length before, with as many taps as there are there; else None."""
    shorter = max((row.L for row in rows if row.L < size.L), default=0)
    there = {row.form: row for row in rows if (row.L, row.taps) == (shorter, min(size.taps, shorter))}
    if form not in there:
        return None
    row, seconds = (
        there[form],
        [row.seconds_median for row in there.values() if row.seconds_median is not None],
    )
    if row.seconds_median is None:
        return row.skipped if row.skipped.startswith(_SLOW) else None
    ratio = row.seconds_median / min(seconds)
    return f"{_SLOW} {ratio:.0f} times the best at L {row.L}" if ratio > _TOO_SLOW else None


# --- one point ----------------------------------------------------------------------------------------------


def _measure(
    size: Size, backend: Backend, skipped: dict[str, str], budget: float, repeats: int | None
) -> Iterator[FormRow]:
    """The rows of a point, every form's."""
    host = _draw(size)
    expected = _results(DEFAULT, *(array.astype(np.float64) for array in host))
    arrays = tuple(backend.asarray(array) for array in host)
    clock = cupy_clock(backend) if backend.name == "cupy" else host_clock
    calls = {form: partial(forward_backward, form, *arrays) for form in FORMS if form not in skipped}
    case = Case(BOTH, size.B, size.L, size.D)
    errors = {
        form: max_error(f"{form}, {size.taps} taps", case, _results(form, *arrays), expected)
        for form in calls
    }
    seconds = interleave({form: partial(clock, call) for form, call in calls.items()}, budget, repeats)
    device = device_name(arrays[0])
    for form in FORMS:
        where = (device, size.L, size.taps, form, size.B, size.D)
        if form in skipped:
            yield FormRow(*where, None, None, None, None, None, skipped[form])
        else:
            yield FormRow(*where, *spread(seconds[form]), errors[form], "")


def _draw(size: Size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u (B, D, L), h (D, taps) and dy (B, D, L), the same in every process."""
    rng = np.random.default_rng([_SEED, *size])
    B, D, L, taps = size
    shapes = (B, D, L), (D, taps), (B, D, L)
    u, h, dy = (rng.standard_normal(shape, dtype=np.float32) for shape in shapes)
    return u, h, dy


def forward_backward(form: str, u: Array, h: Array, dy: Array) -> tuple[Array, Array, Array]:
    """What is timed: y, du and dh of one form."""
    y, cache = FORMS[form].forward(u, h)
    du, dh, _ = FORMS[form].backward(dy, cache)
    return y, du, dh


def _results(form: str, u: Array, h: Array, dy: Array) -> Results:
    names = ("y", "du", "dh")
    return dict(zip(names, map(to_numpy, forward_backward(form, u, h, dy)), strict=True))


# --- the table ----------------------------------------------------------------------------------------------


def line(rows: Sequence[FormRow]) -> str:
    """A point in one line: the forms that were measured, the fastest first, in milliseconds."""
    measured = [(row.seconds_median, row.form) for row in rows if row.seconds_median is not None]
    times = ", ".join(f"{form} {1e3 * seconds:.3g}" for seconds, form in sorted(measured))
    first = rows[0]
    return f"L {first.L}, {first.taps} taps, B {first.B}, D {first.D}: {times} ms"


def write_forms(path: Path, machine: dict[str, str], rows: Sequence[FormRow]) -> Path:
    """Write the table, whole or not at all, below lines of comment that name the machine.

    Parameters
    ----------
    path : Path
        Its folder exists.
    machine : dict
        Lines of comment, name to value.
    rows : sequence of FormRow

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The file cannot be written.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    return write_csv(path, machine, FormRow._fields, rows)
