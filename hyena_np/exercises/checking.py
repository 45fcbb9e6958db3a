"""``check``, ``hint``: what a student calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stderr
from contextvars import ContextVar
from dataclasses import replace

from hyena_np.errors import ConfigError
from hyena_np.exercises.ask import ask_here
from hyena_np.exercises.catalogue import exercise_named
from hyena_np.exercises.exercise import Exercise, Failure, Result, run_part, run_parts
from hyena_np.exercises.forbidden import uses_forbidden
from hyena_np.exercises.report import explain, report
from hyena_np.machine import in_browser

SECONDS = 20.0  # a call may take
_given: dict[str, int] = {}  # hints so far, in this process
_quiet = ContextVar("quiet", default=False)


@contextmanager
def silent() -> Iterator[None]:
    """While a file is loaded, the checks within it say nothing and judge nothing."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def check(name: str, *functions: Callable, hidden: Mapping | None = None) -> float:
    r"""Judge what you wrote for an exercise: its parts, its points, and what failed on which input.

    Parameters
    ----------
    name : str
        Of the exercise; ``hyena-np exercises list`` shows them.
    *functions : callable
        Your functions, in the order of the exercise. Fewer are judged as far as they go.
    hidden : mapping, optional
        For graders: a ``seed``, and ``parts`` with sizes for each. A part must then be passed with these
        inputs too, and what the functions say on the error stream comes with the rest.

    Returns
    -------
    float
        The points of the parts that are passed.

    Raises
    ------
    ConfigError
        No exercise has that name, or there are more functions than it asks for, or one is no function.

    Notes
    -----
    In a notebook, a picture shows the difference on the input that fails. Functions get copies of NumPy
    arrays of any shape that the part needs. Source: our own; no counterpart in the paper.

    Examples
    --------
    >>> from hyena_np.exercises import check
    >>> def toeplitz(h):
    ...     raise NotImplementedError
    >>> points = check("toeplitz", toeplitz)  # doctest: +ELLIPSIS
    Exercise 1, toeplitz: 0 of ... points
    ...
    """
    exercise = exercise_named(name)
    if _quiet.get():
        return 0.0
    # nbgrader gives no points to a cell that writes to the error stream, be it a warning.
    with nullcontext() if hidden is None else redirect_stderr(sys.stdout):
        results = judged_twice(exercise, _by_name(exercise, functions), hidden)
    print(report(exercise, results))
    first = next((result.failure for result in results if result.failure), None)
    if first is not None:
        _show(first)
    return float(sum(result.points for result in results))


def check_part(name: str, part: str, *functions: Callable, hidden: Mapping | None = None) -> None:
    r"""Say nothing where one part of an exercise is passed: for graders that run a test for each part.

    Parameters
    ----------
    name : str
        Of the exercise.
    part : str
        Of the part; ``check`` lists them.
    *functions : callable
        As in ``check``.
    hidden : mapping, optional
        As in ``check``.

    Raises
    ------
    AssertionError
        The part is not passed; the message explains it as ``check`` does.
    ConfigError
        As in ``check``, or the exercise has no such part.

    Notes
    -----
    Functions get copies of NumPy arrays of any shape that the part needs. Source: our own; no counterpart in
    the paper.

    Examples
    --------
    >>> from hyena_np.exercises import check_part
    >>> def toeplitz(h):
    ...     raise NotImplementedError
    >>> check_part("toeplitz", "small matrices", toeplitz)
    Traceback (most recent call last):
    AssertionError: not written yet
    """
    exercise = exercise_named(name)
    if _quiet.get():
        return
    chosen = tuple(p for p in exercise.parts if p.name == part)
    if not chosen:
        allowed = ", ".join(repr(p.name) for p in exercise.parts)
        raise ConfigError(f"part: got {part!r}, allowed are {allowed}")
    (result,) = judged_twice(replace(exercise, parts=chosen), _by_name(exercise, functions), hidden)
    if not result.passed:
        raise AssertionError(explain(result.failure) if result.failure else "not written yet")


def judged(
    exercise: Exercise, functions: Mapping[str, Callable], hidden: Mapping | None = None
) -> list[Result]:
    """Results of every part for these functions, in this process."""
    if names := uses_forbidden(functions.values(), exercise.forbidden):
        failure = Failure(f"calls {', '.join(names)}, which would answer the exercise for you", flagged=True)
        return [Result(part, failure) for part in exercise.parts]
    return run_parts(exercise, ask_here(functions, SECONDS), hidden)


def judged_twice(
    exercise: Exercise, functions: Mapping[str, Callable], hidden: Mapping | None
) -> list[Result]:
    """Results of every part: passed is what is passed in public, and with the hidden inputs too."""
    results = judged(exercise, functions)
    if hidden is None:
        return results
    ask = ask_here(functions, SECONDS)
    return [_again(run_part(exercise, r.part, ask, hidden)) if r.passed else r for r in results]


def _again(result: Result) -> Result:
    """Of a failure with hidden inputs, only what it is likely to be: the inputs stay hidden."""
    if result.failure is None:
        return result
    likely = result.failure.likely or "try sizes of your own, odd ones and large ones"
    return Result(result.part, Failure("right with the inputs of the check, not with others", likely=likely))


def hint(name: str, level: int | None = None) -> None:
    """Print the next hint of an exercise, or the one of a level.

    Parameters
    ----------
    name : str
        Of the exercise.
    level : int, optional
        1 to 3, from a nudge to nearly the code. Default: one more than the last in this session.

    Raises
    ------
    ConfigError
        No exercise has that name, or no hint that level.

    Notes
    -----
    Source: our own; no counterpart in the paper. No arrays, so no shapes.
    """
    exercise = exercise_named(name)
    if _quiet.get():
        return
    count = len(exercise.hints)
    if level is None:
        level = min(_given.get(name, 0) + 1, count)
    if isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= count:
        raise ConfigError(f"level: got {level!r}, allowed are 1 to {count}")
    _given[name] = level
    print(f"Hint {level} of {count}: {exercise.hints[level - 1]}")


def _by_name(exercise: Exercise, functions: tuple[Callable, ...]) -> dict[str, Callable]:
    names = [question.name for question in exercise.questions]
    if len(functions) > len(names):
        raise ConfigError(
            f"functions: got {len(functions)}, allowed are at most {len(names)}: {', '.join(names)}"
        )
    for function in functions:
        if not callable(function):
            raise ConfigError(f"functions: got {type(function).__name__}, allowed are functions")
    return dict(zip(names, functions, strict=False))


def _show(failure: Failure) -> None:
    """A picture of the difference, where a notebook can show one."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    if shell is None or not (hasattr(shell, "kernel") or in_browser()):
        return
    from IPython.display import display

    from hyena_np.exercises.picture import picture

    figure = picture(failure)
    if figure is not None:
        display(figure)
