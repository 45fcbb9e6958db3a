"""The page about the whole class: how the points are distributed, and which parts are hard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.exercises.exercise import Exercise, Part
from hyena_np.files import write_bytes
from hyena_np.grading.page import image, link, page, table, text
from hyena_np.grading.records import TOTAL, Record, page_link
from hyena_np.plots.figure import Figure, new_figure, png
from hyena_np.plots.style import BLUE, VERMILION, styled

OVERVIEW, PICTURE = "overview.html", "overview.png"
_HARDEST = 8  # parts in the picture
_LONGEST = 34  # characters of a part's name in the picture


class Hard(NamedTuple):
    """A part, and how many of those who tried its exercise passed it."""

    exercise: Exercise
    part: Part
    passed: int
    tried: int

    @property
    def share(self) -> float:
        return self.passed / self.tried


def hardest_parts(records: Sequence[Record]) -> list[Hard]:
    """Every part that somebody tried, the hardest first."""
    found = []
    for exercise in EXERCISES:
        tried = [record.points[exercise.name] for record in records if exercise.name in record.points]
        for part in exercise.parts if tried else ():
            passed = sum(points.get(part.name, 0) > 0 for points in tried)
            found.append(Hard(exercise, part, passed, len(tried)))
    return sorted(found, key=lambda hard: (hard.share, -hard.tried))


def write_overview(out: Path, records: Sequence[Record]) -> list[Path]:
    """Write the page, and its picture as a file of its own."""
    picture = png(overview_figure(records))
    return [
        write_bytes(out / PICTURE, picture),
        write_bytes(out / OVERVIEW, _page(records, picture)),
    ]


def _page(records: Sequence[Record], picture: bytes) -> bytes:
    percent = [record.percent for record in records]
    hard = hardest_parts(records)
    says = f"{_count(len(records))}, {np.mean(percent):.0f} % on average, median {np.median(percent):.0f} %."
    if hard:
        worst = hard[0]
        says += (
            f" Hardest: {worst.part.name!r} of exercise {worst.exercise.number}, {worst.exercise.name}, "
            f"passed by {worst.passed} of the {worst.tried} who tried it."
        )
    students = [
        (
            link(page_link(r.student), r.student),
            r.total,
            f"{r.percent:.0f} %",
            "; ".join(r.flags),
            r.error,
        )
        for r in sorted(records, key=lambda record: -record.total)
    ]
    body = [
        text("h1", "The class"),
        text("p", says),
        image(picture, "distribution of the points, and the hardest parts"),
        text("h2", "Exercises"),
        table(("exercise", "tried", "points on average", "of"), [_row(e, records) for e in EXERCISES]),
        text("h2", "Students"),
        table(("student", "points", f"of {TOTAL}", "used what is forbidden", "trouble"), students),
    ]
    return page("The class", body)


def _count(n: int) -> str:
    return "One student" if n == 1 else f"{n} students"


def _row(exercise: Exercise, records: Sequence[Record]) -> tuple[str, int, str, int]:
    tried = [record.exercise(exercise.name) for record in records if exercise.name in record.points]
    average = f"{np.mean(tried):.1f}" if tried else "-"
    return f"{exercise.number} {exercise.name}", len(tried), average, exercise.points


@styled
def overview_figure(records: Sequence[Record]) -> Figure:
    """How the points are distributed, and the parts that fewest pass.

    Parameters
    ----------
    records : sequence of Record

    Returns
    -------
    Figure
    """
    figure = new_figure(height=4.2)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    _distribution(left, [record.percent for record in records])
    _hardest(right, hardest_parts(records)[:_HARDEST])
    return figure


def _distribution(axes: Axes, percent: Sequence[float]) -> None:
    axes.hist(percent, bins=np.linspace(0, 100, 11), color=BLUE, edgecolor="white")
    median = float(np.median(percent))
    axes.axvline(median, color=VERMILION, linestyle="--")
    axes.set(
        title=f"Points of the students: median {median:.0f} %",
        xlabel="points (% of all)",
        ylabel="students",
        xlim=(0, 100),
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, math.ceil(axes.get_ylim()[1]) + 0.5)


def _hardest(axes: Axes, parts: Sequence[Hard]) -> None:
    axes.set(title="The hardest parts", xlabel="passed by (% of those who tried)", xlim=(0, 100))
    axes.barh(range(len(parts)), [100 * hard.share for hard in parts], color=VERMILION, height=0.7)
    axes.set_yticks(range(len(parts)), [_short(hard) for hard in parts])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)


def _short(hard: Hard) -> str:
    name = f"{hard.exercise.number}: {hard.part.name}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
