"""Addition of two numbers, digit by digit.

    123 + 954 = 1077    input  1 2 3 9 5 4 1 0 7
                        label  . . . . . 1 0 7 7      the sum; a dot is a label that is not counted

The digits come most significant first, so the model writes a digit before it has seen the sum of those that
carry into it. Source: Hyena paper, App. C.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hyena_np.tasks.batches import IGNORE, TokenBatch, check_batch, next_tokens
from hyena_np.tasks.checks import generator, integer, set_integers

_BASE = 10


@dataclass(frozen=True)
class AdditionTask:
    r"""Addition of two numbers of :math:`D_n` digits, as the paper lays it out.

    The digits of both numbers are uniform from 0 to 9, leading zeros included. A sequence holds the digits of
    the first number, of the second, and :math:`D_n + 1` digits of the sum (a leading zero where nothing is
    carried), without separators. The loss counts the digits of the sum: the first :math:`2 D_n - 1` labels
    are masked. `accuracy` is the share of right digits, `exact_match` that of right sums. The model is given
    the true digits of the sum so far, as in training.

    Parameters
    ----------
    num_digits : int
        :math:`D_n`, at least 1. The paper has 2, 4, 8 and 16.

    Raises
    ------
    ConfigError
        If the value is out of range or of the wrong type.

    Notes
    -----
    Source: Hyena paper, App. C.1 and Fig. C.1; how the numbers are drawn is not said there.
    """

    num_digits: int = 4

    def __post_init__(self) -> None:
        set_integers(self, num_digits=1)

    @property
    def vocab_size(self) -> int:
        """V = 10, the digits."""
        return _BASE

    @property
    def input_length(self) -> int:
        r"""T = :math:`3 D_n`: both numbers and all digits of the sum but the last."""
        return 3 * self.num_digits

    @property
    def chance(self) -> float:
        r"""Accuracy per digit of the best guess.

        The carry into the leading digit is 0 with probability :math:`(1 + 10^{-D_n}) / 2`, every other digit
        is uniform.
        """
        leading = (1 + _BASE**-self.num_digits) / 2
        return (leading + self.num_digits / _BASE) / (self.num_digits + 1)

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent sums (n, T); the labels are the digits of the sum, the others `IGNORE`."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        D = self.num_digits
        first, second = rng.integers(_BASE, size=(2, n, D))
        tokens = np.concatenate([first, second, _add(first, second)], axis=1)  # (n, 3 D_n + 1)
        return self.answers(next_tokens(tokens))

    def answers(self, batch: TokenBatch) -> TokenBatch:
        r"""Keep the :math:`D_n + 1` digits of the sum, and replace the other labels by `IGNORE`."""
        check_batch(batch.inputs, batch.labels, self)
        labels = batch.labels.copy()
        labels[:, : 2 * self.num_digits - 1] = IGNORE
        return TokenBatch(batch.inputs, labels)


def _add(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Add numbers of any size, given as digits (B, D) each; digits of the sums, (B, D + 1)."""
    batch, digits = first.shape
    total = np.zeros((batch, digits + 1), dtype=np.int64)
    total[:, 1:] = first + second
    for place in range(digits, 0, -1):  # carry, from the last digit on
        carried = total[:, place] >= _BASE
        total[:, place] -= _BASE * carried
        total[:, place - 1] += carried
    return total
