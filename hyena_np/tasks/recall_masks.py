"""Associative recall: which labels a loss counts, and where in an example the answer stands."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from hyena_np.errors import ConfigError, ShapeError, TokenError
from hyena_np.tasks.batches import IGNORE, TokenTask, check_batch
from hyena_np.tasks.checks import integer_array

Mask = Literal["all", "last", "seen"]


class RecalledPair(NamedTuple):
    """Where the answer of one example stands in its input; empty arrays if the queried key never occurred."""

    keys: np.ndarray  # (occurrences,) positions of the queried key among the pairs, ascending
    values: np.ndarray  # (occurrences,) positions of the value right behind it


def mask_labels(inputs: np.ndarray, labels: np.ndarray, which: Mask, task: TokenTask) -> np.ndarray:
    """Replace by `IGNORE` the labels that a loss is not to count.

    ======== ================================================ ==============================================
    `which`  positions that keep their label                  used by
    ======== ================================================ ==============================================
    "all"    every one                                        the official training
    "last"   the answer to the query                          the official test
    "seen"   every value whose key came earlier in the same   the fast recipe of this package
             sequence, and the answer to the query
    ======== ================================================ ==============================================

    Under "all" most labels are noise: the next key is random, and so is the value of a new key. Under "last"
    a sequence teaches one thing only. "seen" keeps each label that can be recalled from what came before.

    Parameters
    ----------
    inputs : numpy.ndarray
        (B, T) integer token ids.
    labels : numpy.ndarray
        (B, T) integer. Not written to.
    which : {"all", "last", "seen"}
        Positions to keep.
    task : RecallTask
        The task that drew the examples.

    Returns
    -------
    numpy.ndarray
        (B, T), the dtype of `labels`; always a new array.

    Raises
    ------
    ShapeError
        If `inputs` or `labels` is not (B, T).
    DTypeError
        If one of them does not hold integers.
    ConfigError
        If `which` is none of the three.
    TokenError
        If "seen" meets ids outside the vocabulary.

    Notes
    -----
    Source: "all" and "last" official code, ``ICLDataModule.setup``; "seen" is not in the paper.
    """
    check_batch(inputs, labels, task)
    if which == "all":
        return labels.copy()
    if which == "last":
        keep = np.zeros(labels.shape, dtype=bool)
        keep[:, -1] = True
    elif which == "seen":
        keep = _recallable(inputs, task)
    else:
        raise ConfigError(f'which must be "all", "last" or "seen", got {which!r}')
    return np.where(keep, labels, labels.dtype.type(IGNORE))


def recalled_pair(inputs: np.ndarray) -> RecalledPair:
    """Find the key-value pairs of one example that hold the answer to its query.

    Parameters
    ----------
    inputs : numpy.ndarray
        (T,) integer token ids of one example: pairs, ``=>``, query.

    Returns
    -------
    RecalledPair
        Positions of every earlier occurrence of the queried key, and of the values behind them. In the matrix
        of an operator, the row of the answer is T-1 (the query) and these are the columns to look at.

    Raises
    ------
    ShapeError
        If `inputs` is not one example of an even length of at least 4.
    DTypeError
        If `inputs` does not hold integers.

    Notes
    -----
    Source: layout of the official ``generate_assoc_recall``.
    """
    integer_array("inputs", inputs)
    if inputs.ndim != 1 or inputs.size < 4 or inputs.size % 2:
        raise ShapeError(f"inputs must have shape (T,) with an even T of at least 4, got {inputs.shape}")
    keys = 2 * np.flatnonzero(inputs[:-2:2] == inputs[-1])
    return RecalledPair(keys, keys + 1)


def _recallable(inputs: np.ndarray, task: TokenTask) -> np.ndarray:
    """Mark where the label is the value of a key that came before, and the final query; (B, T) bool."""
    batch, length = inputs.shape
    positions = np.append(np.arange(0, length - 2, 2), length - 1)  # of the keys and of the query
    keys = inputs[:, positions]
    if keys.size and not (0 <= keys.min() and keys.max() < task.vocab_size):
        raise TokenError(
            f"inputs must hold ids from 0 to {task.vocab_size - 1}, got {keys.min()} to {keys.max()}"
        )
    cell = np.arange(batch)[:, None] * task.vocab_size + keys  # one cell for each key of each example
    first = np.full(batch * task.vocab_size, length)
    np.minimum.at(first, cell.ravel(), np.broadcast_to(positions, keys.shape).ravel())
    keep = np.zeros(inputs.shape, dtype=bool)
    keep[:, positions] = first[cell] < positions
    keep[:, -1] = True  # the "." for an absent key is an answer too
    return keep
