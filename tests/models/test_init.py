"""How parameters begin, and how many there are."""

import dataclasses
import math

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    CKConvConfig,
    FIRConfig,
    FNOConfig,
    HyenaConfig,
    LanguageModelConfig,
    LongConvConfig,
    S4DConfig,
    TransferFunctionConfig,
    get_backend,
    hyena_filter,
    init_filter,
    init_hyena,
    init_language_model,
    model_shapes,
    operator_shapes,
    parameter_count,
    tree_leaves,
)
from hyena_np.errors import ConfigError

OPERATOR = HyenaConfig(d_model=64, l_max=50, filter_order=32, emb_dim=5, order=3, w=4.0)
DENSE = {
    "in_proj": 64,
    "filter.ffn.linear_0": 5,
    "filter.ffn.linear_1": 32,
    "filter.ffn.linear_2": 32,
    "filter.ffn.linear_3": 32,
    "out_proj": 64,
}
"""The dense layers of the operator and what goes into each."""


def new_rng(seed=0):
    return np.random.default_rng(seed)


def drawn(config=OPERATOR, seed=0, **options):
    backend = get_backend("numpy", "float64")
    return tree_leaves(init_hyena(config, new_rng(seed), backend, **options))


def assert_uniform(x, bound):
    """Mean, spread and range of U(-bound, bound), within five standard errors."""
    assert np.max(np.abs(x)) <= bound
    assert np.max(np.abs(x)) >= bound * (1 - 12 / x.size)
    std = bound / math.sqrt(3)
    assert abs(np.mean(x)) <= 5 * std / math.sqrt(x.size)
    assert abs(np.var(x) / std**2 - 1) <= 5 * math.sqrt(0.8 / x.size)


def assert_normal(x, std):
    """Mean, spread and tails of N(0, std^2), within five standard errors."""
    assert abs(np.mean(x)) <= 5 * std / math.sqrt(x.size)
    assert abs(np.var(x) / std**2 - 1) <= 5 * math.sqrt(2 / x.size)
    outside = np.mean(np.abs(x) > 2 * std)
    assert abs(outside - 0.0455) <= 5 * math.sqrt(0.0455 / x.size)


class TestTheOperator:
    @pytest.mark.parametrize(("layer", "fan_in"), DENSE.items())
    def test_torch_weights_and_biases_are_uniform_within_the_root_of_the_fan_in(self, layer, fan_in):
        leaves = drawn()
        assert_uniform(leaves[f"{layer}.weight"], 1 / math.sqrt(fan_in))
        if layer != "filter.ffn.linear_3":
            assert_uniform(leaves[f"{layer}.bias"], 1 / math.sqrt(fan_in))

    @pytest.mark.parametrize("layer", DENSE)
    def test_gpt2_weights_are_normal_and_biases_zero_the_filter_network_included(self, layer):
        leaves = drawn(dataclasses.replace(OPERATOR, init="gpt2"))
        assert_normal(leaves[f"{layer}.weight"], 0.02)
        if layer != "filter.ffn.linear_3":
            np.testing.assert_array_equal(leaves[f"{layer}.bias"], 0.0)

    def test_gpt2_makes_the_output_projection_smaller_in_a_deeper_model(self):
        config = dataclasses.replace(OPERATOR, init="gpt2")
        alone, inside = drawn(config), drawn(config, n_layer=8)
        assert_normal(inside["out_proj.weight"], 0.02 / math.sqrt(2 * 8))
        for name, x in alone.items():
            np.testing.assert_array_equal(inside[name], x / 4 if name == "out_proj.weight" else x)

    def test_torch_knows_no_depth(self):
        alone, inside = drawn(), drawn(n_layer=8)
        assert all(np.array_equal(inside[name], x) for name, x in alone.items())

    @pytest.mark.parametrize("init", ["torch", "gpt2"])
    def test_the_rest_is_the_same_in_both(self, init):
        leaves = drawn(dataclasses.replace(OPERATOR, init=init))
        assert_uniform(leaves["short_filter.weight"], 1 / math.sqrt(3))
        assert_uniform(leaves["short_filter.bias"], 1 / math.sqrt(3))
        assert_normal(leaves["filter.skip"], 1.0)
        np.testing.assert_array_equal(leaves["filter.ffn.freq"], np.full((1, 32), 4.0))

    def test_tables_are_those_of_the_official_code(self):
        leaves = drawn()
        t = np.linspace(0, 1, 50)
        phase = np.outer(2 * np.pi * np.arange(50) / 50, np.linspace(1e-4, 1, 2))
        z = np.column_stack([t, np.cos(phase), -np.sin(phase)])
        rates = np.linspace(np.log(0.01) / 1.5, np.log(0.01) / 0.3, 128)
        np.testing.assert_allclose(leaves["filter.positional.t"], t[None, :, None], rtol=1e-15)
        np.testing.assert_allclose(leaves["filter.positional.z"], z[None], rtol=0, atol=1e-15)
        np.testing.assert_allclose(leaves["filter.window.deltas"], rates[None, None], rtol=1e-14)

    @pytest.mark.parametrize(
        ("init", "w", "smallest", "largest"),
        [
            ("torch", 1.0, 0.075, 0.095),
            ("torch", 14.0, 0.40, 0.42),
            ("gpt2", 1.0, 5e-5, 5e-4),
            ("gpt2", 10.0, 0.07, 0.12),
        ],
    )
    @pytest.mark.parametrize("emb_dim", [5, 33])
    def test_gpt2_filters_are_dead_unless_the_sine_frequency_is_raised(
        self, init, w, smallest, largest, emb_dim
    ):
        config = HyenaConfig(d_model=64, l_max=1024, emb_dim=emb_dim, w=w, init=init)
        _, cache = hyena_filter(init_hyena(config, new_rng()), 1024, config)
        assert smallest <= np.std(cache.raw) <= largest


