"""Grading one student: every exercise in every file, and the best result of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.grading.entries import Entry, attempts
from hyena_np.grading.hidden import Hidden
from hyena_np.grading.judging import Ended, Outcome, failed, judge
from hyena_np.grading.process import Limits
from hyena_np.grading.surroundings import Surroundings


@dataclass(frozen=True)
class Graded:
    """What became of one student's files.

    Parameters
    ----------
    entry : Entry
    outcomes : dict
        The best outcome of each exercise that a file attempts, by its name.
    used : dict
        Forbidden names that were called in any file, by exercise.
    problems : tuple of str
        Files that could not be read, or not to their end.
    """

    entry: Entry
    outcomes: dict[str, Outcome]
    used: dict[str, tuple[str, ...]]
    problems: tuple[str, ...]


def grade_student(
    entry: Entry, hidden: Hidden | None, around: Surroundings, limits: Limits, step: Callable[[], None]
) -> Graded:
    """Grade the files of one student.

    Parameters
    ----------
    entry : Entry
    hidden : mapping or None
    around : Surroundings
    limits : Limits
        Of each exercise.
    step : callable
        Called after each exercise.

    Returns
    -------
    Graded
    """
    sources, problems = entry.sources()
    stuck: dict[str, str] = {}  # files that could not be read to their end are not tried again
    outcomes: dict[str, Outcome] = {}
    used: dict[str, tuple[str, ...]] = {}
    for exercise in EXERCISES:
        for source in (source for source in sources if attempts(exercise, source)):
            if source.name in stuck:
                outcome = failed(exercise, source, Ended(stuck[source.name]), stuck=stuck[source.name])
            else:
                sizes = None if hidden is None else hidden[exercise.name]
                outcome = judge(exercise, source, sizes, around, limits)
            if outcome.stuck and source.name not in stuck:
                stuck[source.name] = outcome.stuck
                problems.append(f"{source.name}: {outcome.stuck}")
            if outcome.used:
                used[exercise.name] = tuple(sorted({*used.get(exercise.name, ()), *outcome.used}))
            outcomes[exercise.name] = _better(outcomes.get(exercise.name), outcome)
            if outcome.points == exercise.points:
                break
        step()
    return Graded(entry, outcomes, used, tuple(problems))


def _better(one: Outcome | None, other: Outcome) -> Outcome:
    if one is None:
        return other
    return max(one, other, key=lambda outcome: (outcome.points, outcome.attempted))
