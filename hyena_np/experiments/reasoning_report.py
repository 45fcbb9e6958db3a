"""What the runs of the small tasks say: what each depth reaches, how far addition goes, attention beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hyena_np.experiments.experiment import Report, Table
from hyena_np.experiments.reasoning_tasks import (
    ATTENTION_LAYERS,
    DIGITS,
    LAYERS,
    SEEDS,
    TUNED_LAYERS,
    task_of,
)
from hyena_np.experiments.recall import as_lines, percent
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import Spread, spread_of
from hyena_np.plots.comparison import compare

SYSTEMS = (*(("Hyena", layers) for layers in LAYERS), ("Attention", ATTENTION_LAYERS))
_LEARNED = 0.95
_EQUAL = 0.01  # of score: less is no difference

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
    figures: dict[str, Callable[[], Any]] = {}
    steps = max((row.settings["training"]["schedule"]["total"] for row in rows), default=0)
    if found:
        figures["reasoning_by_depth"] = lambda: _by_depth(found)
    if any(task.startswith(DIGITS) for task in found):
        figures["addition_by_digits"] = lambda: _by_digits(found, guesses)
    return Report([table], [*_depths(found), *_addition(found, steps), *_beside_attention(found)], figures)


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
    return getattr(task_of(row.settings), "chance", 0.0)


def _name(system: tuple[str, int]) -> str:
    mixer, layers = system
    return f"{mixer}, {layers} layer{'s' if layers > 1 else ''}"


def _rate(spread: Spread | None) -> str:
    return f"{spread.rate:g}" if spread else "-"


def _complete(found: Found) -> dict[str, dict[tuple[str, int], float]]:
    """The mean scores of the tasks that no system lacks."""
    return {
        task: {system: spread.mean for system, spread in spreads.items() if spread}
        for task, spreads in found.items()
        if all(spreads.values())
    }


def _depths(found: Found) -> list[str]:
    lines = []
    for task, means in _complete(found).items():
        enough = [layers for layers in LAYERS if means["Hyena", layers] >= _LEARNED]
        best = max(LAYERS, key=lambda layers: means["Hyena", layers])
        if enough:
            lines.append(f"{task}: Hyena reaches {_LEARNED:.0%} with {_layers(enough[0])}.")
        else:
            reached = f"{means['Hyena', best]:.0%} with {_layers(best)}"
            lines.append(f"{task}: Hyena does not reach {_LEARNED:.0%}; the best is {reached}.")
    return lines


def _addition(found: Found, steps: int) -> list[str]:
    """Whether one layer adds as many digits as in the published figure."""
    means = {_digits(task): scores for task, scores in _complete(found).items() if task.startswith(DIGITS)}
    if not means:
        return []
    learned = [digits for digits in sorted(means) if means[digits]["Hyena", 1] >= _LEARNED]
    tried = ", ".join(map(str, sorted(means)))
    says = f"numbers of up to {max(learned)} digits" if learned else "numbers of none of these lengths"
    line = f"One layer adds {says} (tried: {tried}). Published (Fig. C.1): up to 4 digits"
    expected = [digits for digits in means if digits <= 4]
    if set(learned) == set(expected):
        return [f"{line}; the same here."]
    deeper = [digits for digits in expected if means[digits]["Hyena", LAYERS[-1]] > means[digits]["Hyena", 1]]
    at = ", ".join(map(str, sorted(deeper)))
    depth = f"; {_layers(LAYERS[-1])} do better than one at {at} digits" if deeper else ""
    return [f"{line}; not so here, after {steps} steps{depth}."]


def _beside_attention(found: Found) -> list[str]:
    ahead: dict[str, list[str]] = {"Hyena": [], "Attention": [], "neither": []}
    for task, means in _complete(found).items():
        gap = means["Hyena", ATTENTION_LAYERS] - means["Attention", ATTENTION_LAYERS]
        ahead["neither" if abs(gap) <= _EQUAL else "Hyena" if gap > 0 else "Attention"].append(task)
    said = [f"{mixer} is ahead in {', '.join(tasks)}" for mixer, tasks in ahead.items() if tasks]
    if not said:
        return []
    line = f"With {_layers(ATTENTION_LAYERS)} and the same steps, {'; '.join(said)}."
    if ahead["Hyena"]:
        line += (
            " A likely reason is speed: attention has to learn where the neighbour of a token is, and "
            "Hyena's short convolution starts with it."
        )
    return [line]


def _layers(count: int) -> str:
    return "one layer" if count == 1 else f"{count} layers"


def _digits(task: str) -> int:
    return int(task.removeprefix(DIGITS))


def _by_depth(found: Found) -> Any:
    return compare(
        LAYERS,
        {task: as_lines([spreads["Hyena", layers] for layers in LAYERS]) for task, spreads in found.items()},
        "What Hyena learns by depth",
        "layers",
        "test score",
    )


def _by_digits(found: Found, guesses: dict[str, float]) -> Any:
    tasks = sorted((task for task in found if task.startswith(DIGITS)), key=_digits)
    return compare(
        [_digits(task) for task in tasks],
        {_name(system): as_lines([found[task][system] for task in tasks]) for system in SYSTEMS},
        "Addition by the length of the numbers",
        "digits of each number",
        "share of right digits",
        chance=[guesses[task] for task in tasks],
    )
