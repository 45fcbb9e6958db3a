"""Averages weighted by content times lag, and the running sums behind them."""

import math

import numpy as np
import pytest

from hyena_np.errors import DTypeError, ShapeError
from hyena_np.ops.decayed_sums import decayed_sums, decayed_sums_of_the_future, earlier, later
from hyena_np.ops.lag_average import lag_average, lag_average_backward, lag_average_matrix
from support.contract import Case, LinearContract
from support.gradients import assert_close, inner


def average_case(id, B, L, D, J, decay=True):
    def make(rng):
        k, v = 2 * rng.standard_normal((2, B, L, D))
        near = rng.standard_normal((D, J))
        return (k, v, near, np.exp(rng.standard_normal(D))) if decay else (k, v, near)

    def backward(dy, cache):
        grads = lag_average_backward(dy, cache)
        assert (grads[-1] is not None) == decay
        return grads if decay else grads[:-1]

    return Case(id, lag_average, backward, make, linear_in=("1",))


class TestLagAverage(LinearContract):
    cases = (
        average_case("decay, as in RWKV", 2, 7, 3, 1),
        average_case("window, as in AFT-conv", 2, 9, 2, 4, decay=False),
        average_case("all lags are near", 1, 3, 2, 5, decay=False),
        average_case("ones", 1, 1, 1, 1, decay=False),
    )

    def test_is_its_matrix_times_the_value(self, case, rng):
        k, v, near, *decay = case.make(rng)
        A = lag_average_matrix(k, near, *decay)
        np.testing.assert_array_equal(np.triu(A, 1), 0.0)
        np.testing.assert_allclose(A.sum(axis=-1), 1.0, rtol=1e-14)
        y, _ = lag_average(k, v, near, *decay)
        assert_close(y, np.einsum("bdts,bsd->btd", A, v), 1e-13)

    @pytest.mark.parametrize("L", [1, 2, 3, 4, 5])
    def test_lengths_about_the_window(self, L, rng):
        k, v, near, w = *rng.standard_normal((2, 1, L, 2)), rng.standard_normal((2, 3)), np.array([0.1, 2.0])
        A = lag_average_matrix(k, near, w)
        assert_close(lag_average(k, v, near, w)[0], np.einsum("bdts,bsd->btd", A, v), 1e-13)

    def test_entries_of_the_matrix_follow_the_definition(self, library, rng):
        k, near, w = rng.standard_normal((1, 5, 2)), rng.standard_normal((2, 2)), np.array([0.3, 1.2])
        A = lag_average_matrix(*map(library.asarray, (k, near, w)))
        assert library.owns(A)
        A = library.to_numpy(A)
        for d in range(2):
            for t in range(5):
                bias = [near[d, t - s] if t - s < 2 else -(t - s - 2) * w[d] for s in range(t + 1)]
                weights = [math.exp(k[0, s, d] + bias[s]) for s in range(t + 1)]
                assert_close(A[0, d, t, : t + 1], np.array(weights) / sum(weights), library.rtol)

    @pytest.mark.parametrize("decay", [None, 0.02])
    def test_early_averages_keep_their_digits_beside_weights_a_thousand_orders_larger(self, decay, rng):
        """Weights from e^-900 to e^900: a transform would leave nothing of the early ones."""
        k = np.linspace(-900, 900, 12)[None, :, None] + rng.standard_normal((2, 12, 3))
        v, near = rng.standard_normal((2, 12, 3)), rng.standard_normal((3, 2))
        rate = None if decay is None else np.full(3, decay)
        for keys in (k, k[:, ::-1]):
            y, cache = lag_average(keys, v, near, rate)
            assert_close(y, np.einsum("bdts,bsd->btd", lag_average_matrix(keys, near, rate), v), 1e-12)
            # and nothing that is far smaller than the rest of a sum becomes NaN in the backward
            dk, dv, dnear, _ = lag_average_backward(rng.standard_normal(y.shape), cache)
            assert all(np.all(np.isfinite(g)) for g in (dk, dv, dnear))

    def test_in_float32_the_past_is_exact_beside_a_large_future(self, rng):
        k = rng.standard_normal((1, 40, 1)).astype(np.float32)
        v = rng.standard_normal((1, 40, 1)).astype(np.float32)
        near, louder = np.zeros((1, 3), dtype=np.float32), k.copy()
        louder[:, 30:] += 60
        quiet, loud = lag_average(k, v, near)[0], lag_average(louder, v, near)[0]
        np.testing.assert_array_equal(loud[:, :30], quiet[:, :30])
        assert np.all(np.abs(loud[:, 30:] - quiet[:, 30:]) > 0)

    @pytest.mark.parametrize(
        ("place", "shape", "message"),
        [
            (0, (7, 3), r"^k: got shape \(7, 3\), allowed is \(B, L, D\)"),
            (1, (2, 6, 3), r"^v: got shape \(2, 6, 3\), allowed is \(2, 7, 3\)"),
            (2, (2, 1), r"^near: got shape \(2, 1\), allowed is \(3, J >= 1\)"),
            (2, (3, 0), r"^near: got shape \(3, 0\)"),
            (3, (2,), r"^decay: got shape \(2,\), allowed is \(3,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, rng, place, shape, message):
        args = list(self.cases[0].make(rng))
        args[place] = np.ones(shape)
        with pytest.raises(ShapeError, match=message):
            lag_average(*args)

    def test_two_dtypes(self, rng):
        k, v, near, decay = self.cases[0].make(rng)
        with pytest.raises(DTypeError, match=r"^decay: got float32, but k is float64"):
            lag_average(k, v, near, decay.astype(np.float32))


class TestDecayedSums:
    @pytest.mark.parametrize("L", [1, 2, 3, 8, 13])
    @pytest.mark.parametrize("w", [0.0, 0.7])
    def test_follow_the_recurrence(self, L, w, rng):
        k, x, one = rng.standard_normal((2, L, 3)), rng.standard_normal((2, L, 3)), np.ones((2, L, 3))
        m, (a, b) = decayed_sums(k, (x, one), np.full(3, w))
        state = np.zeros((2, 2, 3))
        for t in range(L):
            state = math.exp(-w) * state + np.exp(k[:, t]) * np.stack([x[:, t], one[:, t]])
            assert_close(np.exp(m[:, t]) * a[:, t], state[0], 1e-13)
            assert_close(np.exp(m[:, t]) * b[:, t], state[1], 1e-13)
        assert np.all(b >= 1), "each sum is relative to its largest weight"

    def test_the_future_is_the_adjoint_of_the_past(self, rng):
        """With weights on the way in and none on the way out, against none on the way in."""
        x, dy, zero = *rng.standard_normal((2, 2, 9, 3)), np.zeros((2, 9, 3))
        w = np.array([0.0, 0.3, 2.0])
        m, (a,) = decayed_sums(zero, (x,), w)
        n, (b,) = decayed_sums_of_the_future(zero, (dy,), w)
        assert inner(np.exp(m) * a, dy) == pytest.approx(inner(x, np.exp(n) * b), rel=1e-13)

    @pytest.mark.parametrize("steps", [0, 1, 4, 5, 7])
    def test_moving_in_time(self, steps, rng):
        x, y = rng.standard_normal((2, 2, 5, 3))
        moved = later(x, steps, 8.0)
        assert moved.shape == earlier(x, steps).shape == x.shape
        np.testing.assert_array_equal(moved[:, :steps], 8.0)
        np.testing.assert_array_equal(moved[:, steps:], x[:, : max(5 - steps, 0)])
        assert inner(later(x, steps), y) == pytest.approx(inner(x, earlier(y, steps)), rel=1e-13)
