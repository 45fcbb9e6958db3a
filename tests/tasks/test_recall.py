"""Associative recall: the vocabulary, the distribution, the data sets and the masks, against plain Python."""

import dataclasses
import itertools
import json
import random
import tracemalloc
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import chisquare

from hyena_np.errors import ConfigError, DTypeError, ShapeError, TokenError
from hyena_np.tasks import datasets
from hyena_np.tasks.batches import IGNORE, accuracy
from hyena_np.tasks.recall import RecallTask
from hyena_np.tasks.recall_masks import mask_labels, recalled_pair

# Lexicographic, written out by hand: "." < digits < "=>", and "10" stands between "1" and "2".
VOCABULARIES = {
    10: ". 0 1 2 3 4 5 6 7 =>",
    20: ". 0 1 10 11 12 13 14 15 16 17 2 3 4 5 6 7 8 9 =>",
    30: ". 0 1 10 11 12 13 14 15 16 17 18 19 2 20 21 22 23 24 25 26 27 3 4 5 6 7 8 9 =>",
    40: (
        ". 0 1 10 11 12 13 14 15 16 17 18 19 2 20 21 22 23 24 25 26 27 28 29 "
        "3 30 31 32 33 34 35 36 37 4 5 6 7 8 9 =>"
    ),
}
KEYS = {
    10: "0 1 2 3",
    20: "0 1 10 11 12 13 14 15 16",
    30: "0 1 10 11 12 13 14 15 16 17 18 19 2 20",
    40: "0 1 10 11 12 13 14 15 16 17 18 19 2 20 21 22 23 24 25",
}
VALUES = {
    10: "4 5 6 7",
    20: "17 2 3 4 5 6 7 8 9",
    30: "21 22 23 24 25 26 27 3 4 5 6 7 8 9",
    40: "26 27 28 29 3 30 31 32 33 34 35 36 37 4 5 6 7 8 9",
}

tasks = st.builds(
    RecallTask,
    vocab_size=st.integers(2, 60).map(lambda half: 2 * half),
    length=st.integers(2, 90),
    allow_dot=st.booleans(),
)
seeds = st.integers(0, 2**32 - 1)


def words(task, ids):
    return tuple(task.vocabulary[i] for i in ids)


def sequences(batch):
    """Whole token sequences, rebuilt from inputs and last labels."""
    return [
        (*inputs, labels[-1])
        for inputs, labels in zip(batch.inputs.tolist(), batch.labels.tolist(), strict=True)
    ]


# ------------------------------------------------------------------ plain-Python references


