"""Induction head: a token that once followed ``=>`` follows the next ``=>``.

    input   5 13  2 => 11  4  9 0 =>
    label  13  2 => 11  4  9  0 => 11

Like associative recall with one key, which is always the same. Source: Hyena paper, Sec. 4.1; official code:
``src/dataloaders/synthetics.py``, ``induction_head``. The distribution is the official one, the random bits
are not: whole batches are drawn at once here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import TokenBatch, keep_last, next_tokens
from hyena_np.tasks.checks import generator, integer, set_integers
from hyena_np.tasks.vocabulary import sorted_vocabulary


@dataclass(frozen=True)
class InductionHeadTask:
    r"""The induction task of the official code.

    With I = `induction_len` and R = `num_triggers`, an example takes four steps:

    1. L ordinary symbols, uniformly and with replacement, and ``=>`` behind them;
    2. with probability 1/2 one trigger, else R: their positions are uniform from 0 to L-I-2, and of sorted
       positions each that is not more than I behind the last one kept is dropped;
    3. at every trigger ``=>`` is written, and behind it the I symbols that stood behind the *first* trigger;
    4. the same I symbols once more, at the end: the answer.

    Parameters
    ----------
    vocab_size : int
        V, at least 4: two ordinary symbols, and ``.`` and ``=>``, with the ids of `RecallTask`. The ``.``
        never occurs.
    length : int
        L, at least I + 2: symbols before the last ``=>``.
    induction_len : int
        I, at least 1: symbols to copy.
    num_triggers : int
        R, at least 1: how often at most ``=>`` occurs before the last one.

    Raises
    ------
    ConfigError
        If a value is out of range or of the wrong type.

    Notes
    -----
    Source: official code, ``generate_induction_head``, with its defaults.

    Examples
    --------
    >>> InductionHeadTask().sample(np.random.default_rng(0), 8).inputs.shape
    (8, 31)
    """

    vocab_size: int = 20
    length: int = 30
    induction_len: int = 1
    num_triggers: int = 1

    def __post_init__(self) -> None:
        set_integers(self, vocab_size=4, length=1, induction_len=1, num_triggers=1)
        if self.length < self.induction_len + 2:
            raise ConfigError(
                f"length must be at least induction_len + 2 = {self.induction_len + 2}, got {self.length}"
            )

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The V tokens as strings; the id of a token is its index."""
        return sorted_vocabulary(self.vocab_size)

    @property
    def copy_prefix(self) -> int:
        """Id of ``=>``, the trigger."""
        return self.vocab_size - 1

    @property
    def input_length(self) -> int:
        """T = L + I: the symbols, ``=>``, and all copied symbols but the last."""
        return self.length + self.induction_len

    @property
    def chance(self) -> float:
        """1 / (V - 2): each copied symbol is uniform over the ordinary ones."""
        return 1 / (self.vocab_size - 2)

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent examples (n, T); the label of every position is the next token."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        L, copied = self.length, self.induction_len
        tokens = np.empty((n, L + 1 + copied), dtype=np.int64)
        tokens[:, :L] = rng.integers(1, self.vocab_size - 1, size=(n, L))
        tokens[:, L] = self.copy_prefix
        positions = self._draw_positions(rng, n)
        rows, behind = np.arange(n), np.arange(1, copied + 1)
        answer = tokens[rows[:, None], positions[:, :1] + behind]  # (n, I)
        last = np.full(n, -1 - copied)
        for position in positions.T:
            kept = position - last > copied
            row, start = rows[kept], position[kept]
            tokens[row, start] = self.copy_prefix
            tokens[row[:, None], start[:, None] + behind] = answer[kept]
            last[kept] = start
        tokens[:, L + 1 :] = answer
        return next_tokens(tokens)

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """Keep the copied symbols, the last I labels, and replace the others by `IGNORE`."""
        return keep_last(batch, self.induction_len, self)

    def _draw_positions(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Sorted positions of the triggers, (n, R); equal ones are one trigger."""
        positions = rng.integers(self.length - 1 - self.induction_len, size=(n, self.num_triggers))
        alone = rng.random(n) < 0.5
        positions[alone] = positions[alone, :1]
        return np.sort(positions, axis=1)
