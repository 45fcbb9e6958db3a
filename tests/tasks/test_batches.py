"""What holds for every task on tokens: the protocol, the data sets, the scores."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from hyena_np.errors import ConfigError, DTypeError, ShapeError
from hyena_np.tasks.addition import AdditionTask
from hyena_np.tasks.batches import IGNORE, TokenBatch, accuracy, exact_match
from hyena_np.tasks.counting import CountingTask, MajorityTask
from hyena_np.tasks.datasets import distinct
from hyena_np.tasks.induction import InductionHeadTask
from hyena_np.tasks.mqar import MQARTask
from hyena_np.tasks.recall import RecallTask

TASKS = [
    RecallTask(10, 8),
    RecallTask(10, 8, allow_dot=True),
    InductionHeadTask(8, 10),
    InductionHeadTask(8, 12, induction_len=2, num_triggers=3),
    MajorityTask(5, 9),
    CountingTask(5, 9, 4),
    AdditionTask(3),
    MQARTask(30, 16, 3),
    MQARTask(30, 16, 3, random_non_queries=False),
]
# How many labels of an example the test counts.
ANSWERS = [1, 1, 1, 2, 1, 1, 4, 3, 3]

every_task = pytest.mark.parametrize("task", TASKS, ids=str)


def draw(task, n=32, seed=0):
    return task.sample(np.random.default_rng(seed), n)


@every_task
def test_a_batch_is_ids_and_labels(task):
    inputs, labels = draw(task)
    assert inputs.shape == labels.shape == (32, task.input_length)
    assert inputs.dtype == labels.dtype == np.int64
    counted = labels[labels != IGNORE]
    for ids in (inputs, counted):
        assert ids.min() >= 0 and ids.max() < task.vocab_size
    assert not np.shares_memory(inputs, labels)
    assert draw(task, 0).inputs.shape == (0, task.input_length)


@pytest.mark.parametrize("task", [task for task in TASKS if not isinstance(task, MQARTask)], ids=str)
def test_labels_are_the_next_tokens(task):
    inputs, labels = draw(task)
    following = labels[:, :-1]
    counted = following != IGNORE
    assert np.array_equal(following[counted], inputs[:, 1:][counted])
    assert np.all(labels[:, -1] != IGNORE)


@pytest.mark.parametrize(("task", "count"), list(zip(TASKS, ANSWERS, strict=True)), ids=str)
def test_answers_keep_some_labels_and_drop_the_rest(task, count):
    batch = draw(task)
    before = batch.labels.copy()
    inputs, labels = task.answers(batch)
    kept = labels != IGNORE
    assert np.all(kept.sum(axis=1) == count)
    assert np.array_equal(labels[kept], before[kept])
    assert inputs is batch.inputs
    assert np.array_equal(batch.labels, before) and not np.shares_memory(labels, batch.labels)
    assert np.array_equal(task.answers(TokenBatch(inputs, labels)).labels, labels)


@every_task
def test_chance_is_the_accuracy_of_the_best_blind_guess(task):
    """The most frequent answer at each position, found in one sample and tried on another."""
    train, test = (task.answers(draw(task, 8_000, seed)).labels for seed in (1, 2))
    if isinstance(task, MQARTask):  # any position may hold a query: one guess for all
        guess = np.full(task.input_length, np.bincount(train[train != IGNORE]).argmax())
    else:
        guess = np.array([np.bincount(np.maximum(column, 0)).argmax() for column in train.T])
    error = np.sqrt(task.chance * (1 - task.chance) / 8_000)
    assert accuracy(np.broadcast_to(guess, test.shape), test) == pytest.approx(task.chance, abs=4.5 * error)


@every_task
def test_the_seed_decides(task):
    first, same, other = draw(task), draw(task), draw(task, seed=1)
    assert all(np.array_equal(*pair) for pair in zip(first, same, strict=True))
    assert not np.array_equal(first.inputs, other.inputs)
    rng = np.random.default_rng(0)
    assert not np.array_equal(task.sample(rng, 32).inputs, task.sample(rng, 32).inputs)


@every_task
def test_a_task_is_frozen_hashable_and_plain(task):
    fields = json.loads(json.dumps(dataclasses.asdict(task)))
    assert type(task)(**fields) == task and hash(type(task)(**fields)) == hash(task)
    wide = {name: np.int32(value) if type(value) is int else value for name, value in fields.items()}
    assert json.dumps(dataclasses.asdict(type(task)(**wide))) == json.dumps(fields)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(task, next(iter(fields)), 3)


@every_task
def test_bad_arguments_of_the_methods_are_rejected(task):
    for n in (-1, 2.0, True):
        with pytest.raises(ConfigError, match=r"^n must be"):
            task.sample(np.random.default_rng(0), n)
    with pytest.raises(DTypeError, match="Generator"):
        task.sample(0, 1)
    inputs, labels = draw(task)
    with pytest.raises(ShapeError, match="inputs must have shape"):
        task.answers(TokenBatch(inputs[:, 1:], labels))
    with pytest.raises(ShapeError, match="same shape"):
        task.answers(TokenBatch(inputs[1:], labels))
    with pytest.raises(DTypeError, match="labels must hold integers"):
        task.answers(TokenBatch(inputs, labels.astype(float)))


# ------------------------------------------------------------------ data sets


@every_task
def test_fixed_sets_are_distinct_and_disjoint(task):
    train, test = distinct(task, np.random.default_rng(0), 60, 20)
    rows = {row.tobytes() for batch in (train, test) for row in batch.inputs}
    assert len(train.inputs) == 60 and len(test.inputs) == 20 and len(rows) == 80
    # Inputs and labels still belong together, and are those that the task drew.
    drawn = draw(task, 256)
    labels_of = {row.tobytes(): labels for row, labels in zip(*drawn, strict=True)}
    for batch in (train, test):
        assert batch.inputs.dtype == batch.labels.dtype == np.int64
        for row, labels in zip(*batch, strict=True):
            assert np.array_equal(labels_of[row.tobytes()], labels)


@pytest.mark.parametrize("vocab_size", [120, 128, 129, 40_000])
def test_fixed_sets_hold_every_id_and_every_ignored_label(vocab_size):
    """Rows are stored compactly for a while; 128 and 32768 are where a narrow integer ends."""
    task = MQARTask(vocab_size, 8, 2)
    (inputs, labels), _ = distinct(task, np.random.default_rng(0), 300, 0)
    assert inputs.min() >= 0 and vocab_size * 0.9 < inputs.max() < vocab_size
    assert np.all((labels != IGNORE).sum(axis=1) == 2)
    assert labels[labels != IGNORE].min() >= vocab_size // 2


def test_a_task_that_has_too_few_examples_says_so():
    with pytest.raises(ConfigError, match=r"found only 100 of 101 distinct examples of AdditionTask"):
        distinct(AdditionTask(1), np.random.default_rng(0), 51, 50)


# ------------------------------------------------------------------ scores


def test_accuracy_by_hand():
    labels = np.array([[IGNORE, 3, IGNORE], [1, 2, 0]])
    assert accuracy(np.array([[7, 3, 7], [1, 2, 9]]), labels) == 0.75
    # Micro: all positions count alike. The mean of the rows would be (1 + 2/3) / 2.
    assert accuracy(np.array([[IGNORE, 0, IGNORE], [1, 2, 0]]), labels) == 0.75


def test_accuracy_of_logits_is_that_of_the_largest():
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=(4, 6))
    labels[rng.random((4, 6)) < 0.4] = IGNORE
    logits = rng.standard_normal((4, 6, 5))
    right = total = 0
    for row, column in itertools.product(range(4), range(6)):
        if labels[row, column] != IGNORE:
            total += 1
            right += max(range(5), key=logits[row, column].__getitem__) == labels[row, column]
    assert accuracy(logits, labels) == right / total
    assert accuracy(np.eye(5)[np.where(labels == IGNORE, 0, labels)], labels) == 1.0


def test_accuracy_is_a_python_float():
    value = accuracy(np.array([1]), np.array([1]))
    assert type(value) is float and json.dumps(value) == "1.0"


@pytest.mark.parametrize("score", [accuracy, exact_match])
def test_scores_reject_bad_input(score):
    labels = np.array([[1, IGNORE]])
    with pytest.raises(ConfigError, match="not ignored"):
        score(labels, np.full((1, 2), IGNORE))
    with pytest.raises(ShapeError, match="shape of labels"):
        score(np.array([1, 2]), labels)
    with pytest.raises(ShapeError, match="shape of labels"):
        score(np.zeros((2, 2, 5)), labels)
    with pytest.raises(DTypeError, match="predictions must hold integers"):
        score(np.zeros((1, 2)), labels)
    with pytest.raises(DTypeError, match="labels must hold integers"):
        score(labels, labels.astype(float))


def test_an_exact_match_has_no_wrong_label():
    labels = np.array([[IGNORE, 3, 1], [1, 2, 0], [IGNORE, IGNORE, IGNORE]])
    predictions = np.array([[7, 3, 1], [1, 2, 9], [0, 0, 0]])
    assert exact_match(predictions, labels) == 0.5  # the last example asks nothing
    assert exact_match(np.eye(10)[predictions], labels) == 0.5
    predictions[0, 2] = 2
    assert exact_match(predictions, labels) == 0.0
    assert accuracy(predictions, labels) == 3 / 5
    assert type(exact_match(predictions, labels)) is float
    with pytest.raises(ShapeError, match=r"labels must have shape \(B, T\)"):
        exact_match(np.array([1]), np.array([1]))
