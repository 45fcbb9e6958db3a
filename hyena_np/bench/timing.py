"""Seconds: contenders take turns, the middle of many calls counts, and its spread is shown."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Sample = Callable[[], float]  # calls once what is measured, and returns the seconds

_MOST = 200  # more calls than this make no median steadier
_SETTLED = 0.05  # seconds of calls that do not count, before each that does
_LONG = 1.0  # a call of so many seconds needs none


class Spread(NamedTuple):
    """Of the seconds of a call: median and quartiles."""

    median: float
    low: float
    high: float
    repeats: int


def host_clock(call: Callable[[], Any]) -> float:
    """Seconds of a call that is over when it returns; letting go of its result is part of it."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def spread(seconds: list[float]) -> Spread:
    """Median and quartiles of some measurements; of one or two, their extremes."""
    if len(seconds) < 3:
        return Spread(statistics.median(seconds), min(seconds), max(seconds), len(seconds))
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Spread(median, low, high, len(seconds))


def interleave(
    samples: Mapping[str, Sample], budget: float, repeats: int | None = None
) -> dict[str, list[float]]:
    """Measure contenders in turns, A B C A B C, so that what else the machine does meets them all.

    Parameters
    ----------
    samples : mapping
        By name, a function that makes the call once and returns its seconds.
    budget : float
        Seconds for each, with the calls that do not count. Who has spent them, and has been called 5 times
        (3 times if a call takes a second or more), drops out; nobody is called more than 200 times.
    repeats : int, optional
        Instead: exactly so many calls each.

    Returns
    -------
    dict
        By name, the seconds of every call that counts.

    Notes
    -----
    The threads of BLAS and OpenMP go on turning for some milliseconds when their work is done, on the cores
    that the next contender is to use; and a core that has slept wakes up slowly. So every call that counts,
    unless it is a long one, follows some of the same contender that do not.
    Python's garbage collector is off meanwhile: it would charge one contender for the rubbish of another.
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    seconds: dict[str, list[float]] = {name: [] for name in samples}
    for sample in samples.values():
        sample()
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        spent = dict.fromkeys(samples, 0.0)
        while active := [n for n in samples if not _enough(seconds[n], spent[n], budget, repeats)]:
            for name in active:
                spent[name] += _settle(samples[name], seconds[name])
                seconds[name].append(samples[name]())
                spent[name] += seconds[name][-1]
    finally:
        if collecting:
            gc.enable()
    return seconds


def _settle(sample: Sample, seconds: list[float]) -> float:
    spent, calls = 0.0, 0
    while seconds and seconds[-1] < _LONG and spent < _SETTLED and calls < _MOST:
        spent, calls = spent + sample(), calls + 1
    return spent


def _enough(seconds: list[float], spent: float, budget: float, repeats: int | None) -> bool:
    count = len(seconds)
    if repeats is not None:
        return count >= repeats
    if count < 3:
        return False
    least = 5 if statistics.median(seconds) < 1 else 3
    return count >= least and (spent >= budget or count >= _MOST)
