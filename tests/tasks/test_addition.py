"""Addition: the paper's layout digit by digit, against Python's own integers."""

import numpy as np
import pytest

from hyena_np.errors import ConfigError
from hyena_np.tasks.addition import AdditionTask
from hyena_np.tasks.batches import IGNORE, accuracy, exact_match


def number(digits):
    return int("".join(map(str, digits)))


class Fixed(np.random.Generator):
    """Draws the digits it was given."""

    def __init__(self, digits):
        super().__init__(np.random.PCG64(0))
        self.digits = digits

    def integers(self, high, size):
        return np.array(self.digits).reshape(size)


@pytest.mark.paper("Table 4.1", "Fig. C.1")
@pytest.mark.parametrize(
    ("first", "second", "tokens"),
    [
        ("123", "954", [1, 2, 3, 9, 5, 4, 1, 0, 7, 7]),  # the paper's example
        ("001", "002", [0, 0, 1, 0, 0, 2, 0, 0, 0, 3]),
        ("999", "001", [9, 9, 9, 0, 0, 1, 1, 0, 0, 0]),  # the carry runs through
    ],
)
def test_the_layout(first, second, tokens):
    batch = AdditionTask(3).sample(Fixed([*map(int, first), *map(int, second)]), 1)
    assert batch.inputs.tolist() == [tokens[:9]]
    # The first 2 * 3 - 1 losses are masked; then come the four digits of the sum.
    assert batch.labels.tolist() == [[IGNORE] * 5 + tokens[6:]]


@pytest.mark.parametrize("digits", [1, 2, 4, 8, 16, 40])
def test_the_answer_is_the_sum(digits):
    """40 digits: the numbers fit no machine integer."""
    inputs, labels = AdditionTask(digits).sample(np.random.default_rng(0), 200)
    assert inputs.shape == (200, 3 * digits)
    for tokens, answer in zip(inputs.tolist(), labels.tolist(), strict=True):
        total = number(tokens[:digits]) + number(tokens[digits : 2 * digits])
        assert number(answer[2 * digits - 1 :]) == total
        assert answer[: 2 * digits - 1] == [IGNORE] * (2 * digits - 1)


def test_a_sum_without_carries_is_not_enough():
    """Adding each place by itself, without what comes from the right, is right at the last digit alone."""
    task = AdditionTask(4)
    batch = task.sample(np.random.default_rng(1), 4_000)
    predictions = np.zeros_like(batch.labels)
    predictions[:, 8:] = (batch.inputs[:, :4] + batch.inputs[:, 4:8]) % 10
    # A carry comes with probability 0.4995, 0.495, 0.45, 0; the fifth digit, left 0, is wrong at a carry too.
    expected = [0.5 + 0.5e-4, 0.5005, 0.505, 0.55, 1.0]
    for place, share in enumerate(expected):
        right = np.mean(predictions[:, 7 + place] == batch.labels[:, 7 + place])
        assert right == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 4_000))
    assert exact_match(predictions, batch.labels) < 0.12 < 0.5 < accuracy(predictions, batch.labels)


def test_all_digits_are_uniform():
    inputs, _ = AdditionTask(2).sample(np.random.default_rng(2), 10_000)
    for column in inputs[:, :4].T:
        assert np.abs(np.bincount(column, minlength=10) - 1000).max() < 4.5 * 30


def test_examples_of_a_seed_are_these():
    """Committed results depend on the bits."""
    inputs, labels = AdditionTask(3).sample(np.random.default_rng(0), 2)
    assert inputs.tolist() == [[8, 6, 5, 0, 0, 1, 0, 8, 6], [2, 3, 0, 8, 6, 9, 1, 0, 9]]
    assert labels[:, 5:].tolist() == [[0, 8, 6, 6], [1, 0, 9, 9]]


@pytest.mark.parametrize("digits", [0, -1, 2.0, "2", None, True])
def test_bad_numbers_of_digits_are_rejected(digits):
    with pytest.raises(ConfigError, match="num_digits must be an integer of at least 1"):
        AdditionTask(digits)
