"""The page that a student gets back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.exercises.exercise import Exercise, Failure
from hyena_np.exercises.picture import picture
from hyena_np.exercises.report import explain
from hyena_np.grading.judging import Ended, Outcome, PartOutcome
from hyena_np.grading.page import image, page, table, text
from hyena_np.grading.records import Record
from hyena_np.grading.student import Graded
from hyena_np.plots.figure import png

_PIXELS = 80  # an inch
_SHOWN, _REMARK = 4000, 400  # characters of a longer text, and of one in a table


def feedback_page(graded: Graded, record: Record) -> bytes:
    """The page of one student, as HTML.

    It shows public inputs in full, and of hidden ones nothing but the part's name and the likely mistake.
    """
    total = sum(exercise.points for exercise in EXERCISES)
    body = [
        text("h1", f"{record.student}: {record.total} of {total} points"),
        *(text("p", problem, "note") for problem in graded.problems),
        table(("exercise", "", "points", "of"), [_row(exercise, graded) for exercise in EXERCISES]),
    ]
    for exercise in EXERCISES:
        if outcome := graded.outcomes.get(exercise.name):
            body += _exercise(outcome)
    return page(f"{record.student}: feedback", body)


def _row(exercise: Exercise, graded: Graded) -> tuple[str, str, int | str, int]:
    outcome = graded.outcomes.get(exercise.name)
    points = outcome.points if outcome and outcome.attempted else "-"
    return f"{exercise.number} {exercise.name}", exercise.title, points, exercise.points


def _exercise(outcome: Outcome) -> Iterator[str]:
    exercise = outcome.exercise
    if not outcome.attempted:
        return
    yield text(
        "h2", f"Exercise {exercise.number}, {exercise.name}: {outcome.points} of {exercise.points} points"
    )
    yield text("p", f"{exercise.title} (in {outcome.file})")
    yield table(("part", "points", "of", ""), [_part(part) for part in outcome.parts])
    first = next((part for part in outcome.parts if part.failure and not part.hidden), None)
    if first and first.failure:  # one thing at a time: later parts often fail for the same reason
        yield text("p", f"The first part that fails, {first.part.name!r}:")
        yield text("pre", _cut(explain(first.failure)))
        if drawn := _picture(first.failure):
            yield image(drawn, "expected, yours, and the difference")
    for error in outcome.errors:
        yield text("p", f"While the file was read, {error}", "note")
    if outcome.output.strip():
        yield text("p", "What the file printed:")
        yield text("pre", _cut(outcome.output))


def _cut(content: str) -> str:
    return content if len(content) <= _SHOWN else f"{content[:_SHOWN]}\n..."


def _picture(failure: Failure) -> bytes | None:
    """A picture, unless the numbers are such that none can be drawn: a submission chooses them."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            figure = picture(failure)
            return None if figure is None else png(figure, _PIXELS)
    except Exception:
        return None


def _part(part: PartOutcome) -> tuple[str, int, int, str]:
    return part.part.name, part.points, part.part.points, _remark(part)[:_REMARK]


def _remark(part: PartOutcome) -> str:
    if not part.written:
        return "not written yet"
    if part.failure is None:
        return "passed"
    if not part.hidden:
        return part.failure.likely or part.failure.says
    said = part.failure.says if isinstance(part.failure, Ended) else part.failure.likely
    likely = said or "try sizes of your own, odd ones and large ones"
    return f"passed with the inputs of the check, not with others: {likely}"
