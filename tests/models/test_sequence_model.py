"""The model of sequences of vectors: its function, its gradients, its manners."""

import dataclasses
import json

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    HyenaConfig,
    LanguageModelConfig,
    SequenceModelConfig,
    init_language_model,
    init_sequence_model,
    sequence_model,
    sequence_model_backward,
    sequence_model_shapes,
    tree_leaves,
)
from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ParameterError, ShapeError
from hyena_np.models.params import tree_from_leaves
from hyena_np.models.serialise import config_from_dict, config_to_dict
from support import gradients
from support.contract import Case, OpContract
from support.gradients import assert_close, assert_trees_close
from support.trees import leaves, replace_leaf

L_MAX, D_INPUT, K = 7, 2, 3
HYENA = HyenaConfig(d_model=4, l_max=L_MAX, filter_order=3, num_inner_mlps=1, shift=0.1)
ATTENTION = AttentionConfig(d_model=4, l_max=L_MAX, num_heads=2)


def model_config(mixer=HYENA, **options):
    return SequenceModelConfig(
        **{"d_input": D_INPUT, "d_output": K, "n_layer": 2, "mixer": mixer, "d_inner": 5} | options
    )


CONFIGS = {
    "every position": model_config(),
    "mean": model_config(pooling="mean", n_layer=1),
    "last": model_config(pooling="last", n_layer=1),
    "attention, mean": model_config(ATTENTION, pooling="mean", max_position_embeddings=L_MAX + 2),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def random_tree(config, rng):
    """Random numbers for every parameter, of a size at which no part of the model is idle."""
    tree = tree_leaves(init_sequence_model(config, rng))
    for name, x in tree.items():
        noise = rng.standard_normal(x.shape)
        if name.endswith(("norm1.weight", "norm2.weight", "ln_f.weight", "freq")):
            tree[name] = 1.0 + 0.3 * noise
        elif name.endswith(("positional.z", "positional.t", "window.deltas")):
            tree[name] = x.astype(np.float64)
        else:
            tree[name] = noise / np.sqrt(np.prod(x.shape[1:]) if x.ndim > 1 else 1.0)
    return tree_from_leaves(tree)


def some_input(rng, B=2, L=5):
    return rng.standard_normal((B, L, D_INPUT))


def answer(x, params, config, **options):
    return sequence_model(x, params, config, **options)[0]


def case(id, config, remat=False, L=5):
    return Case(
        id,
        lambda x, params: sequence_model(x, params, config, remat),
        sequence_model_backward,
        lambda rng: (some_input(rng, L=L), random_tree(config, rng)),
    )


class TestSequenceModel(OpContract):
    """Every gradient by autograd and by differences, and what any pair of functions promises."""

    cases = (
        *(case(name, config) for name, config in CONFIGS.items()),
        case("remat", CONFIGS["last"], remat=True, L=1),
    )

    def test_one_direction_by_differences(self, case, rng):
        # Two layers of gates curve more than one op: a tenth of the usual step, the usual tolerance.
        gradients.check_direction(case.forward, case.backward, case.make(rng), rng, step=3e-5)


class TestTheFunction:
    def test_pooling_reads_the_answers_at_every_position(self, rng):
        """The readout is affine: the answer to a mean is the mean of the answers."""
        config = CONFIGS["every position"]
        x, params = some_input(rng), random_tree(config, rng)
        everywhere = answer(x, params, config)
        assert everywhere.shape == (2, 5, K)
        for pooling, expected in (("mean", everywhere.mean(axis=1)), ("last", everywhere[:, -1])):
            assert_close(answer(x, params, dataclasses.replace(config, pooling=pooling)), expected, 1e-13)

    def test_is_causal_before_it_pools(self, rng):
        config = CONFIGS["every position"]
        x, params = some_input(rng), random_tree(config, rng)
        before = answer(x, params, config)
        x[:, 3] += 1.0
        moved = np.abs(answer(x, params, config) - before)
        assert np.max(moved[:, :3]) <= 1e-13 * np.max(np.abs(before))
        assert np.all(moved[:, 3:] > 1e-9)

    def test_positions_count_where_there_are_some(self, rng):
        config = CONFIGS["attention, mean"]
        x, params = some_input(rng), random_tree(config, rng)
        zeros = replace_leaf(params, "positions.weight", np.zeros((L_MAX + 2, 4)))
        without = {name: branch for name, branch in params.items() if name != "positions"}
        bare = answer(x, without, dataclasses.replace(config, max_position_embeddings=0))
        np.testing.assert_array_equal(answer(x, zeros, config), bare)
        assert np.all(answer(x, params, config) != bare)

    @every_config
    def test_remat_gives_the_same_bits(self, config, rng):
        x, params = some_input(rng), random_tree(config, rng)
        y, cache = sequence_model(x, params, config)
        again, small = sequence_model(x, params, config, remat=True)
        np.testing.assert_array_equal(again, y)
        assert_trees_close(sequence_model_backward(y, small), sequence_model_backward(y, cache), 0.0)


class TestInit:
    @every_config
    def test_has_the_promised_shapes_and_comes_from_the_seed_alone(self, config):
        once, again = (init_sequence_model(config, np.random.default_rng(3)) for _ in range(2))
        shapes = {name: x.shape for name, x in tree_leaves(once).items()}
        assert shapes == sequence_model_shapes(config)
        assert {x.dtype for x in tree_leaves(once).values()} == {np.dtype("float32")}
        assert_trees_close(once, again, 0.0)

    @pytest.mark.parametrize(("init", "bound"), [("gpt2", 0.02), ("torch", 16**-0.5 / 3**0.5)])
    def test_the_ends_are_dense_layers(self, init, bound):
        mixer = dataclasses.replace(ATTENTION, d_model=16)
        config = model_config(mixer, d_input=16, d_output=400, init=init)
        tree = init_sequence_model(config, np.random.default_rng(0))
        for name, rel in (("embedding", 0.2), ("readout", 0.03)):
            assert np.std(tree[name]["weight"]) == pytest.approx(bound, rel=rel)
            assert np.any(tree[name]["bias"] != 0.0) == (init == "torch")

    def test_blocks_begin_as_those_of_a_language_model(self):
        """Mixers are drawn first, so a seed gives the same ones to both."""
        words = LanguageModelConfig(9, 2, HYENA, d_inner=5)
        tree = init_sequence_model(model_config(), np.random.default_rng(5))
        other = init_language_model(words, np.random.default_rng(5))
        for i in "01":
            assert_trees_close(tree["layers"][i]["mixer"], other["layers"][i]["mixer"], 0.0)

    def test_no_generator(self):
        with pytest.raises(ConfigError, match=r"^rng: got int, allowed is a numpy\.random\.Generator"):
            init_sequence_model(model_config(), 3)


def test_a_config_goes_through_a_file():
    for config in CONFIGS.values():
        values = json.loads(json.dumps(config_to_dict(config)))
        assert config_from_dict(SequenceModelConfig, values) == config


class TestBadInput:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"d_input": 0}, r"^d_input: got 0, allowed are integers >= 1"),
            ({"d_output": 2.0}, r"^d_output: got 2\.0"),
            ({"n_layer": 0}, r"^n_layer: got 0"),
            ({"mixer": None}, r"^mixer: got NoneType"),
            ({"pooling": "max"}, r"^pooling: got 'max', allowed are 'none', 'mean', 'last'"),
            ({"max_position_embeddings": 6}, r"^max_position_embeddings: got 6, allowed are 0 and l_max = 7"),
            ({"init": "xavier"}, r"^init: got 'xavier'"),
            ({"position_std": 0.0}, r"^position_std: got 0\.0"),
            ({"layer_norm_eps": -1.0}, r"^layer_norm_eps: got -1\.0"),
        ],
    )
    def test_a_config_that_is_not_allowed(self, option, message):
        with pytest.raises(ConfigError, match=message):
            model_config(**option)

    @pytest.mark.parametrize(
        ("x", "error", "message"),
        [
            (np.ones((2, 5)), ShapeError, r"^x: got shape \(2, 5\), allowed is \(B, L, d_input\)"),
            (np.ones((2, 5, 3)), ShapeError, r"^x: got 3 numbers a position, allowed are d_input = 2"),
            (np.ones((2, 0, 2)), ShapeError, r"^x: got length 0, allowed are 1 to l_max = 7"),
            (np.ones((2, 8, 2)), ShapeError, r"^x: got length 8"),
            (np.ones((2, 5, 2), int), DTypeError, r"^x: got dtype int64"),
            (np.ones((2, 5, 2), "f4"), DTypeError, r"float32"),
            ([[[1.0, 2.0]]], LibraryMismatchError, r"^x: got list"),
        ],
    )
    def test_arrays_that_do_not_fit(self, x, error, message, rng):
        config = CONFIGS["mean"]
        with pytest.raises(error, match=message):
            sequence_model(x, random_tree(config, rng), config)

    def test_parameters_that_do_not_fit(self, rng):
        config = CONFIGS["mean"]
        params = random_tree(config, rng)
        with pytest.raises(ParameterError, match=r"^params: readout\.bias has shape \(2,\)"):
            sequence_model(some_input(rng), replace_leaf(params, "readout.bias", np.ones(2)), config)
        with pytest.raises(ParameterError, match=r"^params: positions\.weight is unknown"):
            more = leaves(params) | {"positions.weight": np.ones((7, 4))}
            sequence_model(some_input(rng), tree_from_leaves(more), config)
        with pytest.raises(ParameterError, match=r"^params: got NoneType, allowed is a tree"):
            sequence_model(some_input(rng), None, config)
