"""Scores on disk: one file a student, written whole when the student is graded; and the table of all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.files import write_bytes, write_json
from hyena_np.grading.student import Graded

RESULTS, FEEDBACK, SCORES = "results", "feedback", "scores.csv"
TOTAL = sum(exercise.points for exercise in EXERCISES)


@dataclass(frozen=True)
class Record:
    """The score of one student.

    Parameters
    ----------
    student : str
    key : str
        Of what the score depends on: files, exercises, hidden parts, limits.
    points : dict
        Points of each part, by exercise and part. An exercise that no file attempts is not there.
    flags : tuple of str
        Forbidden names that were called.
    error : str
        What could not be graded, and why.
    """

    student: str
    key: str
    points: dict[str, dict[str, int]]
    flags: tuple[str, ...] = ()
    error: str = ""

    def exercise(self, name: str) -> int:
        """Points of an exercise."""
        return sum(self.points.get(name, {}).values())

    @property
    def total(self) -> int:
        """Points of all exercises."""
        return sum(self.exercise(exercise.name) for exercise in EXERCISES)

    @property
    def percent(self) -> float:
        """Share of all points, in per cent."""
        return 100.0 * self.total / TOTAL


def record_of(graded: Graded, key: str) -> Record:
    """What is kept of a graded student."""
    points = {
        name: {part.part.name: part.points for part in outcome.parts}
        for name, outcome in graded.outcomes.items()
        if outcome.attempted
    }
    flags = tuple(f"{name}: {', '.join(used)}" for name, used in graded.used.items())
    return Record(graded.entry.student, key, points, flags, "; ".join(graded.problems))


def file_stem(student: str) -> str:
    """A file's name for a student: the student's where that is harmless; no two are alike anywhere."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,60}", student):
        return student
    digits = hashlib.sha256(os.fsencode(student)).hexdigest()[:10]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', student)[:60] or '_'}.{digits}"


def page_link(student: str) -> str:
    """Where the page of a student is, as a link from the overview."""
    return f"{FEEDBACK}/{quote(file_stem(student))}.html"


def save_record(out: Path, record: Record) -> None:
    """Write a record; from then on the student counts as graded."""
    write_json(out / RESULTS / f"{file_stem(record.student)}.json", asdict(record))


def load_record(out: Path, student: str, key: str) -> Record | None:
    """The record of a student, if there is one that is still valid."""
    try:
        found = json.loads((out / RESULTS / f"{file_stem(student)}.json").read_bytes())
        record = Record(
            found["student"], found["key"], found["points"], tuple(found["flags"]), found["error"]
        )
        return record if (record.student, record.key) == (student, key) and 0 <= record.total else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_scores(out: Path, records: Sequence[Record]) -> Path:
    """Write ``scores.csv``, a row a student."""
    names = [exercise.name for exercise in EXERCISES]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", *names, "total", "percent", "flags", "error"])
    for record in records:
        points = [record.exercise(name) for name in names]
        said = [_harmless("; ".join(record.flags)), _harmless(record.error)]
        writer.writerow([_harmless(record.student), *points, record.total, f"{record.percent:.1f}", *said])
    return write_bytes(out / SCORES, text.getvalue().encode())


def _harmless(text: str) -> str:
    """A spreadsheet must not take a student's text for a formula."""
    text = " ".join(text.split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
