"""Causal softmax attention, the rival."""

import math

import numpy as np
import pytest

from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ParameterError, ShapeError
from hyena_np.ops.attention import (
    AttentionConfig,
    attention,
    attention_backward,
    causal_attention,
    causal_attention_backward,
    causal_attention_matrix,
)
from support.contract import Case, LinearContract
from support.gradients import assert_close
from support.trees import replace_leaf


def heads_case(id, *shape):
    return Case(
        id,
        causal_attention,
        causal_attention_backward,
        lambda rng: tuple(rng.standard_normal((3, *shape))),
        linear_in=("2",),
    )


class TestCausalAttentionMatrix:
    @pytest.mark.paper("Remark 2.1")
    def test_rows_are_distributions_over_the_past(self, library, rng):
        q, k = rng.standard_normal((2, 2, 3, 5, 4))
        A = causal_attention_matrix(library.asarray(q), library.asarray(k))
        assert library.owns(A)
        A = library.to_numpy(A)
        np.testing.assert_array_equal(np.triu(A, 1), 0.0)
        assert np.all(A[..., *np.tril_indices(5)] > 0)
        np.testing.assert_allclose(A.sum(axis=-1), 1.0, rtol=library.rtol)
        assert_close(A, causal_attention_matrix(q, k), library.rtol)

    @pytest.mark.paper("eq. (3)")
    def test_entries_follow_the_definition(self, rng):
        q, k = rng.standard_normal((2, 1, 1, 4, 3))
        A = causal_attention_matrix(q, k)[0, 0]
        for t in range(4):
            weights = [math.exp(np.dot(q[0, 0, t], k[0, 0, s]) / math.sqrt(3)) for s in range(t + 1)]
            assert_close(A[t, : t + 1], np.array(weights) / sum(weights), 1e-14)

    def test_huge_scores_do_not_overflow(self):
        q = np.array([[[[1e4], [1e4]]]])
        np.testing.assert_array_equal(
            causal_attention_matrix(q, q * [[1.0], [2.0]])[0, 0], [[1.0, 0.0], [0.0, 1.0]]
        )


class TestCausalAttention(LinearContract):
    cases = (heads_case("usual", 2, 3, 5, 4), heads_case("ones", 1, 1, 1, 1))

    def test_is_its_matrix_times_the_value(self, rng):
        q, k, v = self.cases[0].make(rng)
        assert_close(causal_attention(q, k, v)[0], causal_attention_matrix(q, k) @ v, 1e-14)

    def test_agrees_with_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with scaled_dot_product_attention")
        q, k, v = self.cases[0].make(rng)
        theirs = torch.nn.functional.scaled_dot_product_attention(
            *map(torch.tensor, (q, k, v)), is_causal=True
        )
        assert_close(causal_attention(q, k, v)[0], theirs.numpy(), 1e-13)

    def test_bad_input(self, rng):
        q, k, v = self.cases[0].make(rng)
        with pytest.raises(ShapeError, match=r"^q: got shape \(3, 5, 4\), allowed is \(B, H, L, K\)"):
            causal_attention(q[0], k[0], v[0])
        with pytest.raises(ShapeError, match=r"^k: got shape \(2, 3, 4, 4\), allowed is \(2, 3, 5, 4\)"):
            causal_attention(q, k[:, :, :4], v)
        with pytest.raises(ShapeError, match=r"^v: got shape \(2, 3, 5, 3\), allowed is \(2, 3, 5, 4\)"):
            causal_attention(q, k, v[..., :3])
        with pytest.raises(DTypeError, match=r"^v: got float32, but q is float64"):
            causal_attention(q, k, v.astype(np.float32))


def layer_tree(D, rng):
    return {
        name: {"weight": rng.standard_normal((rows, D)) / math.sqrt(D), "bias": rng.standard_normal(rows)}
        for name, rows in (("in_proj", 3 * D), ("out_proj", D))
    }


def layer_case(id, B, L, D, H):
    config = AttentionConfig(d_model=D, l_max=8, num_heads=H)
    return Case(
        id,
        lambda u, params: attention(u, params, config),
        attention_backward,
        lambda rng: (rng.standard_normal((B, L, D)), layer_tree(D, rng)),
        linear_in=("1.out_proj.weight", "1.out_proj.bias"),
    )


