"""What the experiment on images found: by mixer, for pixels and for patches, beside the published numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hyena_np.experiments.beside import as_table
from hyena_np.experiments.experiment import Report, Table
from hyena_np.experiments.published import IMAGE_ACCURACY, IMAGE_PARAMETERS
from hyena_np.experiments.recall import percent
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import Cell, Spread, spread_of
from hyena_np.plots.factors import one_at_a_time

# Row and column of the published table that a cell, (mixer, side of a patch), stands for.
COUNTERPARTS = {
    ("Hyena", 1): ("Hyena", "CIFAR-10, pixel by pixel"),
    ("Hyena-2D", 1): ("Hyena-ISO", "CIFAR-10, two-dimensional"),
    ("attention", 2): ("ViT", "ImageNet, patches of 8x8"),
    ("Hyena", 2): ("Hyena-ViT", "ImageNet, patches of 8x8"),
}
# What the published numbers set against each other: the first against the second.
PAIRS = ((("Hyena", 2), ("attention", 2)), (("Hyena-2D", 1), ("Hyena", 1)))

_LEVEL = 0.5  # points; published numbers, which have no range, are called level below this

Found = dict[tuple[str, int], Spread]
"""Test accuracy by mixer and side of a patch; what is not measured yet is not there."""


def report(rows: Sequence[Row], mixers: Sequence[str], patches: Sequence[int], seed: int) -> Report:
    """A table of accuracies and sizes, the order of the mixers, and what differs from the published order.

    Parameters
    ----------
    rows : sequence of Row
    mixers : sequence of str
        In the order of the table.
    patches : sequence of int
    seed : int
        The one that learning rates were tuned with.

    Returns
    -------
    Report
    """
    rates = sorted({row.factors["lr"] for row in rows})
    found: Found = {}
    for patch in patches:
        for mixer in mixers:
            spread = spread_of(rows, _cell(mixer, patch), "test_accuracy", rates, seed)
            if spread:
                found[mixer, patch] = spread
    counts = {(row.factors["mixer"], row.factors["patch"]): row.measures["parameters"] for row in rows}
    orders = [line for patch in patches if (line := _order(found, patch))]
    pairs = [_against(found, counts, *pair) for pair in PAIRS if set(pair) <= set(found)]
    figures = {"images": lambda: _figure(found, patches)} if found else {}
    tables = [_table(found, counts, rates), as_table(IMAGE_ACCURACY), as_table(IMAGE_PARAMETERS)]
    return Report(tables, orders + pairs, figures)


def _cell(mixer: str, patch: int) -> Cell:
    return {"mixer": mixer, "patch": patch}


def _said(patch: int) -> str:
    return "pixels" if patch == 1 else f"patches of {patch}x{patch}"


def _table(found: Found, counts: dict[tuple[str, int], int], rates: Sequence[float]) -> Table:
    tried = ", ".join(f"{rate:g}" for rate in rates) or "none"
    lines = []
    for (mixer, patch), spread in found.items():
        name, column = COUNTERPARTS.get((mixer, patch), ("", ""))
        published = IMAGE_ACCURACY.rows[name][column] if name else None
        lines.append(
            [_said(patch), mixer, percent(spread), f"{counts[mixer, patch]:,}", f"{spread.rate:g}"]
            + ["" if published is None else f"{published:g}", f"{name}; {column}" if name else ""]
        )
    return Table(
        f"Test accuracy (%): mean of the seeds, and their range; learning rates tried: {tried}",
        [
            "input",
            "mixer",
            "test accuracy (%)",
            "parameters",
            "learning rate",
            "published",
            "its model and data",
        ],
        lines,
    )


def _order(found: Found, patch: int) -> str:
    """The mixers for one input, best first, and whether the seeds tell the first two apart."""
    there = {mixer: spread for (mixer, of), spread in found.items() if of == patch}
    ranked = sorted(
        (mixer for mixer in there if math.isfinite(there[mixer].mean)), key=lambda name: -there[name].mean
    )
    if len(ranked) < 2:
        return ""
    said = " > ".join(f"{mixer} ({there[mixer].mean:.1%})" for mixer in ranked)
    apart = "lie apart" if _apart(*(there[mixer] for mixer in ranked[:2])) else "overlap"
    return f"Of {_said(patch)}, best first: {said}. The seeds of the first two {apart}."


def _apart(one: Spread, other: Spread) -> bool:
    return one.low > other.high or other.low > one.high


def _against(
    found: Found, counts: dict[tuple[str, int], int], first: tuple[str, int], second: tuple[str, int]
) -> str:
    """Two mixers against each other, here and as published."""
    ours = 100 * (found[first].mean - found[second].mean)
    more = counts[first] / counts[second] - 1
    theirs = _published(first) - _published(second)
    names = f"{COUNTERPARTS[first][0]} against {COUNTERPARTS[second][0]}"
    data = " and ".join(dict.fromkeys((COUNTERPARTS[first][1], COUNTERPARTS[second][1])))
    said = f"{first[0]} against {second[0]}, {_said(first[1])}"
    if not math.isfinite(ours):
        return f"{said}: no number, because a run diverged. Published ({names}; {data}): {theirs:+.1f}."
    here = _ahead(ours, first[0], second[0], level=not _apart(found[first], found[second]))
    there = _ahead(theirs, COUNTERPARTS[first][0], COUNTERPARTS[second][0], level=abs(theirs) < _LEVEL)
    return (
        f"{said}: {ours:+.1f} points with {more:+.0%} parameters; {here}. Published ({names}; {data}): "
        f"{theirs:+.1f} points; {there}."
    )


def _ahead(difference: float, first: str, second: str, level: bool) -> str:
    return "the two are level" if level else f"{first if difference > 0 else second} is ahead"


def _published(cell: tuple[str, int]) -> float:
    name, column = COUNTERPARTS[cell]
    return IMAGE_ACCURACY.rows[name][column] or math.nan


def _figure(found: Found, patches: Sequence[int]) -> Any:
    groups = {
        _said(patch): {
            mixer: [100 * value for value in (spread.mean, spread.low, spread.high)]
            for (mixer, of), spread in found.items()
            if of == patch
        }
        for patch in patches
    }
    return one_at_a_time(groups, {}, "Images as sequences, by mixer", "test accuracy (%)")
