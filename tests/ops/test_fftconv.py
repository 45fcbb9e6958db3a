"""The fast causal convolution equals the slow ones; its gradient is the adjoint Toeplitz matrix."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyena_np import causal_conv_loop, fftconv, fftconv_backward, toeplitz
from hyena_np.errors import DTypeError, LibraryMismatchError, ShapeError
from hyena_np.ops.toeplitz import causal_conv_matrix
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close


def arguments(B=2, D=3, L=7, Lh=7, skip=True):
    def make(rng):
        u, h = rng.standard_normal((B, D, L)), rng.standard_normal((D, Lh))
        return (u, h, rng.standard_normal(D) if skip else None)

    return make


def case(id, linear_in=("0", "1", "2"), **sizes):
    return Case(id, fftconv, fftconv_backward, arguments(**sizes), linear_in=linear_in)


class TestFftconv(LinearContract):
    cases = (
        case("as long"),
        case("no skip", ("0", "1"), skip=False),
        case("shorter filter", Lh=3),
        case("longer filter", Lh=12),
        case("one tap", Lh=1),
        case("length 1", B=1, D=1, L=1, Lh=1),
        case("length 1, longer filter", L=1, Lh=4),
        case("even", B=1, L=8, Lh=8),
        case("prime", D=1, L=31, Lh=31),
    )

    @pytest.mark.paper("eq. (1)", "eq. (2)")
    @given(sizes())
    def test_equals_loop_and_matrix(self, s):
        u, h = s.rng.standard_normal((s.B, s.D, s.L)), s.rng.standard_normal((s.D, s.Lh))
        y, _ = fftconv(u, h)
        assert y.shape == u.shape
        assert_close(y, causal_conv_loop(u, h), 1e-12)
        assert_close(y, causal_conv_matrix(u, h), 1e-12)

    @given(sizes())
    def test_a_skip_is_an_extra_tap_at_lag_zero(self, s):
        rng = s.rng
        u, h, skip = (
            rng.standard_normal((s.B, s.D, s.L)),
            rng.standard_normal((s.D, s.Lh)),
            rng.standard_normal(s.D),
        )
        folded = h.copy()
        folded[:, 0] += skip
        assert_close(fftconv(u, h, skip)[0], fftconv(u, folded)[0], 1e-12)

    @given(sizes())
    def test_backward_multiplies_with_the_transposed_toeplitz_matrix(self, s):
        rng = s.rng
        u, h, dy = (rng.standard_normal(shape) for shape in ((s.B, s.D, s.L), (s.D, s.Lh), (s.B, s.D, s.L)))
        du, dh, dskip = fftconv_backward(dy, fftconv(u, h)[1])
        assert dskip is None
        transposed = np.swapaxes(toeplitz(h, s.L), -1, -2)
        assert_close(du, (transposed @ dy[..., None])[..., 0], 1e-12)
        expected = np.zeros((s.D, s.Lh))
        for k in range(min(s.L, s.Lh)):
            expected[:, k] = np.sum(dy[..., k:] * u[..., : s.L - k], axis=(0, 2))
        assert_close(dh, expected, 1e-12)

    def test_taps_past_the_signal_have_no_gradient(self, rng):
        u, h, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 9)), rng.standard_normal((2, 3, 4))
        _, dh, _ = fftconv_backward(dy, fftconv(u, h)[1])
        assert np.all(dh[:, 4:] == 0)
        assert np.all(dh[:, :4] != 0)

    @given(sizes(), st.data())
    def test_nothing_before_a_change_moves(self, s, data):
        t = data.draw(st.integers(0, s.L - 1))
        rng = s.rng
        u, h = rng.standard_normal((s.B, s.D, s.L)), rng.standard_normal((s.D, s.Lh))
        v = u.copy()
        v[..., t] += 1e3
        moved = np.abs(fftconv(v, h)[0] - fftconv(u, h)[0])
        assert np.max(moved[..., :t], initial=0.0) < 1e-9
        assert_close(moved[..., t], np.broadcast_to(1e3 * np.abs(h[:, 0]), (s.B, s.D)), 1e-9)

    def test_float32_is_as_exact_as_float32_can_be(self, rng):
        u, h = rng.standard_normal((2, 3, 501)), rng.standard_normal((3, 501))
        y, _ = fftconv(u.astype(np.float32), h.astype(np.float32))
        assert_close(y, fftconv(u, h)[0], 1e-6)


class TestBadInput:
    u, h = np.ones((1, 2, 3)), np.ones((2, 3))

    @pytest.mark.parametrize(
        ("u", "h", "skip", "message"),
        [
            (np.ones((2, 3)), h, None, r"^u: got shape \(2, 3\), allowed is \(B, D, L\)"),
            (u, np.ones(3), None, r"^h: got shape \(3,\), allowed is \(D, Lh\)"),
            (u, np.ones((3, 3)), None, "^h: got 3 channels, allowed are the 2 of u"),
            (u, h, np.ones(3), r"^skip: got shape \(3,\), allowed is \(2,\)"),
            (np.ones((1, 2, 0)), h, None, "lengths 0 and 3"),
        ],
    )
    def test_shapes(self, u, h, skip, message):
        with pytest.raises(ShapeError, match=message):
            fftconv(u, h, skip)

    def test_dtypes(self):
        with pytest.raises(DTypeError, match=r"^u: got dtype int64"):
            fftconv(self.u.astype(int), self.h)
        with pytest.raises(DTypeError, match=r"^skip: got float32, but u is float64"):
            fftconv(self.u, self.h, np.ones(2, dtype=np.float32))
        with pytest.raises(DTypeError, match=r"^u: got dtype complex128"):
            fftconv(self.u.astype(complex), self.h.astype(complex))

    def test_two_libraries(self):
        strict = pytest.importorskip("array_api_strict")
        with pytest.raises(
            LibraryMismatchError, match=r"^h: got an array of array_api_strict, but u is of numpy"
        ):
            fftconv(self.u, strict.asarray(self.h))

    def test_a_cotangent_that_does_not_fit(self):
        _, cache = fftconv(self.u, self.h)
        with pytest.raises(ShapeError, match=r"^dy: got shape \(1, 2, 4\)"):
            fftconv_backward(np.ones((1, 2, 4)), cache)
