"""How the parameters of the operators that are not causal begin."""

import dataclasses
import json
import math

import numpy as np
import pytest

from hyena_np import (
    BidirectionalHyenaConfig,
    Hyena2DConfig,
    SequenceModelConfig,
    bidirectional_hyena,
    bidirectional_hyena_shapes,
    get_backend,
    hyena2d,
    hyena2d_shapes,
    init_bidirectional_hyena,
    init_hyena2d,
    tree_leaves,
)
from hyena_np.errors import ConfigError
from hyena_np.models.mixers import mixer_of
from hyena_np.models.serialise import config_from_dict, config_to_dict
from hyena_np.ops.parameters import TABLES
from support.gradients import assert_close
from support.trees import tree_map

OPERATORS = {
    "bidirectional": (
        BidirectionalHyenaConfig(d_model=16, l_max=12, order=3, w=3.0),
        init_bidirectional_hyena,
        bidirectional_hyena_shapes,
        bidirectional_hyena,
    ),
    "2d": (
        Hyena2DConfig(d_model=16, height=3, width=4, order=3, w=3.0),
        init_hyena2d,
        hyena2d_shapes,
        hyena2d,
    ),
}


@pytest.mark.parametrize(("config", "init", "shapes", "op"), OPERATORS.values(), ids=OPERATORS)
class TestInit:
    @staticmethod
    def drawn(init, config, dtype="float64", **options):
        return init(config, np.random.default_rng(0), get_backend("numpy", dtype), **options)

    def test_names_and_shapes(self, config, init, shapes, op):
        leaves = tree_leaves(self.drawn(init, config))
        assert {name: x.shape for name, x in leaves.items()} == shapes(config)
        assert list(leaves) == list(shapes(config))

    def test_dense_layers_and_taps_are_those_of_pytorch(self, config, init, shapes, op):
        leaves = tree_leaves(self.drawn(init, config))
        taps = math.prod(shapes(config)["short_filter.weight"][1:])
        for name, fan_in in (("in_proj", 16), ("short_filter", taps), ("filter.ffn.linear_1", 64)):
            for part in ("weight", "bias"):
                largest = np.max(np.abs(leaves[f"{name}.{part}"])) * math.sqrt(fan_in)
                assert 0.9 < largest <= 1.0
        assert 0.7 < np.std(leaves["filter.skip"]) < 1.3
        np.testing.assert_array_equal(leaves["filter.ffn.freq"], 3.0)

    def test_the_tables_are_those_that_the_operator_computes(self, config, init, shapes, op, rng):
        params = self.drawn(init, config)
        without = {**params, "filter": {k: params["filter"][k] for k in ("ffn", "skip")}}
        assert set(tree_leaves(params)) - set(tree_leaves(without)) == set(TABLES)
        u = rng.standard_normal((2, 12, 16))
        assert_close(op(u, without, config)[0], op(u, params, config)[0], 1e-15)

    def test_in_the_style_of_gpt2_a_deeper_model_begins_smaller(self, config, init, shapes, op):
        config = dataclasses.replace(config, init="gpt2")
        alone, inside = (
            tree_leaves(self.drawn(init, config)),
            tree_leaves(self.drawn(init, config, n_layer=8)),
        )
        assert abs(np.std(alone["in_proj.weight"]) / 0.02 - 1) < 0.15
        np.testing.assert_array_equal(alone["in_proj.bias"], 0.0)
        np.testing.assert_array_equal(inside["out_proj.weight"], alone["out_proj.weight"] / 4)
        np.testing.assert_array_equal(inside["in_proj.weight"], alone["in_proj.weight"])

    def test_the_same_bits_on_every_library(self, config, init, shapes, op, library):
        backend = get_backend(library.module, library.dtype)
        if library.device:
            backend = dataclasses.replace(backend, device=library.device_object)
        ours = tree_leaves(init(config, np.random.default_rng(0), backend))
        for name, x in tree_leaves(self.drawn(init, config)).items():
            assert library.owns(ours[name])
            np.testing.assert_array_equal(library.to_numpy(ours[name]), x.astype(library.dtype), name)

    def test_bad_input(self, config, init, shapes, op):
        with pytest.raises(ConfigError, match=r"^rng: got int, allowed is a numpy\.random\.Generator"):
            init(config, 0)
        with pytest.raises(ConfigError, match=r"^n_layer: got 0"):
            self.drawn(init, config, n_layer=0)
        assert all(
            x.dtype == np.float32 for x in tree_leaves(init(config, np.random.default_rng(0))).values()
        )

    def test_is_a_mixer_of_a_model(self, config, init, shapes, op, rng):
        mixer = mixer_of(config)
        assert mixer[:3] == (init, shapes, op)
        params = self.drawn(init, config)
        y, cache = mixer.forward(rng.standard_normal((2, 12, 16)), params, config)
        _, dparams = mixer.backward(rng.standard_normal(y.shape), cache)
        assert tree_map(np.shape, dparams) == tree_map(np.shape, params)

    def test_a_model_config_with_it_survives_the_way_through_json(self, config, init, shapes, op):
        model = SequenceModelConfig(d_input=1, d_output=10, n_layer=1, mixer=config, pooling="mean")
        again = config_from_dict(SequenceModelConfig, json.loads(json.dumps(config_to_dict(model))))
        assert again == model
