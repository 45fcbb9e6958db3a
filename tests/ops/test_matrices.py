"""The operator as one matrix: H(u), its factors, and H3's surrogate attention matrix (Sec. 3.2, App. B.2)."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyena_np import HyenaConfig, hyena, hyena_matrix, toeplitz
from hyena_np.errors import ConfigError, DTypeError, ShapeError
from hyena_np.ops.hyena import hyena_branches, hyena_recurrence
from hyena_np.ops.matrices import diagonal_matrix, h3_attention_matrix, hyena_factors
from hyena_np.ops.projection import projection, short_conv
from hyena_np.ops.special_cases import h3
from support.draws import sizes, variants_and_orders
from support.gradients import assert_close
from support.parameters import operator_tree


def drawn_operator(s, variant, order, layout="od"):
    """A small operator, its parameters and an input that may be shorter than ``l_max``."""
    config = HyenaConfig(
        d_model=s.D,
        l_max=s.L + 2,
        order=order,
        filter_order=4,
        variant=variant,
        filter_layout=layout,
        shift=0.05,
    )
    rng = s.rng
    return config, operator_tree(config, rng), rng.standard_normal((s.B, s.L, s.D))


def applied(matrix, v):
    return (matrix @ v[..., None])[..., 0]


class TestDiagonalMatrix:
    def test_has_the_gate_on_its_diagonal_and_nothing_else(self, library, rng):
        x = rng.standard_normal((2, 3, 5))
        matrix = diagonal_matrix(library.asarray(x))
        assert library.owns(matrix)
        expected = x[..., None].astype(library.dtype) * np.eye(5, dtype=library.dtype)
        np.testing.assert_array_equal(library.to_numpy(matrix), expected)


class TestHyenaMatrix:
    @pytest.mark.paper("Def. 3.1", "Algorithm 3")
    @given(sizes(longest=7), variants_and_orders, st.sampled_from(["od", "do"]))
    def test_times_the_value_is_the_operator_before_its_output_projection(self, s, form, layout):
        """The last rung of the ladder: hyena(u) = out_proj(H(u) v)."""
        config, params, u = drawn_operator(s, *form, layout)
        z, _ = projection(u, params["in_proj"]["weight"], params["in_proj"]["bias"])
        z, _ = short_conv(z, params["short_filter"]["weight"], params["short_filter"]["bias"])
        v = z[:, -s.D :]
        y = applied(hyena_matrix(u, params, config), v)
        out = np.swapaxes(y, 1, 2) @ params["out_proj"]["weight"].T + params["out_proj"]["bias"]
        assert_close(hyena(u, params, config)[0], out, 1e-12)

    @pytest.mark.paper("Prop. 3.1")
    @given(sizes(longest=7), variants_and_orders)
    def test_is_lower_triangular_which_is_causality(self, s, form):
        config, params, u = drawn_operator(s, *form)
        H = hyena_matrix(u, params, config)
        assert H.shape == (s.B, s.D, s.L, s.L)
        np.testing.assert_array_equal(np.triu(H, 1), 0.0)
        assert np.all(np.abs(np.diagonal(H, axis1=-2, axis2=-1)) > 0)

    def test_depends_on_the_input(self, rng):
        config = HyenaConfig(d_model=3, l_max=6, filter_order=4)
        params = operator_tree(config, rng)
        u, w = rng.standard_normal((2, 1, 6, 3))
        assert np.max(np.abs(hyena_matrix(u, params, config) - hyena_matrix(w, params, config))) > 0.1

    def test_every_library_gives_the_same_numbers(self, library, rng):
        config = HyenaConfig(d_model=3, l_max=6, order=3, filter_order=4)
        params, u = operator_tree(config, rng), rng.standard_normal((2, 5, 3))
        H = hyena_matrix(library.asarray(u), library.tree(params), config)
        assert library.owns(H)
        assert_close(library.to_numpy(H), hyena_matrix(u, params, config), library.rtol)

    def test_a_length_over_l_max(self, rng):
        config = HyenaConfig(d_model=3, l_max=6, filter_order=4)
        with pytest.raises(ShapeError, match=r"^u: got length 7, allowed are 1 to l_max = 6"):
            hyena_matrix(np.ones((1, 7, 3)), operator_tree(config, rng), config)


class TestHyenaFactors:
    @pytest.mark.paper("Fig. 2.1")
    @given(sizes(longest=7), variants_and_orders)
    def test_their_product_is_the_hyena_matrix(self, s, form):
        config, params, u = drawn_operator(s, *form)
        v, x, h, skip, _ = hyena_branches(u, params, config)
        factors = hyena_factors(x, h, skip, config.variant)
        assert_close(reduce(np.matmul, factors), hyena_matrix(u, params, config), 1e-12)
        assert_close(
            applied(reduce(np.matmul, factors), v), hyena_recurrence(v, x, h, skip, config.variant)[0], 1e-12
        )

    def test_of_the_paper_are_gate_times_filter_the_last_step_first(self, rng):
        x, h = tuple(rng.standard_normal((2, 1, 3, 5))), rng.standard_normal((2, 3, 5))
        d2, s2, d1, s1 = hyena_factors(x, h, None, "paper")
        np.testing.assert_array_equal(d2, diagonal_matrix(x[1]))
        np.testing.assert_array_equal(s2, toeplitz(h[1]))
        np.testing.assert_array_equal(d1, diagonal_matrix(x[0]))
        np.testing.assert_array_equal(s1, toeplitz(h[0]))

    def test_of_the_code_begin_and_end_with_a_gate(self, rng):
        x, h, skip = (
            tuple(rng.standard_normal((3, 1, 3, 5))),
            rng.standard_normal((2, 3, 5)),
            rng.standard_normal((2, 3)),
        )
        d0, s1, d1, s0, d2 = hyena_factors(x, h, skip, "code")
        for gate, factor in zip(x, (d0, d1, d2), strict=True):
            np.testing.assert_array_equal(factor, diagonal_matrix(gate))
        for o, factor in enumerate((s0, s1)):
            np.testing.assert_array_equal(factor, toeplitz(h[o]) + skip[o][:, None, None] * np.eye(5))

    def test_bad_input(self, rng):
        x, h = tuple(rng.standard_normal((2, 1, 3, 5))), rng.standard_normal((1, 3, 5))
        with pytest.raises(ShapeError, match=r"^x: got 0 gates"):
            hyena_factors((), h)
        with pytest.raises(ShapeError, match=r"^h: got shape \(1, 3, 5\), allowed is \(2, 3, 5\)"):
            hyena_factors(x, h, None, "paper")
        with pytest.raises(ShapeError, match=r"^x\[1\]: got shape \(1, 3, 4\)"):
            hyena_factors((x[0], x[1][..., :4]), h)
        with pytest.raises(ShapeError, match=r"^skip: got shape \(3,\), allowed is \(1, 3\)"):
            hyena_factors(x, h, np.ones(3))
        with pytest.raises(ConfigError, match=r"^variant: got 'both'"):
            hyena_factors(x, h, None, "both")


class TestH3AttentionMatrix:
    @pytest.mark.paper("eq. (12)")
    def test_entries_follow_the_papers_explicit_sum(self, rng):
        B, D, L = 2, 3, 5
        q, k = rng.standard_normal((2, B, D, L))
        phi, psi = rng.standard_normal((2, D, L))
        A = h3_attention_matrix(q, k, phi, psi)
        for t in range(L):
            for s in range(L):
                terms = [psi[:, t - m] * k[..., m] * phi[:, m - s] for m in range(s, t + 1)]
                assert_close(A[..., t, s], q[..., t] * sum(terms, np.zeros((B, D))), 1e-13)

    @pytest.mark.paper("eq. (5)", "eq. (18)")
    @pytest.mark.parametrize("Lh", [3, 5, 8])
    def test_times_the_value_is_h3(self, rng, Lh):
        q, k, v = rng.standard_normal((3, 2, 3, 5))
        phi, psi = rng.standard_normal((2, 3, Lh))
        assert_close(applied(h3_attention_matrix(q, k, phi, psi), v), h3(q, k, v, phi, psi)[0], 1e-12)

    @pytest.mark.paper("eq. (16)")
    def test_splits_into_a_query_and_a_key_part(self, rng):
        q, k = rng.standard_normal((2, 2, 3, 5))
        phi, psi = rng.standard_normal((2, 3, 5))
        parts = (diagonal_matrix(q) @ toeplitz(psi)) @ (diagonal_matrix(k) @ toeplitz(phi))
        assert_close(h3_attention_matrix(q, k, phi, psi), parts, 1e-13)

    def test_bad_input(self, rng):
        q, k = rng.standard_normal((2, 2, 3, 5))
        phi, psi = rng.standard_normal((2, 3, 5))
        with pytest.raises(ShapeError, match=r"^k: got shape \(2, 3, 4\), allowed is \(2, 3, 5\)"):
            h3_attention_matrix(q, k[..., :4], phi, psi)
        with pytest.raises(ShapeError, match=r"^psi: got shape \(3, 4\), allowed is \(3, 5\)"):
            h3_attention_matrix(q, k, phi, psi[:, :4])
        with pytest.raises(DTypeError, match=r"^psi: got float32, but q is float64"):
            h3_attention_matrix(q, k, phi, psi.astype(np.float32))
