"""Inside a model: the matrices are those of the operators that ran, the recaller the best of all channels."""

import numpy as np
import pytest

from hyena_np import ConfigError, HyenaConfig, LanguageModelConfig, hyena, hyena_matrix, language_model
from hyena_np.demo import inside
from hyena_np.models import mixers
from hyena_np.models.language_model import init_language_model
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.filters import hyena_filter
from support.gradients import assert_close
from support.libraries import NUMPY64

CONFIGS = {
    "order-2": HyenaConfig(d_model=4, l_max=12, filter_order=6),
    "order-3": HyenaConfig(d_model=4, l_max=12, order=3, filter_order=6, emb_dim=5, shift=0.1),
    "paper": HyenaConfig(d_model=4, l_max=12, order=2, filter_order=6, variant="paper"),
    "do-layout": HyenaConfig(d_model=4, l_max=12, order=3, filter_order=6, filter_layout="do"),
}
ATTENTION = LanguageModelConfig(vocab_size=8, n_layer=1, mixer=AttentionConfig(d_model=4, l_max=12))


def make_model(mixer, seed=0, layers=3):
    """A model with weights so large that its matrices are far from the identity."""
    config = LanguageModelConfig(8, n_layer=layers, mixer=mixer, init="torch", embedding_std=1.0)
    return config, NUMPY64.tree(init_language_model(config, np.random.default_rng(seed)))


@pytest.fixture(params=CONFIGS)
def model(request):
    return make_model(CONFIGS[request.param])


@pytest.fixture
def ids(rng):
    return rng.integers(8, size=(2, 11))  # odd, and shorter than l_max


# --- matrices of the layers ---------------------------------------------------------------------------------


@pytest.mark.paper("Fig. D.2")
def test_the_matrices_are_those_of_the_operators_that_the_model_ran(model, ids, monkeypatch):
    config, params = model
    read = []

    def recorded(u, weights, mixer):
        read.append((u, weights))
        return hyena(u, weights, mixer)

    with monkeypatch.context() as patch:
        patch.setitem(mixers.MIXERS, HyenaConfig, mixers.MIXERS[HyenaConfig]._replace(forward=recorded))
        language_model(ids, params, config)
    assert len(read) == config.n_layer
    for H, (u, weights) in zip(inside.layer_matrices(ids, params, config), read, strict=True):
        assert H.shape == (2, 4, 11, 11)
        assert_close(H, hyena_matrix(u, weights, config.mixer), 1e-12)


def test_the_matrices_depend_on_the_input_and_are_causal(model, ids):
    config, params = model
    changed = ids.copy()
    changed[:, 6] = (changed[:, 6] + 1) % 8
    before, after = (inside.layer_matrices(x, params, config) for x in (ids, changed))
    for H, K in zip(before, after, strict=True):
        np.testing.assert_array_equal(np.triu(H, 1), 0.0)
        assert_close(H[..., :6, :6], K[..., :6, :6], 1e-12)
        assert not np.allclose(H[..., 6:, 6:], K[..., 6:, 6:])


def test_the_matrices_stay_on_their_library(library, ids):
    config, params = make_model(CONFIGS["order-3"])
    expected = inside.layer_matrices(ids, params, config)
    found = inside.layer_matrices(ids, library.tree(params), config)
    for H, K in zip(found, expected, strict=True):
        assert library.owns(H)
        assert_close(library.to_numpy(H), K, 100 * library.rtol)


# --- the channel that recalls -------------------------------------------------------------------------------


@pytest.mark.parametrize("positions", [[3], [1, 7], [0, 4, 9]])
def test_the_recaller_is_the_best_of_all_channels(model, ids, positions):
    config, params = model
    example = ids[0]
    best = (-1.0, None, None, None)
    for layer, H in enumerate(inside.layer_matrices(example[None], params, config)):
        for channel in range(4):
            row = np.abs(H[0, channel, -1])
            share = sum(row[p] for p in positions) / sum(row)
            best = max(best, (share, layer, channel, H[0, channel]), key=lambda found: found[0])
    found = inside.find_recaller(example, np.array(positions), params, config)
    assert (found.layer, found.channel) == best[1:3]
    assert found.share == pytest.approx(best[0], rel=1e-9)
    assert_close(found.matrix, best[3], 1e-12)
    assert isinstance(found.matrix, np.ndarray)


def test_any_layer_and_any_channel_can_be_the_recaller(rng):
    """Nothing is said by a search that always finds the first one."""
    found = set()
    for seed in range(40):
        config, params = make_model(CONFIGS["order-2"], seed, layers=2)
        recaller = inside.find_recaller(rng.integers(8, size=11), np.array([seed % 10]), params, config)
        assert 0 < recaller.share <= 1
        found.add((recaller.layer, recaller.channel))
    assert {layer for layer, _ in found} == set(range(2))
    assert {channel for _, channel in found} == set(range(4))


@pytest.mark.parametrize("name", ["torch", pytest.param("cupy", marks=pytest.mark.gpu)])
def test_the_recaller_is_the_same_on_other_libraries(name, ids, _gpu):
    library = pytest.importorskip(name, reason=f"{name} is not installed")
    from support.trees import tree_map

    config, params = make_model(CONFIGS["order-3"])
    theirs = tree_map(library.asarray, params)
    expected = inside.find_recaller(ids[0], np.array([3, 5]), params, config)
    found = inside.find_recaller(ids[0], np.array([3, 5]), theirs, config)
    assert found[1:3] == expected[1:3]
    assert_close(found.matrix, expected.matrix, 1e-10)


# --- filters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [0, 2])
def test_the_filters_of_a_layer_at_their_full_length(model, layer):
    config, params = model
    mixer = config.mixer
    h, _ = hyena_filter(params["layers"][str(layer)]["mixer"], mixer.l_max, mixer)
    found = inside.layer_filters(params, config, layer, config.mixer.l_max)
    assert found.shape == (mixer.num_filters * 4, 12)
    for order in range(mixer.num_filters):
        np.testing.assert_array_equal(found[4 * order : 4 * order + 4], h[order])


def test_attention_has_no_such_matrices():
    params = init_language_model(ATTENTION, np.random.default_rng(0))
    ids = np.zeros((1, 5), dtype=int)
    for call in (
        lambda: inside.layer_matrices(ids, params, ATTENTION),
        lambda: inside.find_recaller(ids[0], np.array([1]), params, ATTENTION),
        lambda: inside.layer_filters(params, ATTENTION, 0, 8),
    ):
        with pytest.raises(ConfigError, match="AttentionConfig"):
            call()
