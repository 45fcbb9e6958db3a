"""What a block can mix positions with, behind one interface."""

import dataclasses
import json
import math

import numpy as np
import pytest

from hyena_np import (
    AFTConvConfig,
    AttentionConfig,
    BidirectionalHyenaConfig,
    GSSConfig,
    H3Config,
    Hyena2DConfig,
    HyenaConfig,
    LanguageModelConfig,
    LinearAttentionConfig,
    RWKVConfig,
    SequenceModelConfig,
    aft_conv,
    attention,
    bidirectional_hyena,
    get_backend,
    gss_layer,
    h3_layer,
    hyena,
    hyena2d,
    init_language_model,
    language_model,
    language_model_backward,
    linear_attention,
    rwkv,
    saved_bytes,
    tree_leaves,
)
from hyena_np.errors import ConfigError
from hyena_np.models import mixers
from hyena_np.models.mixers import init_attention, mixer_of
from hyena_np.models.params import tree_from_leaves
from hyena_np.models.serialise import MIXERS as TAGS, config_from_dict, config_to_dict
from support import gradients

MIXERS = {
    "hyena": (HyenaConfig(d_model=6, l_max=9, filter_order=4, order=3), hyena),
    "attention": (AttentionConfig(d_model=6, l_max=9, num_heads=2), attention),
    "h3": (H3Config(d_model=6, l_max=9, state=4, shift_taps=3), h3_layer),
    "gss": (GSSConfig(d_model=6, l_max=9, state=4), gss_layer),
    "aft_conv": (AFTConvConfig(d_model=6, l_max=9, window=3), aft_conv),
    "rwkv": (RWKVConfig(d_model=6, l_max=9), rwkv),
    "linear_attention": (LinearAttentionConfig(d_model=6, l_max=9, num_heads=3), linear_attention),
    "bidirectional_hyena": (
        BidirectionalHyenaConfig(d_model=6, l_max=9, filter_order=4, order=3),
        bidirectional_hyena,
    ),
    "hyena2d": (Hyena2DConfig(d_model=6, height=3, width=3, filter_order=4), hyena2d),
}
LOOKING_AHEAD = ("bidirectional_hyena", "hyena2d")
RIVALS = [name for name in MIXERS if name not in ("hyena", "attention", *LOOKING_AHEAD)]


def test_all_are_here_and_have_a_name_in_files():
    assert {name: type(config) for name, (config, _) in MIXERS.items()} == TAGS
    assert list(mixers.MIXERS) == list(TAGS.values())


@pytest.mark.parametrize(("config", "op"), MIXERS.values(), ids=MIXERS)
class TestTheInterface:
    def test_parameters_forward_and_backward_fit_each_other(self, config, op, rng):
        mixer = mixer_of(config)
        params = mixer.init(config, rng, get_backend("numpy", "float64"), None)
        leaves = tree_leaves(params)
        assert {name: x.shape for name, x in leaves.items()} == mixer.shapes(config)
        L = 9 if op is hyena2d else 7  # an image has all its pixels
        u = rng.standard_normal((2, L, 6))
        y, cache = mixer.forward(u, params, config)
        np.testing.assert_array_equal(y, op(u, params, config)[0])
        du, dparams = mixer.backward(rng.standard_normal(y.shape), cache)
        assert y.shape == du.shape == u.shape
        assert {name: g.shape for name, g in tree_leaves(dparams).items()} == mixer.shapes(config)

    def test_sequences_longer_than_l_max_are_refused(self, config, op, rng):
        mixer = mixer_of(config)
        params = mixer.init(config, rng, get_backend("numpy", "float64"), None)
        with pytest.raises(ValueError, match=r"^u: got"):
            mixer.forward(np.ones((1, 10, 6)), params, config)


