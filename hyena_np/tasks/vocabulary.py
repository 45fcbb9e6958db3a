"""The vocabulary of the released generators: two special tokens among numbers, sorted as strings."""

from __future__ import annotations

COPY_PREFIX = "=>"
NOOP = "."


def sorted_vocabulary(size: int) -> tuple[str, ...]:
    """The tokens ``.``, "0" to "size-3" and ``=>`` in the order of the strings; an id is an index into it.

    ``.`` sorts before every digit and ``=>`` behind, so ``.`` is 0, the ordinary symbols are 1 to size-2, and
    ``=>`` is size-1.
    """
    ordinary = [str(number) for number in range(size - 2)]
    return tuple(sorted([NOOP, COPY_PREFIX, *ordinary]))
