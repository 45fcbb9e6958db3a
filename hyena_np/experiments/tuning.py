"""The same budget for every competitor: a learning rate of its own, found with one seed, then all seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hyena_np.experiments.experiment import Run
from hyena_np.experiments.store import Row

Cell = dict[str, Any]
"""What is compared: factors without the learning rate and the seed."""


class Spread(NamedTuple):
    """What the seeds of one cell gave, at its learning rate."""

    mean: float
    low: float
    high: float
    seeds: int
    rate: float


def tuned_runs(
    cells: Iterable[Cell],
    rates: Sequence[float],
    seeds: Sequence[int],
    make: Callable[[Cell, float, int], Run],
    rows: Sequence[Row],
    measure: str = "validation_accuracy",
    tune_on: Callable[[Cell], Cell] = lambda cell: cell,
    largest: bool = True,
) -> list[Run]:
    """The runs of a tuned comparison that are known so far.

    First every learning rate with the first seed, then the best of them with all seeds. "Best" is measured on
    validation examples; what is reported comes from others.

    Parameters
    ----------
    cells : iterable of dict
        What is compared.
    rates : sequence of float
        Learning rates to try.
    seeds : sequence of int
    make : callable
        ``(cell, rate, seed) -> Run``; its factors are those of the cell, then "lr" and "seed".
    rows : sequence of Row
        Finished so far.
    measure : str
        What a learning rate is chosen by.
    tune_on : callable
        The cell that another one takes its learning rate from; itself by default.
    largest : bool
        Whether more of `measure` is better.

    Returns
    -------
    list of Run
    """
    cells = list(cells)
    runs = [make(tune_on(cell), rate, seeds[0]) for cell in cells for rate in rates]
    for cell in cells:
        rate = best_rate(rows, tune_on(cell), rates, seeds[0], measure, largest)
        if rate is not None:
            runs += [make(cell, rate, seed) for seed in seeds]
    return list({run.name: run for run in runs}.values())


def best_rate(
    rows: Sequence[Row],
    cell: Cell,
    rates: Sequence[float],
    seed: int,
    measure: str = "validation_accuracy",
    largest: bool = True,
) -> float | None:
    """The learning rate that a cell takes, or None as long as one of its rates is not finished.

    A run that diverged has no number, and loses to any that has one; of equals, the smaller rate is taken.
    """
    found = {
        row.factors["lr"]: row.measures[measure]
        for row in rows_of(rows, cell)
        if row.factors["seed"] == seed and row.factors["lr"] in rates
    }
    if not rates or set(found) != set(rates):
        return None
    worst = -math.inf if largest else math.inf
    scores = {rate: worst if math.isnan(value) else value for rate, value in found.items()}
    best = max(scores.values()) if largest else min(scores.values())
    return min(rate for rate, score in scores.items() if score == best)


def rows_of(rows: Sequence[Row], cell: Cell) -> list[Row]:
    """The rows of a cell, of all learning rates and seeds."""
    return [row for row in rows if all(row.factors[name] == value for name, value in cell.items())]


def spread_of(
    rows: Sequence[Row],
    cell: Cell,
    measure: str,
    rates: Sequence[float],
    seed: int,
    chosen_by: str = "validation_accuracy",
    tune_on: Callable[[Cell], Cell] = lambda cell: cell,
    largest: bool = True,
) -> Spread | None:
    """Mean and range of a measure over the seeds of a cell, at the learning rate that it takes.

    None where nothing is there yet. Seeds that diverged count as they are: their mean has no number.
    """
    rate = best_rate(rows, tune_on(cell), rates, seed, chosen_by, largest)
    values = [row.measures[measure] for row in rows_of(rows, cell) if row.factors["lr"] == rate]
    if not values:
        return None
    return Spread(
        float(np.mean(values)), float(min(values)), float(max(values)), len(values), rate or math.nan
    )
