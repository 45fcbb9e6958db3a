"""The published models have the published numbers of parameters."""

import dataclasses
import tracemalloc

import pytest

from hyena_np import AttentionConfig, ConfigError, HyenaConfig, parameter_count, published_model
from hyena_np.models.published import PUBLISHED_MODELS, published_parameters

PILE = {"125M": "125.3", "125M-slim": "126.2", "153M": "153.70", "355M": "359.5", "1.3B": "1320"}
"""Millions of parameters of the models of Table A.4, their tables of positions trained."""

DNA = {
    "hyenadna-tiny-1k": (1_026, 436_096),
    "hyenadna-tiny-16k-d128": (16_386, 436_096),
    "hyenadna-tiny-1k-d256": (1_026, 1_641_088),
    "hyenadna-small-32k": (32_770, 3_277_568),
    "hyenadna-medium-160k": (160_002, 6_550_528),
    "hyenadna-medium-450k": (450_002, 6_550_528),
    "hyenadna-large-1m": (1_000_002, 6_550_528),
}
"""Longest input and parameters of HyenaDNA, whose tables are constants; the head is the embedding."""


def hyena_by_hand(config):
    """The same number, added up by hand for a model of order-2 operators in the code's form."""
    D, E, M, L = config.d_model, config.mixer.emb_dim, config.mixer.filter_order, config.mixer.l_max
    network = (E * M + M) + 2 * (M * M + M) + M * D + M  # four dense layers, and the frequency
    mixer = (3 * D * D + 3 * D) + (9 * D + 3 * D) + network + L * E + D + (D * D + D)
    mlp = (D * config.mlp_width + config.mlp_width) + (config.mlp_width * D + D)
    return config.padded_vocab_size * D + config.n_layer * (mixer + mlp + 4 * D) + 2 * D


def gpt_by_hand(layers, D):
    """Table, positions, and in a block 12 D^2 weights and 13 D biases and norms."""
    return (50_264 + 2048) * D + layers * (12 * D * D + 13 * D) + 2 * D


def test_every_name_is_tested():
    assert {*PILE, *DNA, "GPT-125M", "GPT-355M"} == set(PUBLISHED_MODELS)


@pytest.mark.paper("Table A.4")
@pytest.mark.parametrize("name", PILE)
def test_the_papers_models(name):
    config = published_model(name)
    digits = len(PILE[name].partition(".")[2])
    assert f"{published_parameters(name) / 1e6:.{digits}f}" == PILE[name]
    assert published_parameters(name) == parameter_count(config) == hyena_by_hand(config)
    assert (config.padded_vocab_size, config.mixer.w, config.mixer.filter_order) == (50_264, 14.0, 64)


@pytest.mark.parametrize(("name", "layers", "width"), [("GPT-125M", 12, 768), ("GPT-355M", 24, 1024)])
def test_the_rivals(name, layers, width):
    config = published_model(name)
    assert published_parameters(name) == parameter_count(config) == gpt_by_hand(layers, width)
    assert isinstance(config.mixer, AttentionConfig)
    assert width // config.mixer.num_heads == 64  # GPT-3's heads


@pytest.mark.parametrize("name", DNA)
def test_hyenadna_where_the_table_of_positions_is_a_constant(name):
    config, (l_max, count) = published_model(name), DNA[name]
    assert config.mixer.l_max == l_max
    assert published_parameters(name) == count
    assert parameter_count(config) == count + config.n_layer * l_max * 5 == hyena_by_hand(config)
    assert isinstance(config.mixer, HyenaConfig)
    assert config.padded_vocab_size == 16


def test_the_millions_that_confuse_readers_of_hyenadna_are_the_table():
    assert parameter_count(published_model("hyenadna-medium-160k")) == 12_950_608


def test_order_2_means_three_projections():
    """One projection and one filter more would make the model of 153 million one of 167 million."""
    config = published_model("153M")
    third = dataclasses.replace(config, mixer=dataclasses.replace(config.mixer, order=3))
    assert parameter_count(third) > 167e6


def test_counting_allocates_nothing():
    """A billion parameters would be 5 GB; their names and shapes are a few kilobytes a layer."""
    published_parameters("1.3B")
    tracemalloc.start()
    try:
        assert published_parameters("1.3B") > 10**9
        assert published_parameters("hyenadna-large-1m") > 10**6
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("bad", ["124M", "hyenadna", "", None, 125])
def test_a_name_of_no_model(bad):
    for function in (published_model, published_parameters):
        with pytest.raises(
            ConfigError, match=rf"^name: got {bad!r}, allowed are '125M', .*'hyenadna-large-1m'$"
        ):
            function(bad)
