"""From the input to the branches: a dense projection, then a short convolution (Algorithm 1)."""

import numpy as np
import pytest
from hypothesis import given

from hyena_np import causal_conv_loop
from hyena_np.errors import DTypeError, ShapeError
from hyena_np.ops.projection import projection, projection_backward, short_conv, short_conv_backward
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close


def projection_case(id, B, L, D, E):
    def make(rng):
        return rng.standard_normal((B, L, D)), rng.standard_normal((E, D)), rng.standard_normal(E)

    return Case(id, projection, projection_backward, make, linear_in=("0", "1", "2"))


class TestProjection(LinearContract):
    cases = (projection_case("usual", 2, 5, 3, 12), projection_case("ones", 1, 1, 1, 1))

    @pytest.mark.paper("Algorithm 1")
    def test_is_the_dense_layer_of_every_position_with_time_last(self, rng):
        u, weight, bias = self.cases[0].make(rng)
        z, _ = projection(u, weight, bias)
        assert z.shape == (2, 12, 5)
        for b in range(2):
            for t in range(5):
                assert_close(z[b, :, t], weight @ u[b, t] + bias, 1e-14)

    @pytest.mark.parametrize(
        ("shapes", "message"),
        [
            (((5, 3), (4, 3), (4,)), r"^u: got shape \(5, 3\)"),
            (((2, 5, 3), (4, 2), (4,)), r"^weight: got shape \(4, 2\), allowed is \(4, 3\)"),
            (((2, 5, 3), (4, 3), (3,)), r"^bias: got shape \(3,\), allowed is \(4,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, shapes, message):
        with pytest.raises(ShapeError, match=message):
            projection(*map(np.ones, shapes))

    def test_two_dtypes(self):
        with pytest.raises(DTypeError, match=r"^weight: got float32, but u is float64"):
            projection(np.ones((1, 2, 3)), np.ones((4, 3), dtype=np.float32), np.ones(4))


def short_case(id, B=2, C=3, L=7, K=3):
    def make(rng):
        return rng.standard_normal((B, C, L)), rng.standard_normal((C, 1, K)), rng.standard_normal(C)

    return Case(id, short_conv, short_conv_backward, make, linear_in=("0", "1", "2"))


class TestShortConv(LinearContract):
    cases = (
        short_case("usual"),
        short_case("one tap", K=1),
        short_case("more taps than positions", L=2, K=5),
        short_case("ones", B=1, C=1, L=1),
    )

    def test_the_last_tap_sees_the_present(self):
        x, weight = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[100.0, 10.0, 1.0]]])
        z, _ = short_conv(x, weight, np.array([0.5]))
        np.testing.assert_array_equal(z, [[[1.5, 12.5, 124.5]]])

    @pytest.mark.paper("Algorithm 1")
    @given(sizes(longest=6))
    def test_is_a_causal_convolution_with_the_taps_reversed(self, s):
        rng = s.rng
        x, weight, bias = (
            rng.standard_normal((s.B, s.D, s.L)),
            rng.standard_normal((s.D, 1, s.Lh)),
            rng.standard_normal(s.D),
        )
        z, _ = short_conv(x, weight, bias)
        assert_close(z, causal_conv_loop(x, weight[:, 0, ::-1]) + bias[:, None], 1e-12)

    def test_agrees_with_the_depthwise_convolution_of_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with torch.nn.functional.conv1d")
        x, weight, bias = self.cases[0].make(rng)
        theirs = torch.nn.functional.conv1d(*map(torch.tensor, (x, weight, bias)), padding=2, groups=3)
        assert_close(short_conv(x, weight, bias)[0], theirs[..., :7].numpy(), 1e-14)

    @pytest.mark.parametrize("t", [0, 3, 6])
    def test_nothing_before_a_change_moves(self, rng, t):
        x, weight, bias = self.cases[0].make(rng)
        changed = x.copy()
        changed[..., t] += 1.0
        moved = short_conv(changed, weight, bias)[0] != short_conv(x, weight, bias)[0]
        expected = np.zeros(7, dtype=bool)
        expected[t : t + 3] = True
        np.testing.assert_array_equal(moved, np.broadcast_to(expected, moved.shape))

    @pytest.mark.parametrize(
        ("shapes", "message"),
        [
            (((3, 7), (3, 1, 3), (3,)), r"^x: got shape \(3, 7\)"),
            (((2, 3, 7), (3, 3), (3,)), r"^weight: got shape \(3, 3\)"),
            (((2, 3, 7), (4, 1, 3), (3,)), r"^weight: got shape \(4, 1, 3\), allowed is \(3, 1, K\)"),
            (((2, 3, 7), (3, 2, 3), (3,)), r"^weight: got shape \(3, 2, 3\), allowed is \(3, 1, K\)"),
            (((2, 3, 7), (3, 1, 0), (3,)), r"^weight: got shape \(3, 1, 0\)"),
            (((2, 3, 7), (3, 1, 3), (2,)), r"^bias: got shape \(2,\), allowed is \(3,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, shapes, message):
        with pytest.raises(ShapeError, match=message):
            short_conv(*map(np.ones, shapes))

    def test_integers(self):
        with pytest.raises(DTypeError, match=r"^x: got dtype int64"):
            short_conv(np.ones((1, 2, 3), dtype=int), np.ones((2, 1, 3)), np.ones(2))
