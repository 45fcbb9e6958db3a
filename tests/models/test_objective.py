"""What models are trained for: the loss, and gradients that belong to it."""

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    LanguageModelConfig,
    SequenceModelConfig,
    cross_entropy,
    language_model,
    mean_squared_error,
    objective_of,
    sequence_model,
)
from hyena_np.errors import ConfigError, ShapeError
from hyena_np.models import objective
from support.contract import Case, OpContract
from support.trees import tree_map

MIXER = AttentionConfig(d_model=4, l_max=6, num_heads=2)
WORDS = LanguageModelConfig(5, 1, MIXER, d_inner=3)
CLASSES = SequenceModelConfig(2, 3, 1, MIXER, d_inner=3, pooling="mean")
NUMBERS = SequenceModelConfig(2, 1, 1, MIXER, d_inner=3)

IDS = np.array([[0, 1, 4, 2], [3, 3, 1, 0]])
X = np.linspace(-1.0, 1.0, 16).reshape(2, 4, 2) ** 3
LABELS = np.array([2, 0])
VALUES = np.linspace(0.0, 1.0, 8).reshape(2, 4)
MASK = np.array([[True, False, True, True], [False, True, False, True]])
BATCHES = {
    "words": (WORDS, IDS, np.where(MASK, IDS, -100)),
    "classes": (CLASSES, X, LABELS),
    "numbers": (NUMBERS, X, VALUES),
    "masked numbers": (NUMBERS, X, (VALUES, MASK)),
}


def random_tree(config, rng):
    """A tree of the model in float64, far from its start."""
    params = objective_of(config).init(config, rng)
    return tree_map(lambda x: x + 0.5 * rng.standard_normal(x.shape), params)


def case(id, config, inputs, targets, remat=False):
    """Loss as output, gradients as cache: the backward scales what is there already."""

    def forward(params):
        return objective_of(config).loss_and_gradients(params, inputs, targets, config, remat)

    def backward(dloss, grads):
        return tree_map(lambda g: g * dloss, grads)

    return Case(id, forward, backward, lambda rng: (random_tree(config, rng),))


class TestObjectives(OpContract):
    cases = (
        *(case(name, *batch) for name, batch in BATCHES.items()),
        case("numbers, remat", *BATCHES["numbers"], remat=True),
    )

    def test_a_cotangent_that_does_not_fit_is_refused(self):
        """There is none: the loss is the end."""


def expected_loss(name, params):
    config, inputs, targets = BATCHES[name]
    if name == "words":
        return cross_entropy(language_model(inputs, params, config)[0], targets)[0]
    y, _ = sequence_model(inputs, params, config)
    if name == "classes":
        return cross_entropy(y, targets)[0]
    return mean_squared_error(y[..., 0], VALUES)[0]


@pytest.mark.parametrize("name", ["words", "classes", "numbers"])
def test_the_loss_is_that_of_the_model(name, rng):
    config, inputs, targets = BATCHES[name]
    params = random_tree(config, rng)
    loss, _ = objective_of(config).loss_and_gradients(params, inputs, targets, config, False)
    assert loss == pytest.approx(expected_loss(name, params), rel=1e-14)


def test_a_mask_takes_positions_out(rng):
    params = random_tree(NUMBERS, rng)
    answers = sequence_model(X, params, NUMBERS)[0][..., 0]
    loss, _ = objective_of(NUMBERS).loss_and_gradients(params, X, (VALUES, MASK), NUMBERS, False)
    assert loss == pytest.approx(np.mean((answers - VALUES)[MASK] ** 2), rel=1e-14)


def test_values_have_an_axis_of_their_own_or_not(rng):
    params = random_tree(NUMBERS, rng)
    run = objective_of(NUMBERS).loss_and_gradients
    flat = run(params, X, (VALUES, MASK), NUMBERS, False)
    deep = run(params, X, (VALUES[..., None], MASK), NUMBERS, False)
    assert flat[0] == deep[0]


@pytest.mark.parametrize(
    "targets", [VALUES[..., None].repeat(2, axis=-1), VALUES[0], (VALUES[0], MASK), None, 1.0, [[0.0]]]
)
def test_values_that_do_not_fit(targets, rng):
    with pytest.raises(ShapeError, match=r"^targets: got shape \S.*, allowed is \(B, L, d_output = 1\)"):
        objective_of(NUMBERS).loss_and_gradients(random_tree(NUMBERS, rng), X, targets, NUMBERS, False)


def test_labels_that_do_not_fit(rng):
    with pytest.raises(ShapeError, match=r"^labels: got shape \(2, 4\), allowed is \(2,\)"):
        objective_of(CLASSES).loss_and_gradients(random_tree(CLASSES, rng), X, IDS % 3, CLASSES, False)


@pytest.mark.parametrize("name", ["classes", "numbers"])
@pytest.mark.parametrize("remat", [False, True])
def test_remat_reaches_the_model(name, remat, monkeypatch, rng):
    config, inputs, targets = BATCHES[name]
    caches = []

    def watched(*args):
        y, cache = sequence_model(*args)
        caches.extend(type(block).__name__ for block in cache.blocks)
        return y, cache

    monkeypatch.setattr(objective, "sequence_model", watched)
    objective_of(config).loss_and_gradients(random_tree(config, rng), inputs, targets, config, remat)
    assert caches == ["RematCache" if remat else "BlockCache"]


@pytest.mark.parametrize("config", [None, MIXER, {"n_layer": 1}])
def test_something_that_is_no_model(config):
    with pytest.raises(ConfigError, match=r"^model: got \w+, allowed are LanguageModelConfig and SequenceM"):
        objective_of(config)
