"""What the experiment on initialisation found: by factor, and against the spectrum at the start."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scipy.stats import spearmanr

from hyena_np.experiments import initial_spectra
from hyena_np.experiments.experiment import Report, Table
from hyena_np.experiments.initialisation_factors import BASE_CELL, FACTORS, SAID
from hyena_np.experiments.recall import SEEDS, percent
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import Cell, Spread, spread_of
from hyena_np.plots.factors import one_at_a_time

_SPECTRAL = ("start_deviation", "start_cutoff", "cutoff_before", "cutoff_after")
_CHANCE = 0.05  # above this probability a correlation is called none


def report(rows: Sequence[Row]) -> Report:
    """A table of all values of all factors, one of the filters at the start, and what follows from both."""
    found = _Found(rows)
    figures = {
        "initialisation_spectra": initial_spectra.spectra_figure,
        "initialisation_cutoff": initial_spectra.cutoff_figure,
    }
    if any(found.cells.values()):
        figures["initialisation_loss"] = lambda: _loss_figure(found)
    conclusions = [initial_spectra.conclusion(), *_by_factor(found), *_against_cutoff(found), *_edges(found)]
    return Report([_table(found), initial_spectra.table()], conclusions, figures)


class _Found:
    """The spreads of every value of every factor, of the rows there are."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.rates = sorted({row.factors["lr"] for row in rows})
        base = next((row.settings["knobs"] for row in rows if row.factors["factor"] == "base"), None)
        self.cells: dict[str, dict[Any, Cell]] = {}
        self.base: dict[str, Any] = {}
        for factor, values in FACTORS.items():
            self.cells[factor] = {}
            for value, change in values.items():
                is_base = base is not None and base | change == base
                cell = BASE_CELL if is_base else {"factor": factor, "value": value}
                if is_base:
                    self.base[factor] = value
                if self.spread(cell, "test_loss"):
                    self.cells[factor][value] = cell

    def spread(self, cell: Cell, measure: str) -> Spread | None:
        """Mean and range over seeds, at the learning rate that the cell takes."""
        return spread_of(self.rows, cell, measure, self.rates, SEEDS[0]) if self.rows else None

    def of(self, factor: str, measure: str) -> dict[Any, Spread]:
        """The same for all values of a factor that are there."""
        spreads = {value: self.spread(cell, measure) for value, cell in self.cells[factor].items()}
        return {value: spread for value, spread in spreads.items() if spread}

    def all_cells(self) -> list[Cell]:
        """Every cell that is there, once; the base first."""
        there = [cell for cells in self.cells.values() for cell in cells.values()]
        others = [cell for cell in there if cell != BASE_CELL]
        return ([BASE_CELL] if BASE_CELL in there else []) + others


def _table(found: _Found) -> Table:
    rows = []
    for factor in FACTORS:
        for value, cell in found.cells[factor].items():
            spreads = [found.spread(cell, measure) for measure in ("test_accuracy", "test_loss", *_SPECTRAL)]
            accuracy, loss, deviation, *cutoffs = spreads
            assert loss and deviation
            mark = " (base)" if cell == BASE_CELL else ""
            rows.append(
                [f"{SAID[factor]}: {value}{mark}", percent(accuracy), _range(loss, ".3f")]
                + [f"{deviation.mean:.2g}", *(_range(spread, ".0f") for spread in cutoffs)]
                + [f"{loss.rate:g}"]
            )
    return Table(
        "Mean of the seeds, and their range; cut-offs in cycles: of the filter network over its whole table, "
        "then of the windowed filters over the lags of an example",
        ["setting", "test accuracy (%)", "test loss (nats)", "deviation at the start", "cut-off, network"]
        + ["cut-off before", "cut-off after", "learning rate"],
        rows,
    )


def _range(spread: Spread | None, form: str) -> str:
    if spread is None:
        return ""
    return f"{spread.mean:{form}} ({spread.low:{form}} to {spread.high:{form}})"


def _by_factor(found: _Found) -> list[str]:
    """For each factor its values, lowest loss first, and whether the seeds tell the first two apart."""
    lines = []
    for factor in FACTORS:
        losses, accuracies = found.of(factor, "test_loss"), found.of(factor, "test_accuracy")
        ranked = sorted(losses, key=lambda value: _or_worst(losses[value].mean))
        if len(ranked) < 2 or math.isnan(losses[ranked[0]].mean):
            continue
        said = "; ".join(f"{value}: {_said(losses[value], accuracies[value])}" for value in ranked)
        best, second = (losses[value] for value in ranked[:2])
        apart = math.isnan(second.mean) or best.high < second.low
        verdict = "lie apart" if apart else "overlap"
        name = SAID[factor][0].upper() + SAID[factor][1:]
        lines.append(f"{name}, best first: {said}. The seeds of the first two {verdict}.")
    return lines


def _said(loss: Spread, accuracy: Spread) -> str:
    return "diverged" if math.isnan(loss.mean) else f"{loss.mean:.2f} nats, {accuracy.mean:.0%}"


def _or_worst(loss: float) -> float:
    return math.inf if math.isnan(loss) else loss


def _against_cutoff(found: _Found) -> list[str]:
    """Whether settings that start with a wider spectrum end with a lower loss, as the paper says."""
    points = []
    for cell in found.all_cells():
        before, loss = found.spread(cell, "cutoff_before"), found.spread(cell, "test_loss")
        if before and loss and math.isfinite(loss.mean):
            points.append((before.mean, loss.mean))
    if min(len({before for before, _ in points}), len({loss for _, loss in points})) < 3:
        return []
    rank, chance = spearmanr([before for before, _ in points], [loss for _, loss in points])
    if chance > _CHANCE:
        verdict = "which is no clear relation; the paper found smooth filters to be worse, for language"
    elif rank > 0:
        verdict = "so that smooth filters are better here; the paper found them to be worse, for language"
    else:
        verdict = "so that smooth filters are worse, as the paper found for language"
    return [
        f"Over {len(points)} settings the cut-off at the start and the test loss have a rank correlation of "
        f"{rank:+.2f} (p = {chance:.2g}), {verdict}."
    ]


def _edges(found: _Found) -> list[str]:
    """How many settings took the lowest or the highest rate, and could want one beyond."""
    taken = [spread.rate for cell in found.all_cells() if (spread := found.spread(cell, "test_loss"))]
    if not taken or len(found.rates) < 2:
        return []
    low, high = found.rates[0], found.rates[-1]
    return [
        f"Of {len(taken)} settings {taken.count(low)} took the lowest learning rate tried ({low:g}) and "
        f"{taken.count(high)} the highest ({high:g}); one beyond could suit those better."
    ]


def _loss_figure(found: _Found) -> Any:
    factors = {}
    for factor in FACTORS:
        spreads = found.of(factor, "test_loss")
        if spreads:
            factors[SAID[factor]] = {
                str(value): [spread.mean, spread.low, spread.high] for value, spread in spreads.items()
            }
    base = {SAID[factor]: str(value) for factor, value in found.base.items()}
    return one_at_a_time(factors, base, "One setting changed at a time", "test loss (nats)")
