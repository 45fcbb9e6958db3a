"""Parameter trees, and their flat form under the names of the official state dict."""

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    HyenaConfig,
    LanguageModelConfig,
    flatten,
    init_hyena,
    init_language_model,
    tree_leaves,
    tree_map,
    unflatten,
)
from hyena_np.errors import ParameterError
from hyena_np.models.params import tree_from_leaves
from support.parameters import operator_tree
from support.trees import leaves


def official_names(config):
    """Names and shapes of the official standalone operator's state dict, from its description."""
    D, E, M, N, L = config.d_model, config.emb_dim, config.filter_order, config.order, config.l_max
    C, network = (N - 1) * D, "filter_fn.implicit_filter"
    names = {
        "in_proj.weight": ((N + 1) * D, D),
        "in_proj.bias": ((N + 1) * D,),
        "short_filter.weight": ((N + 1) * D, 1, 3),
        "short_filter.bias": ((N + 1) * D,),
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
        "filter_fn.bias": (C,),
        "filter_fn.pos_emb.z": (1, L, E),
        "filter_fn.pos_emb.t": (1, L, 1),
        "filter_fn.modulation.deltas": (1, 1, C),
        f"{network}.0.weight": (M, E),
        f"{network}.0.bias": (M,),
        f"{network}.1.freq": (1, M),
    }
    for i in range(config.num_inner_mlps):
        names[f"{network}.{2 * i + 2}.weight"] = (M, M)
        names[f"{network}.{2 * i + 2}.bias"] = (M,)
        names[f"{network}.{2 * i + 3}.freq"] = (1, M)
    return names | {f"{network}.{2 * config.num_inner_mlps + 2}.weight": (C, M)}


def shapes(flat):
    return {name: x.shape for name, x in flat.items()}


def operator(rng, **options):
    config = HyenaConfig(**{"d_model": 3, "l_max": 9, "filter_order": 4} | options)
    return config, operator_tree(config, rng)


def same_leaves(actual, expected):
    """The very same arrays under the same names."""
    actual, expected = leaves(actual), leaves(expected)
    assert actual.keys() == expected.keys()
    assert all(actual[name] is expected[name] for name in expected)


