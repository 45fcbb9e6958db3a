"""Associative recall: read key-value pairs, then give the value of a queried key.

    input    0 17 10  7  0 17 => 10
    label   17 10  7  0 17 => 10  7      the last label, 7, is the value that belongs to key 10

Every example has its own dictionary, so the answer cannot be stored in the weights; it has to be found in the
sequence. Source: Hyena paper, Sec. 4.1 and Table 4.1; official code: ``src/dataloaders/synthetics.py``,
``assoc_recall`` with one-token keys. The distribution is the official one. The random bits are not: whole
batches are drawn at once here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import IGNORE as IGNORE, TokenBatch, accuracy as accuracy, next_tokens
from hyena_np.tasks.checks import boolean, generator, integer, set_integers
from hyena_np.tasks.datasets import TokenDataset, distinct
from hyena_np.tasks.recall_masks import mask_labels, recalled_pair as recalled_pair
from hyena_np.tasks.vocabulary import sorted_vocabulary

# What is imported under itself here belongs to the task and is found here too.
RecallBatch = TokenBatch


@dataclass(frozen=True)
class RecallTask:
    r"""The associative recall task of the Hyena paper, for one vocabulary and one length.

    The vocabulary holds two special tokens, ``.`` and ``=>``, and the ordinary symbols "0" to "V-3". Ids
    follow the order of the *strings*: ``.`` is 0, then "0", "1", "10", "11", ..., "2", "20", ..., and ``=>``
    is V-1. In that order the first half of the ordinary symbols are keys and the second half are values, so
    that for V=20 "17" is a value and "16" a key.

    With :math:`K = (V-2)/2` keys and :math:`P = \lfloor L/2 \rfloor` pairs, an example takes four steps:

    1. a dictionary: every key gets a value, uniformly and *with* replacement (two keys may share a value);
    2. P keys, uniformly and with replacement, each followed by its value;
    3. ``=>`` and the query, uniform over the *distinct* keys that occurred, however often each did;
    4. the value of the query.

    Parameters
    ----------
    vocab_size : int
        V, even and at least 4 (one key, one value and the two special tokens).
    length : int
        L, at least 2: tokens of key-value pairs. An odd L is rounded down to whole pairs, as in the official
        code.
    allow_dot : bool
        If True, the query is uniform over all K keys, and the answer for a key that did not occur is ``.``.

    Raises
    ------
    ConfigError
        If a value is out of range or of the wrong type.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1; official code: ``generate_assoc_recall``, ``Vocab`` and ``ICLDataModule``.

    Examples
    --------
    >>> task = RecallTask(vocab_size=10, length=4)
    >>> task.vocabulary
    ('.', '0', '1', '2', '3', '4', '5', '6', '7', '=>')
    >>> inputs, labels = task.sample(np.random.default_rng(0), 32)
    >>> inputs.shape, labels.shape
    ((32, 6), (32, 6))
    """

    vocab_size: int
    length: int
    allow_dot: bool = False

    def __post_init__(self) -> None:
        set_integers(self, vocab_size=4, length=2)
        if self.vocab_size % 2:
            raise ConfigError(f"vocab_size must be even (as many keys as values), got {self.vocab_size}")
        boolean("allow_dot", self.allow_dot)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V tokens as strings; the id of a token is its index."""
        return sorted_vocabulary(self.vocab_size)

    @property
    def noop(self) -> int:
        """Id of ``.``, the answer for an absent key."""
        return 0

    @property
    def keys(self) -> np.ndarray:
        """Ids of the keys, (K,) int64."""
        return np.arange(1, 1 + self.num_keys)

    @property
    def values(self) -> np.ndarray:
        """Ids of the values, (K,) int64."""
        return np.arange(1 + self.num_keys, 1 + 2 * self.num_keys)

    @property
    def copy_prefix(self) -> int:
        """Id of ``=>``, the token that announces the query."""
        return self.vocab_size - 1

    @property
    def num_keys(self) -> int:
        """K, the number of keys, and of values."""
        return (self.vocab_size - 2) // 2

    @property
    def num_pairs(self) -> int:
        """P, the number of key-value pairs in an example."""
        return self.length // 2

    @property
    def input_length(self) -> int:
        """T = 2P + 2, the length of inputs and labels: L + 2 for an even L, L + 1 for an odd one."""
        return 2 * self.num_pairs + 2

    @property
    def chance(self) -> float:
        """Accuracy of the best constant answer: one of K values, or with `allow_dot` perhaps the ``.``."""
        absent = (1 - 1 / self.num_keys) ** self.num_pairs if self.allow_dot else 0.0
        return max(absent, (1 - absent) / self.num_keys)

    def count_distinct(self, limit: int | None = None) -> int:
        r"""Count the different examples that the task can produce.

        With :math:`W_p(m)` the number of contexts of p pairs in which m distinct keys occur, a further pair
        either repeats one of m keys (its value is known) or brings a new one with any of the K values:

        .. math:: W_{p+1}(m) = m \, W_p(m) + (K - m + 1) \, K \, W_p(m-1),

        and every context can be asked about m keys (K keys with `allow_dot`).

        Parameters
        ----------
        limit : int, optional
            Stop counting here; the exact number has thousands of digits for long examples.

        Returns
        -------
        int
            The number of distinct examples, or `limit` if there are at least that many.
        """
        num_keys, total = self.num_keys, 0
        ways = [1] + [0] * num_keys
        for _ in range(self.num_pairs):
            for m in range(num_keys, 0, -1):
                ways[m] = m * ways[m] + (num_keys - m + 1) * num_keys * ways[m - 1]
            ways[0] = 0
            total = sum(count * (num_keys if self.allow_dot else m) for m, count in enumerate(ways))
            # A longer task never has fewer examples, so the loop may stop as soon as there are enough.
            if limit is not None and total >= limit:
                return limit
        return total

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent examples; equal ones may occur.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by the call. The same state gives the same examples.
        n : int
            Number of examples B.

        Returns
        -------
        TokenBatch
            `inputs` and `labels`, each (B, T) int64. No label is masked; see `mask_labels`.

        Raises
        ------
        DTypeError
            If `rng` is not a Generator.
        ConfigError
            If `n` is negative or no integer.
        """
        return next_tokens(self._draw(generator(rng), integer("n", n, minimum=0)))

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """Keep the value of the query, the last label, and replace the others by `IGNORE`."""
        return TokenBatch(batch.inputs, mask_labels(batch.inputs, batch.labels, "last", self))

    def dataset(self, rng: np.random.Generator, n_train: int, n_test: int) -> TokenDataset:
        """Draw train and test sets of distinct examples, none of them in both sets.

        `distinct`, after a check that there are enough.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by the call. The same state gives the same sets.
        n_train, n_test : int
            Sizes of the two sets; either may be 0.

        Returns
        -------
        TokenDataset
            `train` and `test`, each with int64 `inputs` and `labels` of shape (size, T). No label is masked:
            the official code trains on all positions (`mask_labels` with "all") and tests on the
            last ("last").

        Raises
        ------
        DTypeError
            If `rng` is not a Generator.
        ConfigError
            If a size is negative or no integer, or if the task has not that many distinct examples, or has
            them but does not show them within a fixed number of draws.
        """
        generator(rng)
        wanted = integer("n_train", n_train, minimum=0) + integer("n_test", n_test, minimum=0)
        available = self.count_distinct(limit=wanted)
        if available < wanted:
            raise ConfigError(
                f"n_train + n_test must be at most {available}, the number of distinct examples of {self}, "
                f"got {n_train} + {n_test}"
            )
        return distinct(self, rng, n_train, n_test)

    def _draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw n token sequences: pairs, ``=>``, query, answer; (n, T + 1) int64."""
        num_keys, pairs = self.num_keys, self.num_pairs
        rows = np.arange(n)
        dictionary = rng.integers(num_keys, size=(n, num_keys))  # value number of each key
        keys = rng.integers(num_keys, size=(n, pairs))
        occurred = np.zeros((n, num_keys), dtype=bool)
        occurred[rows[:, None], keys] = True
        if self.allow_dot:
            query = rng.integers(num_keys, size=n)
        else:
            # The r-th key that occurred, r uniform: how often a key occurred must not matter.
            rank = rng.integers(occurred.sum(axis=1))
            query = np.argmax(occurred.cumsum(axis=1) > rank[:, None], axis=1)

        tokens = np.empty((n, self.input_length + 1), dtype=np.int64)
        tokens[:, 0 : 2 * pairs : 2] = self.keys[keys]
        tokens[:, 1 : 2 * pairs : 2] = self.values[np.take_along_axis(dictionary, keys, axis=1)]
        tokens[:, -3] = self.copy_prefix
        tokens[:, -2] = self.keys[query]
        tokens[:, -1] = np.where(occurred[rows, query], self.values[dictionary[rows, query]], self.noop)
        return tokens
