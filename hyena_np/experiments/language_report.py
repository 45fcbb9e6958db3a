"""What the language models' rows say: tables, samples, loss against operations, a comparison in words."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hyena_np.experiments.beside import as_table
from hyena_np.experiments.experiment import Report, Table
from hyena_np.experiments.published import PILE_FLOPS, PILE_PERPLEXITY, WIKITEXT_PERPLEXITY
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import best_rate, rows_of
from hyena_np.plots.budget import loss_against_operations

SYSTEMS = ("Transformer", "Hyena-2", "Hyena-3")
SEEDS = (0, 1, 2)
_NUMBERS = ("validation_loss", "test_loss", "test_bits", "train_loss", "parameters", "flops")
MEASURES = (*_NUMBERS, "curve", "sample")
LEVEL = 0.02  # of the Transformer's bits a character


class Found(NamedTuple):
    """A system at its own learning rate, over the seeds that have finished and not diverged."""

    rate: float
    at_edge: str  # "smallest" or "largest" where its rate is the first or the last that was tried
    rows: list[Row]
    diverged: int

    def mean(self, measure: str) -> float:
        """Of a measure, over the seeds."""
        return float(np.mean([row.measures[measure] for row in self.rows]))

    def curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Operations (P,) spent up to each measurement, and bits on the validation part (seeds, P)."""
        curves = [np.asarray(json.loads(row.measures["curve"]), dtype=float) for row in self.rows]
        steps = curves[0][:, 0]
        bits = np.stack([curve[:, 1] for curve in curves]) / math.log(2)
        return steps / steps[-1] * self.rows[0].measures["flops"], bits


def found_in(rows: Sequence[Row]) -> dict[str, Found]:
    """Every system whose learning rate is chosen and that has a number."""
    rates, found = sorted({row.factors["lr"] for row in rows}), {}
    for system in SYSTEMS:
        own = rows_of(rows, {"system": system})
        rate = best_rate(own, {"system": system}, rates, SEEDS[0], "validation_loss", largest=False)
        chosen = [row for row in own if row.factors["lr"] == rate]
        whole = [row for row in chosen if math.isfinite(row.measures["test_loss"])]
        if rate is not None and whole:
            edge = {rates[0]: "smallest", rates[-1]: "largest"}.get(rate, "") if len(rates) > 1 else ""
            found[system] = Found(rate, edge, whole, len(chosen) - len(whole))
    return found


def report(rows: Sequence[Row]) -> Report:
    """Bits a character beside the published perplexities, samples, and loss against operations."""
    found = found_in(rows)
    tables = [_results(found), _samples(found)]
    tables += [as_table(table) for table in (PILE_PERPLEXITY, PILE_FLOPS, WIKITEXT_PERPLEXITY)]
    figures = {"language_loss_by_operations": lambda: _figure(found)} if found else {}
    return Report(tables, conclusions(found), figures)


def _results(found: dict[str, Found]) -> Table:
    """One row a system; the difference is that to the Transformer."""
    head = ["system", "parameters", "operations, 1e12", "learning rate", "bits a character (range)"]
    head += ["difference", "training, nats", "test, nats", "seeds"]
    cells = []
    for system, of in found.items():
        bits = [row.measures["test_bits"] for row in of.rows]
        cells.append(
            [
                system,
                f"{of.rows[0].measures['parameters']:,}",
                f"{of.rows[0].measures['flops'] / 1e12:.3g}",
                f"{of.rate:g}",
                f"{of.mean('test_bits'):.3f} ({min(bits):.3f} to {max(bits):.3f})",
                f"{100 * behind:+.1f} %" if (behind := _behind(found, system)) is not None else "",
                f"{of.mean('train_loss'):.3f}",
                f"{of.mean('test_loss'):.3f}",
                f"{len(of.rows)}" + (f", {of.diverged} more diverged" if of.diverged else ""),
            ]
        )
    return Table("On the test part: mean of the seeds, and their range", head, cells)


def _samples(found: dict[str, Found]) -> Table:
    """What the first seed of each system writes, on one line, with nothing in it that Markdown reads."""
    cells = []
    for system, of in found.items():
        text = of.rows[0].measures["sample"].replace("|", "\\u007c").replace("`", "\\u0060")
        cells.append([system, f"`{text}`"])
    return Table("Written by the trained models, at temperature 0.8", ["system", "sample"], cells)


def _behind(found: dict[str, Found], system: str, measure: str = "test_bits") -> float | None:
    """How far a system is above the Transformer, as a fraction; None for the Transformer itself."""
    if system == "Transformer" or "Transformer" not in found:
        return None
    return found[system].mean(measure) / found["Transformer"].mean(measure) - 1