class TestFlatten:
    @pytest.mark.parametrize("inner", [0, 1, 2, 3])
    @pytest.mark.parametrize("order", [2, 3])
    def test_names_and_shapes_are_the_official_ones(self, rng, order, inner):
        config, params = operator(rng, order=order, num_inner_mlps=inner, emb_dim=5)
        assert shapes(flatten(params)) == official_names(config)
        assert shapes(flatten(init_hyena(config, rng))) == official_names(config)

    def test_the_default_operator_written_out(self, rng):
        flat = flatten(init_hyena(HyenaConfig(d_model=8, l_max=32), rng))
        assert shapes(flat) == {
            "in_proj.weight": (24, 8),
            "in_proj.bias": (24,),
            "short_filter.weight": (24, 1, 3),
            "short_filter.bias": (24,),
            "filter_fn.bias": (8,),
            "filter_fn.pos_emb.z": (1, 32, 3),
            "filter_fn.pos_emb.t": (1, 32, 1),
            "filter_fn.implicit_filter.0.weight": (64, 3),
            "filter_fn.implicit_filter.0.bias": (64,),
            "filter_fn.implicit_filter.1.freq": (1, 64),
            "filter_fn.implicit_filter.2.weight": (64, 64),
            "filter_fn.implicit_filter.2.bias": (64,),
            "filter_fn.implicit_filter.3.freq": (1, 64),
            "filter_fn.implicit_filter.4.weight": (64, 64),
            "filter_fn.implicit_filter.4.bias": (64,),
            "filter_fn.implicit_filter.5.freq": (1, 64),
            "filter_fn.implicit_filter.6.weight": (8, 64),
            "filter_fn.modulation.deltas": (1, 1, 8),
            "out_proj.weight": (8, 8),
            "out_proj.bias": (8,),
        }

    def test_every_array_goes_where_it_belongs_and_is_not_copied(self, rng):
        _, params = operator(rng)
        flat, ffn = flatten(params), params["filter"]["ffn"]
        assert flat["in_proj.weight"] is params["in_proj"]["weight"]
        assert flat["short_filter.bias"] is params["short_filter"]["bias"]
        assert flat["filter_fn.bias"] is params["filter"]["skip"]
        assert flat["filter_fn.pos_emb.z"] is params["filter"]["positional"]["z"]
        assert flat["filter_fn.pos_emb.t"] is params["filter"]["positional"]["t"]
        assert flat["filter_fn.modulation.deltas"] is params["filter"]["window"]["deltas"]
        for i in range(4):
            assert flat[f"filter_fn.implicit_filter.{2 * i}.weight"] is ffn[f"linear_{i}"]["weight"]
        for i in (1, 3, 5):
            assert flat[f"filter_fn.implicit_filter.{i}.freq"] is ffn["freq"]

    def test_operators_inside_a_model_keep_their_place_and_their_depth(self, rng):
        shallow, deep = (operator(rng, num_inner_mlps=n)[1] for n in (0, 12))
        tree = {"layers": {"0": {"mixer": shallow}, "1": {"mixer": deep}}, "ln_f": {"weight": np.ones(3)}}
        flat = flatten(tree)
        expected = {"ln_f.weight"}
        for layer, params in (("layers.0.mixer.", shallow), ("layers.1.mixer.", deep)):
            expected |= {layer + name for name in flatten(params)}
        assert flat.keys() == expected
        assert "layers.1.mixer.filter_fn.implicit_filter.25.freq" in flat
        assert "layers.0.mixer.filter_fn.implicit_filter.3.freq" not in flat
        same_leaves(unflatten(flat), tree)

    def test_a_tree_without_tables_has_none_in_its_flat_form(self, rng):
        config, _ = operator(rng)
        flat = flatten(operator_tree(config, rng, tables=False))
        tables = {"filter_fn.pos_emb.z", "filter_fn.pos_emb.t", "filter_fn.modulation.deltas"}
        assert flat.keys() == official_names(config).keys() - tables


class TestUnflatten:
    @pytest.mark.parametrize("inner", [0, 1, 2, 3])
    @pytest.mark.parametrize("order", [2, 3])
    @pytest.mark.parametrize("tables", [True, False])
    def test_is_the_inverse_of_flatten(self, rng, order, inner, tables):
        config, _ = operator(rng, order=order, num_inner_mlps=inner)
        params = operator_tree(config, rng, tables)
        same_leaves(unflatten(flatten(params)), params)

    @pytest.mark.parametrize(
        "mixer", [HyenaConfig(d_model=4, l_max=5, filter_order=3), AttentionConfig(d_model=4, l_max=5)]
    )
    def test_of_a_whole_model(self, mixer, rng):
        config = LanguageModelConfig(7, 2, mixer, max_position_embeddings=5)
        params = init_language_model(config, rng)
        same_leaves(unflatten(flatten(params)), params)

    def test_on_every_library_without_a_look_at_the_values(self, library, rng):
        params = library.tree(operator(rng)[1])
        same_leaves(unflatten(flatten(params)), params)

    @pytest.mark.parametrize("kept", ["1", "3", "5"])
    def test_one_name_of_the_frequency_is_enough(self, rng, kept):
        _, params = operator(rng)
        flat = flatten(params)
        for other in {"1", "3", "5"} - {kept}:
            del flat[f"filter_fn.implicit_filter.{other}.freq"]
        same_leaves(unflatten(flat), params)

    def test_equal_copies_of_the_frequency_are_one(self, rng):
        params = operator(rng)[1]
        flat = {name: x.copy() for name, x in flatten(params).items()}
        tree = unflatten(flat)
        np.testing.assert_array_equal(tree["filter"]["ffn"]["freq"], params["filter"]["ffn"]["freq"])

    @pytest.mark.parametrize("change", [lambda x: x + 1e-7, lambda x: x[:, :1], lambda x: x[0]])
    def test_frequencies_that_disagree(self, rng, change):
        flat = flatten(operator(rng)[1])
        flat["filter_fn.implicit_filter.3.freq"] = change(flat["filter_fn.implicit_filter.1.freq"])
        with pytest.raises(ParameterError, match=r"^filter_fn\.implicit_filter\.3\.freq: differs from"):
            unflatten(flat)

    @pytest.mark.parametrize(
        "name",
        [
            "filter_fn",
            "filter_fn.gain",
            "filter_fn.bias.weight",
            "filter_fn.biases",
            "filter_fn.pos_emb",
            "filter_fn.pos_emb.zt",
            "filter_fn.modulation.shift",
            "filter_fn.implicit_filter.weight",
            "filter_fn.implicit_filter.0.gain",
            "filter_fn.implicit_filter.1.weight",
            "filter_fn.implicit_filter.2.freq",
            "filter_fn.implicit_filter.last.weight",
            "layers.0.mixer.filter_fn.implicit_filter.3.bias",
        ],
    )
    def test_a_name_that_the_official_filter_has_not(self, name):
        with pytest.raises(ParameterError, match=rf"^names: got '{name}', allowed below filter_fn are"):
            unflatten({name: np.ones(3)})

    def test_names_elsewhere_are_taken_as_they_are(self):
        x = np.ones(3)
        same_leaves(unflatten({"prefilter_fn.bias": x}), {"prefilter_fn": {"bias": x}})
        same_leaves(unflatten({"layers.0.norm1.bias": x}), {"layers": {"0": {"norm1": {"bias": x}}}})


