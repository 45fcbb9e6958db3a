"""The equation ledger: every row of the paper -> code, tests, notebooks, exercises. A gap is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from making import marks
from making.marks import Mark
from making.places import DOCS
from making.places_in_paper import places

FILE = DOCS / "ledger.toml"


class LedgerError(Exception):
    """A row has no code or no test, or a mark names no row. One line each."""


@dataclass
class Row:
    """One numbered thing of the paper and what stands for it here."""

    id: str  # "eq. (7)"
    where: str  # "Sec. 3.3"
    says: str  # in our words, with TeX
    outside: str = ""  # why there is no code for it
    code: list[Mark] = field(default_factory=list)
    tests: list[Mark] = field(default_factory=list)
    notebooks: list[Mark] = field(default_factory=list)
    exercises: list[Mark] = field(default_factory=list)


def rows_of(file: Path = FILE) -> dict[str, Row]:
    """The rows by id, in the order of the file, without marks."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["row"]
    rows: dict[str, Row] = {}
    for entry in entries:
        row = Row(**entry)
        if places(row.id) != [row.id]:
            raise LedgerError(f"{file.name}: {row.id!r} is no place of a paper")
        if row.id in rows:
            raise LedgerError(f"{file.name}: {row.id} stands there twice")
        rows[row.id] = row
    return rows


def fill(
    rows: dict[str, Row],
    code: Iterable[Mark],
    tests: Iterable[Mark],
    notebooks: Iterable[Mark] = (),
    exercises: Iterable[Mark] = (),
) -> list[str]:
    """Enter the marks into their rows; returns what is wrong, one line each."""
    wrong = []
    for kind, found in (("code", code), ("tests", tests), ("notebooks", notebooks), ("exercises", exercises)):
        for mark in found:
            if mark.place not in rows:
                wrong.append(f"{mark.file}: {mark.name} names {mark.place!r}, which is no row of the ledger")
            elif mark not in (entries := getattr(rows[mark.place], kind)):
                entries.append(mark)
    for row in rows.values():
        if row.outside:
            if row.code or row.tests:
                wrong.append(f"{row.id}: is said to be outside, but {(row.code + row.tests)[0].name} has it")
            continue
        if not row.code:
            wrong.append(f"{row.id}: no code; no docstring has it in its line 'Source: Hyena paper, ...'")
        if not row.tests:
            wrong.append(f"{row.id}: no test; mark one with @pytest.mark.paper({row.id!r})")
    return wrong


def read() -> dict[str, Row]:
    """The complete ledger of this repository.

    Raises
    ------
    LedgerError
        It is not complete.
    """
    rows = rows_of()
    code = list(marks.of_code())
    wrong = fill(rows, code, marks.of_tests(), marks.of_notebooks(code), marks.of_exercises())
    if wrong:
        raise LedgerError("the equation ledger is not complete:\n" + "\n".join(wrong))
    return rows
