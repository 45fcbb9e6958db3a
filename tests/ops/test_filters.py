"""Filters that are computed: positional features, sine network, window, and their product (eq. (7))."""

import math

import numpy as np
import pytest

from hyena_np import HyenaConfig, hyena_filter, hyena_filter_backward
from hyena_np.errors import ConfigError, DTypeError, ParameterError, ShapeError
from hyena_np.ops.filters import (
    decay_rates,
    exponential_window,
    exponential_window_backward,
    positional_features,
    sine_network,
    sine_network_backward,
)
from support.contract import AnalyticContract, Case, LinearContract, OpContract
from support.gradients import assert_close, check_complex_step
from support.parameters import filter_tree
from support.trees import leaves, replace_leaf


class TestPositionalFeatures:
    @pytest.mark.parametrize(("l_max", "emb_dim"), [(8, 3), (9, 5), (33, 17)])
    def test_entries_follow_the_definition(self, l_max, emb_dim):
        z, t = positional_features(l_max, emb_dim, np.ones(1))
        K = (emb_dim - 1) // 2
        assert z.shape == (1, l_max, emb_dim)
        assert t.shape == (1, l_max, 1)
        for i in range(l_max):
            tau, omega = i / (l_max - 1), 2 * math.pi * i / l_max
            f = [1e-4 + k * (K - 1 - 1e-4) / max(K - 1, 1) for k in range(K)]
            expected = [tau, *(math.cos(x * omega) for x in f), *(-math.sin(x * omega) for x in f)]
            np.testing.assert_allclose(z[0, i], expected, rtol=0, atol=1e-13)
            assert t[0, i, 0] == z[0, i, 0]

    def test_a_table_of_one_row(self):
        z, t = positional_features(1, 3, np.ones(1))
        np.testing.assert_array_equal(z, [[[0.0, 1.0, 0.0]]])
        np.testing.assert_array_equal(t, [[[0.0]]])

    def test_every_library_has_the_same_bits(self, library):
        for ours, theirs in zip(
            positional_features(9, 5, np.ones(1)),
            positional_features(9, 5, library.asarray([1.0])),
            strict=True,
        ):
            assert library.owns(theirs)
            np.testing.assert_array_equal(library.to_numpy(theirs), ours.astype(library.dtype))

    @pytest.mark.parametrize("emb_dim", [1, 2, 4, 5.0])
    def test_a_number_of_features_that_is_not_odd(self, emb_dim):
        with pytest.raises(ConfigError, match=r"^emb_dim: got"):
            positional_features(8, emb_dim, np.ones(1))

    @pytest.mark.parametrize("l_max", [0, -3, 4.0])
    def test_a_length_that_is_no_positive_integer(self, l_max):
        with pytest.raises(ConfigError, match=r"^l_max: got"):
            positional_features(l_max, 3, np.ones(1))


class TestDecayRates:
    config = HyenaConfig(d_model=5, l_max=8, order=3, fast_decay_pct=0.25, slow_decay_pct=2.0, target=1e-3)

    def test_go_from_slow_to_fast_in_equal_steps_over_all_filters(self):
        deltas = decay_rates(self.config, np.ones(1))
        assert deltas.shape == (1, 1, 10)
        assert_close(deltas[0, 0], np.linspace(math.log(1e-3) / 2.0, math.log(1e-3) / 0.25, 10), 1e-14)

    def test_the_fastest_window_falls_to_the_target_at_its_fraction_of_the_length(self):
        deltas = decay_rates(self.config, np.ones(1))[0, 0]
        window, _ = exponential_window(np.array([0.25, 2.0]), deltas)
        assert math.isclose(window[-1, 0], 1e-3, rel_tol=1e-12)
        assert math.isclose(window[0, 1], 1e-3, rel_tol=1e-12)

    def test_one_channel_is_slow(self):
        deltas = decay_rates(HyenaConfig(d_model=1, l_max=4), np.ones(1))
        assert math.isclose(deltas[0, 0, 0], math.log(1e-2) / 1.5)

    def test_every_library_has_the_same_bits(self, library):
        theirs = decay_rates(self.config, library.asarray([1.0]))
        assert library.owns(theirs)
        expected = decay_rates(self.config, np.ones(1)).astype(library.dtype)
        np.testing.assert_array_equal(library.to_numpy(theirs), expected)


