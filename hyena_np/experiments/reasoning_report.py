"""What the runs of the small tasks say: what each depth reaches, how far addition goes, attention beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyena_np.experiments.experiment import Report, Table
from hyena_np.experiments.recall import as_lines, percent
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import Spread, spread_of
from hyena_np.plots.comparison import compare

SEEDS = (0, 1, 2)
MEASURES = ("validation_loss", "test_score", "test_loss", "train_loss")
LAYERS = (1, 2, 3)
TUNED_LAYERS = 2
ATTENTION_LAYERS = 2
SYSTEMS = (*(("Hyena", layers) for layers in LAYERS), ("Attention", ATTENTION_LAYERS))
_LEARNED = 0.95
_EQUAL = 0.01  # of score: less is no difference
_DIGITS = "addition-"

Found = dict[str, dict[tuple[str, int], Spread | None]]
"""Of a task: what every system reached."""


def report(rows: Sequence[Row]) -> Report:
    """A table of scores by task and depth; what is learned, and how far addition goes."""
    found = _found(rows)
    guesses = {row.factors["task"]: _guess(row) for row in rows}
    table = Table(
        "Test score (%): mean of the seeds, and their range. Share of right answers (digits, for addition); "
        "for functions, share of the variance that is explained",
        ["task", *map(_name, SYSTEMS), "guessing", "learning rates (Hyena, attention)"],
        [
            [
                task,
                *(percent(spreads[system]) for system in SYSTEMS),
                f"{100 * guesses[task]:.1f}",
                ", ".join(_rate(spreads[mixer, TUNED_LAYERS]) for mixer in ("Hyena", "Attention")),
            ]
            for task, spreads in found.items()
        ],
    )
    figures = {}
    if found:
        figures["reasoning_by_depth"] = lambda: _by_depth(found)
    if any(task.startswith(_DIGITS) for task in found):
        figures["addition_by_digits"] = lambda: _by_digits(found, guesses)
    return Report([table], [*_depths(found), *_addition(found), *_beside_attention(found)], figures)


def _found(rows: Sequence[Row]) -> Found:
    rates = sorted({row.factors["lr"] for row in rows})
    tasks = dict.fromkeys(row.factors["task"] for row in rows)
    return {
        task: {
            (mixer, layers): spread_of(
                rows,
                {"task": task, "mixer": mixer, "layers": layers},
                "test_score",
                rates,
                SEEDS[0],
                chosen_by="validation_loss",
                tune_on=lambda cell: {**cell, "layers": TUNED_LAYERS},
                largest=False,
            )
            for mixer, layers in SYSTEMS
        }
        for task in tasks
    }


def _guess(row: Row) -> float:
    """The score of who does not look at the input: 0 where it is the share of a variance."""
    from hyena_np.experiments.reasoning import task_of

    return getattr(task_of(row.settings), "chance", 0.0)


def _name(system: tuple[str, int]) -> str:
    mixer, layers = system
    return f"{mixer}, {layers} layer{'s' if layers > 1 else ''}"


def _rate(spread: Spread | None) -> str:
    return f"{spread.rate:g}" if spread else "-"
