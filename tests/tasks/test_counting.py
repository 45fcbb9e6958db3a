"""Majority and counting: the paper's prompts, the distributions, solvers that see enough and too little."""

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binom, chisquare

from hyena_np.errors import ConfigError
from hyena_np.tasks.batches import accuracy
from hyena_np.tasks.counting import CountingTask, MajorityTask


def majority(prompt):
    (first, most), *rest = Counter(prompt).most_common(2)
    return first if not rest or rest[0][1] < most else None


def count_of_last(prompt):
    return list(prompt).count(prompt[-1])


def solve(solver, task, n=2_000, seed=0):
    """Accuracy of a function of the prompt."""
    batch = task.answers(task.sample(np.random.default_rng(seed), n))
    predictions = batch.labels.copy()
    predictions[:, -1] = [solver(row) for row in batch.inputs.tolist()]
    return accuracy(predictions, batch.labels)


@pytest.mark.paper("Table 4.1")
def test_the_prompts_of_the_paper():
    assert majority("agggefg") == "g"
    assert count_of_last("abbbacb") == 4


@pytest.mark.parametrize("task", [MajorityTask(), MajorityTask(4, 2), MajorityTask(3, 50)], ids=str)
def test_the_majority_is_unique_and_the_answer(task):
    assert solve(majority, task) == 1.0


@pytest.mark.parametrize("task", [CountingTask(), CountingTask(2, 7, 7), CountingTask(6, 1, 1)], ids=str)
def test_the_count_of_the_last_symbol_is_the_answer(task):
    assert solve(lambda prompt: task.num_symbols + count_of_last(prompt) - 1, task) == 1.0


def test_every_prompt_with_a_majority_is_equally_probable():
    task = MajorityTask(3, 4)
    prompts = [p for p in itertools.product(range(3), repeat=4) if majority(p) is not None]
    batch = task.sample(np.random.default_rng(1), 20_000)
    histogram = Counter(map(tuple, batch.inputs.tolist()))
    assert set(histogram) == set(prompts)
    assert chisquare(list(histogram.values())).pvalue > 1e-3


def test_counting_prompts_have_their_exact_probabilities():
    """Count, last symbol, which positions hold it, what the others hold: uniform, one after the other."""
    task = CountingTask(3, 4, 3)
    probabilities = {}
    for prompt in itertools.product(range(3), repeat=4):
        c = count_of_last(prompt)
        if c <= 3:
            subsets = {1: 1, 2: 3, 3: 3}[c]  # 3 choose c-1
            probabilities[prompt] = 1 / (3 * 3 * subsets * 2 ** (4 - c))
    assert sum(probabilities.values()) == pytest.approx(1)
    batch = task.sample(np.random.default_rng(1), 20_000)
    histogram = Counter(map(tuple, batch.inputs.tolist()))
    assert set(histogram) <= set(probabilities)
    expected = [20_000 * share for share in probabilities.values()]
    assert chisquare([histogram[prompt] for prompt in probabilities], expected).pvalue > 1e-3


def test_no_count_is_a_better_guess_than_another():
    """Uniform prompts instead would have the most probable count in more than every fourth example."""
    task = CountingTask(10, 30, 10)
    labels = task.sample(np.random.default_rng(2), 10_000).labels[:, -1]
    assert chisquare(np.bincount(labels - 10, minlength=10)).pvalue > 1e-3
    assert binom(29, 0.1).pmf(range(30)).max() > 0.23 > 2 * task.chance


def test_counting_takes_the_last_symbol():
    """The counts of all symbols but not which is last: the largest is a poor guess, and so is the first's."""
    task = CountingTask(10, 30, 10)
    assert solve(lambda p: 10 + p.count(p[0]) - 1, task) < 0.25
    assert solve(lambda p: 10 + min(max(Counter(p[:-1]).values()), 10) - 1, task) < 0.25


def test_majority_takes_the_whole_prompt():
    """Copying a position, or reading half of the prompt, falls short."""
    task = MajorityTask(10, 30)
    assert task.chance < solve(lambda p: p[-1], task) < 0.3
    assert 0.3 < solve(lambda p: Counter(p[15:]).most_common(1)[0][0], task) < 0.75


def test_examples_of_a_seed_are_these():
    """Committed results depend on the bits."""
    batch = MajorityTask(5, 9).sample(np.random.default_rng(0), 2)
    assert batch.inputs.tolist() == [[4, 3, 2, 1, 1, 0, 0, 0, 0], [4, 3, 4, 2, 3, 4, 3, 3, 2]]
    assert batch.labels[:, -1].tolist() == [0, 3]
    batch = CountingTask(5, 9, 4).sample(np.random.default_rng(0), 2)
    assert batch.inputs.tolist() == [[2, 3, 2, 3, 2, 1, 0, 1, 2], [4, 1, 1, 4, 4, 4, 0, 3, 1]]
    assert batch.labels[:, -1].tolist() == [8, 7]  # five symbols, then the counts 1, 2, 3, 4


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        (MajorityTask, (1, 5), "vocab_size must be an integer of at least 2"),
        (MajorityTask, (3, 0), "length must be"),
        (MajorityTask, (5, 2), "vocab_size must be at most length squared, 4, got 5"),
        (CountingTask, (1, 5, 2), "num_symbols must be"),
        (CountingTask, (5, 0, 1), "length must be"),
        (CountingTask, (5, 5, 0), "max_count must be an integer of at least 1"),
        (CountingTask, (5, 5, 6), "max_count must be at most length, 5, got 6"),
    ],
)
def test_bad_arguments_are_rejected(task, arguments, message):
    with pytest.raises(ConfigError, match=message):
        task(*arguments)
