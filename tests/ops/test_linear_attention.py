"""Causal linear attention: its matrix, and the same by chunks."""

import math

import numpy as np
import pytest

from hyena_np.backend import owning_buffer
from hyena_np.errors import DTypeError, ShapeError
from hyena_np.ops.linear_attention import (
    causal_linear_attention,
    causal_linear_attention_backward,
    elu_features,
    linear_attention_matrix,
)
from support.contract import Case, LinearContract
from support.gradients import assert_close, assert_trees_close
from support.trees import leaves


def chunk_case(id, chunk, *shape):
    return Case(
        id,
        lambda q, k, v: causal_linear_attention(q, k, v, chunk),
        causal_linear_attention_backward,
        lambda rng: tuple(rng.standard_normal((3, *shape))),
        linear_in=("2",),
    )


class TestCausalLinearAttention(LinearContract):
    cases = (
        chunk_case("one chunk", 64, 2, 3, 5, 4),
        chunk_case("three chunks, the last one short", 3, 1, 2, 8, 3),
        chunk_case("two positions", 1, 1, 1, 2, 2),  # at one, y = v whatever q and k are
    )

    @pytest.mark.parametrize("chunk", [1, 2, 3, 7, 12, 13, 100])
    def test_is_its_matrix_times_the_value_whatever_the_chunk(self, chunk, rng):
        q, k, v, dy = rng.standard_normal((4, 2, 2, 12, 3))
        y, cache = causal_linear_attention(q, k, v, chunk)
        assert_close(y, linear_attention_matrix(q, k) @ v, 1e-13)
        grads = causal_linear_attention_backward(dy, cache)
        _, whole = causal_linear_attention(q, k, v, 12)
        assert_trees_close(grads, causal_linear_attention_backward(dy, whole), 1e-12)

    def test_what_is_kept_grows_with_the_length_not_its_square(self, rng):
        def kept(L):
            cache = causal_linear_attention(*rng.standard_normal((3, 1, 1, L, 4)), chunk=8)[1]
            return sum(dict(owning_buffer(x) for x in leaves(tuple(cache)).values()).values())

        assert kept(64) == 2 * kept(32)

    def test_bad_input(self, rng):
        q, k, v = self.cases[0].make(rng)
        with pytest.raises(ShapeError, match=r"^q: got shape \(3, 5, 4\), allowed is \(B, H, L, K\)"):
            causal_linear_attention(q[0], k[0], v[0])
        with pytest.raises(ShapeError, match=r"^k: got shape \(2, 3, 4, 4\), allowed is \(2, 3, 5, 4\)"):
            causal_linear_attention(q, k[:, :, :4], v)
        with pytest.raises(ShapeError, match=r"^v: got shape \(2, 3, 5, 3\), allowed is \(2, 3, 5, 4\)"):
            causal_linear_attention(q, k, v[..., :3])
        with pytest.raises(DTypeError, match=r"^v: got float32, but q is float64"):
            causal_linear_attention(q, k, v.astype(np.float32))


class TestLinearAttentionMatrix:
    def test_entries_follow_the_definition(self, library, rng):
        q, k = rng.standard_normal((2, 1, 1, 4, 3))
        A = linear_attention_matrix(library.asarray(q), library.asarray(k))
        assert library.owns(A)
        A = library.to_numpy(A)[0, 0]

        def features(x):
            return np.array([x_i + 1 if x_i > 0 else math.exp(x_i) for x_i in x])

        for t in range(4):
            weights = np.array([features(q[0, 0, t]) @ features(k[0, 0, s]) for s in range(t + 1)])
            assert_close(A[t, : t + 1], weights / (1e-6 + weights.sum()), library.rtol)
            np.testing.assert_array_equal(A[t, t + 1 :], 0.0)

    def test_features_of_huge_numbers_do_not_overflow(self):
        with np.errstate(over="raise"):
            np.testing.assert_array_equal(elu_features(np.array([1e4, 0.0, -1e4])), [10001.0, 1.0, 0.0])

    def test_where_all_features_vanish_the_output_does(self):
        q = np.full((1, 1, 3, 2), -1e4)
        y, cache = causal_linear_attention(q, q, np.ones_like(q))
        grads = causal_linear_attention_backward(np.ones_like(y), cache)
        for x in (y, *grads):
            np.testing.assert_array_equal(x, 0.0)
