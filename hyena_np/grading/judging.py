"""Judging one exercise of one file: its functions run elsewhere, the answers are compared here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hyena_np.errors import RunError
from hyena_np.exercises.exercise import Answer, Exercise, Failure, NotWritten, Part, Result, Value, run_part
from hyena_np.exercises.forbidden import resolve
from hyena_np.grading.channel import Silence, Stopped
from hyena_np.grading.process import Limits, Process
from hyena_np.grading.surroundings import Surroundings

_LONGEST = 400  # characters of what a process says
_NOTHING, _NO_ANSWER = "returned None", "its process sent something else than the answer"


@dataclass(frozen=True)
class Source:
    """One file of a submission: its name, and the code of its cells."""

    name: str
    cells: tuple[str, ...]


class Ended(Failure):
    """There was no answer. What it says is the grader's own words, and tells nothing of the inputs."""


@dataclass(frozen=True)
class PartOutcome:
    """How one part went: in public, and where it passed there, with the hidden inputs."""

    part: Part
    failure: Failure | None = None
    written: bool = True
    hidden: bool = False  # it is with hidden inputs that it failed

    @property
    def points(self) -> int:
        return self.part.points if self.written and self.failure is None else 0


@dataclass(frozen=True)
class Outcome:
    """How one exercise went in one file.

    Parameters
    ----------
    exercise : Exercise
    file : str
    parts : tuple of PartOutcome
    used : tuple of str
        Forbidden names that were called.
    errors : tuple of str
        What the cells raised.
    output : str
        What the file printed, without what it printed for hidden inputs.
    stuck : str
        Why the file could not even be read to its end; empty where it could.
    """

    exercise: Exercise
    file: str
    parts: tuple[PartOutcome, ...]
    used: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    output: str = ""
    stuck: str = ""

    @property
    def points(self) -> int:
        return sum(part.points for part in self.parts)

    @property
    def attempted(self) -> bool:
        return any(part.written for part in self.parts)


def judge(
    exercise: Exercise, source: Source, hidden: Mapping | None, around: Surroundings, limits: Limits
) -> Outcome:
    """Judge an exercise of a file in a process of its own.

    Parameters
    ----------
    exercise : Exercise
    source : Source
    hidden : mapping or None
        Seed and sizes of the hidden parts; None leaves them out.
    around : Surroundings
    limits : Limits

    Returns
    -------
    Outcome
    """
    with Process(around, limits, exercise) as process:
        try:
            asking = Asking(process, exercise, source)
        except Silence as silence:
            stuck = f"the file was not read to its end: {silence}"
            return failed(exercise, source, Ended(stuck), stuck=stuck, output=process.printed())
        # Public inputs first: what the file prints for hidden ones is shown to nobody.
        public = [_run(exercise, part, asking, None) for part in exercise.parts]
        output = process.printed()
        parts = [_outcome(exercise, result, asking, hidden) for result in public]
        used = tuple(sorted(asking.used))
    if used:
        failure = Failure(f"calls {', '.join(used)}, which would answer the exercise for you", flagged=True)
        return failed(exercise, source, failure, used=used, errors=asking.errors, output=output)
    return Outcome(exercise, source.name, tuple(parts), (), asking.errors, output)


def failed(
    exercise: Exercise,
    source: Source,
    failure: Failure,
    used: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
    output: str = "",
    stuck: str = "",
) -> Outcome:
    """No part is passed, all for the same reason."""
    parts = tuple(PartOutcome(part, failure) for part in exercise.parts)
    return Outcome(exercise, source.name, parts, used, errors, output, stuck)


def _outcome(exercise: Exercise, public: Result, asking: Asking, hidden: Mapping | None) -> PartOutcome:
    if not public.passed or hidden is None:
        return PartOutcome(public.part, public.failure, public.written)
    result = _run(exercise, public.part, asking, hidden)
    return PartOutcome(public.part, result.failure, result.written, hidden=not result.passed)


def _run(exercise: Exercise, part: Part, asking: Asking, hidden: Mapping | None) -> Result:
    try:
        with np.errstate(all="ignore"):  # of answers that are not finite
            return run_part(exercise, part, asking, hidden)
    except (Stopped, RunError):
        raise
    except Exception as error:
        # The judges expect arrays where arrays are asked for; a submission may have sent anything.
        return Result(part, Failure(f"returned what cannot be compared ({type(error).__name__})"))


class Asking:
    """Asks the functions of a file in its process; an `Ask` for the parts of an exercise."""

    def __init__(self, process: Process, exercise: Exercise, source: Source) -> None:
        self._process, self._count, self._forbidden = process, 0, exercise.forbidden
        names = tuple(question.name for question in exercise.questions)
        reply = process.ask({"cells": source.cells, "name": source.name, "functions": names})
        if reply.get("kind") != "loaded":
            raise Silence(_NO_ANSWER)
        self._functions = set(_texts(reply.get("functions")))
        self.errors = tuple(_texts(reply.get("errors")))
        # What the cells themselves call, to compare with for instance, has failed; it is of no use to them.
        process.used.clear()

    @property
    def used(self) -> set[str]:
        """What was called, as far as the exercise forbids it. The process says so, and may say anything."""
        return {name for name in self._process.used if self._is_forbidden(name)}

    def _is_forbidden(self, name: str) -> bool:
        within = next((f for f in self._forbidden if name == f or name.startswith(f"{f}.")), None)
        try:
            return within is not None and (name == within or resolve(name) is not None)
        except (ImportError, AttributeError, ValueError):
            return False

    def __call__(self, name: str, *arguments: Value, count: bool = False) -> Answer:
        if name not in self._functions:
            raise NotWritten(name)
        self._count += 1
        try:
            request = {"name": name, "number": self._count, "arguments": arguments, "count": count}
            reply = self._process.ask(request)
        except Silence as silence:
            raise Ended(str(silence)) from None
        kind = reply.get("kind")
        if kind == "unwritten":
            raise NotWritten(name)
        if kind == "failure":
            says = _texts((reply.get("says"),))[0]
            raise Failure(says, likely="the return statement is missing" if says == _NOTHING else "")
        overwritten, lines = reply.get("overwritten"), reply.get("lines")
        numbered = kind == "answer" and reply.get("number") == self._count
        if not (numbered and isinstance(overwritten, tuple) and isinstance(lines, int)):
            raise Ended(_NO_ANSWER)
        changed = {n for n in overwritten if type(n) is int and 0 <= n < len(arguments)}
        return Answer(reply.get("value"), tuple(sorted(changed)), lines)


def _texts(value: Value) -> list[str]:
    """Texts that a process sent, cut to a length that can be shown."""
    items = value if isinstance(value, tuple) else ()
    return [" ".join(item.split())[:_LONGEST] if isinstance(item, str) else "?" for item in items[:20]]