class TestTreeMap:
    def test_applies_to_corresponding_leaves(self):
        a, b = {"x": 1, "y": {"z": 2}}, {"y": {"z": 20}, "x": 10}
        assert tree_map(lambda p: -p, a) == {"x": -1, "y": {"z": -2}}
        assert tree_map(lambda p, q, r: (p, q, r), a, b, a) == {"x": (1, 10, 1), "y": {"z": (2, 20, 2)}}
        assert a == {"x": 1, "y": {"z": 2}}

    def test_keeps_the_order_of_the_first_tree(self):
        assert list(tree_map(lambda p, q: p, {"x": 1, "a": 2}, {"a": 3, "x": 4})) == ["x", "a"]

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            ({"x": 1}, r"^tree: got the keys \['x'\], allowed are those of the first tree, \['x', 'y'\]"),
            ({"x": 1, "y": {"z": 2}, "w": 3}, r"^tree: got the keys \['w', 'x', 'y'\]"),
            ({"x": 1, "y": {}}, r"^tree: got the keys \[\], allowed are .* \['z'\]"),
            ({"x": 1, "y": 2}, r"^tree: got the keys int"),
            (
                {"x": {"z": 1}, "y": {"z": 2}},
                r"^tree: x is an array in the first tree and a branch in another",
            ),
            (None, r"^tree: got the keys NoneType"),
        ],
    )
    def test_trees_of_different_structure(self, other, message):
        tree = {"x": 1, "y": {"z": 2}}
        with pytest.raises(ParameterError, match=message):
            tree_map(lambda p, q: p, tree, other)
        with pytest.raises(ParameterError, match=message):
            tree_map(lambda p, q, r: p, tree, tree, other)


class TestLeaves:
    def test_dotted_names_and_back(self, rng):
        params = operator(rng)[1]
        assert tree_leaves(params).keys() == leaves(params).keys()
        same_leaves(tree_from_leaves(tree_leaves(params)), params)
        assert tree_leaves({}) == {}

    @pytest.mark.parametrize("names", [("a", "a.b"), ("a.b", "a"), ("a.b.c", "a.b"), ("a.b", "a.b.c")])
    def test_a_name_that_is_the_beginning_of_another(self, names):
        with pytest.raises(ParameterError, match=rf"^names: '{names[1]}'"):
            tree_from_leaves(dict.fromkeys(names, 1))