MODEL = LanguageModelConfig(
    vocab_size=50, n_layer=3, mixer=dataclasses.replace(OPERATOR, init="gpt2"), max_position_embeddings=60
)


def drawn_model(**options):
    backend = get_backend("numpy", "float64")
    return tree_leaves(init_language_model(dataclasses.replace(MODEL, **options), new_rng(), backend))


class TestTheModel:
    def test_names_and_shapes(self):
        assert {name: x.shape for name, x in drawn_model().items()} == model_shapes(MODEL)

    def test_embeddings_are_normal(self):
        assert_normal(drawn_model()["embeddings.word_embeddings.weight"], 0.02)
        leaves = drawn_model(embedding_std=0.3)
        assert_normal(leaves["embeddings.word_embeddings.weight"], 0.3)
        assert_normal(leaves["embeddings.position_embeddings.weight"], 0.3)

    def test_norms_begin_as_the_identity(self):
        leaves = drawn_model()
        for name in ("ln_f", "layers.0.norm1", "layers.2.norm2"):
            np.testing.assert_array_equal(leaves[f"{name}.weight"], 1.0)
            np.testing.assert_array_equal(leaves[f"{name}.bias"], 0.0)

    def test_what_ends_a_branch_begins_smaller_in_a_deeper_model(self):
        leaves = drawn_model()
        assert_normal(leaves["layers.1.mlp.fc1.weight"], 0.02)
        assert_normal(leaves["layers.1.mixer.in_proj.weight"], 0.02)
        for name in ("mlp.fc2", "mixer.out_proj"):
            assert_normal(leaves[f"layers.1.{name}.weight"], 0.02 / math.sqrt(6))
            np.testing.assert_array_equal(leaves[f"layers.1.{name}.bias"], 0.0)

    def test_torch_mlps_are_uniform(self):
        leaves = drawn_model(init="torch")
        for layer, fan_in in (("fc1", 64), ("fc2", 256)):
            assert_uniform(leaves[f"layers.0.mlp.{layer}.weight"], 1 / math.sqrt(fan_in))
            assert_uniform(leaves[f"layers.0.mlp.{layer}.bias"], 1 / math.sqrt(fan_in))
        assert_normal(leaves["layers.0.mixer.in_proj.weight"], 0.02)  # the mixer has its own

    def test_layers_differ(self):
        leaves = drawn_model()
        for name in ("mixer.in_proj.weight", "mixer.filter.skip", "mlp.fc1.weight"):
            assert not np.any(leaves[f"layers.0.{name}"] == leaves[f"layers.1.{name}"])


