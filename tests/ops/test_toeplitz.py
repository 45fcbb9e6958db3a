"""The slow references: a causal convolution by its definition, and as a lower-triangular Toeplitz matrix."""

import numpy as np
import pytest
from hypothesis import given

from hyena_np import causal_conv_loop, matrix_conv, matrix_conv_backward, toeplitz
from hyena_np.errors import DTypeError, LibraryMismatchError, ShapeError
from hyena_np.ops.toeplitz import _diagonal_sums, causal_conv_matrix, circulant
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close, inner


@pytest.mark.paper("eq. (1)")
class TestCausalConvLoop:
    def test_an_impulse_returns_the_filter(self, rng):
        h = rng.standard_normal((2, 5))
        u = np.zeros((1, 2, 5))
        u[..., 0] = 1.0
        np.testing.assert_array_equal(causal_conv_loop(u, h)[0], h)

    def test_a_hand_computed_example(self):
        u, h = np.array([[[1.0, 2.0, 3.0]]]), np.array([[10.0, 1.0]])
        np.testing.assert_array_equal(causal_conv_loop(u, h), [[[10.0, 21.0, 32.0]]])

    @given(sizes())
    def test_agrees_with_numpy_channel_by_channel(self, s):
        u, h = s.rng.standard_normal((s.B, s.D, s.L)), s.rng.standard_normal((s.D, s.Lh))
        y = causal_conv_loop(u, h)
        for b in range(s.B):
            for d in range(s.D):
                assert_close(y[b, d], np.convolve(u[b, d], h[d])[: s.L], 1e-13)

    def test_every_library_gives_the_same_numbers(self, library, rng):
        u, h = rng.standard_normal((2, 3, 7)), rng.standard_normal((3, 5))
        y = causal_conv_loop(library.asarray(u), library.asarray(h))
        assert library.owns(y)
        assert_close(library.to_numpy(y), causal_conv_loop(u, h), library.rtol)


@pytest.mark.paper("eq. (2)", "eq. (17)")
class TestToeplitz:
    @given(sizes())
    def test_entries_follow_the_definition(self, s):
        h = s.rng.standard_normal((s.D, s.Lh))
        S = toeplitz(h, s.L)
        assert S.shape == (s.D, s.L, s.L)
        for i in range(s.L):
            for j in range(s.L):
                expected = h[:, i - j] if 0 <= i - j < s.Lh else np.zeros(s.D)
                np.testing.assert_array_equal(S[:, i, j], expected)

    def test_the_size_is_the_filters_length_by_default(self, rng):
        assert toeplitz(rng.standard_normal((2, 6))).shape == (2, 6, 6)

    def test_is_linear_in_the_filter(self, rng):
        g, h = rng.standard_normal((2, 3, 6))
        assert_close(toeplitz(2.0 * g + h, 9), 2.0 * toeplitz(g, 9) + toeplitz(h, 9), 1e-15)

    def test_products_commute_because_convolution_does(self, rng):
        g, h = rng.standard_normal((2, 3, 8))
        assert_close(toeplitz(g) @ toeplitz(h), toeplitz(h) @ toeplitz(g), 1e-14)

    def test_every_library_gives_the_same_numbers(self, library, rng):
        h = rng.standard_normal((3, 5))
        S = toeplitz(library.asarray(h), 7)
        assert library.owns(S)
        np.testing.assert_array_equal(library.to_numpy(S), toeplitz(h.astype(library.dtype), 7))

    @pytest.mark.parametrize("L", [0, -1, 2.0, True])
    def test_a_size_that_is_no_positive_integer_is_refused(self, L):
        with pytest.raises(ShapeError, match=r"^L: got .*allowed"):
            toeplitz(np.ones((1, 3)), L)

    def test_a_filter_without_a_channel_axis_is_refused(self):
        with pytest.raises(ShapeError, match=r"^h: got shape \(3,\)"):
            toeplitz(np.ones(3))


@pytest.mark.paper("eq. (1)", "eq. (2)")
class TestCausalConvMatrix:
    @given(sizes())
    def test_equals_the_loop(self, s):
        u, h = s.rng.standard_normal((s.B, s.D, s.L)), s.rng.standard_normal((s.D, s.Lh))
        assert_close(causal_conv_matrix(u, h), causal_conv_loop(u, h), 1e-12)

    def test_every_library_gives_the_same_numbers(self, library, rng):
        u, h = rng.standard_normal((2, 3, 7)), rng.standard_normal((3, 9))
        y = causal_conv_matrix(library.asarray(u), library.asarray(h))
        assert library.owns(y)
        assert_close(library.to_numpy(y), causal_conv_loop(u, h), library.rtol)


def conv_case(id, linear_in=("0", "1", "2"), B=2, D=3, L=7, Lh=3, skip=True):
    def make(rng):
        u, h = rng.standard_normal((B, D, L)), rng.standard_normal((D, Lh))
        return (u, h, rng.standard_normal(D) if skip else None)

    return Case(id, matrix_conv, matrix_conv_backward, make, linear_in=linear_in)


class TestMatrixConvContract(LinearContract):
    cases = (
        conv_case("shorter filter"),
        conv_case("no skip", ("0", "1"), skip=False),
        conv_case("longer filter", L=5, Lh=12),
        conv_case("one sequence", B=1, L=4, Lh=4),
        conv_case("length 1", B=1, D=1, L=1, Lh=1),
        conv_case("length 1, longer filter", L=1, Lh=4),
        conv_case("length 2", D=1, L=2, Lh=2),
    )


