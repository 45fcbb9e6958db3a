"""Threads over independent parts of the work: channels between the dense products, rows inside them.

Every part is computed by one thread from beginning to end, its dense products included, so while parts run
BLAS is held to one thread: two layers of threads would fight for the same cores, and BLAS's own threads go on
spinning for a while after a product is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np

from hyena_np.backend import single_thread, thread_count, thread_pools

# Elements. NumPy copies rows of a slice that are shorter than its buffer (8192) through it, for nothing: a
# shifted sum of rows of 1024 takes up to four times as long. The setting is the thread's, and is put back.
_BUFFER_SIZE = 1024
# Below this many elements of (B, L, D), a second thread costs more than it brings.
_PARALLEL_SIZE = 1 << 18

# One caller at a time: of two that limit BLAS at once, the later would put back the other's limit.
_ALONE = Lock()


def num_parts(size: int) -> int:
    """Into how many parts to split the work on arrays of `size` elements: one a thread."""
    return thread_count() if size >= _PARALLEL_SIZE else 1


def split(n: int, parts: int) -> tuple[slice, ...]:
    """The indices 0..n-1 as at most `parts` slices of nearly equal length, none of them empty."""
    parts = max(1, min(n, parts))
    edges = [i * n // parts for i in range(parts + 1)]
    return tuple(slice(*pair) for pair in pairwise(edges))


def in_parallel(function: Callable[[Any], Any], parts: Sequence) -> list:
    """Results of the function for every part, in their order; a part may not be split again."""

    def run(part: Any) -> Any:
        before = np.setbufsize(_BUFFER_SIZE)
        try:
            return function(part)
        finally:
            np.setbufsize(before)

    def run_alone(part: Any) -> Any:
        with single_thread():
            return run(part)

    if len(parts) == 1:
        return [run(parts[0])]
    with _ALONE, _blas().limit(limits=1, user_api="blas"):
        # The caller takes the first part: it is awake, and the others find a free core the sooner.
        others = [_pool().submit(run_alone, part) for part in parts[1:]]
        try:
            first = run_alone(parts[0])
        finally:
            wait(others)  # before anything is put back, and before an error leaves them behind
        return [first, *(other.result() for other in others)]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="hyena_np")


@cache
def _blas() -> Any:
    return thread_pools()  # finding the libraries takes a millisecond: once


def _forget_threads() -> None:
    """A forked process has the pool's bookkeeping and perhaps a caller's lock, but the threads of neither."""
    global _ALONE
    _ALONE = Lock()
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
