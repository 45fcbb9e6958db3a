"""The recurrence and the operator, in the paper's and the code's form (Def. 3.1, Algorithm 3)."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyena_np import (
    HyenaConfig,
    causal_conv_loop,
    hyena,
    hyena_backward,
    hyena_reference,
    hyena_reference_backward,
)
from hyena_np.backend import fft_length
from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ParameterError, ShapeError
from hyena_np.ops import fftconv as fftconv_module
from hyena_np.ops.hyena import hyena_recurrence, hyena_recurrence_backward
from hyena_np.ops.matrices import hyena_factors
from hyena_np.ops.toeplitz import causal_conv_matrix
from support.contract import Case, LinearContract, OpContract
from support.draws import VARIANTS_AND_ORDERS, sizes, variants_and_orders
from support.gradients import assert_close
from support.parameters import operator_tree
from support.trees import replace_leaf


def branches(rng, variant, order, B=2, D=3, L=7, Lh=None, skip=True):
    """v, x, h and skip of a recurrence."""
    filters = order if variant == "paper" else order - 1
    x = tuple(rng.standard_normal((B, D, L)) for _ in range(order))
    h = rng.standard_normal((filters, D, L if Lh is None else Lh))
    return rng.standard_normal((B, D, L)), x, h, rng.standard_normal((filters, D)) if skip else None


def recurrence_case(id, variant, order, **options):
    gates = tuple(f"1.{n}" for n in range(order))
    single = ("2", "3") if order - (variant == "code") == 1 and options.get("skip", True) else ()
    return Case(
        f"{variant} {order}{id}",
        lambda v, x, h, skip: hyena_recurrence(v, x, h, skip, variant),
        hyena_recurrence_backward,
        lambda rng: branches(rng, variant, order, **options),
        linear_in=("0", *gates, *single),
    )


def by_definition(v, x, h, skip, variant, conv):
    """The recurrence written out with a convolution of one's choice."""
    z = v
    if variant == "paper":
        for gate, taps, s in zip(x, h, skip, strict=True):
            z = gate * (conv(z, taps) + s[:, None] * z)
        return z
    for gate, taps, s in zip(x[:0:-1], h, skip, strict=True):
        z = gate * z
        z = conv(z, taps) + s[:, None] * z
    return x[0] * z