@pytest.mark.parametrize("name", RIVALS)
class TestInAModel:
    def test_the_gradient_of_a_loss_by_every_parameter(self, name, rng):
        """Of the tree that training starts from, a little moved: some of its matrices are zero."""
        config = LanguageModelConfig(7, 2, MIXERS[name][0], d_inner=5, init="torch", embedding_std=0.3)
        params = init_language_model(config, rng, get_backend("numpy", "float64"))
        params = tree_from_leaves(
            {name: x + 0.1 * rng.standard_normal(x.shape) for name, x in tree_leaves(params).items()}
        )
        ids = rng.integers(7, size=(2, 9))
        forward = lambda p: language_model(ids, p, config)  # noqa: E731
        gradients.check_direction(forward, language_model_backward, (params,), rng, step=3e-5)

    def test_its_config_comes_back_equal_through_json(self, name):
        config = LanguageModelConfig(7, 2, MIXERS[name][0])
        values = json.loads(json.dumps(config_to_dict(config)))
        assert values["mixer"]["type"] == name
        assert config_from_dict(LanguageModelConfig, values) == config

    def test_what_it_keeps_is_not_predicted(self, name):
        config = LanguageModelConfig(7, 2, MIXERS[name][0])
        message = r"^mixer: got \w+Config, allowed are HyenaConfig and AttentionConfig$"
        with pytest.raises(ConfigError, match=message):
            saved_bytes(config, 2, 9)
        assert saved_bytes(config, 2, 9, remat=True)["block inputs"] == 4 * 2 * 2 * 9 * 6


@pytest.mark.parametrize("name", LOOKING_AHEAD)
def test_a_mixer_that_looks_ahead_predicts_no_next_token(name):
    with pytest.raises(ConfigError, match=r"^mixer: got \w+, which sees the token that it is to predict"):
        LanguageModelConfig(7, 2, MIXERS[name][0])
    config = SequenceModelConfig(3, 2, 1, MIXERS[name][0], pooling="mean")
    assert config_from_dict(SequenceModelConfig, json.loads(json.dumps(config_to_dict(config)))) == config


@pytest.mark.parametrize("name", MIXERS)
def test_which_mixers_look_ahead(name, rng):
    config, _ = MIXERS[name]
    mixer = mixer_of(config)
    params = mixer.init(config, rng, get_backend("numpy", "float64"), None)
    params = tree_from_leaves(
        {name: x + 0.1 * rng.standard_normal(x.shape) for name, x in tree_leaves(params).items()}
    )
    u = rng.standard_normal((1, 9, 6))
    changed = u.copy()
    changed[:, 5] += 1.0
    moved = np.abs(mixer.forward(changed, params, config)[0] - mixer.forward(u, params, config)[0])[:, :5]
    assert (moved.max() < 1e-12) == mixer.causal == (name not in LOOKING_AHEAD)


@pytest.mark.parametrize("bad", [None, {"d_model": 6}, HyenaConfig, "hyena"])
def test_anything_else_is_no_mixer(bad):
    with pytest.raises(ConfigError, match=r"^mixer: got \w+, allowed are HyenaConfig, AttentionConfig, H3"):
        mixer_of(bad)


class TestInitAttention:
    config = AttentionConfig(d_model=64, l_max=9, num_heads=2)

    def drawn(self, **options):
        rng, backend = np.random.default_rng(0), get_backend("numpy", "float64")
        return tree_leaves(init_attention(self.config, rng, backend, **options))

    def test_weights_have_the_spread_of_gpt2_and_biases_are_zero(self):
        leaves = self.drawn()
        for name in ("in_proj", "out_proj"):
            x = leaves[f"{name}.weight"]
            assert abs(np.mean(x)) <= 5 * 0.02 / math.sqrt(x.size)
            assert abs(np.std(x) / 0.02 - 1) <= 5 / math.sqrt(2 * x.size)
            np.testing.assert_array_equal(leaves[f"{name}.bias"], 0.0)

    def test_the_output_projection_is_smaller_in_a_deeper_model(self):
        alone, inside = self.drawn(), self.drawn(n_layer=8)
        np.testing.assert_array_equal(inside["out_proj.weight"], alone["out_proj.weight"] / 4)
        np.testing.assert_array_equal(inside["in_proj.weight"], alone["in_proj.weight"])

    def test_the_same_bits_on_every_library(self, library):
        backend = get_backend(library.module, library.dtype)
        if library.device:
            backend = dataclasses.replace(backend, device=library.device_object)
        ours = tree_leaves(init_attention(self.config, np.random.default_rng(0), backend, n_layer=2))
        for name, x in self.drawn(n_layer=2).items():
            assert library.owns(ours[name])
            np.testing.assert_array_equal(library.to_numpy(ours[name]), x.astype(library.dtype), name)

    def test_numpy_in_float32_is_the_default(self):
        params = init_attention(self.config, np.random.default_rng(0))
        assert all(x.dtype == np.float32 for x in tree_leaves(params).values())
