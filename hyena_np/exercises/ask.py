"""Asking a student's function in this process: copies go in, plain values come out, and time is limited."""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from hyena_np.exercises.exercise import Answer, Ask, Failure, NotWritten, Value
from hyena_np.exercises.values import copied, plain, same


def ask_here(functions: Mapping[str, Callable], seconds: float = math.inf) -> Ask:
    """Asks these functions, by their names, each call in at most so many seconds."""

    def ask(name: str, *arguments: Value, count: bool = False) -> Answer:
        if name not in functions:
            raise NotWritten(name)
        with time_limit(seconds):
            return call(functions[name], arguments, count)

    return ask


def call(function: Callable, arguments: tuple[Value, ...], count: bool = False) -> Answer:
    """Call a student's function on copies, and turn what it raises into a `Failure`."""
    given = copied(arguments)
    try:
        value, lines = counted(function, given) if count else (function(*given), 0)
    except NotImplementedError as error:
        raise NotWritten(str(error)) from None
    except _TimeUp:
        raise Failure("took too long; is there a loop that does not end?") from None
    except Exception as error:
        raise Failure(f"raised {type(error).__name__}: {_one_line(error)}") from error
    if value is None:
        raise Failure("returned None", likely="the return statement is missing")
    pairs = enumerate(zip(given, arguments, strict=True))
    return Answer(plain(value), tuple(n for n, (now, before) in pairs if not same(now, before)), lines)


def counted(function: Callable, arguments: tuple[Value, ...]) -> tuple[Value, int]:
    """What a function returns, and how many lines of Python it ran: a loop runs some in every turn."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: object) -> Callable:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()  # a debugger's, or that of a coverage report
    sys.settrace(trace)
    try:
        return function(*arguments), lines
    finally:
        sys.settrace(before)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


class _TimeUp(BaseException):
    """Not an Exception: a student's ``except Exception`` must not catch it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer; only the main thread of a system with alarms can do it."""
    possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not possible or math.isinf(seconds):
        yield
        return

    def ring(*_: object) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