class TestHyenaRecurrence(LinearContract):
    cases = (
        *(recurrence_case("", variant, order) for variant, order in VARIANTS_AND_ORDERS),
        recurrence_case(", no skip", "paper", 2, skip=False),
        recurrence_case(", no skip", "code", 3, skip=False),
        recurrence_case(", short filter", "code", 3, Lh=3),
        recurrence_case(", long filter", "paper", 2, Lh=12),
        recurrence_case(", ones", "code", 2, B=1, D=1, L=1),
    )

    @pytest.mark.paper("Def. 3.1", "eq. (4)", "Algorithm 3")
    @given(sizes(longest=9), variants_and_orders)
    def test_climbs_the_ladder(self, s, form):
        """Loop, Toeplitz matrix, FFT and the product of all factors give the same output."""
        variant, order = form
        v, x, h, skip = branches(s.rng, variant, order, s.B, s.D, s.L, s.Lh)
        y, _ = hyena_recurrence(v, x, h, skip, variant)
        assert_close(y, by_definition(v, x, h, skip, variant, causal_conv_loop), 1e-12, "loop")
        assert_close(y, by_definition(v, x, h, skip, variant, causal_conv_matrix), 1e-12, "Toeplitz")
        product = v[..., None]
        for factor in reversed(hyena_factors(x, h, skip, variant)):
            product = factor @ product
        assert_close(y, product[..., 0], 1e-12, "factors")

    @given(sizes(longest=9), st.integers(2, 4))
    def test_the_papers_form_with_a_first_filter_of_one_tap_is_the_codes_form(self, s, order):
        v, x, h, skip = branches(s.rng, "code", order, s.B, s.D, s.L, s.Lh)
        delta = np.zeros((1, s.D, s.Lh))
        delta[..., 0] = 1.0
        folded = h.copy()
        folded[..., 0] += skip
        paper, _ = hyena_recurrence(v, x[::-1], np.concatenate([delta, folded]), None, "paper")
        code, _ = hyena_recurrence(v, x, h, skip, "code")
        assert_close(paper, code, 1e-12)

    def test_without_a_skip_term_is_with_a_skip_of_zero(self, rng):
        v, x, h, skip = branches(rng, "code", 3)
        without, _ = hyena_recurrence(v, x, h, None, "code")
        assert_close(without, hyena_recurrence(v, x, h, np.zeros_like(skip), "code")[0], 1e-14)

    @pytest.mark.parametrize(("variant", "order"), VARIANTS_AND_ORDERS)
    def test_is_linear_in_the_value(self, rng, variant, order):
        v, x, h, skip = branches(rng, variant, order)
        w = rng.standard_normal(v.shape)

        def f(a):
            return hyena_recurrence(a, x, h, skip, variant)[0]

        assert_close(f(2.0 * v - 3.0 * w), 2.0 * f(v) - 3.0 * f(w), 1e-13)

    @pytest.mark.paper("Prop. 3.1")
    @pytest.mark.parametrize(("variant", "order"), VARIANTS_AND_ORDERS)
    def test_nothing_before_a_change_moves(self, rng, variant, order):
        v, x, h, skip = branches(rng, variant, order, L=9)
        y, _ = hyena_recurrence(v, x, h, skip, variant)
        for t in (0, 4, 8):
            for changed in range(order + 1):
                args = [v.copy(), *(gate.copy() for gate in x)]
                args[changed][..., t] += 1.0
                moved = np.abs(hyena_recurrence(args[0], tuple(args[1:]), h, skip, variant)[0] - y)
                assert np.max(moved[..., :t], initial=0.0) <= 1e-13 * np.max(np.abs(y))
                assert np.all(moved[..., t] > 1e-9)

    def test_gates_of_the_code_are_used_from_the_last_to_the_first(self, rng):
        v, (x0, x1, x2), h, skip = branches(rng, "code", 3)

        def conv(n, z):
            return causal_conv_loop(z, h[n]) + skip[n][:, None] * z

        y, _ = hyena_recurrence(v, (x0, x1, x2), h, skip, "code")
        assert_close(y, x0 * conv(1, x1 * conv(0, x2 * v)), 1e-12)

    @pytest.mark.paper("Def. 3.1")
    def test_gates_of_the_paper_are_used_from_the_first_to_the_last(self, rng):
        v, (x1, x2, x3), h, _ = branches(rng, "paper", 3)
        y, _ = hyena_recurrence(v, (x1, x2, x3), h, None, "paper")
        expected = x3 * causal_conv_loop(x2 * causal_conv_loop(x1 * causal_conv_loop(v, h[0]), h[1]), h[2])
        assert_close(y, expected, 1e-12)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"v": np.ones((3, 7))}, r"^v: got shape \(3, 7\), allowed is \(B, D, L\)"),
            ({"x": ()}, r"^x: got 0 gates"),
            ({"x": (np.ones((2, 3, 7)),)}, r"^x: got 1 gates, allowed are 2 or more"),
            ({"x": (np.ones((2, 3, 7)), np.ones((2, 3, 6)))}, r"^x\[1\]: got shape \(2, 3, 6\)"),
            ({"h": np.ones((2, 3, 7))}, r"^h: got shape \(2, 3, 7\), allowed is \(1, 3, 7\)"),
            ({"h": np.ones((1, 7))}, r"^h: got shape \(1, 7\), allowed is \(filters, D, Lh\)"),
            ({"skip": np.ones(3)}, r"^skip: got shape \(3,\), allowed is \(1, 3\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, rng, change, message):
        v, x, h, skip = branches(rng, "code", 2)
        with pytest.raises(ShapeError, match=message):
            hyena_recurrence(**{"v": v, "x": x, "h": h, "skip": skip} | change, variant="code")

    def test_other_bad_input(self, rng):
        v, x, h, skip = branches(rng, "code", 2)
        with pytest.raises(ConfigError, match=r"^variant: got 'jax', allowed are 'code', 'paper'"):
            hyena_recurrence(v, x, h, skip, "jax")
        with pytest.raises(DTypeError, match=r"^x\[1\]: got float32, but v is float64"):
            hyena_recurrence(v, (x[0], x[1].astype(np.float32)), h, skip)
        with pytest.raises(LibraryMismatchError, match=r"^v: got list"):
            hyena_recurrence(v.tolist(), x, h, skip)
        with pytest.raises(ShapeError, match=r"^dy: got shape \(2, 3, 6\), allowed is \(2, 3, 7\)"):
            hyena_recurrence_backward(np.ones((2, 3, 6)), hyena_recurrence(v, x, h, skip)[1])


def operator_config(**options):
    return HyenaConfig(**{"d_model": 3, "l_max": 9, "filter_order": 4, "shift": 0.05} | options)


def operator_case(id, L=9, B=2, tables=True, **options):
    config = operator_config(**options)
    return Case(
        id,
        lambda u, params: hyena(u, params, config),
        hyena_backward,
        lambda rng: (rng.standard_normal((B, L, config.d_model)), operator_tree(config, rng, tables)),
        linear_in=("1.out_proj.weight", "1.out_proj.bias"),
    )


class TestHyena(LinearContract):
    cases = (
        operator_case("code 2"),
        operator_case("code 3, order fastest, short input", L=7, order=3, filter_layout="do", emb_dim=5),
        operator_case("code 4, one example", B=1, order=4, num_inner_mlps=1),
        operator_case("paper 1", order=1, variant="paper"),
        operator_case(
            "paper 2, order fastest, short input", L=5, order=2, variant="paper", filter_layout="do"
        ),
        operator_case("paper 3", order=3, variant="paper"),
        operator_case("tables from the configuration", L=7, tables=False),
        operator_case("ones", L=1, B=1, d_model=1, l_max=1),
        operator_case("many examples", B=5, order=3),
        operator_case("many examples, paper 2", B=4, L=6, order=2, variant="paper", filter_layout="do"),
    )

    @pytest.mark.paper("Prop. 3.1")
    @pytest.mark.parametrize(("variant", "order"), VARIANTS_AND_ORDERS)
    def test_nothing_before_a_change_moves(self, rng, variant, order):
        config = operator_config(variant=variant, order=order)
        params = operator_tree(config, rng)
        u = rng.standard_normal((2, 9, 3))
        y, _ = hyena(u, params, config)
        for t in (0, 4, 8):
            changed = u.copy()
            changed[:, t] += 1.0
            moved = np.abs(hyena(changed, params, config)[0] - y)
            assert np.max(moved[:, :t], initial=0.0) <= 1e-13 * np.max(np.abs(y))
            assert np.all(moved[:, t] > 1e-9)

    @pytest.mark.paper("Remark 3.3")
    @pytest.mark.parametrize(("variant", "order"), VARIANTS_AND_ORDERS)
    def test_the_gradient_by_a_late_output_reaches_back_but_never_forward(self, rng, variant, order):
        config = operator_config(variant=variant, order=order)
        y, cache = hyena(rng.standard_normal((2, 9, 3)), operator_tree(config, rng), config)
        dy = np.zeros_like(y)
        dy[:, 5] = 1.0
        du, _ = hyena_backward(dy, cache)
        assert np.max(np.abs(du[:, 6:])) <= 1e-13 * np.max(np.abs(du))
        assert np.all(np.abs(du[:, :6]) > 1e-9)

    def test_a_prefix_of_the_input_gives_a_prefix_of_the_output(self, rng):
        config = operator_config(order=3)
        params = operator_tree(config, rng)
        u = rng.standard_normal((2, 9, 3))
        assert_close(hyena(u[:, :6], params, config)[0], hyena(u, params, config)[0][:, :6], 1e-13)

    def test_examples_of_a_batch_do_not_see_each_other(self, rng):
        config = operator_config()
        params = operator_tree(config, rng)
        u = rng.standard_normal((3, 9, 3))
        together, _ = hyena(u, params, config)
        for b in range(3):
            assert_close(hyena(u[b : b + 1], params, config)[0], together[b : b + 1], 1e-13)

    @pytest.mark.paper("Remark 3.1", "Prop. 3.2")
    @pytest.mark.parametrize(("variant", "order"), [("paper", 2), ("code", 3)])
    def test_the_number_of_transforms_does_not_grow_with_the_length(self, rng, monkeypatch, variant, order):
        """Forward and backward are a fixed number of transforms of length about 2L: O(L log L)."""
        seen = []

        def counting(transform):
            def count(x, n):
                seen.append(n)
                return transform(x, n)

            return count

        for name in ("rfft", "irfft"):
            monkeypatch.setattr(fftconv_module, name, counting(getattr(fftconv_module, name)))
        counts = {}
        for L in (50, 200):
            seen.clear()
            config = operator_config(variant=variant, order=order, l_max=200)
            y, cache = hyena_reference(rng.standard_normal((1, L, 3)), operator_tree(config, rng), config)
            hyena_reference_backward(y, cache)
            counts[L] = len(seen)
            assert set(seen) == {fft_length(2 * L - 1)}
        assert counts[50] == counts[200] == 6 * config.num_filters

    def test_a_length_over_l_max(self, rng):
        config = operator_config()
        with pytest.raises(ShapeError, match=r"^u: got length 10, allowed are 1 to l_max = 9"):
            hyena(np.ones((1, 10, 3)), operator_tree(config, rng), config)

    @pytest.mark.parametrize(
        ("u", "message"),
        [
            (np.ones((9, 3)), r"^u: got shape \(9, 3\), allowed is \(B, L, D\)"),
            (np.ones((1, 9, 4)), r"^u: got width 4, allowed is d_model = 3"),
            (np.ones((1, 0, 3)), r"^u: got length 0"),
        ],
    )
    def test_inputs_that_do_not_fit(self, rng, u, message):
        config = operator_config()
        with pytest.raises(ShapeError, match=message):
            hyena(u, operator_tree(config, rng), config)

    def test_integers_and_mixed_dtypes(self, rng):
        config = operator_config()
        params = operator_tree(config, rng)
        with pytest.raises(DTypeError, match=r"^u: got dtype int64"):
            hyena(np.ones((1, 9, 3), dtype=int), params, config)
        with pytest.raises(DTypeError, match=r"^in_proj\.weight: got float64, but u is float32"):
            hyena(np.ones((1, 9, 3), dtype=np.float32), params, config)

    def test_two_libraries_and_no_array(self, rng):
        strict = pytest.importorskip("array_api_strict")
        config = operator_config()
        params = operator_tree(config, rng)
        with pytest.raises(LibraryMismatchError, match=r"^in_proj\.weight: got an array of numpy"):
            hyena(strict.ones((1, 9, 3)), params, config)
        with pytest.raises(LibraryMismatchError, match=r"^u: got list"):
            hyena(np.ones((1, 9, 3)).tolist(), params, config)

    @pytest.mark.parametrize(
        "name", ["in_proj.bias", "filter.skip", "filter.ffn.freq", "filter.ffn.linear_2.weight"]
    )
    def test_parameters_that_do_not_fit(self, rng, name):
        config = operator_config()
        params = operator_tree(config, rng)
        with pytest.raises(ParameterError, match=rf"^params: {name} has shape \(2, 2\), the config asks for"):
            hyena(np.ones((1, 9, 3)), replace_leaf(params, name, np.ones((2, 2))), config)
        branch = params
        *path, leaf = name.split(".")
        for part in path:
            branch = branch[part]
        del branch[leaf]
        with pytest.raises(ParameterError, match=f"^params: {name} is missing"):
            hyena(np.ones((1, 9, 3)), params, config)

    def test_a_cotangent_that_does_not_fit(self, rng):
        config = operator_config()
        _, cache = hyena(np.ones((1, 9, 3)), operator_tree(config, rng), config)
        with pytest.raises(ShapeError, match=r"^dy: got shape \(1, 3, 9\), allowed is \(1, 9, 3\)"):
            hyena_backward(np.ones((1, 3, 9)), cache)


class TestHyenaConfig:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            (
                {"order": 0, "variant": "paper"},
                r"^order: got 0, allowed are integers >= 1 in variant 'paper'",
            ),
            ({"order": 1}, r"^order: got 1, allowed are integers >= 2 in variant 'code'"),
            ({"emb_dim": 4}, r"^emb_dim: got 4, allowed are odd"),
            ({"emb_dim": 1}, r"^emb_dim: got 1"),
            ({"d_model": 0}, r"^d_model: got 0"),
            ({"d_model": 2.0}, r"^d_model: got 2\.0"),
            ({"l_max": True}, r"^l_max: got True"),
            ({"filter_order": -1}, r"^filter_order: got -1"),
            ({"num_inner_mlps": -1}, r"^num_inner_mlps: got -1"),
            ({"w": 0.0}, r"^w: got 0\.0"),
            ({"w": float("nan")}, r"^w: got nan"),
            ({"shift": float("inf")}, r"^shift: got inf"),
            ({"target": 1.0}, r"^target: got 1\.0"),
            ({"fast_decay_pct": "0.3"}, r"^fast_decay_pct: got '0\.3'"),
            ({"variant": "Paper"}, r"^variant: got 'Paper', allowed are 'code', 'paper'"),
            ({"filter_layout": "vo"}, r"^filter_layout: got 'vo', allowed are 'od', 'do'"),
            ({"init": "xavier"}, r"^init: got 'xavier'"),
        ],
    )
    def test_a_value_that_is_not_allowed(self, option, message):
        with pytest.raises(ConfigError, match=message):
            HyenaConfig(**{"d_model": 4, "l_max": 8} | option)

    def test_defaults_are_those_of_the_official_code(self):
        assert dataclasses.asdict(HyenaConfig(d_model=4, l_max=8)) == {
            "d_model": 4,
            "l_max": 8,
            "order": 2,
            "filter_order": 64,
            "emb_dim": 3,
            "num_inner_mlps": 2,
            "w": 1.0,
            "shift": 0.0,
            "fast_decay_pct": 0.3,
            "slow_decay_pct": 1.5,
            "target": 1e-2,
            "variant": "code",
            "filter_layout": "od",
            "init": "torch",
            "filter": None,
        }

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            HyenaConfig(d_model=4, l_max=8).order = 3

    def test_a_misspelt_option_is_not_swallowed(self):
        with pytest.raises(TypeError, match=r"local_order"):
            HyenaConfig(d_model=4, l_max=8, local_order=3)

    @pytest.mark.parametrize(
        ("variant", "order", "filters"), [("paper", 1, 1), ("paper", 3, 3), ("code", 2, 1), ("code", 3, 2)]
    )
    def test_number_of_filters(self, variant, order, filters):
        config = HyenaConfig(d_model=4, l_max=8, order=order, variant=variant)
        assert config.num_filters == filters
        assert config.filter_channels == 4 * filters


class TestTwoOperatorsAtOnce(OpContract):
    """Two layers, as in a model: the second forward runs before the first backward."""

    @staticmethod
    def forward(u, first, second):
        config = operator_config(order=3)
        z, cache = hyena(u, first, config)
        y, later = hyena(z, second, config)
        return y, (cache, later)

    @staticmethod
    def backward(dy, caches):
        dz, dsecond = hyena_backward(dy, caches[1])
        du, dfirst = hyena_backward(dz, caches[0])
        return du, dfirst, dsecond

    cases = (
        Case(
            "stack",
            forward.__func__,
            backward.__func__,
            lambda rng: (
                0.3 * rng.standard_normal((2, 7, 3)),
                operator_tree(operator_config(order=3), rng),
                operator_tree(operator_config(order=3), rng),
            ),
        ),
    )
