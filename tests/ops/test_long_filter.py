"""The long filters of an operator in every parametrisation: one interface, one comparison."""

import numpy as np
import pytest

from hyena_np import (
    FIRConfig,
    HyenaConfig,
    hyena_filter,
    hyena_filter_backward,
    hyena_matrix,
    hyena_recurrence,
    hyena_reference,
    long_filter,
    long_filter_backward,
    operator_shapes,
)
from hyena_np.errors import ConfigError, ParameterError, ShapeError
from hyena_np.ops.hyena import hyena_branches, hyena_reference_backward
from support.contract import Case, OpContract
from support.filters import RIVALS
from support.gradients import assert_close, assert_trees_close
from support.parameters import filter_tree, operator_tree
from support.trees import leaves


def config_of(rival, **options):
    return HyenaConfig(
        **{"d_model": 3, "l_max": 12, "order": 3, "filter_order": 5, "filter": rival} | options
    )


def filter_case(id, L, rival, **options):
    config = config_of(rival, **options)
    return Case(
        id,
        lambda params: long_filter(params, L, config),
        long_filter_backward,
        lambda rng: ({"filter": filter_tree(config, rng)},),
    )


class TestLongFilter(OpContract):
    cases = (
        filter_case("taps, channel fastest", 7, FIRConfig(taps=4)),
        filter_case(
            "taps, order fastest, the paper's form", 7, FIRConfig(4), filter_layout="do", variant="paper"
        ),
    )

    @pytest.mark.parametrize("layout", ["od", "do"])
    def test_orders_and_channels_are_told_apart(self, layout):
        config = config_of(FIRConfig(taps=1), filter_layout=layout)
        h, _ = long_filter({"filter": {"fir": {"weight": np.arange(6.0)[:, None]}}}, 1, config)
        expected = [[0, 1, 2], [3, 4, 5]] if layout == "od" else [[0, 2, 4], [1, 3, 5]]
        np.testing.assert_array_equal(h[..., 0], expected)

    def test_without_a_rival_it_is_hyenas_own(self, rng):
        config = config_of(None)
        params = operator_tree(config, rng)
        h, cache = long_filter(params, 7, config)
        own, own_cache = hyena_filter(params, 7, config)
        np.testing.assert_array_equal(h, own)
        assert_trees_close(long_filter_backward(h, cache), hyena_filter_backward(own, own_cache), 0.0)

    def test_hyenas_own_network_refuses_a_rivals_config(self):
        with pytest.raises(ConfigError, match=r"^filter: got FIRConfig, allowed is None; use long_filter"):
            hyena_filter({}, 7, config_of(FIRConfig()))

    @pytest.mark.parametrize(
        ("tree", "message"),
        [
            ({}, r"^params: filter\.fir\.weight is missing"),
            (
                {"fno": np.ones(1)},
                r"^params: filter\.fno is unknown, allowed are filter\.fir\.weight, filter\.skip",
            ),
            (
                {"fir": {"weight": np.ones((5, 4))}},
                r"^params: filter\.fir\.weight has shape \(5, 4\), .* \(6, 4\)",
            ),
        ],
    )
    def test_parameters_that_do_not_fit(self, tree, message):
        with pytest.raises(ParameterError, match=message):
            long_filter({"filter": tree}, 7, config_of(FIRConfig(taps=4)))

    def test_a_length_that_is_not_allowed(self):
        with pytest.raises(ShapeError, match=r"^L: got 13, allowed are 1 to l_max = 12"):
            long_filter({"filter": {}}, 13, config_of(FIRConfig()))


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
class TestInsideTheOperator:
    def test_the_tree_has_the_rival_in_the_place_of_the_network(self, rival):
        shapes = operator_shapes(config_of(rival))
        inside = {name.split(".")[1] for name in shapes if name.startswith("filter.")}
        assert inside == {rival.name, "skip"}
        own = operator_shapes(config_of(None))
        same = {name for name in own if not name.startswith("filter.")} | {"filter.skip"}
        assert {name: shapes[name] for name in same} == {name: own[name] for name in same}

    def test_the_output_is_the_matrix_of_its_filters_times_the_value(self, rng, rival):
        config = config_of(rival)
        params = operator_tree(config, rng)
        u = rng.standard_normal((2, 9, 3))
        v, x, h, skip, _ = hyena_branches(u, params, config)
        np.testing.assert_array_equal(h, long_filter(params, 9, config)[0])
        y = (hyena_matrix(u, params, config) @ v[..., None])[..., 0]
        assert_close(hyena_recurrence(v, x, h, skip, "code")[0], y, 1e-12)

    def test_every_parameter_has_its_gradient(self, rng, rival):
        config = config_of(rival)
        params = operator_tree(config, rng)
        y, cache = hyena_reference(rng.standard_normal((2, 9, 3)), params, config)
        grads = leaves(hyena_reference_backward(rng.standard_normal(y.shape), cache)[1])
        assert {name: g.shape for name, g in grads.items()} == operator_shapes(config)
        assert all(np.any(g != 0) for g in grads.values())


@pytest.mark.parametrize("bad", ["fir", FIRConfig, {"type": "fir"}, HyenaConfig(3, 12)])
def test_what_is_no_filter_is_refused(bad):
    with pytest.raises(ConfigError, match=r"^filter: got \w+, allowed are None, FIRConfig, LongConvConfig"):
        config_of(bad)
