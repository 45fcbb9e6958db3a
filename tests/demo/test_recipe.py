"""The recipe: what is held out stays unseen, and a run's description says all that the run depends on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hyena_np import ConfigError, get_backend
from hyena_np.demo.recipe import TEST_EXAMPLES, RecallData, RecallRecipe, recall_answers
from hyena_np.tasks.recall import IGNORE, RecallTask
from hyena_np.training.loop import initial_state

SMALL = RecallRecipe(vocab=8, length=16, steps=6)
# 13,779 distinct examples, of which at least 600 are held out: many a batch would meet one.
CROWDED = RecallRecipe(vocab=8, length=10, steps=150)


def rows(batch):
    return {row.tobytes() for row in np.ascontiguousarray(batch)}


# --- held-out examples --------------------------------------------------------------------------------------


def test_validation_and_test_examples_are_distinct_and_share_none():
    data = RecallData(CROWDED)
    assert len(rows(data.test.inputs)) == len(data.test.inputs) == TEST_EXAMPLES == 500
    assert len(rows(data.validation.inputs)) == len(data.validation.inputs) >= 100
    assert not rows(data.validation.inputs) & rows(data.test.inputs)


def test_held_out_examples_are_of_the_task_at_its_full_length():
    data = RecallData(SMALL)
    for part in (data.validation, data.test):
        assert part.inputs.shape == part.labels.shape == (len(part.inputs), RecallTask(8, 16).input_length)
        np.testing.assert_array_equal(part.inputs[:, 1:], part.labels[:, :-1])
        assert (part.inputs[:, -2] == RecallTask(8, 16).copy_prefix).all()


def test_no_batch_ever_holds_a_held_out_example():
    data, rng = RecallData(CROWDED), np.random.default_rng(0)
    held_out = rows(data.validation.inputs) | rows(data.test.inputs)
    full = 0
    for step in range(CROWDED.total_steps):
        inputs, _ = data.sample(rng, step)
        if inputs.shape[1] == data.test.inputs.shape[1]:
            full += len(inputs)
            assert not rows(inputs) & held_out, f"step {step}"
    # The same number of examples from the task itself does meet them: the test above could have failed.
    by_chance = CROWDED.task.sample(np.random.default_rng(0), full).inputs
    assert len(rows(by_chance) & held_out) > 10


def test_a_replaced_example_brings_its_own_labels():
    """After an unlucky draw, inputs and labels must still belong together."""
    data, rng = RecallData(CROWDED), np.random.default_rng(1)
    for step in range(60):
        inputs, labels = data.sample(rng, step)
        counted = labels[:, :-1] != IGNORE
        np.testing.assert_array_equal(labels[:, :-1][counted], inputs[:, 1:][counted])
        for ids, answer in zip(inputs, labels[:, -1], strict=True):
            asked = np.flatnonzero(ids[:-2] == ids[-1])
            assert set(ids[asked + 1]) == {answer}


def test_the_held_out_examples_do_not_depend_on_the_steps_and_do_depend_on_the_seed():
    one, longer = RecallData(SMALL), RecallData(replace(SMALL, steps=1000))
    default, other = RecallData(replace(SMALL, steps=None)), RecallData(replace(SMALL, seed=1))
    for part in ("validation", "test"):
        inputs = getattr(one, part).inputs
        np.testing.assert_array_equal(inputs, getattr(longer, part).inputs)
        np.testing.assert_array_equal(inputs, getattr(default, part).inputs)
        assert not np.array_equal(inputs, getattr(other, part).inputs)


def test_drawing_batches_leaves_the_held_out_examples_alone():
    data = RecallData(CROWDED)
    before = [part.inputs.copy() for part in (data.validation, data.test)]
    for step in range(20):
        data.sample(np.random.default_rng(step), step)
    for part, inputs in zip((data.validation, data.test), before, strict=True):
        np.testing.assert_array_equal(part.inputs, inputs)


# --- batches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, SMALL.total_steps - 1])
def test_a_batch_depends_on_the_generator_and_the_step_alone(step):
    """Or a resumed run would not see what the uninterrupted one sees."""
    first, second = RecallData(SMALL), RecallData(SMALL)
    first.sample(np.random.default_rng(9), step)  # anything kept would show
    batch, again = (data.sample(np.random.default_rng(3), step) for data in (first, second))
    np.testing.assert_array_equal(batch, again)
    assert not np.array_equal(batch[0], first.sample(np.random.default_rng(4), step)[0])


def test_a_batch_fits_the_model():
    data = RecallData(SMALL)
    for step in range(SMALL.total_steps):
        inputs, labels = data.sample(np.random.default_rng(step), step)
        assert inputs.shape == labels.shape
        assert inputs.shape[1] <= SMALL.model.mixer.l_max
        assert 0 <= inputs.min() <= inputs.max() < SMALL.model.vocab_size
        assert (labels[:, -1] != IGNORE).all()


# --- answers and accuracy -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["numpy", "torch", "array_api_strict", pytest.param("cupy", marks=pytest.mark.gpu)]
)
def test_answers_are_the_same_on_every_library(name, _gpu):
    if name != "numpy":
        pytest.importorskip(name, reason=f"{name} is not installed")
    inputs = RecallData(SMALL).test.inputs[:20]
    expected, found = (
        recall_answers(initial_state(SMALL.model, SMALL.training, backend).params, SMALL.model, inputs)
        for backend in (get_backend("numpy", "float64"), get_backend(name, "float64"))
    )
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, expected)


def test_answers_in_parts_are_the_answers_one_by_one():
    params = initial_state(SMALL.model, SMALL.training, get_backend("numpy")).params
    inputs = np.tile(RecallData(SMALL).test.inputs, (2, 1))  # more than fits one part
    answers = recall_answers(params, SMALL.model, inputs)
    assert answers.shape == (len(inputs),)
    np.testing.assert_array_equal(answers[:500], answers[500:])
    for i in (0, 499, 500, 999):
        assert recall_answers(params, SMALL.model, inputs[i : i + 1])[0] == answers[i]


def test_accuracy_counts_the_answers_to_the_query_alone():
    data = RecallData(SMALL)
    params = initial_state(SMALL.model, SMALL.training, get_backend("numpy")).params
    answers = recall_answers(params, SMALL.model, data.test.inputs)
    expected = np.mean(answers == data.test.labels[:, -1])
    assert data.accuracy(params, data.test) == pytest.approx(expected)
    elsewhere = data.test._replace(labels=np.where(np.arange(18) == 17, data.test.labels, -1))
    assert data.accuracy(params, elsewhere) == pytest.approx(expected)
    solved = data.test._replace(labels=np.tile(answers[:, None], 18))
    assert data.accuracy(params, solved) == 1.0


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vocab", "length", "available"), [(4, 64, 1), (6, 16, 2036), (8, 6, 819), (20, 2, 81)]
)
def test_a_task_too_small_to_hold_examples_out_is_refused(vocab, length, available):
    with pytest.raises(ConfigError, match=rf"vocab, length: got {vocab} and {length}.* {available} distinct"):
        RecallData(RecallRecipe(vocab=vocab, length=length))


@pytest.mark.parametrize("field", ["vocab", "length", "seed", "steps"])
@pytest.mark.parametrize("value", [-1, 1.5, "20", True], ids=repr)
def test_values_that_are_no_sensible_integers_are_refused(field, value):
    with pytest.raises(ConfigError, match=field):
        RecallRecipe(**{field: value})


def test_zero_steps_are_refused_and_not_taken_for_the_default():
    with pytest.raises(ConfigError, match="steps"):
        RecallRecipe(steps=0)


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match="lenght"):
        RecallRecipe(lenght=64)


# --- the description ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [RecallRecipe(), SMALL, RecallRecipe(length=1024), RecallRecipe(vocab=40)])
def test_a_description_survives_json(recipe):
    described = recipe.describe(get_backend("numpy"))
    assert json.loads(json.dumps(described)) == described


@pytest.mark.parametrize(
    "change",
    [{"vocab": 10}, {"length": 18}, {"seed": 1}, {"steps": 7}],
    ids=lambda change: next(iter(change)),
)
def test_another_run_has_another_description(change):
    """The checkpoint of one run must not be taken for that of another."""
    backend = get_backend("numpy")
    assert SMALL.describe(backend) == replace(SMALL).describe(backend)
    assert SMALL.describe(backend) != replace(SMALL, **change).describe(backend)


def test_another_library_or_precision_is_another_run():
    described = SMALL.describe(get_backend("numpy"))
    assert described != SMALL.describe(get_backend("numpy", "float64"))
    assert described != SMALL.describe(get_backend("array_api_strict"))


def test_training_takes_the_steps_that_were_asked_for():
    for steps in (1, 2, 3, 6, 1000):
        recipe = replace(SMALL, steps=steps)
        assert recipe.total_steps == recipe.training.schedule.total == steps
    assert replace(SMALL, steps=None).total_steps == replace(SMALL, steps=None).training.schedule.total > 1


def test_width_and_steps_grow_with_the_number_of_keys():
    paper, crowded = RecallRecipe(), RecallRecipe(vocab=40, length=128)
    assert (paper.width, paper.total_steps) == (64, 550)
    assert (crowded.width, crowded.model.mlp_width) == (128, 256)
    assert crowded.total_steps == round(550 * (19 / 9) ** 2)
    assert crowded.training.schedule.peak < paper.training.schedule.peak
    assert RecallRecipe(vocab=6).width == 64
