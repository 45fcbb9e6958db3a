"""The rows: on the terminal as they come, and in a CSV file that holds every finished one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from hyena_np.bench.cases import Case
from hyena_np.errors import ConfigError, OutputError
from hyena_np.files import write_bytes

RESULTS_NAME = "results.csv"


class Row(NamedTuple):
    """One contender in one case; None where a number does not exist."""

    kind: str
    B: int
    L: int
    D: int
    order: int
    threads: int
    contender: str
    seconds_median: float
    seconds_low: float  # quartiles
    seconds_high: float
    repeats: int
    ratio_to_ours: float | None
    ratio_to_floor: float | None
    peak_bytes: int | None
    peak_multiple: float | None  # of a float32 (B, L, D) array
    predicted_multiple: float | None
    max_error: float | None  # relative, over the output and every gradient

    @property
    def key(self) -> tuple[Case, int, str]:
        """What a resumed run does not measure again."""
        return Case(self.kind, self.B, self.L, self.D, self.order), self.threads, self.contender


_INTEGERS = ("B", "L", "D", "order", "threads", "repeats", "peak_bytes")
_WORDS = ("kind", "contender")
_OPTIONAL = (
    "ratio_to_ours",
    "ratio_to_floor",
    "peak_bytes",
    "peak_multiple",
    "predicted_multiple",
    "max_error",
)
_COLUMNS = (
    "kind              (B, L, D)          N  thr  contender            median      quartiles         n"
    "  /ours  /floor   peak MiB  x BLD  pred.    error"
)


def heading(machine: dict[str, str]) -> list[str]:
    """The lines above the table: the machine, one property a line, and the names of the columns."""
    return [f"{name}: {value}" for name, value in machine.items()] + ["", _COLUMNS]


def line(row: Row) -> str:
    """A row of the table on the terminal."""
    shape = f"({row.B}, {row.L}, {row.D})"
    quartiles = f"{_seconds(row.seconds_low)} .. {_seconds(row.seconds_high)}"
    mebibytes = None if row.peak_bytes is None else row.peak_bytes / 2**20
    return (
        f"{row.kind:<17} {shape:<18} {row.order:>1} {row.threads:>4}  {row.contender:<18} "
        f"{_seconds(row.seconds_median):>8} {quartiles:>19} {row.repeats:>4} "
        f"{_number(row.ratio_to_ours, '.2f'):>6} {_number(row.ratio_to_floor, '.2f'):>7} "
        f"{_number(mebibytes, '.1f'):>10} {_number(row.peak_multiple, '.1f'):>6} "
        f"{_number(row.predicted_multiple, '.1f'):>6} {_number(row.max_error, '.1e'):>8}"
    )


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}" if value / size < 1000 else f"{value / size:.0f} {unit}"
    return f"{value * 1e6:.3g} us"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def write_rows(path: Path, machine: dict[str, str], rows: Sequence[Row]) -> Path:
    """Write all rows, whole or not at all, below lines of comment that name the machine.

    Parameters
    ----------
    path : Path
        Its folder exists.
    machine : dict
        From `describe`.
    rows : sequence of Row

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
    return write_csv(path, machine, Row._fields, rows)


def write_csv(path: Path, machine: dict[str, str], columns: Sequence[str], rows: Iterable[Sequence]) -> Path:
    """Write a table of numbers and words, whole or not at all, below lines of comment about the machine."""
    text = io.StringIO()
    for name, value in machine.items():
        text.write(f"# {name}: {value}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row])
    return write_bytes(path, text.getvalue().encode())


def read_rows(path: Path, machine: dict[str, str]) -> list[Row]:
    """The rows of an earlier run on this machine.

    Parameters
    ----------
    path : Path
    machine : dict
        Of now.

    Returns
    -------
    list of Row

    Raises
    ------
    ConfigError
        The file names another machine or other versions: its rows and new ones cannot stand in one table.
    OutputError
        The file cannot be read, or is no table of this benchmark.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: cannot be read ({error})") from error
    comments = [text[2:].partition(": ") for text in lines if text.startswith("# ")]
    before = {name: value for name, _, value in comments}
    if changed := sorted(
        name for name in before.keys() | machine.keys() if before.get(name) != machine.get(name)
    ):
        name = changed[0]
        raise ConfigError(
            f"resume: {path} was measured elsewhere; {name} was {before.get(name)!r} and is "
            f"{machine.get(name)!r}; allowed is the same machine with the same versions"
        )
    table = csv.DictReader(text for text in lines if not text.startswith("#"))
    if tuple(table.fieldnames or ()) != Row._fields:
        raise OutputError(f"{path}: is no table of this benchmark")
    try:
        return [Row(**{name: _parsed(name, text) for name, text in entry.items()}) for entry in table]
    except (TypeError, ValueError) as error:
        raise OutputError(f"{path}: is damaged ({error})") from error


def _parsed(name: str, text: str):
    if name in _WORDS:
        return text
    if text == "" and name in _OPTIONAL:
        return None
    return int(text) if name in _INTEGERS else float(text)
