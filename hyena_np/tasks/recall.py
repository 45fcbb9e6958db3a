"""Associative recall: read key-value pairs, then give the value of a queried key.

    input    0 17 10  7  0 17 => 10
    label   17 10  7  0 17 => 10  7      the last label, 7, is the value that belongs to key 10

Every example has its own dictionary, so the answer cannot be stored in the weights; it has to be found in the
sequence. Source: Hyena paper, Sec. 4.1 and Table 4.1; official code: ``src/dataloaders/synthetics.py``,
``assoc_recall`` with one-token keys. The distribution is the official one. The random bits are not: whole
batches are drawn at once here.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from hyena_np.errors import ConfigError, DTypeError, ShapeError, TokenError
from hyena_np.ops.layers import IGNORE_INDEX

COPY_PREFIX = "=>"
NOOP = "."

IGNORE = IGNORE_INDEX
"""Label of a position that neither the loss nor the accuracy counts (the value PyTorch's loss ignores)."""

Mask = Literal["all", "last", "seen"]

# Even when a task is drawn nearly dry, a few dozen draws for each distinct example suffice.
_MAX_DRAWS_PER_EXAMPLE = 200
# Keeps the temporaries of a data set of very long sequences near 100 MB.
_BLOCK_TOKENS = 2**22


class RecallBatch(NamedTuple):
    """Examples of associative recall; T is `RecallTask.input_length`."""

    inputs: np.ndarray  # (B, T) int64 token ids
    labels: np.ndarray  # (B, T) int64, the token that follows each input token


class RecallDataset(NamedTuple):
    """Two sets of examples that share none."""

    train: RecallBatch
    test: RecallBatch


class RecalledPair(NamedTuple):
    """Where the answer of one example stands in its input; empty arrays if the queried key never occurred."""

    keys: np.ndarray  # (occurrences,) positions of the queried key among the pairs, ascending
    values: np.ndarray  # (occurrences,) positions of the value right behind it


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
        # The dataclass is frozen; NumPy integers become plain ones so that the task can be written as JSON.
        object.__setattr__(self, "vocab_size", _integer("vocab_size", self.vocab_size, minimum=4))
        object.__setattr__(self, "length", _integer("length", self.length, minimum=2))
        if self.vocab_size % 2:
            raise ConfigError(f"vocab_size must be even (as many keys as values), got {self.vocab_size}")
        if not isinstance(self.allow_dot, bool):
            raise ConfigError(f"allow_dot must be True or False, got {self.allow_dot!r}")

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The V tokens as strings; the id of a token is its index."""
        ordinary = [str(number) for number in range(self.vocab_size - 2)]
        return tuple(sorted([NOOP, COPY_PREFIX, *ordinary]))

    # "." sorts before every digit and "=>" behind, so the ids are ranges and no table is needed.

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

    def sample(self, rng: np.random.Generator, n: int) -> RecallBatch:
        """Draw n independent examples; equal ones may occur.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by the call. The same state gives the same examples.
        n : int
            Number of examples B.

        Returns
        -------
        RecallBatch
            `inputs` and `labels`, each (B, T) int64. No label is masked; see `mask_labels`.

        Raises
        ------
        DTypeError
            If `rng` is not a Generator.
        ConfigError
            If `n` is negative or no integer.
        """
        return _inputs_and_labels(self._draw(_generator(rng), _integer("n", n, minimum=0)))

    def dataset(self, rng: np.random.Generator, n_train: int, n_test: int) -> RecallDataset:
        """Draw train and test sets of distinct examples, none of them in both sets.

        Duplicates are dropped and replaced by further draws until there are enough. The official code does
        this within each set only; here a test example is never a training example either. The union is
        shuffled before it is split, so that examples of low probability, which a small task gives up last,
        are not all in one set.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by the call. The same state gives the same sets.
        n_train, n_test : int
            Sizes of the two sets; either may be 0.

        Returns
        -------
        RecallDataset
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
        rng = _generator(rng)
        n_train = _integer("n_train", n_train, minimum=0)
        n_test = _integer("n_test", n_test, minimum=0)
        wanted = n_train + n_test
        available = self.count_distinct(limit=wanted)
        if available < wanted:
            raise ConfigError(
                f"n_train + n_test must be at most {available}, the number of distinct examples of {self}, "
                f"got {n_train} + {n_test}"
            )
        tokens = rng.permutation(self._draw_distinct(rng, wanted))
        return RecallDataset(_inputs_and_labels(tokens[:n_train]), _inputs_and_labels(tokens[n_train:]))

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

    def _draw_distinct(self, rng: np.random.Generator, wanted: int) -> np.ndarray:
        """Draw until `wanted` different sequences are there; (wanted, T + 1), by first appearance."""
        width = self.input_length + 1
        dtype = np.min_scalar_type(self.vocab_size - 1)  # compact: all rows are held as bytes for a while
        seen: dict[bytes, None] = {}
        budget = _MAX_DRAWS_PER_EXAMPLE * wanted
        while len(seen) < wanted:
            if budget == 0:
                raise ConfigError(
                    f"found only {len(seen)} of {wanted} distinct examples of {self} in "
                    f"{_MAX_DRAWS_PER_EXAMPLE * wanted} draws: ask for fewer, or enlarge vocab_size or length"
                )
            block = min(budget, max(1, _BLOCK_TOKENS // width), max(wanted - len(seen), 256))
            seen.update(dict.fromkeys(row.tobytes() for row in self._draw(rng, block).astype(dtype)))
            budget -= block
        rows = np.frombuffer(b"".join(islice(seen, wanted)), dtype=dtype)
        return rows.reshape(wanted, width)


def mask_labels(inputs: np.ndarray, labels: np.ndarray, which: Mask, task: RecallTask) -> np.ndarray:
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
    for name, array in (("inputs", inputs), ("labels", labels)):
        _integer_array(name, array)
        if array.ndim != 2 or array.shape[1] != task.input_length:
            raise ShapeError(f"{name} must have shape (B, {task.input_length}) for {task}, got {array.shape}")
    if len(inputs) != len(labels):
        raise ShapeError(f"inputs and labels must have the same shape, got {inputs.shape} and {labels.shape}")
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
    _integer_array("inputs", inputs)
    if inputs.ndim != 1 or inputs.size < 4 or inputs.size % 2:
        raise ShapeError(f"inputs must have shape (T,) with an even T of at least 4, got {inputs.shape}")
    keys = 2 * np.flatnonzero(inputs[:-2:2] == inputs[-1])
    return RecalledPair(keys, keys + 1)


def accuracy(predictions: np.ndarray, labels: np.ndarray) -> float:
    r"""Share of the counted labels that are predicted correctly.

    .. math::

        \frac{\#\{i : \hat y_i = y_i,\ y_i \neq -100\}}{\#\{i : y_i \neq -100\}}

    over all positions of all examples together (a micro average).

    Parameters
    ----------
    predictions : numpy.ndarray
        Integer token ids in the shape of `labels`, or logits with one more axis (..., V), whose largest entry
        is taken. On the host.
    labels : numpy.ndarray
        (...) integer; `IGNORE` where a position does not count.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If `labels`, or predictions that are not logits, do not hold integers.
    ConfigError
        If every label is `IGNORE`.

    Notes
    -----
    Source: official code, ``accuracy_ignore_index``.
    """
    _integer_array("labels", labels)
    if predictions.ndim == labels.ndim + 1:
        predictions = predictions.argmax(axis=-1)
    _integer_array("predictions", predictions)
    if predictions.shape != labels.shape:
        raise ShapeError(
            f"predictions must have the shape of labels, {labels.shape}, or one more axis for logits, "
            f"got {predictions.shape}"
        )
    counted = labels != IGNORE
    if not counted.any():
        raise ConfigError("labels must hold at least one label that is not ignored")
    return float(np.mean(predictions[counted] == labels[counted]))


def _recallable(inputs: np.ndarray, task: RecallTask) -> np.ndarray:
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


def _inputs_and_labels(tokens: np.ndarray) -> RecallBatch:
    # Copies, not overlapping views: masking labels in place must not change the inputs.
    return RecallBatch(tokens[:, :-1].astype(np.int64), tokens[:, 1:].astype(np.int64))


def _integer(name: str, value: int, minimum: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < minimum:
        raise ConfigError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    return number


def _generator(rng: np.random.Generator) -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        raise DTypeError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(0), got {rng!r}")
    return rng


def _integer_array(name: str, array: np.ndarray) -> None:
    if not isinstance(array, np.ndarray):
        raise DTypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{name} must hold integers, got {array.dtype}")