def network_case(id, L=7, **sizes):
    config = HyenaConfig(d_model=3, l_max=9, **{"filter_order": 6, "emb_dim": 5} | sizes)

    def make(rng):
        return rng.standard_normal((L, config.emb_dim)), filter_tree(config, rng)["ffn"]

    last = f"1.linear_{config.num_inner_mlps + 1}.weight"
    return Case(id, sine_network, sine_network_backward, make, linear_in=(last,))


class TestSineNetwork(LinearContract, AnalyticContract):
    cases = (
        network_case("usual"),
        network_case("no inner layer", num_inner_mlps=0),
        network_case("deep", num_inner_mlps=4),
        network_case("one position", L=1, filter_order=1, emb_dim=3),
    )

    @pytest.mark.paper("eq. (7)")
    def test_is_the_formula_position_by_position(self, rng):
        z, params = self.cases[0].make(rng)
        h, _ = sine_network(z, params)
        for i, a in enumerate(z):
            for n in range(3):
                layer = params[f"linear_{n}"]
                a = np.sin(params["freq"][0] * (layer["weight"] @ a + layer["bias"]))
            assert_close(h[:, i], params["linear_3"]["weight"] @ a, 1e-13)

    def test_the_frequency_is_shared_so_its_gradient_counts_every_layer(self, rng):
        """Layers with a frequency of their own, written out: the shared gradient is the sum of theirs."""
        z, params = self.cases[0].make(rng)
        h, cache = sine_network(z, params)
        dh = rng.standard_normal(h.shape)

        def untied(freqs):
            a = z.T
            for n, freq in enumerate(freqs):
                a = np.sin(
                    freq[:, None]
                    * (params[f"linear_{n}"]["weight"] @ a + params[f"linear_{n}"]["bias"][:, None])
                )
            return np.sum(dh * (params["linear_3"]["weight"] @ a))

        by_layer = np.zeros((3, 6))
        for n in range(3):
            for m in range(6):
                freqs = [params["freq"][0].astype(complex) for _ in range(3)]
                freqs[n][m] += 1e-30j
                by_layer[n, m] = untied(freqs).imag / 1e-30
        assert np.all(np.linalg.norm(by_layer, axis=1) > 1e-2), (
            "a layer without influence would prove nothing"
        )
        assert_close(sine_network_backward(dh, cache)[1]["freq"], by_layer.sum(axis=0)[None], 1e-12)

    def test_weights_that_do_not_fit(self, rng):
        z, params = self.cases[0].make(rng)
        with pytest.raises(ShapeError, match=r"^linear_1\.weight: got shape \(6, 5\), allowed is \(M, 6\)"):
            sine_network(z, replace_leaf(params, "linear_1.weight", np.ones((6, 5))))
        with pytest.raises(ShapeError, match=r"^z: got shape \(7,\)"):
            sine_network(z[:, 0], params)

    @pytest.mark.parametrize("missing", ["freq", "linear_0"])
    def test_missing_layers(self, rng, missing):
        z, params = self.cases[1].make(rng)
        del params[missing]
        with pytest.raises(ParameterError, match=r"^params: got"):
            sine_network(z, params)


def window_case(id, L, C, shift):
    def make(rng):
        return rng.uniform(0.0, 1.0, L), rng.choice([-1.0, 1.0], C) * rng.uniform(0.5, 4.0, C)

    return Case(id, lambda t, deltas: exponential_window(t, deltas, shift), exponential_window_backward, make)


