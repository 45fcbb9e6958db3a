"""Buffers that are used again: fresh memory costs more than the arithmetic on it."""

from __future__ import annotations

import math

import numpy as np


class Workspace:
    """Large buffers of one training loop, handed out again after every `reset`.

    An operating system clears every page of fresh memory before a program may write to it. For arrays of
    many megabytes this takes longer than what is then computed. A loop that holds a workspace pays once::

        workspace = Workspace()
        for step in range(steps):
            workspace.reset()
            y, cache = hyena(u, params, config, workspace)
            du, dparams = hyena_backward(dy, cache)

    What was handed out before a `reset` must not be used after it; `hyena_backward` refuses such a cache.
    Outputs and gradients never lie in a workspace. One workspace belongs to one loop, in one thread.

    Attributes
    ----------
    generation : int
        Number of resets so far.

    Notes
    -----
    Source: no counterpart in the paper or the official code; PyTorch's caching allocator has the same role.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._free: dict[tuple[int, np.dtype], list[np.ndarray]] = {}
        self._taken: dict[int, np.ndarray] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers, handed out or not."""
        free = [buffer for buffers in self._free.values() for buffer in buffers]
        return sum(buffer.nbytes for buffer in [*free, *self._taken.values()])

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array of any content, valid until the next `reset` or until it is given back."""
        key = (math.prod(shape), np.dtype(dtype))
        buffers = self._free.get(key)
        buffer = buffers.pop() if buffers else np.empty(*key)
        self._taken[id(buffer)] = buffer
        return buffer.reshape(shape)

    def give(self, *arrays: np.ndarray) -> None:
        """Take back what `take` handed out, before the next `reset`."""
        for array in arrays:
            self._put_away(self._taken.pop(id(array if array.base is None else array.base)))

    def reset(self) -> None:
        """Declare that nothing handed out so far is in use."""
        for buffer in self._taken.values():
            self._put_away(buffer)
        self._taken.clear()
        self.generation += 1

    def _put_away(self, buffer: np.ndarray) -> None:
        self._free.setdefault((buffer.size, buffer.dtype), []).append(buffer)


class FreshMemory:
    """The same two calls without a workspace: every array is new, and the garbage collector's."""

    generation = 0

    def take(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array of any content."""
        return np.empty(shape, dtype)

    def give(self, *arrays: np.ndarray) -> None:
        """Nothing to do."""


Memory = Workspace | FreshMemory
