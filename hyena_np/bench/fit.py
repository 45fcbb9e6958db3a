"""What the times say about growth: an exponent, and the length at which one curve crosses another."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

FIT_FROM = 4096  # shorter sequences are dominated by what does not grow


def exponent(seconds: Mapping[int, float], start: int = FIT_FROM) -> float | None:
    r"""The power p of the law :math:`T \propto L^p`, fitted by least squares in both logarithms.

    Parameters
    ----------
    seconds : mapping
        Length to time.
    start : int
        Shorter lengths are left out.

    Returns
    -------
    float or None
        None for fewer than two lengths. L log L itself has a p of 1.09 between 4K and 256K.

    Notes
    -----
    Source: Hyena paper, Prop. 3.2 (:math:`O(L \log L)`). No arrays, so no shapes.
    """
    points = [(length, time) for length, time in seconds.items() if length >= start]
    if len(points) < 2:
        return None
    x, y = np.log(np.array(points, dtype=np.float64)).T
    return float(np.polyfit(x, y, 1)[0])


def crossover(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """The length from which on `ours` is quicker, where the straight lines in both logarithms meet.

    Parameters
    ----------
    ours, theirs : mapping
        Length to time; lengths that only one of them has are left out.

    Returns
    -------
    float or None
        Of several crossings the last. None where `ours` is not quicker at the longest length, or where it
        is quicker at every one.

    Notes
    -----
    Source: Hyena paper, Fig. 4.3 (crossover with attention). No arrays, so no shapes.
    """
    lengths = sorted(set(ours) & set(theirs))
    gaps = [math.log(theirs[length] / ours[length]) for length in lengths]  # above 0: ours is quicker
    if not gaps or gaps[-1] <= 0:
        return None
    for i in reversed(range(len(gaps) - 1)):
        if gaps[i] <= 0:
            share = -gaps[i] / (gaps[i + 1] - gaps[i])
            step = math.log(lengths[i + 1] / lengths[i])
            return math.exp(math.log(lengths[i]) + share * step)
    return None


def at_length(seconds: Mapping[int, float], length: int) -> float:
    """The time at a length between two measured ones, on the straight line in both logarithms."""
    lengths = sorted(seconds)
    logs = np.log([seconds[known] for known in lengths])
    return math.exp(float(np.interp(math.log(length), np.log(lengths), logs)))