class TestExponentialWindow(OpContract):
    cases = (
        window_case("no shift", 7, 4, 0.0),
        window_case("shift", 7, 4, 0.05),
        window_case("ones", 1, 1, 0.5),
    )

    @pytest.mark.paper("eq. (7)", "Fig. 3.1")
    def test_is_the_formula(self):
        window, _ = exponential_window(np.array([0.0, 0.5]), np.array([-2.0, 3.0]), shift=0.25)
        expected = [[1.25, math.exp(-1.0) + 0.25], [1.25, math.exp(-1.5) + 0.25]]
        np.testing.assert_allclose(window, expected, rtol=1e-15)

    def test_complex_step_in_time(self, case, rng):
        # |delta| is not analytic, so its gradient is left to differences and to autograd
        check_complex_step(case.forward, case.backward, case.make(rng), rng, constant=("1",))

    def test_shapes_that_do_not_fit(self):
        with pytest.raises(ShapeError, match=r"^t: got shape \(1, 3\), allowed is \(L\)"):
            exponential_window(np.ones((1, 3)), np.ones(2))
        with pytest.raises(ShapeError, match=r"^deltas: got shape \(1, 2\), allowed is \(C\)"):
            exponential_window(np.ones(3), np.ones((1, 2)))


def filter_case(id, L, tables=True, **options):
    config = HyenaConfig(
        **{"d_model": 3, "l_max": 9, "filter_order": 5, "emb_dim": 5, "shift": 0.05} | options
    )
    return Case(
        id,
        lambda params: hyena_filter(params, L, config),
        hyena_filter_backward,
        lambda rng: ({"filter": filter_tree(config, rng, tables)},),
    )


