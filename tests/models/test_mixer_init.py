"""How the rival mixers begin."""

import dataclasses
import math

import numpy as np
import pytest

from hyena_np import (
    AFTConvConfig,
    GSSConfig,
    H3Config,
    LinearAttentionConfig,
    RWKVConfig,
    get_backend,
    tree_leaves,
)
from hyena_np.errors import ConfigError
from hyena_np.models.mixers import mixer_of

D = 64
CONFIGS = (
    H3Config(D, 32, state=8, shift_taps=16),
    GSSConfig(D, 32, state=8),
    AFTConvConfig(D, 32, window=4),
    RWKVConfig(D, 32),
    LinearAttentionConfig(D, 32, num_heads=4),
)
every_mixer = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)


def drawn(config, backend=None, **options):
    backend = get_backend("numpy", "float64") if backend is None else backend
    return tree_leaves(mixer_of(config).init(config, np.random.default_rng(0), backend, **options))


@every_mixer
class TestEveryMixer:
    def test_dense_layers_begin_like_pytorchs_by_default(self, config):
        for name, x in drawn(config).items():
            if "_proj" in name or name == "value.weight":
                assert np.max(np.abs(x)) <= 1 / math.sqrt(D)
                assert abs(np.std(x) * math.sqrt(3 * D) - 1) <= 5 / math.sqrt(x.size)

    def test_with_gpt2_they_are_normal_and_the_last_one_shrinks_with_depth(self, config):
        config = dataclasses.replace(config, init="gpt2")
        alone, inside = drawn(config), drawn(config, n_layer=8)
        for name, x in alone.items():
            if name in ("in_proj.weight", "value.weight", "out_proj.weight"):
                assert abs(np.std(x) / 0.02 - 1) <= 5 / math.sqrt(2 * x.size)
            if name.endswith("_proj.bias"):
                np.testing.assert_array_equal(x, 0.0)
            np.testing.assert_array_equal(inside[name], x / 4 if name == "out_proj.weight" else x)

    def test_depth_changes_nothing_by_default(self, config):
        for name, x in drawn(config, n_layer=8).items():
            np.testing.assert_array_equal(x, drawn(config)[name])

    def test_the_same_bits_on_every_library(self, config, library):
        backend = get_backend(library.module, library.dtype)
        if library.device:
            backend = dataclasses.replace(backend, device=library.device_object)
        ours = drawn(config, backend)
        for name, x in drawn(config).items():
            assert library.owns(ours[name])
            np.testing.assert_array_equal(library.to_numpy(ours[name]), x.astype(library.dtype), name)

    def test_bad_input(self, config):
        make = mixer_of(config).init
        with pytest.raises(ConfigError, match=r"^rng: got int, allowed is a numpy.random.Generator"):
            make(config, 0)
        with pytest.raises(ConfigError, match=r"^n_layer: got 0, allowed are integers >= 1"):
            make(config, np.random.default_rng(0), n_layer=0)


class TestWhatIsNoDenseLayer:
    def test_state_space_models(self):
        for config in CONFIGS[:2]:
            leaves = drawn(config)
            np.testing.assert_array_equal(leaves["ssm.log_decay"], math.log(0.5))
            np.testing.assert_array_equal(leaves["ssm.frequency"], np.pi * np.tile(np.arange(4), (D, 1)))
            assert np.all((leaves["ssm.log_dt"] >= math.log(1e-3)) & (leaves["ssm.log_dt"] <= math.log(0.1)))
            assert abs(np.std(leaves["ssm.skip"]) - 1) <= 5 / math.sqrt(2 * D)

    def test_the_shift(self):
        leaves = drawn(CONFIGS[0])
        assert np.max(np.abs(leaves["shift.weight"])) <= 1 / 4
        assert abs(np.std(leaves["shift.weight"]) * 4 * math.sqrt(3) - 1) <= 5 / math.sqrt(D * 16)
        assert abs(np.std(leaves["shift.skip"]) - 1) <= 5 / math.sqrt(2 * D)

    def test_aft_conv_begins_without_a_preference_among_lags(self):
        np.testing.assert_array_equal(drawn(CONFIGS[2])["position_bias"], np.zeros((D, 4)))

    def test_rwkv_spreads_its_memories_over_the_channels(self):
        leaves = drawn(CONFIGS[3])
        memory = np.exp(-leaves["log_decay"])  # positions after which a weight has fallen to 1/e
        assert memory[0] == pytest.approx(148.4, rel=1e-3)
        assert memory[-1] == pytest.approx(math.exp(-3))
        assert np.all(np.diff(memory) < 0)
        np.testing.assert_allclose(np.unique(leaves["bonus"]), math.log(0.3) + np.array([-0.5, 0, 0.5]))
        np.testing.assert_array_equal(leaves["mix.key"], np.arange(D) / D)
        np.testing.assert_array_equal(leaves["mix.value"], leaves["mix.key"])
        np.testing.assert_allclose(leaves["mix.receptance"] ** 2, leaves["mix.key"])
        for name in ("receptance.weight", "key.weight"):
            np.testing.assert_array_equal(leaves[name], 0.0)
        assert all(np.all(np.isfinite(x)) for x in drawn(RWKVConfig(1, 4)).values())
