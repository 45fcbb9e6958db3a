"""Results on disk: one CSV row a run, written whole, checked when it is read.

A row has the run's name, its factors and measures, seed, seconds, where it ran, versions, settings, and the
first digits of a SHA-256 over all of that. A row whose digits do not match was written by half, or edited:
its run counts as not done.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hyena_np.errors import CheckpointError, ConfigError
from hyena_np.experiments.experiment import Experiment, Run
from hyena_np.files import write_bytes

RESULTS_NAME = "results.csv"
_AFTER = ("seed", "seconds", "backend", "dtype", "device", "versions", "settings", "check")


@dataclass(frozen=True)
class Row:
    """A finished run.

    Parameters
    ----------
    run : str
        Its name.
    factors, measures : dict
        What was varied and what was measured.
    seconds : float
        Wall time of the run, over all attempts that its checkpoint remembers.
    backend, dtype, device : str
        Where it ran.
    versions : dict
    settings : dict
        Everything that the result depends on; the seed is among them.
    """

    run: str
    factors: dict[str, Any]
    measures: dict[str, Any]
    seconds: float
    backend: str
    dtype: str
    device: str
    versions: dict[str, str]
    settings: dict[str, Any]

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings["seed"]


class Results(NamedTuple):
    """What a results file holds."""

    rows: list[Row]
    damaged: list[str]  # what is wrong with the rows that do not count, a line each


def write_results(path: Path, experiment: Experiment, rows: Sequence[Row]) -> Path:
    """Write all rows, whole or not at all; OutputError where the file cannot be written."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_head(experiment))
    for row in rows:
        cells = _cells(experiment, row)
        writer.writerow([*cells, _digest(cells)])
    return write_bytes(path, buffer.getvalue().encode())


def read_results(path: Path, experiment: Experiment) -> Results:
    """The rows of a results file; a file that is not there has none.

    Raises
    ------
    CheckpointError
        The file is no results file of this experiment.
    """
    if not path.exists():
        return Results([], [])
    try:
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, csv.Error) as error:
        raise CheckpointError(f"{path}: is damaged or no results file ({error})") from error
    if not lines or tuple(lines[0]) != _head(experiment):
        raise CheckpointError(f"{path}: holds no results of the experiment {experiment.name!r}")
    rows: dict[str, Row] = {}
    damaged = []
    for number, cells in enumerate(lines[1:], start=1):
        row = _parsed(experiment, cells)
        if row is None:
            damaged.append(f"{path}, row {number}: is not whole, or was edited")
        else:
            rows.setdefault(row.run, row)
    return Results(list(rows.values()), damaged)


def check_same_plan(path: Path, rows: Sequence[Row], runs: Sequence[Run]) -> None:
    """Raise ConfigError where a row was made with other settings than the run of its name asks for."""
    planned = {run.name: run for run in runs}
    for row in rows:
        run = planned.get(row.run)
        if run is not None and as_json(run.settings) != row.settings:
            name, made, asked = next(_differences(row.settings, as_json(run.settings)))
            raise ConfigError(
                f"out: {path} has a row {row.run!r} with {name} = {made!r}, now {asked!r} is asked for; "
                "another --out, or --overwrite"
            )


def as_json(settings: dict) -> dict:
    """Settings as a file gives them back: tuples become lists."""
    return json.loads(json.dumps(settings))


def _differences(made: Any, asked: Any, name: str = ""):
    if isinstance(made, dict) and isinstance(asked, dict):
        for key in sorted(made.keys() | asked.keys()):
            yield from _differences(made.get(key), asked.get(key), f"{name}.{key}" if name else key)
    elif made != asked:
        yield name, made, asked


def _head(experiment: Experiment) -> tuple[str, ...]:
    return ("run", *experiment.factors, *experiment.measures, *_AFTER)


def _cells(experiment: Experiment, row: Row) -> list[str]:
    values = [row.run, *(row.factors[name] for name in experiment.factors)]
    values += [row.measures[name] for name in experiment.measures]
    values += [row.seed, row.seconds, row.backend, row.dtype, row.device]
    return [str(value) for value in values] + [_compact(row.versions), _compact(row.settings)]


def _parsed(experiment: Experiment, cells: list[str]) -> Row | None:
    head = _head(experiment)
    if len(cells) != len(head) or cells[-1] != _digest(cells[:-1]):
        return None
    found = dict(zip(head, cells, strict=True))
    return Row(
        found["run"],
        {name: _value(found[name]) for name in experiment.factors},
        {name: _value(found[name]) for name in experiment.measures},
        float(found["seconds"]),
        found["backend"],
        found["dtype"],
        found["device"],
        json.loads(found["versions"]),
        json.loads(found["settings"]),
    )


def _value(cell: str) -> Any:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _compact(value: dict) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _digest(cells: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:12]
