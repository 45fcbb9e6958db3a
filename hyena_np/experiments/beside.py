"""Published numbers in the columns beside our own."""

from __future__ import annotations

from collections.abc import Callable

from hyena_np.experiments.experiment import Table
from hyena_np.experiments.published import Column, PublishedTable


def published_columns(
    table: PublishedTable, prefix: str = "published "
) -> tuple[list[str], Callable[[str], list[str]]]:
    """Heads of the columns of a published table, and a function from a system's name to its cells."""
    columns = _columns(table)
    heads = [f"{prefix}{_said(column)}" for column in columns]
    return heads, lambda name: [_number(table.rows.get(name, {}).get(column)) for column in columns]


def as_table(table: PublishedTable) -> Table:
    """A published table alone."""
    columns = _columns(table)
    rows = [[name, *(_number(row.get(column)) for column in columns)] for name, row in table.rows.items()]
    return Table(f"Published: {table.source}; {table.quantity}", ["", *map(_said, columns)], rows)


def _columns(table: PublishedTable) -> list[Column]:
    return list(dict.fromkeys(column for row in table.rows.values() for column in row))


def _said(column: Column) -> str:
    return ", ".join(map(str, column)) if isinstance(column, tuple) else str(column)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
