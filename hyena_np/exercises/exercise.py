"""What an exercise is: functions to write, parts that judge them, hints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# What a function may take and return: an array, a number, a text, None, or tuples and dictionaries of them.
Value = Any
Sizes = Mapping[str, int]  # {"L": 5, "D": 2}, by the letters of the glossary
Inputs = Callable[[np.random.Generator, Sizes, str], tuple]
Function = Callable[..., Value]
# ask(name of a question, *arguments, count=False): what the student's function returns; count: of its lines
Ask = Callable[..., "Answer"]


class Failure(Exception):
    """A part is not passed: what went wrong, on which inputs, and why it may be so."""

    def __init__(
        self,
        says: str,
        *,
        inputs: Mapping[str, Value] | None = None,
        expected: Value = None,
        got: Value = None,
        likely: str = "",
        flagged: bool = False,
    ) -> None:
        super().__init__(says)
        self.says = says
        self.inputs = dict(inputs or {})
        self.expected, self.got = expected, got
        self.likely = likely
        self.flagged = flagged  # it used what the exercise forbids


class NotWritten(Exception):
    """The function is missing, or still raises NotImplementedError."""


@dataclass(frozen=True)
class Answer:
    """What a student's function returned, as plain NumPy, and which of its arguments it changed.

    ``lines`` is how many lines of Python ran meanwhile, where they were counted.
    """

    value: Value
    overwritten: tuple[int, ...] = ()
    lines: int = 0


@dataclass(frozen=True)
class Mistake:
    """A well-known wrong way to write a function: its name, and what it answers for the same arguments."""

    says: str
    answer: Function


@dataclass(frozen=True)
class Question:
    """One function that the student writes.

    Parameters
    ----------
    name : str
        Of the function; no two exercises share one.
    arguments : tuple of str
        Names of its arguments, in order.
    inputs : callable
        ``inputs(rng, sizes, dtype)`` draws the arguments.
    reference : callable
        The right answer for these arguments.
    outputs : tuple of str
        Names of the results, in order.
    mistakes : tuple of Mistake
        Wrong answers that the check recognises, beside those that it recognises everywhere.
    axis : int
        Axis of time in the results; None where there is none.
    """

    name: str
    arguments: tuple[str, ...]
    inputs: Inputs
    reference: Function
    outputs: tuple[str, ...] = ("y",)
    mistakes: tuple[Mistake, ...] = ()
    axis: int | None = -1


@dataclass(frozen=True)
class Part:
    """One thing that is judged, and its points.

    ``judge(ask, sizes, rng)`` raises `Failure` where an answer is wrong, for one of `sizes`, which the check
    goes through from the smallest. Hidden parts are the same with other sizes and another seed.
    """

    name: str
    points: int
    judge: Callable[[Ask, tuple[Sizes, ...], np.random.Generator], None]
    sizes: tuple[Sizes, ...] = ({},)


@dataclass(frozen=True)
class Exercise:
    """An exercise: what a student writes, learns, and may not use.

    ``paper`` names the places of the paper that it teaches, ``needs`` the exercises to do before it.
    ``forbidden`` are dotted names: what would answer the exercise without the student. ``slow``: its parts
    take seconds, not milliseconds.
    """

    number: int
    name: str
    title: str
    goal: str
    minutes: int
    paper: tuple[str, ...]
    questions: tuple[Question, ...]
    parts: tuple[Part, ...]
    hints: tuple[str, str, str]
    forbidden: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    seed: int = 0
    slow: bool = False

    @property
    def points(self) -> int:
        """Points of all parts."""
        return sum(part.points for part in self.parts)

    @property
    def stem(self) -> str:
        """Name of its files, without the ending: ``03_fftconv``."""
        return f"{self.number:02d}_{self.name}"


@dataclass(frozen=True)
class Result:
    """How one part went. Without a failure it is passed, unless the function is not written."""

    part: Part
    failure: Failure | None = None
    written: bool = True

    @property
    def passed(self) -> bool:
        return self.written and self.failure is None

    @property
    def points(self) -> int:
        return self.part.points if self.passed else 0


def run_parts(exercise: Exercise, ask: Ask, hidden: Mapping | None = None) -> list[Result]:
    """Judge every part; with `hidden`, by its seed and its sizes instead of the public ones."""
    return [run_part(exercise, part, ask, hidden) for part in exercise.parts]


def run_part(exercise: Exercise, part: Part, ask: Ask, hidden: Mapping | None = None) -> Result:
    """Judge one part; see `run_parts`."""
    seed, sizes = exercise.seed, part.sizes
    if hidden is not None:
        seed, sizes = hidden["seed"], tuple(hidden["parts"][part.name])
    # Its own stream for every part: that one is added leaves the others' inputs as they were.
    rng = np.random.default_rng([seed, exercise.number, *part.name.encode()])
    try:
        part.judge(ask, sizes, rng)
    except NotWritten:
        return Result(part, written=False)
    except Failure as failure:
        return Result(part, failure)
    return Result(part)
