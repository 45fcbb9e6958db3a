"""Induction: the distribution, against all cases of the released steps in plain Python."""

import itertools
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import accuracy
from hyena_np.tasks.induction import InductionHeadTask


def sequences(batch):
    return [(*row, labels[-1]) for row, labels in zip(*(part.tolist() for part in batch), strict=True)]


def assemble(symbols, positions, task):
    """Steps 2 to 4 of the description for given symbols and unsorted positions, one token at a time."""
    tokens, copied = [*symbols, task.copy_prefix], task.induction_len
    kept = []
    for position in sorted(positions):
        if not kept or position - kept[-1] > copied:
            kept.append(position)
    answer = [tokens[kept[0] + 1 + i] for i in range(copied)]
    for position in kept:
        tokens[position] = task.copy_prefix
        for i in range(copied):
            tokens[position + 1 + i] = answer[i]
    return (*tokens, *answer)


def exact_probabilities(task):
    """All symbols, both sides of the coin, all positions of the triggers."""
    result = Counter()
    ordinary, places = range(1, task.vocab_size - 1), range(task.length - 1 - task.induction_len)
    for triggers in (1, task.num_triggers):
        positions = list(itertools.product(places, repeat=triggers))
        prompts = list(itertools.product(ordinary, repeat=task.length))
        for symbols, chosen in itertools.product(prompts, positions):
            result[assemble(symbols, chosen, task)] += Fraction(1, 2 * len(prompts) * len(positions))
    return result


@pytest.mark.parametrize(
    "task",
    [InductionHeadTask(4, 4), InductionHeadTask(4, 6, 1, 2), InductionHeadTask(4, 6, 2, 3)],
    ids=str,
)
def test_every_example_has_its_exact_probability(task):
    probabilities = exact_probabilities(task)
    histogram = Counter(sequences(task.sample(np.random.default_rng(1), 30_000)))
    assert set(histogram) <= set(probabilities)
    observed = [histogram[example] for example in probabilities]
    expected = [float(30_000 * share) for share in probabilities.values()]
    assert chisquare(observed, expected).pvalue > 1e-3


@pytest.mark.parametrize("fault", ["no coin", "earliest of several"])
def test_the_distribution_test_rejects_a_faulty_generator(fault):
    """A coin never thrown; a lone trigger that is the first of several instead of any."""
    task, rng = InductionHeadTask(4, 6, 1, 2), random.Random(0)
    histogram = Counter()
    for _ in range(30_000):
        positions = [rng.randrange(4) for _ in range(2)]
        if fault != "no coin" and rng.random() < 0.5:
            positions = [min(positions)]
        histogram[assemble([rng.choice([1, 2]) for _ in range(6)], positions, task)] += 1
    probabilities = exact_probabilities(task)
    observed = [histogram[example] for example in probabilities]
    expected = [float(30_000 * share) for share in probabilities.values()]
    assert chisquare(observed, expected).pvalue < 1e-12


@pytest.mark.parametrize("task", [InductionHeadTask(), InductionHeadTask(20, 40, 3, 5)], ids=str)
def test_what_followed_the_first_trigger_is_the_answer(task):
    """A reader that copies from behind the first trigger is always right; a blind one guesses."""
    batch = task.answers(task.sample(np.random.default_rng(0), 2_000))
    solved, blind = batch.labels.copy(), batch.labels.copy()
    for row, tokens in enumerate(batch.inputs.tolist()):
        first = tokens.index(task.copy_prefix)
        rest = [token for token in tokens[: task.length] if token != task.copy_prefix]
        for i in range(task.induction_len):
            solved[row, task.length + i] = tokens[first + 1 + i]
            blind[row, task.length + i] = rest[-1]  # the last symbol is never copied
    assert accuracy(solved, batch.labels) == 1.0
    error = np.sqrt(task.chance * (1 - task.chance) / 2_000)
    assert accuracy(blind, batch.labels) == pytest.approx(task.chance, abs=4.5 * error)


def test_the_official_defaults_and_the_layout():
    task = InductionHeadTask()
    assert (task.vocab_size, task.length, task.induction_len, task.num_triggers) == (20, 30, 1, 1)
    assert task.input_length == 31 and task.chance == 1 / 18
    inputs, _ = task.sample(np.random.default_rng(0), 100)
    assert np.all(inputs[:, -1] == task.copy_prefix) and np.all(inputs != 0)
    assert np.all((inputs == task.copy_prefix).sum(axis=1) == 2)
    assert task.vocabulary[19] == "=>" and task.vocabulary[3] == "10"


def test_examples_of_a_seed_are_these():
    """Committed results depend on the bits."""
    batch = InductionHeadTask(8, 10, induction_len=2, num_triggers=3).sample(np.random.default_rng(0), 2)
    assert batch.inputs.tolist() == [
        [6, 7, 4, 2, 2, 1, 1, 1, 2, 5, 7, 4],
        [7, 6, 4, 4, 6, 5, 7, 6, 4, 6, 7, 6],
    ]
    assert batch.labels[:, -2:].tolist() == [[4, 2], [6, 4]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "vocab_size must be an integer of at least 4"),
        ((20.0,), "vocab_size must be"),
        ((20, 2), r"length must be at least induction_len \+ 2 = 3, got 2"),
        ((20, 5, 4), r"= 6, got 5"),
        ((20, 30, 0), "induction_len must be"),
        ((20, 30, 1, 0), "num_triggers must be"),
    ],
)
def test_bad_arguments_are_rejected(arguments, message):
    with pytest.raises(ConfigError, match=message):
        InductionHeadTask(*arguments)


def test_the_shortest_example():
    batch = InductionHeadTask(4, 3).sample(np.random.default_rng(0), 20)
    assert {(*row[:1], row[3], row[1] == answer) for *row, answer in sequences(batch)} == {(3, 3, True)}
