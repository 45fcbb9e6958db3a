"""The two-sided convolution equals its full Toeplitz matrix, and two causal convolutions."""

import numpy as np
import pytest
from hypothesis import given

from hyena_np import (
    bidirectional_conv,
    bidirectional_conv_backward,
    causal_conv_loop,
    toeplitz_two_sided,
    two_sided_filter,
)
from hyena_np.errors import DTypeError, ShapeError
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close


def case(id, B=2, D=3, L=7, Lh=7, skip=True):
    return Case(
        id,
        bidirectional_conv,
        bidirectional_conv_backward,
        lambda rng: (
            rng.standard_normal((B, D, L)),
            rng.standard_normal((D, Lh)),
            rng.standard_normal((D, Lh)),
            rng.standard_normal(D) if skip else None,
        ),
        linear_in=("0", "1", "2", "3") if skip else ("0", "1", "2"),
    )


def arguments(s):
    rng = s.rng
    return rng.standard_normal((s.B, s.D, s.L)), *rng.standard_normal((2, s.D, s.Lh))


class TestTwoSidedFilters:
    def test_entries_of_the_filter_follow_the_definition(self, library, rng):
        h, h_reverse = rng.standard_normal((2, 2, 4))
        k = two_sided_filter(library.asarray(h), library.asarray(h_reverse))
        assert library.owns(k)
        expected = np.zeros((2, 7))
        for lag in range(4):
            expected[:, 3 + lag] += h[:, lag]
            expected[:, 3 - lag] += h_reverse[:, lag]
        assert_close(library.to_numpy(k), expected, library.rtol)

    @pytest.mark.parametrize("L", [1, 3, 4, 6])
    def test_entries_of_the_matrix_follow_the_definition(self, library, rng, L):
        h, h_reverse = rng.standard_normal((2, 2, 4))
        S = toeplitz_two_sided(library.asarray(h), library.asarray(h_reverse), L)
        assert library.owns(S)
        expected = np.zeros((2, L, L))
        for i in range(L):
            for j in range(L):
                if 0 <= i - j < 4:
                    expected[:, i, j] += h[:, i - j]
                if 0 <= j - i < 4:
                    expected[:, i, j] += h_reverse[:, j - i]
        assert_close(library.to_numpy(S), expected, library.rtol)

    @pytest.mark.parametrize("op", [two_sided_filter, toeplitz_two_sided])
    def test_filters_of_two_shapes_are_refused(self, op):
        with pytest.raises(ShapeError, match=r"^h_reverse: got shape \(2, 3\), allowed is \(2, 4\)"):
            op(np.ones((2, 4)), np.ones((2, 3)))


class TestBidirectionalConv(LinearContract):
    cases = (
        case("as long"),
        case("no skip, shorter filter, even", L=8, Lh=3, skip=False),
        case("longer filter", B=1, L=5, Lh=9),
        case("ones", B=1, D=1, L=1, Lh=1),
    )

    @given(sizes())
    def test_equals_its_toeplitz_matrix(self, s):
        u, h, h_reverse = arguments(s)
        S = toeplitz_two_sided(h, h_reverse, s.L)
        assert_close(bidirectional_conv(u, h, h_reverse)[0], (S @ u[..., None])[..., 0], 1e-12)

    @given(sizes(longest=9))
    def test_is_a_causal_convolution_and_one_backward_in_time(self, s):
        u, h, h_reverse = arguments(s)
        future = causal_conv_loop(u[..., ::-1], h_reverse)[..., ::-1]
        assert_close(bidirectional_conv(u, h, h_reverse)[0], causal_conv_loop(u, h) + future, 1e-12)

    def test_reversing_time_exchanges_the_filters(self, rng):
        u, h, h_reverse, skip = self.cases[0].make(rng)
        mirrored, _ = bidirectional_conv(u[..., ::-1], h_reverse, h, skip)
        assert_close(bidirectional_conv(u, h, h_reverse, skip)[0], mirrored[..., ::-1], 1e-13)

    def test_a_zero_in_front_gives_the_form_in_which_lag_zero_counts_once(self, rng):
        """Both filters in one circle of 2L, the backward one from its last place on: the S4 code's form."""
        L = 6
        u, h, k = rng.standard_normal((2, 3, L)), rng.standard_normal((3, L)), rng.standard_normal((3, L))
        circle = np.concatenate([h, k[:, ::-1]], axis=1)
        theirs = np.fft.irfft(np.fft.rfft(u, 2 * L) * np.fft.rfft(circle), 2 * L)[..., :L]
        from_lag_one = np.concatenate([np.zeros((3, 1)), k[:, :-1]], axis=1)
        assert_close(bidirectional_conv(u, h, from_lag_one)[0], theirs, 1e-13)

    def test_the_official_form_adds_a_conjugate_spectrum(self, rng):
        L = 6
        u, h, k = rng.standard_normal((2, 3, L)), rng.standard_normal((3, L)), rng.standard_normal((3, L))
        spectrum = np.fft.rfft(h, 2 * L) + np.conj(np.fft.rfft(k, 2 * L))
        theirs = np.fft.irfft(np.fft.rfft(u, 2 * L) * spectrum, 2 * L)[..., :L]
        assert_close(bidirectional_conv(u, h, k)[0], theirs, 1e-13)

    def test_taps_past_the_signal_have_no_gradient(self, rng):
        u, h, h_reverse, skip = case("", L=4, Lh=9).make(rng)
        y, cache = bidirectional_conv(u, h, h_reverse, skip)
        for dh in bidirectional_conv_backward(rng.standard_normal(y.shape), cache)[1:3]:
            assert np.all(dh[:, 4:] == 0)
            assert np.all(dh[:, :4] != 0)

    def test_bad_input(self):
        u, h = np.ones((1, 2, 3)), np.ones((2, 3))
        with pytest.raises(ShapeError, match=r"^h_reverse: got shape \(2, 4\), allowed is \(2, 3\)"):
            bidirectional_conv(u, h, np.ones((2, 4)))
        with pytest.raises(ShapeError, match=r"^h: got 3 channels, allowed are the 2 of u"):
            bidirectional_conv(u, np.ones((3, 3)), np.ones((3, 3)))
        with pytest.raises(DTypeError, match=r"^h_reverse: got float32, but u is float64"):
            bidirectional_conv(u, h, h.astype(np.float32))
