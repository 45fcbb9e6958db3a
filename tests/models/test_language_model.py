"""The language model around any mixer: its function, its gradients, its manners."""

import dataclasses

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    HyenaConfig,
    LanguageModelConfig,
    get_backend,
    init_language_model,
    language_model,
    language_model_backward,
    model_shapes,
    tree_leaves,
)
from hyena_np.errors import (
    ConfigError,
    DTypeError,
    LibraryMismatchError,
    ParameterError,
    ShapeError,
    TokenError,
)
from hyena_np.models.params import tree_from_leaves
from support import gradients
from support.contract import Case, OpContract
from support.gradients import assert_close, assert_trees_close
from support.trees import leaves, replace_leaf, tree_map

V, L_MAX = 11, 8
IDS = np.array([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])
TABLES = ("positional.z", "positional.t", "window.deltas")


def hyena_config(**options):
    return HyenaConfig(
        **{"d_model": 4, "l_max": L_MAX, "filter_order": 3, "num_inner_mlps": 1, "shift": 0.1} | options
    )


def model_config(mixer=hyena_config(), **options):  # noqa: B008 (frozen)
    defaults = {"vocab_size": V, "n_layer": 2, "mixer": mixer, "d_inner": 5}
    return LanguageModelConfig(**defaults | options)


def random_tree(config, rng, tables=True):
    """Random numbers for every parameter, of a size at which no part of the model is idle."""
    tree = {}
    for name, shape in model_shapes(config).items():
        if not tables and name.endswith(TABLES):
            continue
        x = rng.standard_normal(shape)
        if name.endswith("weight") and len(shape) > 1 and "embeddings" not in name:
            x /= np.sqrt(np.prod(shape[1:]))
        if name.endswith(("positional.t", "freq", "norm1.weight", "norm2.weight", "ln_f.weight")):
            x = 1.0 + 0.3 * x
        if name.endswith("window.deltas"):
            x = np.where(x < 0, -1.0, 1.0) * (0.5 + np.abs(x))
        tree[name] = x
    return tree_from_leaves(tree)