class TestHyenaFilter(OpContract):
    cases = (
        filter_case("order 2", 9),
        filter_case("order 3, channel fastest, short input", 7, order=3),
        filter_case("order 4, order fastest, short input", 6, order=4, filter_layout="do"),
        filter_case("paper, order 1", 9, order=1, variant="paper"),
        filter_case("paper, order 3, order fastest", 8, order=3, variant="paper", filter_layout="do"),
        filter_case("tables from the configuration", 7, tables=False),
        filter_case("one position", 1, l_max=1, d_model=1),
    )

    @pytest.mark.paper("eq. (7)", "Algorithm 2")
    @pytest.mark.parametrize("layout", ["od", "do"])
    def test_is_window_times_network_in_the_configured_layout(self, rng, layout):
        config = HyenaConfig(d_model=3, l_max=8, order=3, filter_order=5, shift=0.1, filter_layout=layout)
        tree = filter_tree(config, rng)
        h, _ = hyena_filter({"filter": tree}, 6, config)
        assert h.shape == (2, 3, 6)
        network, _ = sine_network(tree["positional"]["z"][0], tree["ffn"])
        for o in range(2):
            for d in range(3):
                c = 3 * o + d if layout == "od" else 2 * d + o
                for i in range(6):
                    rate = abs(tree["window"]["deltas"][0, 0, c])
                    window = math.exp(-rate * tree["positional"]["t"][0, i, 0]) + 0.1
                    assert math.isclose(h[o, d, i], window * network[c, i], rel_tol=1e-12)

    def test_layouts_agree_where_there_is_one_filter(self, rng):
        tree = filter_tree(HyenaConfig(d_model=3, l_max=8, filter_order=5), rng)
        filters = [
            hyena_filter(
                {"filter": tree}, 8, HyenaConfig(d_model=3, l_max=8, filter_order=5, filter_layout=x)
            )[0]
            for x in ("od", "do")
        ]
        np.testing.assert_array_equal(*filters)

    def test_the_filter_at_a_lag_does_not_depend_on_the_length(self, rng):
        config = HyenaConfig(d_model=3, l_max=12, filter_order=5)
        params = {"filter": filter_tree(config, rng)}
        whole, _ = hyena_filter(params, 12, config)
        for L in (1, 5, 11):
            assert_close(hyena_filter(params, L, config)[0], whole[..., :L], 1e-14)

    def test_rows_of_the_tables_that_were_not_read_have_no_gradient(self, rng):
        case = self.cases[1]
        h, cache = case.forward(*case.make(rng))
        positional = case.backward(rng.standard_normal(h.shape), cache)["filter"]["positional"]
        for name in ("z", "t"):
            assert np.all(positional[name][:, 7:] == 0)
            assert np.all(np.any(positional[name][:, :7] != 0, axis=-1))

    def test_tables_of_the_tree_are_used_even_if_the_other_one_is_absent(self, rng):
        config = HyenaConfig(d_model=3, l_max=8, filter_order=5)
        tree = filter_tree(config, rng)
        computed = decay_rates(config, np.ones(1))
        whole, _ = hyena_filter({"filter": tree | {"window": {"deltas": computed}}}, 8, config)
        without = {"filter": {name: tree[name] for name in ("positional", "ffn")}}
        h, cache = hyena_filter(without, 8, config)
        np.testing.assert_array_equal(h, whole)
        assert leaves(hyena_filter_backward(np.ones_like(h), cache)).keys() == leaves(without).keys()

    @pytest.mark.parametrize("L", [0, -1, 10, 4.0, True])
    def test_a_length_outside_the_table(self, rng, L):
        config = HyenaConfig(d_model=3, l_max=9, filter_order=5)
        with pytest.raises(ShapeError, match=r"^L: got .*allowed are 1 to l_max = 9"):
            hyena_filter({"filter": filter_tree(config, rng)}, L, config)

    def test_parameters_of_another_configuration(self, rng):
        config = HyenaConfig(d_model=3, l_max=9, filter_order=5)
        other = HyenaConfig(d_model=3, l_max=9, filter_order=5, order=3)
        params = {"filter": filter_tree(config, rng)}
        with pytest.raises(
            ParameterError,
            match=r"^params: filter\.ffn\.linear_3\.weight has shape \(3, 5\), the config asks for \(6, 5\)",
        ):
            hyena_filter(params, 9, other)
        with pytest.raises(
            ParameterError, match=r"^params: filter\.positional\.z has shape \(1, 9, 3\), the config"
        ):
            hyena_filter(params, 9, HyenaConfig(d_model=3, l_max=12, filter_order=5))

    @pytest.mark.parametrize("missing", ["", "ffn", "ffn.freq", "ffn.linear_1.bias", "ffn.linear_3.weight"])
    def test_missing_parameters(self, rng, missing):
        config = HyenaConfig(d_model=3, l_max=9, filter_order=5)
        params = {"filter": filter_tree(config, rng)}
        *branch, name = f"filter.{missing}".strip(".").split(".")
        node = params
        for part in branch:
            node = node[part]
        del node[name]
        with pytest.raises(ParameterError, match=r"^params: filter.* is missing"):
            hyena_filter(params, 9, config)

    def test_a_misspelt_table_is_not_silently_recomputed(self, rng):
        config = HyenaConfig(d_model=3, l_max=9, filter_order=5)
        tree = filter_tree(config, rng)
        tree["positional"]["Z"] = tree["positional"].pop("z")
        with pytest.raises(ParameterError, match=r"^params: filter\.positional\.Z is unknown"):
            hyena_filter({"filter": tree}, 9, config)

    def test_two_dtypes(self, rng):
        config = HyenaConfig(d_model=3, l_max=9, filter_order=5)
        tree = replace_leaf(filter_tree(config, rng), "window.deltas", np.ones((1, 1, 3), dtype=np.float32))
        with pytest.raises(DTypeError, match=r"^deltas: got float32, but t is float64"):
            hyena_filter({"filter": tree}, 9, config)