class TestMatrixConv:
    @given(sizes())
    def test_equals_the_loop_and_the_product(self, s):
        u, h, skip = (s.rng.standard_normal(shape) for shape in ((s.B, s.D, s.L), (s.D, s.Lh), s.D))
        y, _ = matrix_conv(u, h, skip)
        assert_close(y, causal_conv_loop(u, h) + skip[:, None] * u, 1e-12)
        assert_close(matrix_conv(u, h)[0], causal_conv_matrix(u, h), 1e-12)

    @given(sizes())
    def test_the_gradient_of_the_filter_by_its_definition(self, s):
        u, dy, h = *s.rng.standard_normal((2, s.B, s.D, s.L)), s.rng.standard_normal((s.D, s.Lh))
        du, dh, dskip = matrix_conv_backward(dy, matrix_conv(u, h)[1])
        expected = np.zeros((s.D, s.Lh))
        for k in range(min(s.L, s.Lh)):
            expected[:, k] = np.sum(dy[..., k:] * u[..., : s.L - k], axis=(0, 2))
        assert_close(dh, expected, 1e-12)
        assert_close(du, causal_conv_loop(dy[..., ::-1], h)[..., ::-1], 1e-12)
        assert dskip is None

    @pytest.mark.parametrize("L", [1, 2, 3, 8])
    def test_sums_along_diagonals_are_the_adjoint_of_the_matrix(self, L, rng):
        G, h = rng.standard_normal((2, L, L)), rng.standard_normal((2, L))
        sums = _diagonal_sums(G)
        expected = [np.trace(G, offset=-k, axis1=1, axis2=2) for k in range(L)]
        assert_close(sums, np.stack(expected, axis=1), 1e-14)
        assert abs(inner(toeplitz(h), G) - inner(h, sums)) < 1e-12

    def test_keeps_its_dtype(self, rng):
        u, h = rng.standard_normal((2, 3, 40)), rng.standard_normal((3, 40))
        y, cache = matrix_conv(u.astype(np.float32), h.astype(np.float32))
        assert y.dtype == cache.S.dtype == np.float32
        assert_close(y, causal_conv_loop(u, h), 1e-6)

    def test_a_skip_term_that_does_not_fit_is_refused(self):
        with pytest.raises(ShapeError, match=r"^skip: got shape \(3,\), allowed is \(2,\)"):
            matrix_conv(np.ones((1, 2, 3)), np.ones((2, 3)), np.ones(3))


class TestCirculant:
    def test_entries_follow_the_definition(self, rng):
        h = rng.standard_normal((2, 5))
        C = circulant(h)
        assert all((C[:, i, j] == h[:, (i - j) % 5]).all() for i in range(5) for j in range(5))

    @pytest.mark.paper("eq. (20)")
    @pytest.mark.parametrize("n", [1, 6, 7])
    def test_fourier_modes_are_eigenvectors_and_the_transform_their_eigenvalues(self, rng, n):
        h = rng.standard_normal((2, n))
        modes = np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n)  # one mode a column
        assert_close(circulant(h) @ modes, modes * np.fft.fft(h)[:, None, :], 1e-12)

    def test_with_a_padded_filter_its_corner_is_the_toeplitz_matrix(self, rng):
        L = 6
        h = rng.standard_normal((2, L))
        padded = np.concatenate([h, np.zeros((2, L - 1))], axis=1)
        np.testing.assert_array_equal(circulant(padded)[:, :L, :L], toeplitz(h))

    def test_one_sample_less_of_padding_wraps_around(self, rng):
        L = 6
        h = rng.standard_normal((2, L))
        short = np.concatenate([h, np.zeros((2, L - 2))], axis=1)
        wrapped = circulant(short)[:, :L, :L] - toeplitz(h)
        np.testing.assert_array_equal(np.argwhere(wrapped[0]), [[0, L - 1]])

    def test_every_library_gives_the_same_numbers(self, library, rng):
        h = rng.standard_normal((3, 5))
        C = circulant(library.asarray(h))
        assert library.owns(C)
        np.testing.assert_array_equal(library.to_numpy(C), circulant(h.astype(library.dtype)))


@pytest.mark.parametrize("conv", [causal_conv_loop, causal_conv_matrix, matrix_conv])
class TestBadInput:
    def test_wrong_number_of_axes(self, conv):
        with pytest.raises(ShapeError, match=r"^u: got shape \(2, 3\), allowed is \(B, D, L\)"):
            conv(np.ones((2, 3)), np.ones((2, 3)))

    def test_channels_that_do_not_fit(self, conv):
        with pytest.raises(ShapeError, match=r"^h: got 4 channels"):
            conv(np.ones((1, 3, 5)), np.ones((4, 5)))

    @pytest.mark.parametrize(("L", "Lh"), [(0, 3), (3, 0)])
    def test_nothing_to_convolve(self, conv, L, Lh):
        with pytest.raises(ShapeError, match=r"lengths"):
            conv(np.ones((1, 2, L)), np.ones((2, Lh)))

    def test_integers(self, conv):
        with pytest.raises(DTypeError, match=r"^u: got dtype int64"):
            conv(np.ones((1, 2, 3), dtype=int), np.ones((2, 3)))

    def test_two_dtypes(self, conv):
        with pytest.raises(DTypeError, match=r"^h: got float32, but u is float64"):
            conv(np.ones((1, 2, 3)), np.ones((2, 3), dtype=np.float32))

    def test_a_list(self, conv):
        with pytest.raises(LibraryMismatchError, match=r"^h: got list"):
            conv(np.ones((1, 2, 3)), [[1.0, 2.0], [3.0, 4.0]])