CONFIGS = {
    "code 2": model_config(),
    "code 3, the other layout": model_config(hyena_config(order=3, filter_layout="do")),
    "paper 1": model_config(hyena_config(order=1, variant="paper")),
    "paper 2": model_config(hyena_config(order=2, variant="paper", num_inner_mlps=0)),
    "attention": model_config(
        AttentionConfig(d_model=4, l_max=L_MAX, num_heads=2), max_position_embeddings=L_MAX
    ),
    "hyena with positions": model_config(max_position_embeddings=L_MAX + 3),
    "padded vocabulary": model_config(pad_vocab_size_multiple=8, n_layer=1, layer_norm_eps=0.1),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def case(id, config, ids=IDS, remat=False, tables=True):
    return Case(
        id,
        lambda params: language_model(ids, params, config, remat),
        language_model_backward,
        lambda rng: (random_tree(config, rng, tables),),
    )


class TestLanguageModel(OpContract):
    """Every gradient by autograd and by differences, and what any pair of functions promises."""

    cases = (
        *(case(name, config) for name, config in CONFIGS.items()),
        case("remat", CONFIGS["code 3, the other layout"], remat=True),
        case("full length", CONFIGS["paper 2"], np.arange(L_MAX)[None]),
        case("one token", CONFIGS["attention"], np.array([[7]])),
        case("tables from the config", CONFIGS["code 2"], tables=False),
    )

    def test_one_direction_by_differences(self, case, rng):
        # Two layers of gates curve more than one op: a tenth of the usual step, the usual tolerance.
        gradients.check_direction(case.forward, case.backward, case.make(rng), rng, step=3e-5)

    def test_a_wrong_gradient_is_found(self, rng):
        """A test of the test: the table's gradient off by one in a thousand."""
        config = CONFIGS["code 2"]

        def backward(dlogits, cache):
            grads = language_model_backward(dlogits, cache)
            table = grads["embeddings"]["word_embeddings"]["weight"]
            return grads | {"embeddings": {"word_embeddings": {"weight": 0.999 * table}}}

        wrong = Case("wrong", lambda p: language_model(IDS, p, config), backward, self.cases[0].make)
        for check in (self.test_one_direction_by_differences, self.test_autograd_agrees):
            with pytest.raises(AssertionError, match=r"word_embeddings"):
                check(wrong, rng)


def reference_logits(ids, params, config):
    """The same model out of PyTorch's layers and the official operator, from the paper's description."""
    torch = pytest.importorskip(
        "torch", reason="the reference model needs PyTorch; install the extra 'torch'"
    )
    from hyena_np import flatten
    from support.official_torch import OfficialHyena

    F, T = torch.nn.functional, torch.tensor
    table = T(params["embeddings"]["word_embeddings"]["weight"])
    x, D = table[T(ids)], config.d_model
    if config.max_position_embeddings:
        x = x + T(params["embeddings"]["position_embeddings"]["weight"])[: ids.shape[1]]

    def norm(x, p):
        return F.layer_norm(x, (D,), T(p["weight"]), T(p["bias"]), config.layer_norm_eps)

    def dense(x, p):
        return F.linear(x, T(p["weight"]), T(p["bias"]))

    def mix(x, p):
        if isinstance(config.mixer, HyenaConfig):
            operator = OfficialHyena(config.mixer).double()
            operator.load_state_dict({name: T(value) for name, value in flatten(p).items()})
            return operator(x)
        heads = dense(x, p["in_proj"]).unflatten(-1, (3, config.mixer.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return dense(
            F.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2), p["out_proj"]
        )

    for i in range(config.n_layer):
        p = params["layers"][str(i)]
        x = x + mix(norm(x, p["norm1"]), p["mixer"])
        x = x + dense(
            F.gelu(dense(norm(x, p["norm2"]), p["mlp"]["fc1"]), approximate="tanh"), p["mlp"]["fc2"]
        )
    return (norm(x, params["ln_f"]) @ table.T).detach().numpy()


def logits(ids, params, config, **options):
    return language_model(ids, params, config, **options)[0]


class TestTheFunction:
    @pytest.mark.parametrize("name", [name for name in CONFIGS if not name.startswith("paper")])
    def test_is_that_of_a_model_built_from_pytorchs_layers(self, name, rng):
        config = CONFIGS[name]
        params = random_tree(config, rng)
        assert_close(logits(IDS, params, config), reference_logits(IDS, params, config), 1e-12)

    @every_config
    def test_nothing_before_a_change_moves_and_everything_after_it_does(self, config, rng):
        params = random_tree(config, rng)
        before = logits(IDS, params, config)
        changed = IDS.copy()
        changed[:, 3] = [10, 0]
        moved = np.abs(logits(changed, params, config) - before)
        assert np.max(moved[:, :3]) <= 1e-13 * np.max(np.abs(before))
        assert np.all(moved[:, 3:] > 1e-9)

    @every_config
    def test_a_prefix_of_the_input_gives_a_prefix_of_the_logits(self, config, rng):
        params = random_tree(config, rng)
        assert_close(logits(IDS[:, :4], params, config), logits(IDS, params, config)[:, :4], 1e-13)

    @every_config
    def test_examples_of_a_batch_do_not_see_each_other(self, config, rng):
        params = random_tree(config, rng)
        for b in range(2):
            assert_close(
                logits(IDS[b : b + 1], params, config), logits(IDS, params, config)[b : b + 1], 1e-13
            )

    @every_config
    def test_the_dtype_of_the_parameters_is_kept_throughout(self, config, rng):
        for dtype in ("float32", "float64"):
            params = tree_map(lambda x, dtype=dtype: x.astype(dtype), random_tree(config, rng))
            y, cache = language_model(IDS, params, config)
            grads = language_model_backward(y, cache)
            floats = [x for x in leaves(cache).values() if isinstance(x, np.ndarray) and x.dtype.kind in "fc"]
            assert floats
            assert {x.real.dtype for x in [y, *floats, *leaves(grads).values()]} == {np.dtype(dtype)}

    def test_integers_of_any_kind_are_ids(self, rng):
        config = CONFIGS["code 2"]
        params = random_tree(config, rng)
        for dtype in (np.int8, np.uint8, np.int32, np.uint64):
            np.testing.assert_array_equal(
                logits(IDS.astype(dtype), params, config), logits(IDS, params, config)
            )

    def test_trees_of_the_initialisation_fit(self, library):
        config = CONFIGS["attention"]
        params = library.tree(init_language_model(config, np.random.default_rng(0)))
        y, _ = language_model(IDS, params, config)
        assert library.owns(y)
        assert y.shape == (2, 6, V)


class TestTheTiedTable:
    def test_there_is_no_other_head(self):
        names = [name for name in model_shapes(CONFIGS["code 2"]) if "layers" not in name]
        assert names == ["embeddings.word_embeddings.weight", "ln_f.weight", "ln_f.bias"]

    def test_its_gradient_is_that_of_the_embedding_plus_that_of_the_head(self, rng):
        """By the chain rule on two separate tables that happen to be equal."""
        config = CONFIGS["code 2"]
        params = random_tree(config, rng)
        y, cache = language_model(IDS, params, config)
        dlogits = rng.standard_normal(y.shape)
        total = language_model_backward(dlogits, cache)["embeddings"]["word_embeddings"]["weight"]
        hidden = cache.head.x
        as_head = np.einsum("blv,bld->vd", dlogits, hidden)
        as_embedding = total - as_head
        never_read = sorted(set(range(V)) - set(IDS.ravel()))
        assert never_read
        assert np.max(np.abs(as_embedding[never_read])) <= 1e-12 * np.max(np.abs(total))
        assert np.all(np.max(np.abs(as_embedding[np.unique(IDS)]), axis=1) > 1e-6)
        assert np.all(np.max(np.abs(total), axis=1) > 1e-6)


class TestPositions:
    config = CONFIGS["attention"]

    def test_a_table_of_zeros_is_no_table(self, rng):
        params = random_tree(self.config, rng)
        without = dataclasses.replace(self.config, max_position_embeddings=0)
        bare = params | {"embeddings": {"word_embeddings": params["embeddings"]["word_embeddings"]}}
        name = "embeddings.position_embeddings.weight"
        zeros = replace_leaf(params, name, np.zeros((L_MAX, 4)))
        np.testing.assert_array_equal(logits(IDS, zeros, self.config), logits(IDS, bare, without))
        assert np.all(logits(IDS, params, self.config) != logits(IDS, bare, without))

    def test_attention_tells_the_order_of_the_past_by_them_alone(self, rng):
        params = random_tree(self.config, rng)
        name = "embeddings.position_embeddings.weight"
        swapped = IDS[:, [1, 0, 2, 3, 4, 5]]
        one_layer = dataclasses.replace(self.config, n_layer=1)
        params["layers"] = {"0": params["layers"]["0"]}
        zeros = replace_leaf(params, name, np.zeros((L_MAX, 4)))
        for tree, same in ((zeros, True), (params, False)):
            moved = np.abs(logits(swapped, tree, one_layer) - logits(IDS, tree, one_layer))[:, 2:]
            assert (np.max(moved) < 1e-12) == same

    def test_rows_past_the_input_have_no_gradient(self, rng):
        y, cache = language_model(IDS, random_tree(self.config, rng), self.config)
        grad = language_model_backward(y, cache)["embeddings"]["position_embeddings"]["weight"]
        np.testing.assert_array_equal(grad[6:], 0.0)
        assert np.all(grad[:6] != 0.0)


class TestRemat:
    @every_config
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_gives_the_same_bits(self, config, dtype, rng):
        params = tree_map(lambda x: x.astype(dtype), random_tree(config, rng))
        y, cache = language_model(IDS, params, config)
        again, small = language_model(IDS, params, config, remat=True)
        np.testing.assert_array_equal(again, y)
        dy = rng.standard_normal(y.shape).astype(dtype)
        assert_trees_close(language_model_backward(dy, small), language_model_backward(dy, cache), 0.0)

    def test_keeps_the_inputs_of_the_blocks_only(self, rng):
        config = CONFIGS["code 2"]
        params = random_tree(config, rng)
        _, cache = language_model(IDS, params, config, remat=True)
        mine = {id(x) for x in leaves(params).values()}
        for block in cache.blocks:
            kept = [x for x in leaves(block).values() if isinstance(x, np.ndarray) and id(x) not in mine]
            assert [x.shape for x in kept] == [(2, 6, 4)]


class TestIds:
    config = CONFIGS["code 2"]

    @pytest.mark.parametrize("bad", [-1, V, -100, 2**40])
    def test_outside_the_vocabulary_on_every_library(self, bad, library, rng):
        params = library.tree(random_tree(self.config, rng))
        ids = IDS.copy()
        ids[1, 2] = bad
        with pytest.raises(TokenError, match=rf"^ids: got {bad}, allowed are 0 to {V - 1}$"):
            language_model(ids, params, self.config)

    def test_the_last_token_is_inside(self, library, rng):
        params = library.tree(random_tree(self.config, rng))
        assert library.owns(logits(np.array([[0, V - 1]]), params, self.config))

    @pytest.mark.parametrize("bad", [V, 15])
    def test_rows_that_pad_the_table_are_no_tokens(self, bad, library, rng):
        config = CONFIGS["padded vocabulary"]
        params = library.tree(random_tree(config, rng))
        assert logits(IDS, params, config).shape == (2, 6, 16)
        with pytest.raises(TokenError, match=rf"^ids: got {bad}, allowed are 0 to {V - 1}$"):
            language_model(np.array([[1, bad]]), params, config)

    @pytest.mark.parametrize("name", ["code 2", "padded vocabulary"])
    @pytest.mark.parametrize("module", ["array_api_strict", "torch"])
    def test_ids_on_the_device_are_checked_too(self, module, name, rng):
        xp, config = pytest.importorskip(module), CONFIGS[name]
        params = tree_map(lambda x: xp.asarray(x), random_tree(config, rng))
        expected = logits(xp.asarray(IDS), params, config)
        assert expected.shape == (2, 6, config.padded_vocab_size)
        with pytest.raises(TokenError, match=rf"^ids: got {V}, allowed are 0 to {V - 1}$"):
            language_model(xp.asarray([[1, V]]), params, config)

    @pytest.mark.parametrize(
        ("ids", "error", "message"),
        [
            (IDS[0], ShapeError, r"^ids: got shape \(6,\), allowed is \(B, L\)"),
            (IDS[..., None], ShapeError, r"^ids: got shape \(2, 6, 1\), allowed is \(B, L\)"),
            (np.ones((2, 0), dtype=int), ShapeError, r"^ids: got length 0, allowed are 1 to l_max = 8"),
            (np.ones((2, 9), dtype=int), ShapeError, r"^ids: got length 9, allowed are 1 to l_max = 8"),
            (IDS.astype(float), DTypeError, r"^ids: got dtype float64, allowed are integers"),
            (IDS > 3, DTypeError, r"^ids: got dtype bool, allowed are integers"),
            (IDS.tolist(), LibraryMismatchError, r"^ids: got list"),
        ],
    )
    def test_arrays_that_are_no_ids(self, ids, error, message, rng):
        with pytest.raises(error, match=message):
            language_model(ids, random_tree(self.config, rng), self.config)

    def test_ids_of_another_library(self, rng):
        strict = pytest.importorskip("array_api_strict")
        with pytest.raises(LibraryMismatchError, match=r"^ids: got an array of array_api_strict"):
            language_model(strict.asarray(IDS), random_tree(self.config, rng), self.config)


class TestParametersThatDoNotFit:
    config = CONFIGS["hyena with positions"]

    @pytest.mark.parametrize(
        "name",
        [
            "embeddings.word_embeddings.weight",
            "embeddings.position_embeddings.weight",
            "layers.0.norm1.weight",
            "layers.1.mixer.in_proj.bias",
            "layers.1.mixer.filter.ffn.freq",
            "layers.0.mlp.fc2.weight",
            "ln_f.bias",
        ],
    )
    def test_missing_or_of_another_shape(self, name, rng):
        params = random_tree(self.config, rng)
        with pytest.raises(ParameterError, match=rf"^params: {name} has shape \(2, 3\), the config asks for"):
            language_model(IDS, replace_leaf(params, name, np.ones((2, 3))), self.config)
        rest = {n: x for n, x in tree_leaves(params).items() if n != name}
        with pytest.raises(ParameterError, match=rf"^params: {name} is missing"):
            language_model(IDS, tree_from_leaves(rest), self.config)

    @pytest.mark.parametrize("name", ["layers.2.norm1.weight", "lm_head.weight", "layers.0.mlp.fc3.bias"])
    def test_unknown(self, name, rng):
        more = tree_leaves(random_tree(self.config, rng)) | {name: np.ones(4)}
        with pytest.raises(ParameterError, match=rf"^params: {name} is unknown"):
            language_model(IDS, tree_from_leaves(more), self.config)

    def test_of_another_mixer(self, rng):
        with pytest.raises(ParameterError, match=r"^params: layers\.\d\.mixer\.filter\.\S+ is unknown"):
            language_model(IDS, random_tree(CONFIGS["code 2"], rng), CONFIGS["attention"])

    @pytest.mark.parametrize("bad", [None, [], np.ones(3)])
    def test_no_tree(self, bad):
        with pytest.raises(ParameterError, match=rf"^params: got {type(bad).__name__}, allowed is a tree"):
            language_model(IDS, bad, self.config)

    @pytest.mark.parametrize("name", ["layers.1.mlp.fc1.bias", "ln_f.weight", "layers.0.mixer.filter.skip"])
    def test_of_two_dtypes_or_libraries_or_integers(self, name, rng):
        strict = pytest.importorskip("array_api_strict")
        params = random_tree(self.config, rng)
        x = tree_leaves(params)[name]
        for bad, error, what in (
            (x.astype(np.float32), DTypeError, "float32, but"),
            (x.astype(int), DTypeError, "int64, but"),
            (strict.asarray(x), LibraryMismatchError, "an array of array_api_strict"),
        ):
            with pytest.raises(error, match=rf"^{name}: got {what}"):
                language_model(IDS, replace_leaf(params, name, bad), self.config)

    def test_integers_throughout(self, rng):
        params = tree_map(lambda x: x.astype(int), random_tree(self.config, rng))
        with pytest.raises(DTypeError, match=r"got dtype int64, allowed are float32 and float64"):
            language_model(IDS, params, self.config)


class TestCotangentsThatDoNotFit:
    @pytest.mark.parametrize("remat", [False, True])
    def test_each(self, remat, rng):
        strict = pytest.importorskip("array_api_strict")
        config = CONFIGS["padded vocabulary"]
        y, cache = language_model(IDS, random_tree(config, rng), config, remat)
        for bad, error, message in (
            (y[..., :V], ShapeError, r"^dlogits: got shape \(2, 6, 11\), allowed is \(2, 6, 16\)"),
            (y[0], ShapeError, r"^dlogits: got shape \(6, 16\)"),
            (y.astype(np.float32), DTypeError, r"dlogits is float32"),
            (y.astype(int), DTypeError, r"^dlogits: got dtype int64"),
            (strict.asarray(y), LibraryMismatchError, r"dlogits is of array_api_strict"),
            (1.0, LibraryMismatchError, r"^dlogits: got float"),
        ):
            with pytest.raises(error, match=message):
                language_model_backward(bad, cache)


class TestConfig:
    def test_sizes_that_follow(self):
        config = LanguageModelConfig(50257, 2, hyena_config(d_model=6), pad_vocab_size_multiple=8)
        assert (config.d_model, config.mlp_width, config.padded_vocab_size) == (6, 24, 50264)
        assert dataclasses.replace(config, d_inner=7).mlp_width == 7
        assert dataclasses.replace(config, pad_vocab_size_multiple=1).padded_vocab_size == 50257
        assert dataclasses.replace(config, vocab_size=16).padded_vocab_size == 16

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"vocab_size": 0}, r"^vocab_size: got 0, allowed are integers >= 1"),
            ({"vocab_size": 20.0}, r"^vocab_size: got 20\.0"),
            ({"n_layer": 0}, r"^n_layer: got 0"),
            ({"n_layer": True}, r"^n_layer: got True"),
            ({"mixer": None}, r"^mixer: got NoneType, allowed are HyenaConfig, AttentionConfig"),
            ({"mixer": {"d_model": 4}}, r"^mixer: got dict"),
            ({"d_inner": 0}, r"^d_inner: got 0"),
            ({"max_position_embeddings": -1}, r"^max_position_embeddings: got -1"),
            (
                {"max_position_embeddings": 7},
                r"^max_position_embeddings: got 7, allowed are 0 and l_max = 8 or more",
            ),
            ({"pad_vocab_size_multiple": 0}, r"^pad_vocab_size_multiple: got 0"),
            ({"init": "xavier"}, r"^init: got 'xavier', allowed are 'torch', 'gpt2'"),
            ({"embedding_std": 0.0}, r"^embedding_std: got 0\.0, allowed are finite numbers above 0"),
            ({"embedding_std": float("nan")}, r"^embedding_std: got nan"),
            ({"layer_norm_eps": -1e-5}, r"^layer_norm_eps: got -1e-05"),
        ],
    )
    def test_a_value_that_is_not_allowed(self, option, message):
        with pytest.raises(ConfigError, match=message):
            model_config(**option)

    def test_a_misspelt_option_is_not_swallowed(self):
        with pytest.raises(TypeError, match=r"dropout"):
            model_config(dropout=0.1)

    def test_cannot_be_changed(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            model_config().n_layer = 3


def test_gradients_of_a_loss_whose_cotangent_is_zero_almost_everywhere(rng):
    """One position counts: nothing after it has a gradient, and autograd agrees on the rest."""
    config = CONFIGS["hyena with positions"]

    def forward(params):
        y, cache = language_model(IDS, params, config)
        return y[:, 2, :], cache

    def backward(dy, cache):
        dlogits = np.zeros((2, 6, V))
        dlogits[:, 2] = dy
        return language_model_backward(dlogits, cache)

    params = random_tree(config, rng)
    gradients.check_autograd(forward, backward, (params,), rng)
    positions = backward(np.ones((2, V)), language_model(IDS, params, config)[1])["embeddings"]
    positions = np.abs(positions["position_embeddings"]["weight"])
    assert np.max(positions[3:]) <= 1e-13 * np.max(positions)
    assert np.all(positions[:3] > 1e-9)


def test_a_model_of_useful_size_agrees_with_itself_in_the_other_precision():
    """float32 is float64 up to rounding, gradients included: no part loses digits."""
    config = LanguageModelConfig(
        20, 2, HyenaConfig(d_model=16, l_max=64, emb_dim=5, shift=0.5), init="torch", embedding_std=0.3
    )
    rng = np.random.default_rng(1)
    ids, dlogits = rng.integers(0, 20, (2, 50)), rng.standard_normal((2, 50, 20))
    results = []
    for backend in (get_backend("numpy", "float32"), get_backend("numpy", "float64")):
        params = init_language_model(config, np.random.default_rng(0), backend)
        y, cache = language_model(ids, params, config)
        results.append((y, language_model_backward(backend.asarray(dlogits), cache)))
    (y, grads), (expected, expected_grads) = results
    assert_close(y, expected, 1e-5)
    for name, g in leaves(grads).items():
        assert_close(g, leaves(expected_grads)[name], 1e-4, name)
