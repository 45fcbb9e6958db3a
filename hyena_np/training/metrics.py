"""The metrics file: one CSV row a recorded step, written as the run goes, cut back when a run resumes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hyena_np.errors import CheckpointError, OutputError
from hyena_np.files import write_bytes

_TAIL = 4096  # bytes, many rows


class Evaluation(NamedTuple):
    """What a measurement on held-out examples found; None is what it did not look at."""

    accuracy: float | None = None  # fraction of the answers that are right
    loss: float | None = None  # nats, or squared error: the unit of the training loss


class Record(NamedTuple):
    """What is known after a step; accuracy and validation loss only where they were measured."""

    step: int  # steps taken
    loss: float  # of the step's batch: nats, or squared error
    learning_rate: float
    gradient_norm: float  # before clipping
    accuracy: float | None  # fraction of held-out examples
    seconds: float  # of training since the first step
    validation_loss: float | None = None  # of held-out examples, in the unit of the loss


class MetricsFile:
    """A CSV file of records that survives a kill: a row is on disk when `append` returns.

    Parameters
    ----------
    path : str or Path
    resume_at : int
        Rows after this step are dropped: the resumed run writes them again. 0 starts a new file.

    Raises
    ------
    OutputError
        The file cannot be written.
    CheckpointError
        On resuming: the file that is there is no metrics file.
    """

    def __init__(self, path: str | Path, resume_at: int = 0) -> None:
        self.path = Path(path)
        kept = [record for record in read_metrics(path) if record.step <= resume_at] if resume_at else []
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(Record._fields)
        writer.writerows(_row(record) for record in kept)
        write_bytes(self.path, buffer.getvalue().encode())

    def append(self, record: Record) -> None:
        """Add a row."""
        try:
            with self.path.open("a", newline="") as file:
                csv.writer(file).writerow(_row(record))
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from error


def read_metrics(path: str | Path) -> list[Record]:
    """The records of a metrics file, oldest first, without a half-written last row; a missing file has none.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of Record

    Raises
    ------
    CheckpointError
        The file is none that this package wrote.
    """
    path = Path(path)
    return _parsed(path, path.read_bytes) if path.is_file() else []


def last_record(path: str | Path) -> Record | None:
    """The newest record of a metrics file, however long it has grown: what a progress bar asks for.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Record or None
        None where there is no record yet.

    Raises
    ------
    CheckpointError
        The file is none that this package wrote.
    """
    path = Path(path)

    def read() -> bytes:
        with path.open("rb") as file:
            head = file.readline()
            file.seek(max(len(head), path.stat().st_size - _TAIL))
            *_, last, _ = (b"\n" + file.read()).split(b"\n")  # what follows the last line break is half a row
        return head + last + b"\n" if last else head

    records = _parsed(path, read) if path.is_file() else []
    return records[-1] if records else None


def _parsed(path: Path, read: Callable[[], bytes]) -> list[Record]:
    records: list[Record] = []
    try:
        text = read().decode()
        text = text[: text.rfind("\n") + 1]
        for row in csv.DictReader(io.StringIO(text)):
            loss, rate, norm = (float(row[name]) for name in ("loss", "learning_rate", "gradient_norm"))
            # Files of before there was a validation loss have no such column.
            accuracy, held_out = _measured(row["accuracy"]), _measured(row.get("validation_loss", ""))
            records.append(
                Record(int(row["step"]), loss, rate, norm, accuracy, float(row["seconds"]), held_out)
            )
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise CheckpointError(f"{path}: is damaged or no metrics file ({error})") from error
    return records


def _measured(text: str) -> float | None:
    """An empty field is no measurement; a field that is not there (None) is an error."""
    return float(text) if text != "" else None


def _row(record: Record) -> list:
    return ["" if value is None else value for value in record]
