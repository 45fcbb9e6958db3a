"""In-context linear functions: the layout, the distribution, and least squares as the best there is."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import kstest

from hyena_np.errors import ConfigError, DTypeError, ShapeError
from hyena_np.tasks.linear_functions import (
    FunctionBatch,
    LinearFunctionsTask,
    least_squares,
    least_squares_error,
    relative_error,
)


def draw(task, n=16, seed=0):
    return task.sample(np.random.default_rng(seed), n)


def only(batch, point):
    """Count the target of one point of the prompt."""
    mask = np.zeros_like(batch.mask)
    mask[:, 2 * point] = True
    return FunctionBatch(batch.inputs, batch.targets, mask)


@pytest.mark.paper("Table 4.1")
def test_points_and_values_take_turns():
    task = LinearFunctionsTask(dimension=3, examples=5)
    inputs, targets, mask = draw(task)
    assert inputs.shape == (16, 9, 4) and targets.shape == mask.shape == (16, 9)
    assert (task.input_length, task.channels) == (9, 4)
    assert inputs.dtype == targets.dtype == np.float64 and mask.dtype == bool
    assert np.all(mask[:, ::2]) and not mask[:, 1::2].any()
    assert np.all(inputs[:, ::2, -1] == 0) and np.all(inputs[:, 1::2, :-1] == 0)
    assert np.all(targets[:, 1::2] == 0)
    # The token behind a point is its value, which was the target there; the last value is not given.
    assert np.array_equal(inputs[:, 1::2, -1], targets[:, :-1:2])


def test_one_linear_function_an_example():
    """Three points fix w; every further target follows. Another example has another w."""
    inputs, targets, _ = draw(LinearFunctionsTask(3, 6))
    x, y = inputs[:, ::2, :-1], targets[:, ::2, None]
    w = np.linalg.solve(x[:, :3], y[:, :3])
    np.testing.assert_allclose(x @ w, y, rtol=1e-9, atol=1e-9)
    assert len(np.unique(w[:, 0].round(6))) == 16


def test_points_and_weights_are_standard_normal():
    inputs, targets, _ = draw(LinearFunctionsTask(2, 3), 2_000)
    assert kstest(inputs[:, ::2, :-1].ravel(), "norm").pvalue > 1e-3
    w = np.linalg.solve(inputs[:, [0, 2], :-1], targets[:, [0, 2], None])
    assert kstest(w.ravel(), "norm").pvalue > 1e-3


def test_least_squares_is_exact_once_there_are_enough_pairs():
    batch = draw(LinearFunctionsTask(4, 8), 400)
    for point in range(8):
        error = least_squares_error(only(batch, point))
        if point < 4:  # so many pairs before it: the rest of w is unknown
            assert error == pytest.approx(1 - point / 4, abs=0.12)
        else:
            assert error < 1e-16
    assert np.all(least_squares(batch)[:, 1::2] == 0)


def test_least_squares_does_not_look_ahead():
    """A prediction from a prompt that ends there is the same."""
    batch = draw(LinearFunctionsTask(4, 6))
    predictions = least_squares(batch)
    for points in range(1, 6):
        shorter = FunctionBatch(*(part[:, : 2 * points - 1] for part in batch))
        np.testing.assert_allclose(least_squares(shorter)[:, -1], predictions[:, 2 * points - 2], atol=1e-12)


def test_the_prompt_of_another_example_is_no_help():
    """The function has to be read from the own prompt: the weights of a neighbour are worse than none."""
    task = LinearFunctionsTask(3, 6)
    batch = task.answers(draw(task, 400))
    x, y = batch.inputs[:, ::2, :-1], batch.targets[:, ::2]
    w = np.linalg.solve(x[:, :3], y[:, :3, None])[:, :, 0]
    predictions = np.zeros_like(batch.targets)
    predictions[:, -1] = np.sum(np.roll(w, 1, axis=0) * x[:, -1], axis=1)
    assert relative_error(predictions, batch) > 1.5
    predictions[:, -1] = np.sum(w * x[:, -1], axis=1)
    assert relative_error(predictions, batch) < 1e-12


def test_the_answers_are_the_query():
    task = LinearFunctionsTask(3, 4)
    batch = draw(task)
    answers = task.answers(batch)
    assert answers.inputs is batch.inputs and answers.targets is batch.targets
    assert np.all(answers.mask == ([False] * 6 + [True])) and batch.mask.sum() == 16 * 4
    with pytest.raises(ShapeError, match=r"mask must have shape \(B, 5\)"):
        LinearFunctionsTask(3, 3).answers(batch)


def test_the_error_by_hand():
    batch = FunctionBatch(np.zeros((1, 3, 2)), np.array([[3.0, 9.0, 4.0]]), np.array([[True, False, True]]))
    assert relative_error(np.zeros((1, 3)), batch) == 1.0
    assert relative_error(np.array([[3.0, 0.0, 4.0]]), batch) == 0.0
    assert relative_error(np.array([[2.0, 0.0, 2.0]]), batch) == pytest.approx((1 + 4) / 25)
    assert type(relative_error(np.zeros((1, 3)), batch)) is float
    with pytest.raises(ShapeError, match="predictions must have shape"):
        relative_error(np.zeros(3), batch)
    with pytest.raises(ConfigError, match="at least one"):
        relative_error(np.zeros((1, 3)), batch._replace(mask=np.zeros((1, 3), dtype=bool)))


def test_a_seed_gives_these_numbers():
    task = LinearFunctionsTask(2, 2)
    first, same, other = draw(task), draw(task), draw(task, seed=1)
    assert all(np.array_equal(*pair) for pair in zip(first, same, strict=True))
    assert not np.array_equal(first.inputs, other.inputs)
    w = np.random.default_rng(0).standard_normal((16, 2))  # drawn first
    np.testing.assert_allclose(first.targets[:, 0], np.sum(w * first.inputs[:, 0, :2], axis=1), atol=1e-14)


def test_the_task_is_plain_and_checked():
    task = LinearFunctionsTask(np.int64(3), np.int32(7))
    assert json.loads(json.dumps(dataclasses.asdict(task))) == {"dimension": 3, "examples": 7}
    assert draw(task, 0).inputs.shape == (0, 13, 4)
    for name, value in (("dimension", 0), ("examples", 0), ("dimension", 2.0)):
        with pytest.raises(ConfigError, match=f"{name} must be an integer of at least 1"):
            LinearFunctionsTask(**{name: value})
    with pytest.raises(ConfigError, match=r"^n must be"):
        draw(task, -1)
    with pytest.raises(DTypeError, match="Generator"):
        task.sample(0, 1)
