"""Multi-query associative recall (MQAR): many key-value pairs, every key asked once, at any distance.

    V=14, two pairs    input  3 9 5 12 0 0  5 0 3 0 0 0
                       label  . . .  . . . 12 . 9 . . .      a dot is a label that is not counted

Associative recall asks one question, at the end; here many are asked, and each at its own distance from its
pair. A long filter looks a number of positions back, wherever the pair is, which is why a convolution needs
more channels the longer the sequence, and attention does not. Source: Arora et al., "Zoology: Measuring and
improving recall in efficient language models", 2023, Sec. 4; its code ``zoology/data/multiquery_ar.py``. The
distribution is the published one, the random bits are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyena_np.errors import ConfigError
from hyena_np.ops.checks import check_real
from hyena_np.tasks.batches import IGNORE, TokenBatch, check_batch
from hyena_np.tasks.checks import boolean, generator, integer, set_integers


@dataclass(frozen=True)
class MQARTask:
    r"""Multi-query associative recall, for one vocabulary, length and number of pairs.

    Id 0 is the filler, ids 1 to V/2-1 are keys, V/2 to V-1 values. With K pairs an example takes three steps:

    1. K keys and K values, both uniform and *without* replacement, written as pairs: the first 2K tokens;
    2. the rest is (L-2K)/2 slots of two tokens. The keys, in order, draw a slot each, without replacement,
       slot g = 1, 2, ... with a probability in proportion to :math:`a \, g^{a-1}`; the key stands in the
       first token of its slot, and its value is the *label at the same position*, not the next token;
    3. with `random_non_queries`, what is left, zeros so far, is drawn uniformly from the whole vocabulary.

    Parameters
    ----------
    vocab_size : int
        V, greater than L.
    length : int
        L, even, at least 4K.
    num_kv_pairs : int
        K, at least 1.
    power_a : float
        a, above 0; 1 makes the slots equally probable, small values favour early ones.
    random_non_queries : bool
        Whether the filler is random. The runs behind the paper's Fig. 2 have zeros.

    Raises
    ------
    ConfigError
        If a value is out of range or of the wrong type.

    Notes
    -----
    Source: Zoology paper, Sec. 4; its code, ``multiquery_ar``.
    """

    vocab_size: int = 8192
    length: int = 64
    num_kv_pairs: int = 4
    power_a: float = 0.01
    random_non_queries: bool = True

    def __post_init__(self) -> None:
        set_integers(self, vocab_size=5, length=4, num_kv_pairs=1)
        check_real("power_a", self.power_a, positive=True)
        boolean("random_non_queries", self.random_non_queries)
        if self.length % 2:
            raise ConfigError(f"length must be even, got {self.length}")
        if self.length < 4 * self.num_kv_pairs:
            raise ConfigError(
                f"length must be at least 4 num_kv_pairs = {4 * self.num_kv_pairs}, got {self.length}"
            )
        if self.vocab_size <= self.length:
            raise ConfigError(f"vocab_size must exceed length, {self.length}, got {self.vocab_size}")

    @property
    def input_length(self) -> int:
        """T = L."""
        return self.length

    @property
    def first_value(self) -> int:
        """The lowest id of a value, V/2 rounded down."""
        return self.vocab_size // 2

    @property
    def chance(self) -> float:
        """1 / the number of values."""
        return 1 / (self.vocab_size - self.first_value)

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent examples (n, T); labels are the values at the queries, elsewhere `IGNORE`."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        K = self.num_kv_pairs
        keys = 1 + draw_without_replacement(rng, n, np.ones(self.first_value - 1), K)
        values = draw_without_replacement(rng, n, np.ones(self.vocab_size - self.first_value), K)
        values += self.first_value
        slots = np.arange(1.0, self.length // 2 - K + 1)
        gaps = draw_without_replacement(rng, n, slots ** (self.power_a - 1), K)

        inputs = np.zeros((n, self.length), dtype=np.int64)
        labels = np.full_like(inputs, IGNORE)
        inputs[:, 0 : 2 * K : 2] = keys
        inputs[:, 1 : 2 * K : 2] = values
        queries = 2 * K + 2 * gaps
        np.put_along_axis(inputs, queries, keys, axis=1)
        np.put_along_axis(labels, queries, values, axis=1)
        if self.random_non_queries:
            filler = inputs == 0
            inputs[filler] = rng.integers(self.vocab_size, size=np.count_nonzero(filler))
        return TokenBatch(inputs, labels)

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """All labels of `sample`, in a new array: it defines no others."""
        check_batch(batch.inputs, batch.labels, self)
        return TokenBatch(batch.inputs, batch.labels.copy())


def draw_without_replacement(rng: np.random.Generator, n: int, weights: np.ndarray, k: int) -> np.ndarray:
    """Draw k indices in order, each in proportion to the weights of those that are left; n times, (n, k).

    A race: each index arrives after an exponential time of rate `weights`. The first to arrive is an index in
    proportion to its weight, and, as the exponential has no memory, so is every next one among the rest.
    """
    arrival = rng.exponential(size=(n, len(weights))) / weights
    first = np.argpartition(arrival, k - 1, axis=1)[:, :k]
    order = np.argsort(np.take_along_axis(arrival, first, axis=1), axis=1)
    return np.take_along_axis(first, order, axis=1)