def makers():
    attention = dataclasses.replace(MODEL, mixer=AttentionConfig(d_model=8, l_max=50), n_layer=1)
    torch = dataclasses.replace(
        MODEL, mixer=dataclasses.replace(OPERATOR, d_model=8), init="torch", n_layer=2
    )
    return {
        "operator": lambda rng, backend=None: init_hyena(OPERATOR, rng, backend),
        "operator gpt2": lambda rng, backend=None: init_hyena(MODEL.mixer, rng, backend, n_layer=3),
        "model": lambda rng, backend=None: init_language_model(torch, rng, backend),
        "attention": lambda rng, backend=None: init_language_model(attention, rng, backend),
    }


@pytest.mark.parametrize("make", makers().values(), ids=makers())
class TestRandomness:
    def test_one_seed_gives_the_same_bits_on_every_library(self, make, library):
        """In float32 too: the float64 numbers of NumPy, rounded once."""
        backend = get_backend(library.module, library.dtype)
        if library.device:
            backend = dataclasses.replace(backend, device=library.device_object)
        reference = tree_leaves(make(new_rng(), get_backend("numpy", "float64")))
        ours = tree_leaves(make(new_rng(), backend))
        assert ours.keys() == reference.keys()
        for name, x in ours.items():
            assert library.owns(x), name
            np.testing.assert_array_equal(library.to_numpy(x), reference[name].astype(library.dtype), name)

    def test_numpy_in_float32_is_the_default(self, make):
        assert all(
            type(x) is np.ndarray and x.dtype == np.float32 for x in tree_leaves(make(new_rng())).values()
        )

    def test_another_seed_gives_other_numbers(self, make):
        a, b = tree_leaves(make(new_rng(0))), tree_leaves(make(new_rng(1)))
        for name in a:
            if name.endswith(("in_proj.weight", "skip", "short_filter.bias", "embeddings.weight")):
                assert not np.any(a[name] == b[name]), name

    def test_the_generator_moves_on(self, make):
        rng = new_rng()
        a, b = tree_leaves(make(rng)), tree_leaves(make(rng))
        name = next(name for name in a if name.endswith("in_proj.weight"))
        assert not np.any(a[name] == b[name])

    @pytest.mark.parametrize("bad", [None, 0, np.random.RandomState(0)])
    def test_anything_but_a_generator(self, make, bad):
        with pytest.raises(
            ConfigError, match=rf"^rng: got {type(bad).__name__}, allowed is a numpy.random.Gen"
        ):
            make(bad)


@pytest.mark.parametrize("bad", [0, -1, True, 2.0])
def test_a_depth_that_is_none(bad):
    with pytest.raises(ConfigError, match=rf"^n_layer: got {bad}, allowed are integers >= 1"):
        init_hyena(OPERATOR, new_rng(), n_layer=bad)


class TestParameterCount:
    @pytest.mark.parametrize(
        "mixer",
        [
            HyenaConfig(d_model=4, l_max=9, filter_order=3, order=3, variant="paper", num_inner_mlps=0),
            AttentionConfig(d_model=4, l_max=9, num_heads=2),
        ],
    )
    def test_is_the_size_of_the_tree_without_its_constants(self, mixer):
        config = LanguageModelConfig(7, 2, mixer, d_inner=5, max_position_embeddings=9)
        leaves = tree_leaves(init_language_model(config, new_rng()))
        constants = ("positional.t", "window.deltas")
        assert parameter_count(config) == sum(x.size for n, x in leaves.items() if not n.endswith(constants))

    def test_attention_by_hand(self):
        config = LanguageModelConfig(7, 2, AttentionConfig(d_model=4, l_max=9), max_position_embeddings=9)
        block = (12 * 4 + 12) + (4 * 4 + 4) + (4 * 16 + 16) + (16 * 4 + 4) + 16
        assert parameter_count(config) == 7 * 4 + 9 * 4 + 2 * block + 8

    def test_allocates_nothing(self):
        config = LanguageModelConfig(10**9, 100, HyenaConfig(d_model=10**5, l_max=10**9))
        assert parameter_count(config) > 10**14


