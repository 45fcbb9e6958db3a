"""Parts for one gradient of several."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.compare import compare, parts_of, recognised
from hyena_np.exercises.exercise import Ask, Failure, Part, Question, Sizes, Value
from hyena_np.exercises.kinds import asked


def one_gradient(question: Question, name: str, sizes: tuple[Sizes, ...], points: int = 1) -> Part:
    """One result of a backward is right, whatever the others are."""
    index = question.outputs.index(name)

    def judge(ask: Ask, sizes: tuple[Sizes, ...], rng: np.random.Generator) -> None:
        answers: list[tuple[tuple[Value, ...], Value]] = []
        first = None
        for size in sizes:
            arguments = question.inputs(rng, size, "float64")
            answers.append((arguments, asked(question, ask, arguments).value))
            try:
                compare(question, arguments, _with_right_others(question, index, *answers[-1]))
            except Failure as failure:
                first = first or failure
        if first is not None:
            # Several mistakes give this one gradient; all results at all sizes are seldom of two.
            first.likely = recognised(question, answers) or first.likely
            raise first

    return Part(name, points, judge, sizes)


def _with_right_others(question: Question, index: int, arguments: tuple[Value, ...], got: Value) -> Value:
    """What came, with every other result replaced by the right one; as it is where their number is wrong."""
    if len(parts_of(question, got)) != len(question.outputs):
        return got
    right = parts_of(question, question.reference(*arguments))
    return (*right[:index], parts_of(question, got)[index], *right[index + 1 :])
