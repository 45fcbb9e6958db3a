"""Majority and counting: the answer takes every token of the prompt, not one of them.

    majority    a g g g e f g -> g    the symbol that occurs most often
    counting    a b b b a c b -> 4    how often the last symbol occurs, itself included

Source: Hyena paper, Table 4.1. No generator was published; the distributions here are ours, and the
docstrings say what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import TokenBatch, keep_last, next_tokens
from hyena_np.tasks.checks import generator, integer, set_integers


@dataclass(frozen=True)
class MajorityTask:
    """Name the most frequent symbol of a prompt.

    L symbols, uniform and independent, *given* that one symbol occurs more often than every other: prompts
    with a tie are drawn again. The answer follows the prompt without a separator. By symmetry every symbol is
    the answer equally often. A guess that copies one position of the prompt is right as often as the answer
    stands there, so it beats `chance`, and in short prompts by far.

    Parameters
    ----------
    vocab_size : int
        V, at least 2 and at most L squared: symbols, ids 0 to V-1. With many more, hardly any prompt would
        have a symbol twice, and nearly all would be ties.
    length : int
        L, symbols in a prompt.

    Raises
    ------
    ConfigError
        If a value is out of range or of the wrong type.

    Notes
    -----
    Source: Hyena paper, Table 4.1, for the prompt; the distribution is ours.
    """

    vocab_size: int = 10
    length: int = 30

    def __post_init__(self) -> None:
        set_integers(self, vocab_size=2, length=1)
        if self.vocab_size > self.length**2:
            raise ConfigError(
                f"vocab_size must be at most length squared, {self.length**2}, got {self.vocab_size}"
            )

    @property
    def input_length(self) -> int:
        """T = L: the answer is the label of the last symbol."""
        return self.length

    @property
    def chance(self) -> float:
        """1 / V."""
        return 1 / self.vocab_size

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent examples (n, T); a label is the next token, the last one the answer."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        tokens = np.empty((n, self.length + 1), dtype=np.int64)
        tied = np.arange(n)
        while tied.size:
            prompts = rng.integers(self.vocab_size, size=(tied.size, self.length))
            tokens[tied, :-1] = prompts
            counts = _counts(prompts, self.vocab_size)
            tokens[tied, -1] = counts.argmax(axis=1)
            winners = (counts == counts.max(axis=1, keepdims=True)).sum(axis=1)
            tied = tied[winners > 1]
        return next_tokens(tokens)

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """Keep the last label, the majority, and replace the others by `IGNORE`."""
        return keep_last(batch, 1, self)


@dataclass(frozen=True)
class CountingTask:
    """Count the occurrences of the last symbol of a prompt.

    The count c is uniform from 1 to C, so that no guess is better than another; uniform counts of uniform
    prompts would be near L/S nearly always. Then the last symbol is uniform over the S symbols, c-1 other
    positions are chosen uniformly to hold it too, and the rest are uniform over the S-1 other symbols. The
    count follows the prompt without a separator, as one token: ids 0 to S-1 are the symbols, and S+c-1 is the
    count c.

    Parameters
    ----------
    num_symbols : int
        S, at least 2.
    length : int
        L, symbols in a prompt.
    max_count : int
        C, from 1 to L: the largest count.

    Raises
    ------
    ConfigError
        If a value is out of range or of the wrong type.

    Notes
    -----
    Source: Hyena paper, Table 4.1, for the prompt; the distribution is ours.
    """

    num_symbols: int = 10
    length: int = 30
    max_count: int = 10

    def __post_init__(self) -> None:
        set_integers(self, num_symbols=2, length=1, max_count=1)
        if self.max_count > self.length:
            raise ConfigError(f"max_count must be at most length, {self.length}, got {self.max_count}")

    @property
    def vocab_size(self) -> int:
        """V = S + C."""
        return self.num_symbols + self.max_count

    @property
    def input_length(self) -> int:
        """T = L: the answer is the label of the last symbol."""
        return self.length

    @property
    def chance(self) -> float:
        """1 / C."""
        return 1 / self.max_count

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent examples (n, T); a label is the next token, the last one the count."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        S, L = self.num_symbols, self.length
        count = rng.integers(1, self.max_count + 1, size=(n, 1))
        symbol = rng.integers(S, size=(n, 1))
        others = (symbol + rng.integers(1, S, size=(n, L))) % S  # uniform over all symbols but this one
        # A random order of the first L-1 positions: those of the c-1 lowest ranks hold the symbol.
        rank = rng.random((n, L - 1)).argsort(axis=1).argsort(axis=1)
        tokens = np.empty((n, L + 1), dtype=np.int64)
        tokens[:, : L - 1] = np.where(rank < count - 1, symbol, others[:, : L - 1])
        tokens[:, L - 1 : L] = symbol
        tokens[:, L:] = S + count - 1
        return next_tokens(tokens)

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """Keep the last label, the count, and replace the others by `IGNORE`."""
        return keep_last(batch, 1, self)


def _counts(prompts: np.ndarray, vocab_size: int) -> np.ndarray:
    """How often each symbol occurs in each prompt: (B, L) to (B, V)."""
    cells = np.arange(len(prompts))[:, None] * vocab_size + prompts
    cells = cells.astype(np.intp, copy=False)  # which counting asks for; int64 but in a browser
    return np.bincount(cells.ravel(), minlength=len(prompts) * vocab_size).reshape(-1, vocab_size)