class TestRivalFilters:
    """Each begins as the work that it comes from says."""

    C, l_max = 200, 64

    def leaves(self, rival):
        leaves = init_filter(rival, self.C, self.l_max, new_rng())
        assert {name: leaf.shape for name, leaf in leaves.items()} == rival.shapes(self.C, self.l_max)
        assert all(leaf.dtype == np.float64 for leaf in leaves.values())
        return leaves

    def test_taps(self):
        assert_uniform(self.leaves(FIRConfig(16))["weight"], 0.25)
        assert_normal(self.leaves(LongConvConfig(std=0.5))["kernel"], 0.5)

    def test_frequencies(self):
        for leaf in self.leaves(FNOConfig(8)).values():
            assert_uniform(2 * leaf - 1, 1.0)

    def test_states(self):
        config = S4DConfig(state=16, dt_min=0.01, dt_max=0.25)
        leaves = self.leaves(config)
        middle, half = math.log(0.01 * 0.25) / 2, math.log(0.25 / 0.01) / 2
        assert_uniform(leaves["log_dt"] - middle, half)
        np.testing.assert_allclose(np.exp(leaves["log_decay"]), 0.5, rtol=1e-15)
        np.testing.assert_array_equal(leaves["frequency"], np.pi * np.arange(8) * np.ones((self.C, 1)))
        for name in ("c_real", "c_imag"):
            assert_normal(leaves[name], math.sqrt(0.5))

    def test_coefficients(self):
        leaves = self.leaves(TransferFunctionConfig(16))
        assert_uniform(leaves["numerator"], 0.25)
        assert_uniform(leaves["h0"], 0.25)
        assert not np.any(leaves["denominator"])

    def test_layers(self):
        leaves = self.leaves(CKConvConfig(width=24, w0=5.0))
        assert_uniform(leaves["linear_2.weight"], math.sqrt(6 / 24) / 5)
        assert_uniform(leaves["linear_1.weight"], math.sqrt(6 / 24) / 5)
        assert_uniform(leaves["linear_0.weight"], 1.0)
        assert_uniform(leaves["linear_2.bias"], 1.0)

    @pytest.mark.parametrize("init", ["torch", "gpt2"])
    def test_inside_an_operator(self, init):
        config = dataclasses.replace(OPERATOR, filter=S4DConfig(state=4), init=init)
        leaves = drawn(config)
        assert {name: leaf.shape for name, leaf in leaves.items()} == operator_shapes(config)
        alone = init_filter(config.filter, config.filter_channels, config.l_max, new_rng())
        for name, leaf in alone.items():
            np.testing.assert_array_equal(leaves[f"filter.s4d.{name}"], leaf)
        assert_normal(leaves["filter.skip"], 1.0)

    def test_all_of_its_numbers_are_counted(self):
        own, rival = (dataclasses.replace(OPERATOR, filter=f) for f in (None, FIRConfig(taps=10)))
        counts = [parameter_count(LanguageModelConfig(20, 1, mixer)) for mixer in (own, rival)]
        network = 50 * 5 + (5 + 1) * 32 + 2 * (32 + 1) * 32 + 32 * 128 + 32
        assert counts[0] - counts[1] == network - 128 * 10

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((FIRConfig(), 0, 8, new_rng()), r"^channels: got 0"),
            ((FIRConfig(), 8, 0, new_rng()), r"^l_max: got 0"),
            ((FIRConfig(), 8, 8, 0), r"^rng: got int"),
            ((FNOConfig(6), 8, 8, new_rng()), r"^filter\.modes: got 6"),
        ],
    )
    def test_arguments_that_are_not_allowed(self, arguments, message):
        with pytest.raises(ConfigError, match=message):
            init_filter(*arguments)
