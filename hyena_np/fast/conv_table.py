"""How long each form of the causal convolution took, and where: the table that the chooser reads.

It is a CSV file below lines of comment that name the machine. Tables of several devices may stand in one
file, one after the other, comments and headings included.
"""

from __future__ import annotations

import csv
import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hyena_np.errors import ConfigError
from hyena_np.fast.conv_forms import DEFAULT, FORMS

PACKAGED = Path(__file__).with_name("conv_forms.csv")


class FormRow(NamedTuple):
    """One form at one point, forward and backward; None where it was skipped, and then it says why."""

    device: str
    L: int
    taps: int
    form: str
    B: int
    D: int
    seconds_median: float | None
    seconds_low: float | None  # quartiles
    seconds_high: float | None
    repeats: int | None
    max_error: float | None  # relative, over the output and both gradients
    skipped: str


class Point(NamedTuple):
    """What was measured at one length with one number of taps: seconds by form."""

    L: int
    taps: int
    seconds: dict[str, float]


_HEADING = ",".join(FormRow._fields)
_WORDS, _SIZES = ("device", "form", "skipped"), ("L", "taps", "B", "D")


def measured_points(path: Path | None = None) -> dict[str, tuple[Point, ...]]:
    """The points of a table by device, short sequences and few taps first.

    Parameters
    ----------
    path : Path, optional
        The package's own table by default. A file is read again only when it has changed.

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        The file cannot be read, is no such table, or is damaged.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    path = PACKAGED if path is None else path
    try:
        state = path.stat()
        return _points(path, state.st_mtime_ns, state.st_size)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"table: {path} cannot be read ({error})") from error


@cache
def _points(path: Path, *_state: int) -> dict[str, tuple[Point, ...]]:
    """Group the rows of a file; the state, time and length, only tells the cache when it has changed."""
    found: dict[tuple[str, int, int], dict[str, float]] = {}
    for number, row in _rows(path):
        seconds = found.setdefault((row.device, row.L, row.taps), {})
        if row.form in seconds:
            raise _damaged(path, number, f"{row.form} at L {row.L}, {row.taps} taps is there already")
        if row.seconds_median is not None:
            seconds[row.form] = row.seconds_median
    points: dict[str, tuple[Point, ...]] = {}
    for (device, L, taps), seconds in sorted(found.items()):
        if DEFAULT not in seconds:
            raise ConfigError(f"table: {path} is damaged: {device}, L {L}, {taps} taps: no time of {DEFAULT}")
        points[device] = (*points.get(device, ()), Point(L, taps, seconds))
    return points


def _rows(path: Path) -> list[tuple[int, FormRow]]:
    """The rows of a file, with the numbers of their lines."""
    lines = [(number, text) for number, text in enumerate(path.read_text().splitlines(), 1) if text.strip()]
    lines = [(number, text) for number, text in lines if not text.startswith("#")]
    if not lines or lines[0][1] != _HEADING:
        raise ConfigError(f"table: {path} is no table of convolution forms; its columns are {_HEADING}")
    rows = []
    for number, text in lines:
        if text == _HEADING:
            continue
        try:
            rows.append((number, _row(text)))
        except (ValueError, csv.Error) as error:
            raise _damaged(path, number, str(error)) from error
    return rows


def _row(text: str) -> FormRow:
    (fields,) = csv.reader([text], strict=True)
    if len(fields) != len(FormRow._fields):
        raise ValueError(f"{len(fields)} columns, allowed are the {len(FormRow._fields)} of the heading")
    values = {name: _value(name, field) for name, field in zip(FormRow._fields, fields, strict=True)}
    row = FormRow(**values)
    if row.form not in FORMS:
        raise ValueError(f"no form {row.form!r}, there are {', '.join(FORMS)}")
    if any(getattr(row, name) < 1 for name in _SIZES) or row.taps > row.L:
        raise ValueError(f"L {row.L}, {row.taps} taps, B {row.B}, D {row.D} are no sizes")
    if row.seconds_median is not None and not 0 < row.seconds_median < math.inf:
        raise ValueError(f"{row.seconds_median} seconds")
    return row


def _value(name: str, field: str) -> Any:
    if name in _WORDS:
        return field
    if name in _SIZES:
        return int(field)
    if field == "":
        return None
    return int(field) if name == "repeats" else float(field)


def _damaged(path: Path, number: int, what: str) -> ConfigError:
    return ConfigError(f"table: {path} is damaged: line {number}: {what}")
