"""Fixed sets of examples, as the paper's 5000 to train on and 500 to test on: distinct, and none in both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import IGNORE, TokenBatch, TokenTask
from hyena_np.tasks.checks import generator, integer

# Even when a task is drawn nearly dry, a few dozen draws for each distinct example suffice.
_MAX_DRAWS_PER_EXAMPLE = 200
# Keeps the temporaries of a data set of very long sequences near 100 MB.
_BLOCK_TOKENS = 2**22


class TokenDataset(NamedTuple):
    """Two sets of examples that share none."""

    train: TokenBatch
    test: TokenBatch


def distinct(task: TokenTask, rng: np.random.Generator, n_train: int, n_test: int) -> TokenDataset:
    """Draw train and test sets of examples with distinct inputs, none of them in both sets.

    Duplicates are dropped and replaced by further draws until there are enough. The official code does this
    within each set only; here a test example is never a training example either. The union is shuffled
    before it is split, so that examples of low probability, which a small task gives up last, are not all in
    one set.

    Parameters
    ----------
    task : TokenTask
        Draws the examples.
    rng : numpy.random.Generator
        Advanced by the call. The same state gives the same sets.
    n_train, n_test : int
        Sizes of the two sets, either of which may be 0. The official code has 5000 and 500.

    Returns
    -------
    TokenDataset
        `train` and `test`, each with int64 `inputs` and `labels` of shape (size, T). The labels are those of
        `task.sample`; the official code trains on them and tests on `task.answers` of them.

    Raises
    ------
    DTypeError
        If `rng` is not a Generator.
    ConfigError
        If a size is negative or no integer, or if the task does not show that many distinct examples within a
        fixed number of draws.

    Notes
    -----
    Source: official code, ``ICLDataModule.setup``.
    """
    rng = generator(rng)
    n_train = integer("n_train", n_train, minimum=0)
    n_test = integer("n_test", n_test, minimum=0)
    rows = rng.permutation(_draw_distinct(task, rng, n_train + n_test))  # (n, 2, T)
    return TokenDataset(_batch(rows[:n_train]), _batch(rows[n_train:]))


def _draw_distinct(task: TokenTask, rng: np.random.Generator, wanted: int) -> np.ndarray:
    """Draw until `wanted` different inputs are there; (wanted, 2, T), by first appearance."""
    length = task.input_length
    # Compact: all rows are held as bytes for a while. Signed, because IGNORE is negative.
    dtype = np.result_type(np.min_scalar_type(-task.vocab_size), np.min_scalar_type(IGNORE))
    seen: dict[bytes, bytes] = {}  # the labels of each input
    budget = _MAX_DRAWS_PER_EXAMPLE * wanted
    while len(seen) < wanted:
        if budget == 0:
            raise ConfigError(
                f"found only {len(seen)} of {wanted} distinct examples of {task} in "
                f"{_MAX_DRAWS_PER_EXAMPLE * wanted} draws: ask for fewer, or enlarge the task"
            )
        block = min(budget, max(1, _BLOCK_TOKENS // (length + 1)), max(wanted - len(seen), 256))
        for inputs, labels in zip(*(part.astype(dtype) for part in task.sample(rng, block)), strict=True):
            if len(seen) < wanted:
                seen.setdefault(inputs.tobytes(), labels.tobytes())
        budget -= block
    rows = np.frombuffer(b"".join(inputs + labels for inputs, labels in seen.items()), dtype=dtype)
    return rows.reshape(wanted, 2, length)


def _batch(rows: np.ndarray) -> TokenBatch:
    return TokenBatch(rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64))
