"""``check``, ``hint``: what a student calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from hyena_np.errors import ConfigError
from hyena_np.exercises.ask import ask_here
from hyena_np.exercises.catalogue import exercise_named
from hyena_np.exercises.exercise import Exercise, Failure, Result, run_parts
from hyena_np.exercises.forbidden import uses_forbidden
from hyena_np.exercises.report import report
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


def check(name: str, *functions: Callable) -> float:
    r"""Judge what you wrote for an exercise: its parts, its points, and what failed on which input.

    Parameters
    ----------
    name : str
        Of the exercise; ``hyena-np exercises list`` shows them.
    *functions : callable
        Your functions, in the order of the exercise. Fewer are judged as far as they go.

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
    results = judged(exercise, _by_name(exercise, functions))
    print(report(exercise, results))
    first = next((result.failure for result in results if result.failure), None)
    if first is not None:
        _show(first)
    return float(sum(result.points for result in results))


def judged(
    exercise: Exercise, functions: Mapping[str, Callable], hidden: Mapping | None = None
) -> list[Result]:
    """Results of every part for these functions, in this process."""
    if names := uses_forbidden(functions.values(), exercise.forbidden):
        failure = Failure(f"calls {', '.join(names)}, which would answer the exercise for you", flagged=True)
        return [Result(part, failure) for part in exercise.parts]
    return run_parts(exercise, ask_here(functions, SECONDS), hidden)


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
