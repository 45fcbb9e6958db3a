"""Multi-query recall: the published steps, letter by letter, and their distributions."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import IGNORE, accuracy
from hyena_np.tasks.mqar import MQARTask, draw_without_replacement

ZEROS = MQARTask(40, 24, 5, random_non_queries=False)


def check_example(task, tokens, labels):
    """Every rule that one example must obey; with a random filler, all but the rule of the zeros."""
    K = task.num_kv_pairs
    keys, values = tokens[0 : 2 * K : 2], tokens[1 : 2 * K : 2]
    assert len(set(keys)) == len(set(values)) == K  # without replacement
    assert all(1 <= key < task.vocab_size // 2 for key in keys)
    assert all(task.vocab_size // 2 <= value < task.vocab_size for value in values)
    asked = {position: label for position, label in enumerate(labels) if label != IGNORE}
    assert all(position >= 2 * K and position % 2 == 0 for position in asked)
    assert sorted(tokens[position] for position in asked) == sorted(keys)  # each exactly once
    dictionary = dict(zip(keys, values, strict=True))
    assert all(label == dictionary[tokens[position]] for position, label in asked.items())
    if not task.random_non_queries:
        assert all(tokens[p] == 0 for p in range(2 * K, task.length) if p not in asked)


@pytest.mark.parametrize(
    "task", [ZEROS, MQARTask(40, 24, 6), MQARTask(9, 8, 2), MQARTask(8192, 64, 4, power_a=1)], ids=str
)
def test_examples_obey_the_rules(task):
    batch = task.sample(np.random.default_rng(0), 200)
    for tokens, labels in zip(batch.inputs.tolist(), batch.labels.tolist(), strict=True):
        check_example(task, tokens, labels)


def test_only_the_filler_depends_on_the_filler():
    """The same seed: keys, values and queries agree; the rest is uniform over the vocabulary, 0 included."""
    filled = MQARTask(40, 24, 5)
    with_zeros, random = (task.sample(np.random.default_rng(3), 2_000) for task in (ZEROS, filled))
    assert np.array_equal(with_zeros.labels, random.labels)
    filler = with_zeros.inputs == 0
    assert np.array_equal(with_zeros.inputs[~filler], random.inputs[~filler])
    assert chisquare(np.bincount(random.inputs[filler], minlength=40)).pvalue > 1e-3


def test_a_dictionary_answers_every_query_and_a_query_alone_none():
    batch = ZEROS.sample(np.random.default_rng(0), 500)
    solved, copied = np.zeros_like(batch.labels), np.zeros_like(batch.labels)
    for row, tokens in enumerate(batch.inputs.tolist()):
        dictionary = dict(zip(tokens[0:10:2], tokens[1:10:2], strict=True))
        solved[row] = [dictionary.get(token, 0) for token in tokens]
        copied[row] = tokens[1]  # any value of the context: one of five queries has it
    assert accuracy(solved, batch.labels) == 1.0
    assert accuracy(copied, batch.labels) == pytest.approx(1 / 5)


def test_the_answer_stands_at_the_query_itself():
    """Not at the position before, as in next-token prediction: there the input does not know the question."""
    inputs, labels = MQARTask(14, 12, 2, random_non_queries=False).sample(np.random.default_rng(0), 2)
    assert inputs.tolist() == [
        [4, 8, 3, 13, 4, 0, 0, 0, 0, 0, 3, 0],
        [6, 8, 1, 9, 6, 0, 0, 0, 1, 0, 0, 0],
    ]
    nothing = IGNORE
    assert labels.tolist() == [
        [nothing] * 4 + [8] + [nothing] * 5 + [13, nothing],
        [nothing] * 4 + [8, nothing, nothing, nothing, 9, nothing, nothing, nothing],
    ]


@pytest.mark.parametrize("a", [0.01, 1.0, 2.0])
def test_slots_follow_the_power_law(a):
    """Two keys and four slots: the first key draws in proportion to g^(a-1), the second among the rest."""
    task = MQARTask(14, 12, 2, power_a=a, random_non_queries=False)
    inputs, _ = task.sample(np.random.default_rng(5), 20_000)
    slots = [
        tuple(row[4::2].tolist().index(row[key]) for key in (0, 2))
        for row in inputs  # the keys stand at 0 and 2
    ]
    weights = [g ** (a - 1) for g in (1, 2, 3, 4)]
    expected = {
        (i, j): weights[i] / sum(weights) * weights[j] / (sum(weights) - weights[i])
        for i, j in itertools.permutations(range(4), 2)
    }
    histogram = Counter(slots)
    assert set(histogram) <= set(expected)
    observed = [histogram[pair] for pair in expected]
    assert chisquare(observed, [20_000 * share for share in expected.values()]).pvalue > 1e-3


def test_keys_and_values_are_uniform_in_every_order():
    inputs, _ = MQARTask(9, 8, 2).sample(np.random.default_rng(6), 12_000)
    for columns, pool, size in ((inputs[:, [0, 2]], range(1, 4), 6), (inputs[:, [1, 3]], range(4, 9), 20)):
        histogram = Counter(map(tuple, columns.tolist()))
        assert set(histogram) == set(itertools.permutations(pool, 2)) and len(histogram) == size
        assert chisquare(list(histogram.values())).pvalue > 1e-3


def test_all_choices_can_be_drawn():
    drawn = draw_without_replacement(np.random.default_rng(0), 50, np.ones(4), 4)
    assert np.array_equal(np.sort(drawn, axis=1), np.tile(np.arange(4), (50, 1)))


def test_the_published_sizes_are_quick():
    """Fig. 2 of the Zoology paper; the filler at its widest."""
    batch = MQARTask(8192, 512, 64).sample(np.random.default_rng(0), 8)
    assert np.all((batch.labels != IGNORE).sum(axis=1) == 64)
    assert MQARTask().length == 64 and MQARTask().num_kv_pairs == 4 and MQARTask().power_a == 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 65}, "length must be even, got 65"),
        ({"length": 14}, r"length must be at least 4 num_kv_pairs = 16, got 14"),
        ({"vocab_size": 64}, "vocab_size must exceed length, 64, got 64"),
        ({"num_kv_pairs": 0}, "num_kv_pairs must be"),
        ({"vocab_size": 100.0}, "vocab_size must be"),
        ({"power_a": 0.0}, "power_a"),
        ({"power_a": float("nan")}, "power_a"),
        ({"random_non_queries": 1}, "random_non_queries must be True or False"),
    ],
)
def test_bad_arguments_are_rejected(arguments, message):
    with pytest.raises(ConfigError, match=message):
        MQARTask(**arguments)
    assert MQARTask(65, 64, 16)  # just allowed