def reference_symbols(vocab_size):
    symbols = sorted(str(i) for i in range(vocab_size - 2))
    return symbols[: len(symbols) // 2], symbols[len(symbols) // 2 :]


def reference_example(rng, vocab_size, length, allow_dot=False, fault=None):
    """Draw one example as strings, step by step after the description of the released generator.

    `fault` plants a plausible mistake, to show that the tests below see it.
    """
    keys, values = reference_symbols(vocab_size)
    if fault == "without replacement":
        dictionary = dict(zip(keys, rng.sample(values, len(keys)), strict=True))
    else:
        dictionary = {key: rng.choice(values) for key in keys}
    sequence, asked = [], []
    for _ in range(length // 2):
        key = rng.choice(keys)
        asked.append(key)
        sequence += [key, dictionary[key]]
        if fault == "new value each time":
            dictionary[key] = rng.choice(values)
    query = rng.choice(keys)
    if not allow_dot and query not in asked:
        query = rng.choice(sorted(set(asked)))
    if fault == "query by frequency":
        query = rng.choice(asked)
    answer = dictionary[query] if query in asked else "."
    return (*sequence, "=>", query, answer)


def exact_probabilities(vocab_size, length, allow_dot=False):
    """Go through all dictionaries, contexts and queries of a small task; add up the probabilities."""
    keys, values = reference_symbols(vocab_size)
    result = Counter()
    contexts = list(itertools.product(keys, repeat=length // 2))
    dictionaries = list(itertools.product(values, repeat=len(keys)))
    for context, chosen in itertools.product(contexts, dictionaries):
        dictionary = dict(zip(keys, chosen, strict=True))
        queries = keys if allow_dot else sorted(set(context))
        for query in queries:
            answer = dictionary[query] if query in context else "."
            pairs = itertools.chain.from_iterable((key, dictionary[key]) for key in context)
            weight = Fraction(1, len(contexts) * len(dictionaries) * len(queries))
            result[(*pairs, "=>", query, answer)] += weight
    return result


def fit(histogram, probabilities):
    """Chi-square p-value of a histogram of examples; 0 if it holds an example that cannot occur."""
    if set(histogram) - set(probabilities):
        return 0.0
    total = sum(histogram.values())
    observed = [histogram[example] for example in probabilities]
    expected = [float(total * share) for share in probabilities.values()]
    return chisquare(observed, expected).pvalue


def check_example(task, sequence):
    """Check every rule that one token sequence must obey, in strings and dictionaries."""
    keys, values = reference_symbols(task.vocab_size)
    tokens = words(task, sequence)
    context, (prefix, query, answer) = tokens[:-3], tokens[-3:]
    assert len(context) == 2 * (task.length // 2)
    dictionary = {}
    for key, value in zip(context[::2], context[1::2], strict=True):
        assert key in keys and value in values
        assert dictionary.setdefault(key, value) == value
    assert prefix == "=>"
    assert query in keys
    if not task.allow_dot:
        assert query in dictionary
    assert answer == dictionary.get(query, ".")


# ------------------------------------------------------------------ vocabulary


@pytest.mark.parametrize("vocab_size", VOCABULARIES)
def test_ids_follow_the_order_of_strings(vocab_size):
    task = RecallTask(vocab_size, 8)
    assert task.vocabulary == tuple(VOCABULARIES[vocab_size].split())
    assert words(task, task.keys) == tuple(KEYS[vocab_size].split())
    assert words(task, task.values) == tuple(VALUES[vocab_size].split())
    assert task.vocabulary[task.noop] == "." and task.noop == 0
    assert task.vocabulary[task.copy_prefix] == "=>" and task.copy_prefix == vocab_size - 1


def test_a_numeric_order_would_be_another_vocabulary():
    numeric = (".", *(str(i) for i in range(18)), "=>")
    assert RecallTask(20, 8).vocabulary != numeric
    assert set(RecallTask(20, 8).vocabulary) == set(numeric)


@given(tasks)
def test_keys_values_and_specials_share_out_the_vocabulary(task):
    keys, values = reference_symbols(task.vocab_size)
    assert words(task, task.keys) == tuple(keys)
    assert words(task, task.values) == tuple(values)
    everything = [task.noop, *task.keys, *task.values, task.copy_prefix]
    assert everything == list(range(task.vocab_size))


# ------------------------------------------------------------------ examples


@pytest.mark.paper("Table 4.1")
@given(tasks, seeds)
def test_examples_obey_the_rules(task, seed):
    batch = task.sample(np.random.default_rng(seed), 20)
    for sequence in sequences(batch):
        check_example(task, sequence)


@given(tasks, seeds)
def test_labels_are_the_next_tokens(task, seed):
    inputs, labels = task.sample(np.random.default_rng(seed), 7)
    assert inputs.shape == labels.shape == (7, task.input_length)
    assert inputs.dtype == labels.dtype == np.int64
    assert np.array_equal(labels[:, :-1], inputs[:, 1:])
    assert not np.shares_memory(inputs, labels)


def test_the_length_counts_the_tokens_of_the_pairs():
    assert RecallTask(20, 64).input_length == 66
    assert RecallTask(20, 65).input_length == 66  # 32 pairs, the odd token is dropped
    assert RecallTask(20, 2).input_length == 4


def test_the_rules_reject_a_faulty_generator():
    rng = random.Random(0)
    task = RecallTask(10, 16)
    with pytest.raises(AssertionError):
        for _ in range(20):
            example = reference_example(rng, 10, 16, fault="new value each time")
            check_example(task, [task.vocabulary.index(token) for token in example])


@given(tasks, seeds)
def test_the_same_seed_gives_the_same_data(task, seed):
    first, second = (task.sample(np.random.default_rng(seed), 5) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs)
    assert np.array_equal(first.labels, second.labels)


def test_another_seed_and_another_call_give_other_data():
    task, rng = RecallTask(20, 64), np.random.default_rng(0)
    first, second = task.sample(rng, 4), task.sample(rng, 4)
    other = task.sample(np.random.default_rng(1), 4)
    assert not np.array_equal(first.inputs, second.inputs)
    assert not np.array_equal(first.inputs, other.inputs)


def test_no_examples_is_an_empty_batch():
    assert RecallTask(20, 8).sample(np.random.default_rng(0), 0).inputs.shape == (0, 10)


def test_an_example_as_long_as_the_longest_of_the_paper():
    """Table 4.2 goes to L=131,072; time and memory of a batch are those of its tokens."""
    task = RecallTask(30, 131_072)
    tracemalloc.start()
    batch = task.sample(np.random.default_rng(0), 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batch.inputs.shape == (2, 131_074)
    for sequence in sequences(batch):
        check_example(task, sequence)
    assert peak < 6 * batch.inputs.nbytes


# ------------------------------------------------------------------ distribution

# Small enough that every example is drawn often: 52, 56 and 27 distinct ones.
SMALL = [(6, 6, False), (6, 6, True), (8, 2, True)]


@pytest.mark.parametrize(("vocab_size", "length", "allow_dot"), SMALL)
def test_every_example_has_its_exact_probability(vocab_size, length, allow_dot):
    task = RecallTask(vocab_size, length, allow_dot)
    batch = task.sample(np.random.default_rng(1), 40_000)
    histogram = Counter(words(task, sequence) for sequence in sequences(batch))
    assert fit(histogram, exact_probabilities(vocab_size, length, allow_dot)) > 1e-3


@pytest.mark.parametrize(("vocab_size", "length", "allow_dot"), SMALL)
def test_the_reference_generator_has_the_exact_probabilities(vocab_size, length, allow_dot):
    rng = random.Random(1)
    histogram = Counter(reference_example(rng, vocab_size, length, allow_dot) for _ in range(20_000))
    assert fit(histogram, exact_probabilities(vocab_size, length, allow_dot)) > 1e-3


@pytest.mark.parametrize("fault", ["without replacement", "query by frequency", "new value each time"])
def test_the_distribution_test_rejects_a_faulty_generator(fault):
    rng = random.Random(1)
    histogram = Counter(reference_example(rng, 6, 6, fault=fault) for _ in range(20_000))
    assert fit(histogram, exact_probabilities(6, 6)) < 1e-12


def statistics(task, examples):
    """Columns of numbers about examples too many to enumerate; one row an example."""
    table = []
    for tokens in examples:
        counts = Counter(tokens[:-3:2])
        pairs = dict(zip(tokens[:-3:2], tokens[1:-3:2], strict=True))
        table.append(
            [
                len(counts),  # distinct keys
                len(set(pairs.values())) - len(pairs),  # keys that share a value
                counts[tokens[-2]],  # occurrences of the query
                tokens[-1] == ".",
                *(tokens[0] == task.vocabulary[key] for key in task.keys),
                *(tokens[1] == task.vocabulary[value] for value in task.values),
                *(tokens[-2] == task.vocabulary[key] for key in task.keys),
            ]
        )
    return np.array(table, dtype=float)


@pytest.mark.parametrize("allow_dot", [False, True])
def test_statistics_of_the_demo_task_agree_with_the_reference_generator(allow_dot):
    task, rng, count = RecallTask(20, 16, allow_dot), random.Random(2), 4_000
    ours = sequences(task.sample(np.random.default_rng(2), count))
    ours = statistics(task, [words(task, sequence) for sequence in ours])
    theirs = statistics(task, [reference_example(rng, 20, 16, allow_dot) for _ in range(count)])
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / count)
    difference = np.abs(ours.mean(axis=0) - theirs.mean(axis=0))
    assert np.all(difference <= 4.5 * error)
    assert (ours[:, 3].mean() > 0.2) == allow_dot  # (8/9)^8 = 39 % of the queries are absent


def test_dictionaries_are_drawn_with_replacement():
    """Nine values of nine keys are all different with probability 9!/9^9 = 0.09 % only."""
    task = RecallTask(20, 200)  # long enough that nearly every key occurs
    inputs, _ = task.sample(np.random.default_rng(3), 500)
    pairs = [dict(zip(row[:-2:2], row[1:-2:2], strict=True)) for row in inputs.tolist()]
    complete = [list(pair.values()) for pair in pairs if len(pair) == 9]
    assert len(complete) > 450
    assert sum(len(set(values)) == 9 for values in complete) < 10
    used = Counter(value for values in complete for value in values)
    assert chisquare([used[value] for value in task.values.tolist()]).pvalue > 1e-3


def test_every_example_has_its_own_dictionary():
    task = RecallTask(20, 200)
    inputs, _ = task.sample(np.random.default_rng(4), 200)
    value_of_first_key = [dict(zip(row[:-2:2], row[1:-2:2], strict=True)).get(1) for row in inputs.tolist()]
    assert set(task.values.tolist()) <= set(value_of_first_key)


# ------------------------------------------------------------------ data sets


@given(
    half=st.integers(2, 3),
    length=st.integers(2, 6),
    allow_dot=st.booleans(),
)
def test_the_count_of_distinct_examples_is_exact(half, length, allow_dot):
    exact = len(exact_probabilities(2 * half, length, allow_dot))
    task = RecallTask(2 * half, length, allow_dot)
    assert task.count_distinct() == exact
    assert task.count_distinct(limit=exact - 1) == exact - 1
    assert task.count_distinct(limit=exact + 1) == exact


@given(tasks, seeds, st.integers(0, 40), st.integers(0, 40))
def test_data_sets_are_distinct_and_disjoint(task, seed, n_train, n_test):
    if task.count_distinct(limit=n_train + n_test) < n_train + n_test:
        with pytest.raises(ConfigError):
            task.dataset(np.random.default_rng(seed), n_train, n_test)
        return
    train, test = task.dataset(np.random.default_rng(seed), n_train, n_test)
    examples = sequences(train) + sequences(test)
    assert len(train.inputs) == n_train and len(test.inputs) == n_test
    assert len(set(examples)) == n_train + n_test
    for batch in (train, test):
        assert batch.inputs.dtype == batch.labels.dtype == np.int64
        assert batch.inputs.shape[1] == task.input_length
        assert np.array_equal(batch.labels[:, :-1], batch.inputs[:, 1:])
    for example in examples:
        check_example(task, example)


def test_the_official_sizes():
    train, test = RecallTask(20, 40).dataset(np.random.default_rng(0), 5000, 500)
    assert train.inputs.shape == (5000, 42) and test.labels.shape == (500, 42)
    assert len(set(sequences(train) + sequences(test))) == 5500


def test_wide_vocabularies_survive_the_compact_storage():
    task = RecallTask(1000, 6)
    train, _ = task.dataset(np.random.default_rng(0), 200, 0)
    assert train.inputs.max() == task.copy_prefix == 999
    for example in sequences(train):
        check_example(task, example)


def test_a_task_can_be_drawn_dry_and_no_further():
    task = RecallTask(6, 6)
    everything = set(exact_probabilities(6, 6))
    train, test = task.dataset(np.random.default_rng(0), 40, 12)
    assert {words(task, example) for example in sequences(train) + sequences(test)} == everything
    with pytest.raises(ConfigError, match=r"at most 52.*got 40 \+ 13"):
        task.dataset(np.random.default_rng(0), 40, 13)


def test_the_number_of_draws_is_bounded(monkeypatch):
    monkeypatch.setattr(datasets, "_MAX_DRAWS_PER_EXAMPLE", 1)
    with pytest.raises(ConfigError, match=r"found only \d+ of 52 distinct examples.* in 52 draws"):
        RecallTask(6, 6).dataset(np.random.default_rng(0), 40, 12)


def test_long_sequences_are_drawn_in_blocks(monkeypatch):
    blocks, draw = [], RecallTask._draw

    def spy(self, rng, n):
        blocks.append(n)
        return draw(self, rng, n)

    monkeypatch.setattr(RecallTask, "_draw", spy)
    monkeypatch.setattr(datasets, "_BLOCK_TOKENS", 100)
    train, test = RecallTask(10, 8).dataset(np.random.default_rng(0), 60, 20)
    assert len(set(sequences(train) + sequences(test))) == 80
    assert max(blocks) == 100 // 11  # 11 tokens an example


def test_train_and_test_are_alike():
    """Examples with one distinct key are four times as likely as the rest, so they turn up first.

    Of the 4 among 52 examples, a fair split in halves has 2 on each side.
    """
    task = RecallTask(6, 6)
    found = []
    for seed in range(300):
        _, test = task.dataset(np.random.default_rng(seed), 26, 26)
        found.append(sum(len(set(row[:-2:2])) == 1 for row in test.inputs.tolist()))
    error = np.sqrt(4 * 0.25 * (48 / 51) / 300)  # of the mean of 300 hypergeometric counts
    assert abs(np.mean(found) - 2) < 4 * error


def test_the_same_seed_gives_the_same_data_sets():
    task = RecallTask(20, 12)
    first, second, other = (task.dataset(np.random.default_rng(seed), 50, 20) for seed in (7, 7, 8))
    for batch, same in zip(first, second, strict=True):
        assert np.array_equal(batch.inputs, same.inputs) and np.array_equal(batch.labels, same.labels)
    assert not np.array_equal(first.train.inputs, other.train.inputs)


# ------------------------------------------------------------------ masks


def hand_example():
    """V=10: `0 5 1 4 0 5 0 5 2 4 => 1`, answer 4; ids are the number plus one."""
    inputs = np.array([[1, 6, 2, 5, 1, 6, 1, 6, 3, 5, 9, 2]])
    return inputs, np.append(inputs[:, 1:], [[5]], axis=1)


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("all", [6, 2, 5, 1, 6, 1, 6, 3, 5, 9, 2, 5]),
        ("last", [IGNORE] * 11 + [5]),
        ("seen", [IGNORE] * 4 + [6, IGNORE, 6] + [IGNORE] * 4 + [5]),
    ],
)
def test_masks_of_an_example_worked_by_hand(which, expected):
    inputs, labels = hand_example()
    masked = mask_labels(inputs, labels, which, RecallTask(10, 10))
    assert masked.tolist() == [expected]
    assert masked.dtype == labels.dtype
    assert not np.shares_memory(masked, labels)


@given(tasks, seeds)
def test_masks_keep_the_right_labels(task, seed):
    inputs, labels = task.sample(np.random.default_rng(seed), 6)
    before = labels.copy()
    everything, last, seen = (mask_labels(inputs, labels, which, task) for which in ("all", "last", "seen"))
    assert np.array_equal(labels, before)
    assert np.array_equal(everything, labels)
    assert np.all(last[:, :-1] == IGNORE) and np.array_equal(last[:, -1], labels[:, -1])
    for tokens, target, masked in zip(inputs.tolist(), labels.tolist(), seen.tolist(), strict=True):
        known = set()
        for position in range(0, len(tokens) - 2, 2):
            key = tokens[position]
            assert masked[position] == (target[position] if key in known else IGNORE)
            assert masked[position + 1] == IGNORE  # the next key cannot be known
            known.add(key)
        assert masked[-2:] == [IGNORE, target[-1]]


@given(tasks, seeds)
def test_a_dictionary_of_what_was_read_predicts_every_seen_label(task, seed):
    """The point of the mask: a perfect reader scores 100 % on it, without any luck."""
    inputs, labels = task.sample(np.random.default_rng(seed), 6)
    predictions = np.zeros_like(labels)  # the "." for whatever is unknown
    for row, tokens in enumerate(inputs.tolist()):
        known = {}
        for position, key in enumerate(tokens):
            predictions[row, position] = known.get(key, task.noop)
            if position % 2 == 1:
                known.setdefault(tokens[position - 1], tokens[position])
    assert accuracy(predictions, mask_labels(inputs, labels, "seen", task)) == 1.0


def test_the_answers_are_the_last_labels():
    task = RecallTask(20, 12, allow_dot=True)
    batch = task.sample(np.random.default_rng(0), 8)
    inputs, labels = task.answers(batch)
    assert inputs is batch.inputs
    assert np.array_equal(labels, mask_labels(*batch, "last", task))


@pytest.mark.parametrize(
    ("length", "allow_dot", "chance"),
    [(6, False, 1 / 4), (2, True, 3 / 4), (4, True, 9 / 16), (16, True, (1 - 0.75**8) / 4)],
)
def test_chance_is_a_value_or_the_dot(length, allow_dot, chance):
    assert RecallTask(10, length, allow_dot).chance == pytest.approx(chance)


def test_masks_reject_bad_input():
    task = RecallTask(10, 10)
    inputs, labels = hand_example()
    with pytest.raises(ConfigError, match="'first'"):
        mask_labels(inputs, labels, "first", task)
    with pytest.raises(ShapeError, match=r"inputs must have shape \(B, 12\)"):
        mask_labels(inputs[:, 1:], labels, "seen", task)
    with pytest.raises(ShapeError, match=r"labels must have shape \(B, 12\)"):
        mask_labels(inputs, labels[0], "last", task)
    with pytest.raises(ShapeError, match="same shape"):
        mask_labels(np.repeat(inputs, 2, axis=0), labels, "all", task)
    with pytest.raises(DTypeError, match="inputs must hold integers, got float64"):
        mask_labels(inputs.astype(float), labels, "seen", task)
    with pytest.raises(DTypeError, match="labels must be a NumPy array, got list"):
        mask_labels(inputs, labels.tolist(), "seen", task)
    for wrong in (-1, 10):
        faulty = inputs.copy()
        faulty[0, 4] = wrong
        with pytest.raises(TokenError, match="ids from 0 to 9"):
            mask_labels(faulty, labels, "seen", task)


def test_masks_of_no_examples_are_empty():
    task = RecallTask(10, 10)
    inputs, labels = task.sample(np.random.default_rng(0), 0)
    for which in ("all", "last", "seen"):
        assert mask_labels(inputs, labels, which, task).shape == (0, 12)


# ------------------------------------------------------------------ recalled pair


def test_the_recalled_pair_of_an_example_worked_by_hand():
    inputs, _ = hand_example()
    assert [part.tolist() for part in recalled_pair(inputs[0])] == [[2], [3]]
    inputs[0, -1] = 1  # ask for "0" instead, which occurred three times
    assert [part.tolist() for part in recalled_pair(inputs[0])] == [[0, 4, 6], [1, 5, 7]]
    inputs[0, -1] = 4  # "3" did not occur
    assert [part.tolist() for part in recalled_pair(inputs[0])] == [[], []]


@given(tasks, seeds)
def test_the_recalled_pairs_hold_the_answer(task, seed):
    inputs, labels = task.sample(np.random.default_rng(seed), 6)
    for tokens, target in zip(inputs, labels, strict=True):
        pair = recalled_pair(tokens)
        assert len(pair.keys) == list(tokens[:-2:2]).count(tokens[-1])
        assert np.all(tokens[pair.keys] == tokens[-1])
        assert np.all(tokens[pair.values] == target[-1])
        assert (len(pair.keys) == 0) == (target[-1] == task.noop)


@pytest.mark.parametrize("shape", [(1, 12), (11,), (2,), ()])
def test_the_recalled_pair_needs_one_example(shape):
    with pytest.raises(ShapeError, match="inputs must have shape"):
        recalled_pair(np.zeros(shape, dtype=np.int64))


def test_the_recalled_pair_needs_integers():
    with pytest.raises(DTypeError, match="inputs must hold integers"):
        recalled_pair(np.zeros(12))


# ------------------------------------------------------------------ bad configurations


@pytest.mark.parametrize("vocab_size", [21, 3, 2, 0, -4, 20.0, "20", None, True])
def test_bad_vocabularies_are_rejected(vocab_size):
    with pytest.raises(ConfigError, match="vocab_size must be"):
        RecallTask(vocab_size, 8)


@pytest.mark.parametrize("length", [1, 0, -2, 8.0, "8", None, True])
def test_bad_lengths_are_rejected(length):
    with pytest.raises(ConfigError, match="length must be"):
        RecallTask(20, length)


@pytest.mark.parametrize("allow_dot", [0, 1, "no", None])
def test_bad_dot_modes_are_rejected(allow_dot):
    with pytest.raises(ConfigError, match="allow_dot must be"):
        RecallTask(20, 8, allow_dot)


def test_the_smallest_task_is_one_example():
    task = RecallTask(4, 2)
    batch = task.sample(np.random.default_rng(0), 3)
    assert {words(task, example) for example in sequences(batch)} == {("0", "1", "=>", "0", "1")}


@pytest.mark.parametrize("n", [-1, 2.0, "3", None, True])
def test_bad_sizes_are_rejected(n):
    task, rng = RecallTask(20, 8), np.random.default_rng(0)
    with pytest.raises(ConfigError, match=r"^n must be"):
        task.sample(rng, n)
    with pytest.raises(ConfigError, match="n_train must be"):
        task.dataset(rng, n, 1)
    with pytest.raises(ConfigError, match="n_test must be"):
        task.dataset(rng, 1, n)


@pytest.mark.parametrize("rng", [0, None, np.random.RandomState(0), random.Random(0)])
def test_the_generator_must_be_one_of_numpy(rng):
    with pytest.raises(DTypeError, match=r"numpy\.random\.Generator"):
        RecallTask(20, 8).sample(rng, 1)
    with pytest.raises(DTypeError, match=r"numpy\.random\.Generator"):
        RecallTask(20, 8).dataset(rng, 1, 1)


def test_a_task_is_frozen_hashable_and_made_of_plain_numbers():
    task = RecallTask(np.int64(20), np.int32(8))
    assert task == RecallTask(20, 8) and hash(task) == hash(RecallTask(20, 8))
    assert json.loads(json.dumps(dataclasses.asdict(task))) == {
        "vocab_size": 20,
        "length": 8,
        "allow_dot": False,
    }
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.length = 10