def conclusions(found: dict[str, Found]) -> list[str]:
    """Level or not, why if not, what it costs, and how the order compares with the published one."""
    said = []
    for system in found:
        behind = _behind(found, system)
        if behind is not None:
            said += [_level(system, behind), *_why(found, system, behind), _cost(found, system)]
    if said:
        said.append(_order(found))
        said.append(
            "The published numbers are perplexities of word pieces, of models a hundred times and more as "
            "large: their order can be compared with ours, their size cannot."
        )
    return said


def _level(system: str, behind: float) -> str:
    verdict = "level with it" if abs(behind) <= LEVEL else "worse" if behind > 0 else "better"
    return (
        f"{system} takes {100 * abs(behind):.1f} % {'more' if behind > 0 else 'fewer'} bits a character than "
        f"the Transformer: {verdict}, at a margin of {100 * LEVEL:.0f} %."
    )


def _why(found: dict[str, Found], system: str, behind: float) -> list[str]:
    """Of a difference beyond the margin: when it arises, where it shows, and whether a rate is to blame."""
    if abs(behind) <= LEVEL:
        return []
    (_, own), (_, other) = found[system].curves(), found["Transformer"].curves()
    points = min(own.shape[1], other.shape[1])
    gap = own.mean(axis=0)[:points] / other.mean(axis=0)[:points] - 1
    half, end = gap[(points - 1) // 2], gap[-1]
    course = "shrinks" if abs(end) < abs(half) and half * end > 0 else "does not shrink"
    trained = _behind(found, system, "train_loss") or 0.0
    kind = "learning" if trained * behind > 0 and abs(trained) > abs(behind) / 2 else "generalising"
    lines = [
        f"{system}'s difference is {100 * half:+.1f} % half-way and {100 * end:+.1f} % at the end "
        f"(validation): it {course} with training. On the text that is trained on it is "
        f"{100 * trained:+.1f} %: a difference in {kind}."
    ]
    edges = [f"{name} ({found[name].at_edge})" for name in (system, "Transformer") if found[name].at_edge]
    if edges:
        lines.append(
            f"The best learning rate is at the edge of those tried for {' and '.join(edges)}: a wider search "
            "may change the difference."
        )
    return lines


def _cost(found: dict[str, Found], system: str) -> str:
    """Operations for the same characters, and for the loss that the worse of the two reaches."""
    (spent, own), (budget, other) = found[system].curves(), found["Transformer"].curves()
    own_mean, other_mean = own.mean(axis=0), other.mean(axis=0)
    saved = 1 - spent[-1] / budget[-1]
    target = max(own_mean[-1], other_mean[-1])
    ratio = reached(spent, own_mean, target) / reached(budget, other_mean, target)
    return (
        f"For the same characters {system} takes {100 * abs(saved):.1f} % "
        f"{'fewer' if saved > 0 else 'more'} operations than the Transformer; for the same validation loss, "
        f"{target:.3f} bits, which both reach (the better one before its learning rate has "
        f"come down), {ratio:.2f} times its operations."
    )


def reached(operations: np.ndarray, bits: np.ndarray, target: float) -> float:
    """Operations (P,) at which a curve of bits (P,) first is as low as `target`, between measurements too."""
    first = int(np.argmax(bits <= target + 1e-12))
    if first == 0:
        return float(operations[0])
    part = (bits[first - 1] - target) / (bits[first - 1] - bits[first])
    return float(operations[first - 1] + part * (operations[first] - operations[first - 1]))


def _order(found: dict[str, Found]) -> str:
    """Our order, and whether it is the published one: within a few percent of each other, 125M and up."""
    means = {system: of.mean("test_bits") for system, of in found.items()}
    order = " < ".join(f"{name} ({means[name]:.3f})" for name in sorted(means, key=lambda name: means[name]))
    published = WIKITEXT_PERPLEXITY.rows
    hyena, transformer = (published[name]["WikiText103"] for name in ("Hyena-3", "Transformer"))
    apart = [name for name in found if abs(_behind(found, name) or 0.0) > LEVEL]
    verdict = f"other than there, {' and '.join(apart)} is not level" if apart else "so it is here"
    return (
        f"Bits a character, best first: {order}. Published: level (WikiText-103: Hyena-3 {hyena:g}, "
        f"Transformer {transformer:g}); {verdict}."
    )


def _figure(found: dict[str, Found]):
    series = {}
    for system, of in found.items():
        operations, bits = of.curves()
        series[system] = [operations, bits.mean(axis=0), bits.min(axis=0), bits.max(axis=0)]
    return loss_against_operations(
        series, "Language modelling: loss against operations", "validation loss (bits a character)"
    )