class TestAttention(LinearContract):
    cases = (
        layer_case("one head", 2, 5, 4, 1),
        layer_case("two heads", 2, 8, 6, 2),
        layer_case("ones", 1, 1, 1, 1),
    )

    def test_agrees_with_the_multi_head_attention_of_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with torch.nn.MultiheadAttention")
        case = self.cases[1]
        u, params = case.make(rng)
        theirs = torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
        with torch.no_grad():
            theirs.in_proj_weight.copy_(torch.tensor(params["in_proj"]["weight"]))
            theirs.in_proj_bias.copy_(torch.tensor(params["in_proj"]["bias"]))
            theirs.out_proj.weight.copy_(torch.tensor(params["out_proj"]["weight"]))
            theirs.out_proj.bias.copy_(torch.tensor(params["out_proj"]["bias"]))
            mask = torch.triu(torch.ones(8, 8, dtype=torch.bool), 1)
            expected, _ = theirs(*[torch.tensor(u)] * 3, attn_mask=mask, need_weights=False)
        assert_close(case.forward(u, params)[0], expected.numpy(), 1e-13)

    def test_nothing_before_a_change_moves(self, rng):
        case = self.cases[1]
        u, params = case.make(rng)
        changed = u.copy()
        changed[:, 5] += 1.0
        moved = np.abs(case.forward(changed, params)[0] - case.forward(u, params)[0])
        np.testing.assert_array_equal(moved[:, :5], 0.0)
        assert np.all(moved[:, 5:] > 0)

    @pytest.mark.parametrize(
        ("u", "error", "message"),
        [
            (np.ones((1, 9, 4)), ShapeError, r"^u: got shape \(1, 9, 4\), allowed is \(B, L <= 8, 4\)"),
            (np.ones((1, 5, 3)), ShapeError, r"^u: got shape \(1, 5, 3\)"),
            (np.ones((5, 4)), ShapeError, r"^u: got shape \(5, 4\), allowed is \(B, L, D\)"),
            (np.ones((1, 5, 4), dtype=int), DTypeError, r"^u: got dtype int64"),
            (
                np.ones((1, 5, 4), dtype=np.float32),
                DTypeError,
                r"^in_proj\.weight: got float64, but u is float32",
            ),
            ([[[1.0] * 4]], LibraryMismatchError, r"^u: got list"),
        ],
    )
    def test_inputs_that_do_not_fit(self, rng, u, error, message):
        with pytest.raises(error, match=message):
            attention(u, layer_tree(4, rng), AttentionConfig(d_model=4, l_max=8))

    def test_parameters_that_do_not_fit(self, rng):
        u, config, params = np.ones((1, 5, 4)), AttentionConfig(d_model=4, l_max=8), layer_tree(4, rng)
        with pytest.raises(
            ParameterError, match=r"^params: in_proj\.bias has shape \(4,\), the config asks for \(12,\)"
        ):
            attention(u, replace_leaf(params, "in_proj.bias", np.ones(4)), config)
        with pytest.raises(ParameterError, match=r"^params: out_proj\.weight is missing"):
            attention(u, {"in_proj": params["in_proj"]}, config)
        with pytest.raises(ParameterError, match=r"^params: filter is unknown"):
            attention(u, params | {"filter": np.ones(1)}, config)


class TestAttentionConfig:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"num_heads": 3}, r"^num_heads: got 3, allowed are divisors of d_model = 4"),
            ({"num_heads": 0}, r"^num_heads: got 0"),
            ({"d_model": 0}, r"^d_model: got 0"),
            ({"l_max": 1.5}, r"^l_max: got 1\.5"),
        ],
    )
    def test_a_value_that_is_not_allowed(self, option, message):
        with pytest.raises(ConfigError, match=message):
            AttentionConfig(**{"d_model": 4, "l_max": 8} | option)

    def test_one_head_is_the_default(self):
        assert AttentionConfig(d_model=3, l_max=8).num_heads == 1
