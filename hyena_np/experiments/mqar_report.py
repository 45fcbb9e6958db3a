"""What the runs of multi-query recall say: the width that each mixer needs, and what makes Hyena weak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hyena_np.experiments.experiment import Report, Table
from hyena_np.experiments.published import MQAR_ACCURACY, MQAR_SIZES, MQAR_WIDTHS
from hyena_np.experiments.recall import SEEDS, as_lines, percent
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import Cell, Spread, spread_of
from hyena_np.plots.comparison import compare

MIXERS = ("Attention", "Hyena")
Size = tuple[int, int]  # length and pairs of the task
_ALMOST_ALL = 0.95

Found = dict[tuple[str, int, int], list[Spread | None]]
"""Of a mixer, a length and a number of pairs: what every width reached."""


def resized(cell: Cell, size: Size) -> Cell:
    """The same mixer and width on a task of another size."""
    return {**cell, "length": size[0], "pairs": size[1]}


def report(rows: Sequence[Row]) -> Report:
    """Tables of accuracies by mixer, size of the task and width: ours, and those of the plot."""
    sizes = sorted({(row.factors["length"], row.factors["pairs"]) for row in rows})
    widths = sorted({row.factors["width"] for row in rows})
    found = _found(rows, sizes, widths)
    table = Table(
        "Test accuracy (%): mean of the seeds, and their range",
        ["mixer", "length", "pairs", *(f"D={width}" for width in widths), "learning rates"],
        [
            [mixer, str(length), str(pairs), *map(percent, spreads), _rates(spreads)]
            for (mixer, length, pairs), spreads in found.items()
        ],
    )
    figures: dict[str, Callable[[], Any]] = {
        f"mqar_{size[0]}_{size[1]}": partial(_figure, found, size, widths) for size in sizes
    }
    return Report([table, published()], _conclusions(found, sizes, widths), figures)


def published() -> Table:
    """The published accuracies of the two mixers, in the form of our table."""
    accuracies = MQAR_ACCURACY.rows
    rows = [
        [mixer, str(length), str(pairs)]
        + [f"{accuracies[mixer][length, pairs, width]:.0%}" for width in MQAR_WIDTHS]
        for mixer in MIXERS
        for length, pairs in MQAR_SIZES
    ]
    return Table(
        f"Published: {MQAR_ACCURACY.source}; test accuracy, read off a plot",
        ["mixer", "length", "pairs", *(f"D={width}" for width in MQAR_WIDTHS)],
        rows,
    )


def _found(rows: Sequence[Row], sizes: Sequence[Size], widths: Sequence[int]) -> Found:
    rates = sorted({row.factors["lr"] for row in rows})
    return {
        (mixer, *size): [
            spread_of(
                rows,
                {"mixer": mixer, "length": size[0], "pairs": size[1], "width": width},
                "test_accuracy",
                rates,
                SEEDS[0],
                tune_on=lambda cell: resized(cell, sizes[0]),
            )
            for width in widths
        ]
        for mixer in MIXERS
        for size in sizes
    }


def _rates(spreads: Sequence[Spread | None]) -> str:
    return ", ".join(f"{spread.rate:g}" if spread else "-" for spread in spreads)


def _conclusions(found: Found, sizes: Sequence[Size], widths: Sequence[int]) -> list[str]:
    """What each mixer needs, whether the order is the published one, and what makes Hyena better or worse."""
    complete = {key: [spread.mean for spread in spreads if spread] for key, spreads in found.items()}
    if not sizes or any(len(means) != len(widths) for means in complete.values()):
        return []
    lines = [
        f"{mixer}, length {length}, {pairs} pairs: {_needed(means, widths)}."
        for (mixer, length, pairs), means in complete.items()
    ]
    contrary = [
        f"D={width} at length {size[0]} ({hyena:.0%} against {attention:.0%})"
        for size in sizes
        for width, hyena, attention in zip(
            widths, complete["Hyena", *size], complete["Attention", *size], strict=True
        )
        if hyena > attention
    ]
    if contrary:
        lines.append(
            "Published order: attention is never behind. Here Hyena is ahead at "
            f"{', '.join(contrary)}, all within a number of steps at which attention may not have found the "
            "two heads that it needs (one that looks a position back, one that compares keys)."
        )
    else:
        lines.append("Published order: attention is never behind. Here too, at every width and size.")
    return [*lines, *_weakness([complete["Hyena", *size] for size in sizes], sizes, widths)]


def _needed(means: Sequence[float], widths: Sequence[int]) -> str:
    for width, mean in zip(widths, means, strict=True):
        if mean >= _ALMOST_ALL:
            return f"{_ALMOST_ALL:.0%} from width {width} on"
    best = max(zip(means, widths, strict=True))
    return f"no width reaches {_ALMOST_ALL:.0%}; the best is {best[0]:.0%} at width {best[1]}"


def _weakness(hyena: Sequence[Sequence[float]], sizes: Sequence[Size], widths: Sequence[int]) -> list[str]:
    """How Hyena depends on width, and on length and pairs at the same width."""
    if len(sizes) < 2 or len(widths) < 2:
        return []
    gain, loss = hyena[0][-1] - hyena[0][0], hyena[0][-1] - hyena[-1][-1]
    measured = (
        f"Hyena goes from {hyena[0][0]:.0%} to {hyena[0][-1]:.0%} between width {widths[0]} and "
        f"{widths[-1]} at length {sizes[0][0]}; at width {widths[-1]}, from {hyena[0][-1]:.0%} to "
        f"{hyena[-1][-1]:.0%} between length {sizes[0][0]} and {sizes[-1][0]}"
    )
    if gain > 0 and loss > 0:
        return [
            f"{measured}. So it is with filters that weigh by lag and not by content: every key is asked at "
            "a lag of its own, a channel picks a few lags out, and more pairs at more lags take more. "
            "Attention compares contents, whatever the lag. Recall of one key, asked at the end, hides this."
        ]
    return [f"{measured}: not what filters that weigh by lag would lead one to expect."]


def _figure(found: Found, size: Size, widths: Sequence[int]) -> Any:
    """Accuracy against width; to guess is to pick one of the values of the prompt."""
    return compare(
        widths,
        {mixer: as_lines(found[mixer, *size]) for mixer in MIXERS},
        f"Multi-query recall against width: length {size[0]}, {size[1]} pairs",
        "width of the model D",
        "test accuracy",
        chance=[1 / size[1]] * len(widths),
        scale="log",
    )
