"""The FFT as small matrix products: the right numbers in the promised order, and no product too many."""

import contextlib
import functools
import itertools
import math

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, strategies as st

from hyena_np import (
    MonarchTables,
    causal_conv_loop,
    fftconv,
    fftconv_backward,
    monarch_conv,
    monarch_conv_backward,
    monarch_factors,
    monarch_fft,
    monarch_ifft,
    monarch_order,
    monarch_tables,
    toeplitz,
)
from hyena_np.backend import namespace
from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ShapeError
from hyena_np.ops import monarch as monarch_module
from hyena_np.ops.toeplitz import causal_conv_matrix
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close, check_adjoint, check_autograd

some_factors = st.lists(st.integers(1, 6), min_size=2, max_size=4).map(tuple)


def complex_normal(rng, shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def permuted(spectrum, factors):
    """A spectrum in natural order, put into the documented order by its index map, one entry at a time."""
    strides = [math.prod(factors[:i]) for i in range(len(factors))]  # 1, N1, N1 N2, ...
    frequencies = [
        sum(k * stride for k, stride in zip(digits, strides, strict=True))
        for digits in itertools.product(*map(range, factors))
    ]
    return spectrum[..., frequencies]


@pytest.fixture
def products(monkeypatch):
    """Multiplications of every matrix product that NumPy does from here on."""
    numpy, counted = namespace(x=np.ones(1)), []
    matmul = numpy.matmul

    def counting(a, b):
        product = matmul(a, b)
        counted.append(product.size * a.shape[-1])
        return product

    monkeypatch.setattr(numpy, "matmul", counting)
    return counted


class TestMonarchFactors:
    def test_is_the_shortest_power_of_two_in_balanced_factors(self):
        for length in (*range(1, 300), 4096, 4097, 65536, 65537, 1 << 21):
            factors = monarch_factors(length)
            n = math.prod(factors)
            assert n >= length > n // 2
            assert max(factors) <= 2 * min(factors)
            assert list(factors) == sorted(factors, reverse=True)
            assert len(factors) == (2 if n <= 4096 else 3)

    @pytest.mark.parametrize("length", [0, -3, 2.0, True])
    def test_no_length(self, length):
        with pytest.raises(ConfigError, match=r"^length: got .*, allowed are integers >= 1"):
            monarch_factors(length)


class TestMonarchOrder:
    @given(some_factors)
    def test_follows_the_index_map(self, factors):
        n = math.prod(factors)
        np.testing.assert_array_equal(monarch_order(factors), permuted(np.arange(n), factors))

    @given(some_factors)
    def test_the_factors_in_reverse_undo_it(self, factors):
        n = math.prod(factors)
        there, back = monarch_order(factors), monarch_order(factors[::-1])
        np.testing.assert_array_equal(there[back], np.arange(n))

    def test_lives_on_the_device_of_its_reference(self, library):
        order = monarch_order((2, 3), library.asarray([1.0]))
        np.testing.assert_array_equal(library.to_numpy(order), [0, 2, 4, 1, 3, 5])

    @pytest.mark.parametrize("factors", [(), (4,), (2, 0), (2, 2.0), (2, True), 4, None])
    def test_no_factors(self, factors):
        with pytest.raises(ConfigError, match=r"^factors: got .*, allowed are two or more integers >= 1"):
            monarch_order(factors)


class TestMonarchTables:
    def test_matrices_are_unitary_up_to_their_size(self):
        for N, F in zip((5, 8, 3), monarch_tables((5, 8, 3), np.ones(1)).dft, strict=True):
            assert_close(F @ F.conj(), N * np.eye(N), 1e-14)

    def test_twiddles_are_exact_for_large_lengths(self):
        N, M = 3, 1 << 19
        twiddle = monarch_tables((N, M // 512, 512), np.ones(1)).twiddles[0]
        k, j = N - 1, np.arange(M - 5, M)
        assert_close(twiddle[k, j], np.exp(-2j * np.pi * (k * j % (N * M)) / (N * M)), 1e-15)

    def test_one_over_n_is_folded_into_the_first_inverse_twiddle(self):
        tables = monarch_tables((2, 3, 4), np.ones(1))
        assert_close(tables.inverse_twiddles[0], tables.twiddles[0].conj() / 24, 1e-15)
        np.testing.assert_array_equal(tables.inverse_twiddles[1], tables.twiddles[1].conj())

    @given(some_factors)
    def test_the_mirror_finds_the_negative_frequency(self, factors):
        n, k = math.prod(factors), monarch_order(factors)
        mirror = monarch_tables(factors, np.ones(1)).mirror
        np.testing.assert_array_equal(k[mirror], -k % n)

    def test_every_library_gets_them_in_its_precision(self, library):
        tables = monarch_tables((3, 2, 2), library.asarray([1.0]))
        expected = monarch_tables((3, 2, 2), np.ones(1))
        kind = getattr(library.xp, "complex64" if library.dtype == "float32" else "complex128")
        for name in ("dft", "twiddles", "inverse_twiddles"):
            for theirs, ours in zip(getattr(tables, name), getattr(expected, name), strict=True):
                assert theirs.dtype == kind
                assert_close(library.to_numpy(theirs), ours, library.rtol)


class TestMonarchFft:
    @given(some_factors, st.booleans(), st.integers(0, 2**32 - 1), st.data())
    def test_is_the_transform_in_permuted_order(self, factors, real, seed, data):
        n, rng = math.prod(factors), np.random.default_rng(seed)
        length = data.draw(st.integers(1, n))
        x = rng.standard_normal((2, length)) if real else complex_normal(rng, (2, length))
        X = monarch_fft(x, factors)
        assert X.dtype == np.complex128
        assert_close(X, permuted(scipy.fft.fft(x, n), factors), 1e-13)
        natural = np.take(X, monarch_order(factors[::-1]), axis=-1)
        assert_close(natural, scipy.fft.fft(x, n), 1e-13)

    @given(some_factors, st.integers(0, 2**32 - 1), st.data())
    def test_the_inverse_takes_the_order_as_it_is(self, factors, seed, data):
        n, rng = math.prod(factors), np.random.default_rng(seed)
        length = data.draw(st.integers(1, n))
        X = complex_normal(rng, (2, n))
        x = monarch_ifft(permuted(X, factors), factors, length)
        assert x.base is None or x.base.size == x.size
        assert_close(x, scipy.fft.ifft(X)[:, :length], 1e-12)

    def test_takes_any_number_of_axes_in_front(self, rng):
        x = rng.standard_normal((2, 3, 1, 12))
        X = monarch_fft(x, (4, 3))
        assert X.shape == x.shape
        np.testing.assert_allclose(X[1, 2, 0], monarch_fft(x[1, 2, 0], (4, 3)), rtol=1e-14)
        assert_close(monarch_ifft(X, (4, 3)), x, 1e-14)

    def test_every_library_gives_the_same_numbers(self, library, rng):
        x, factors = rng.standard_normal((2, 11)), (3, 2, 4)
        X = monarch_fft(library.asarray(x), factors)
        back = monarch_ifft(X, factors, 11)
        kind = getattr(library.xp, "complex64" if library.dtype == "float32" else "complex128")
        assert X.dtype == back.dtype == kind
        assert_close(library.to_numpy(X), monarch_fft(x, factors), library.rtol)
        assert_close(library.to_numpy(back), x, library.rtol)

    def test_the_adjoint_is_n_times_the_inverse(self, rng):
        factors, length = (3, 2, 4), 11
        x, dY = complex_normal(rng, length), complex_normal(rng, 24)
        there = np.vdot(dY, monarch_fft(x, factors))
        back = np.vdot(24 * monarch_ifft(dY, factors, length), x)
        assert abs(there - back) <= 1e-14 * np.linalg.norm(dY) * np.linalg.norm(monarch_fft(x, factors))

    def test_is_differentiable(self, rng):
        """By PyTorch's autograd through the products, against the adjoint above."""

        def forward(x):
            xp = namespace(x=x)
            X = monarch_fft(x, (3, 5))
            return xp.stack([xp.real(X), xp.imag(X)]), None

        def backward(dy, _):
            return 15 * monarch_ifft(dy[0] + 1j * dy[1], (3, 5), 11).real

        check_autograd(forward, backward, (rng.standard_normal((2, 11)),), rng)

    def test_float32_is_as_exact_as_float32_can_be(self, rng):
        x = rng.standard_normal((3, 1000))
        single = monarch_fft(x.astype(np.float32), (32, 32))
        assert single.dtype == np.complex64
        assert_close(single, monarch_fft(x, (32, 32)), 1e-6)

    @pytest.mark.parametrize("factors", [(16, 16), (32, 32), (3, 5), (16, 64), (4, 8, 2)])
    def test_costs_n_times_the_sum_of_the_factors(self, factors, products):
        n = math.prod(factors)
        monarch_fft(np.ones(n), factors)
        assert sum(products) == n * sum(factors)

    @pytest.mark.parametrize("factors", [(16, 16), (4, 8, 2)])
    def test_half_a_signal_costs_half_a_first_stage(self, factors, products):
        n = math.prod(factors)
        half = n * (factors[0] // 2 + sum(factors[1:]))
        monarch_fft(np.ones(n // 2), factors)
        assert sum(products) == half
        products.clear()
        monarch_ifft(np.ones(n) + 0j, factors, n // 2)
        assert sum(products) == half

    @pytest.mark.parametrize("shape", [(0,), (2, 13), ()])
    def test_a_signal_that_does_not_fit(self, shape):
        with pytest.raises(ShapeError, match=r"^x: got shape \(.*\), allowed are 1 to 12 samples"):
            monarch_fft(np.ones(shape), (3, 4))

    @pytest.mark.parametrize("shape", [(11,), (2, 13), ()])
    def test_a_spectrum_that_does_not_fit(self, shape):
        with pytest.raises(ShapeError, match=r"^X: got shape \(.*\), allowed are 12 frequencies"):
            monarch_ifft(np.ones(shape), (3, 4))

    @pytest.mark.parametrize("length", [0, 13, 1.0])
    def test_a_length_that_does_not_fit(self, length):
        with pytest.raises(ConfigError, match=r"^length: got "):
            monarch_ifft(np.ones(12), (3, 4), length)

    def test_bad_types(self):
        with pytest.raises(DTypeError, match=r"^x: got dtype int64"):
            monarch_fft(np.ones(4, dtype=int), (2, 2))
        with pytest.raises(LibraryMismatchError, match=r"^x: got list"):
            monarch_fft([1.0], (2, 2))
        tables = monarch_tables((2, 2), np.ones(1))
        with pytest.raises(DTypeError, match=r"^x: got complex64, but tables is complex128"):
            monarch_fft(np.ones(4, dtype=np.float32), tables)
        strict = pytest.importorskip("array_api_strict")
        with pytest.raises(LibraryMismatchError, match=r"^X: got an array of array_api_strict"):
            monarch_ifft(strict.ones(4), tables)


def arguments(B=2, D=3, L=7, Lh=7, skip=True):
    def make(rng):
        u, h = rng.standard_normal((B, D, L)), rng.standard_normal((D, Lh))
        return (u, h, rng.standard_normal(D) if skip else None)

    return make


def case(id, linear_in=("0", "1", "2"), factors=None, **sizes):
    forward = functools.partial(monarch_conv, factors=factors)
    return Case(id, forward, monarch_conv_backward, arguments(**sizes), linear_in=linear_in)


CASES = (
    case("pairs of rows"),
    case("pairs of channels", B=3, D=4),
    case("one channel too many", B=1, D=3),
    case("pairs of rows, three factors", D=2, factors=(4, 2, 3)),
    case("pairs of channels, three factors", B=1, D=2, factors=(3, 2, 3)),
    case("four factors", B=1, factors=(2, 2, 2, 2)),
    case("no skip", ("0", "1"), skip=False),
    case("no skip, one channel too many", ("0", "1"), B=1, D=1, skip=False),
    case("shorter filter", Lh=3, factors=(3, 5)),
    case("longer filter", B=1, Lh=12),
    case("length 1", B=1, D=1, L=1, Lh=1),
    case("length 1, longer filter", L=1, Lh=4),
    case("prime", D=1, L=31, Lh=31),
)


class TestMonarchConv(LinearContract):
    cases = CASES

    @given(sizes(), st.lists(st.integers(1, 5), min_size=1, max_size=3))
    def test_equals_the_toeplitz_product(self, s, first):
        u, h = s.rng.standard_normal((s.B, s.D, s.L)), s.rng.standard_normal((s.D, s.Lh))
        shortest = s.L + min(s.L, s.Lh) - 1
        for factors in (None, (*first, -(-shortest // math.prod(first)))):
            y, _ = monarch_conv(u, h, factors=factors)
            assert y.shape == u.shape
            assert_close(y, causal_conv_matrix(u, h), 1e-12)
            assert_close(y, causal_conv_loop(u, h), 1e-12)

    @given(sizes())
    def test_backward_multiplies_with_the_transposed_toeplitz_matrix(self, s):
        rng = s.rng
        u, h, dy = (rng.standard_normal(shape) for shape in ((s.B, s.D, s.L), (s.D, s.Lh), (s.B, s.D, s.L)))
        du, dh, dskip = monarch_conv_backward(dy, monarch_conv(u, h)[1])
        assert dskip is None
        transposed = np.swapaxes(toeplitz(h, s.L), -1, -2)
        assert_close(du, (transposed @ dy[..., None])[..., 0], 1e-12)
        expected = np.zeros((s.D, s.Lh))
        for k in range(min(s.L, s.Lh)):
            expected[:, k] = np.sum(dy[..., k:] * u[..., : s.L - k], axis=(0, 2))
        assert_close(dh, expected, 1e-12)

    @given(sizes())
    def test_is_fftconv(self, s):
        rng = s.rng
        u, h, skip = (rng.standard_normal(shape) for shape in ((s.B, s.D, s.L), (s.D, s.Lh), s.D))
        (y, cache), (expected, reference) = monarch_conv(u, h, skip), fftconv(u, h, skip)
        assert_close(y, expected, 1e-12)
        dy = rng.standard_normal(y.shape)
        pairs = zip(monarch_conv_backward(dy, cache), fftconv_backward(dy, reference), strict=True)
        for gradient, expected in pairs:
            assert_close(gradient, expected, 1e-12)

    @pytest.mark.parametrize("factors", [(16, 16), (32, 32), (16, 64), (8, 4, 8)])
    @pytest.mark.parametrize("B", [1, 2])
    def test_usual_factors(self, rng, factors, B):
        L = math.prod(factors) // 2
        u, h = rng.standard_normal((B, 2, L)), rng.standard_normal((2, L))
        assert_close(monarch_conv(u, h, factors=factors)[0], fftconv(u, h)[0], 1e-12)

    @given(sizes(), st.data())
    def test_nothing_before_a_change_moves(self, s, data):
        t = data.draw(st.integers(0, s.L - 1))
        rng = s.rng
        u, h = rng.standard_normal((s.B, s.D, s.L)), rng.standard_normal((s.D, s.Lh))
        v = u.copy()
        v[..., t] += 1e3
        moved = np.abs(monarch_conv(v, h)[0] - monarch_conv(u, h)[0])
        assert np.max(moved[..., :t], initial=0.0) < 1e-9
        assert_close(moved[..., t], np.broadcast_to(1e3 * np.abs(h[:, 0]), (s.B, s.D)), 1e-9)

    @pytest.mark.parametrize("B", [1, 2])
    def test_the_two_signals_of_a_pair_do_not_hear_each_other(self, rng, B):
        """A million times as loud, the other one is heard as rounding, and no louder."""
        u, h = rng.standard_normal((B, 2, 9)), rng.standard_normal((2, 9))
        loud = u.copy()
        quiet = (0, 0)
        loud[(1, 0) if B == 2 else (0, 1)] *= 1e6
        assert_close(monarch_conv(loud, h)[0][quiet], causal_conv_loop(u, h)[quiet], 1e-8)

    @pytest.mark.parametrize("B", [1, 2])
    def test_float32_is_as_exact_as_float32_can_be(self, rng, B):
        u, h = rng.standard_normal((B, 3, 501)), rng.standard_normal((3, 501))
        for factors in (None, (16, 8, 8)):
            y, _ = monarch_conv(u.astype(np.float32), h.astype(np.float32), factors=factors)
            assert y.dtype == np.float32
            assert_close(y, fftconv(u, h)[0], 1e-6)

    def test_tables_made_once_give_the_same_bits(self, rng):
        u, h, skip = arguments()(rng)
        tables = monarch_tables((4, 4), u)
        y, cache = monarch_conv(u, h, skip, tables)
        np.testing.assert_array_equal(y, monarch_conv(u, h, skip, (4, 4))[0])
        assert cache.tables is tables


class TestNothingIsMultipliedInVain:
    @pytest.mark.parametrize(
        ("B", "D", "transforms"), [(2, 1, 3), (2, 2, 5), (4, 2, 9), (1, 2, 3), (3, 4, 14), (1, 1, 3)]
    )
    def test_two_signals_a_transform_and_half_a_first_stage(self, products, B, D, transforms):
        factors, L = (8, 4), 16
        one = 32 * (8 // 2 + 4)  # half of the first factor, all of the second
        y, cache = monarch_conv(np.ones((B, D, L)), np.ones((D, L)), None, factors)
        assert sum(products) == transforms * one
        products.clear()
        monarch_conv_backward(y, cache)  # dy, du and dh instead of u, y and h
        assert sum(products) == transforms * one

    @pytest.mark.parametrize("factors", [(8, 4), (4, 2, 4)])
    @pytest.mark.parametrize("B", [1, 2])
    def test_the_quarter_of_the_first_matrix_that_belongs_to_padding_is_never_read(self, rng, factors, B):
        L, rows = math.prod(factors) // 2, factors[0] // 2
        u, h = rng.standard_normal((B, 2, L)), rng.standard_normal((2, L))
        clean = monarch_tables(factors, u)
        first = clean.dft[0].copy()
        first[rows:, rows:] = np.nan
        poisoned = clean._replace(dft=(first, *clean.dft[1:]))
        with np.errstate(invalid="ignore"):
            assert np.any(np.isnan(monarch_fft(np.ones(2 * L), poisoned)))  # it is poison
            assert np.any(np.isnan(monarch_ifft(np.ones(2 * L), poisoned)))
        (y, cache), (clean_y, clean_cache) = (
            monarch_conv(u, h, None, tables) for tables in (poisoned, clean)
        )
        assert_close(y, causal_conv_loop(u, h), 1e-12)
        np.testing.assert_array_equal(y, clean_y)
        both = (monarch_conv_backward(u, c)[:2] for c in (cache, clean_cache))
        for gradient, clean_gradient in zip(*both, strict=True):
            np.testing.assert_array_equal(gradient, clean_gradient)

    def test_no_frequency_is_put_in_order(self, rng, monkeypatch):
        """Rows of the batch in pairs need one permutation alone, to take the filters' spectra apart."""
        numpy, taken = namespace(x=np.ones(1)), []
        take = numpy.take

        def counting(x, indices, axis):
            taken.append((x.shape, indices))
            return take(x, indices, axis=axis)

        u, h = rng.standard_normal((4, 2, 7)), rng.standard_normal((2, 7))
        tables = monarch_tables((4, 4), u)
        monkeypatch.setattr(numpy, "take", counting)
        monarch_conv(u, h, None, tables)
        assert [shape for shape, _ in taken] == [(1, 16)]
        assert taken[0][1] is tables.mirror


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
            monarch_conv(u, h, skip)

    def test_dtypes(self):
        with pytest.raises(DTypeError, match=r"^u: got dtype int64"):
            monarch_conv(self.u.astype(int), self.h)
        with pytest.raises(DTypeError, match=r"^skip: got float32, but u is float64"):
            monarch_conv(self.u, self.h, np.ones(2, dtype=np.float32))
        with pytest.raises(DTypeError, match=r"^u: got dtype complex128"):
            monarch_conv(self.u.astype(complex), self.h.astype(complex))

    def test_two_libraries(self):
        strict = pytest.importorskip("array_api_strict")
        with pytest.raises(LibraryMismatchError, match=r"^h: got an array of array_api_strict, but u is of"):
            monarch_conv(self.u, strict.asarray(self.h))

    def test_a_transform_that_would_wrap_around(self):
        with pytest.raises(ConfigError, match=r"^factors: got \(2, 2\), allowed are products >= 5"):
            monarch_conv(self.u, self.h, factors=(2, 2))
        monarch_conv(self.u, self.h, factors=(1, 5))

    def test_no_factors(self):
        with pytest.raises(ConfigError, match=r"^factors: got \(8,\), allowed are two or more"):
            monarch_conv(self.u, self.h, factors=(8,))

    def test_tables_of_another_precision(self):
        tables = monarch_tables((2, 4), np.ones(1, dtype=np.float32))
        assert isinstance(tables, MonarchTables)
        with pytest.raises(DTypeError, match=r"^u: got complex128, but tables is complex64"):
            monarch_conv(self.u, self.h, factors=tables)

    def test_a_cotangent_that_does_not_fit(self):
        _, cache = monarch_conv(self.u, self.h)
        with pytest.raises(ShapeError, match=r"^dy: got shape \(1, 2, 4\)"):
            monarch_conv_backward(np.ones((1, 2, 4)), cache)


# --- planted faults -----------------------------------------------------------------------------------------


def with_twiddles(change, inverse_change=lambda twiddle: twiddle):
    """`monarch_tables` whose twiddles have been changed."""

    def make(factors, reference):
        tables = monarch_tables(factors, reference)
        return tables._replace(
            twiddles=tuple(map(change, tables.twiddles)),
            inverse_twiddles=tuple(map(inverse_change, tables.inverse_twiddles)),
        )

    return make


def missing(twiddle):
    return np.full_like(twiddle, np.abs(twiddle[0, 0]))


WRONG_TABLES = {
    "conjugated forwards": with_twiddles(np.conj),
    "conjugated both ways": with_twiddles(np.conj, np.conj),
    "missing forwards": with_twiddles(missing),
    "missing both ways": with_twiddles(missing, missing),
    "without 1/n": with_twiddles(lambda T: T, lambda T: T / np.abs(T[0, 0])),
}


@contextlib.contextmanager
def caught(match=r"relative error"):
    """What is inside fails, as a failed comparison and not by accident."""
    with pytest.raises(AssertionError, match=match):
        yield


class TestPlantedFaults:
    """Each mistake is found by the comparison with the loop, for pairs of rows and for pairs of channels."""

    @pytest.fixture(params=[1, 2], ids=["pairs of channels", "pairs of rows"])
    def compare(self, request, rng):
        u, h = rng.standard_normal((request.param, 2, 7)), rng.standard_normal((2, 7))

        def compare(factors=(4, 4)):
            assert_close(monarch_conv(u, h, factors=factors)[0], causal_conv_loop(u, h), 1e-12)

        compare()  # nothing is planted yet
        return compare

    @pytest.mark.parametrize("factors", [(4, 4), (2, 2, 4)])
    @pytest.mark.parametrize("fault", WRONG_TABLES)
    def test_wrong_twiddles(self, compare, fault, factors):
        with caught():
            compare(WRONG_TABLES[fault](factors, np.ones(1)))

    @pytest.mark.parametrize("fault", [fault for fault in WRONG_TABLES if fault != "without 1/n"])
    def test_wrong_twiddles_are_no_fourier_transform(self, fault, rng):
        x = rng.standard_normal(16)
        with caught():
            assert_close(
                monarch_fft(x, WRONG_TABLES[fault]((4, 4), x)), permuted(scipy.fft.fft(x), (4, 4)), 1e-13
            )

    def test_a_permutation_undone_on_one_side_only(self, compare, monkeypatch):
        filter_spectra = monarch_module._filter_spectra
        monkeypatch.setattr(
            monarch_module,
            "_filter_spectra",
            lambda h, tables: np.take(
                filter_spectra(h, tables), monarch_order(tables.factors[::-1]), axis=-1
            ),
        )
        with caught():
            compare((8, 2))

    def test_a_mirror_that_forgets_the_sign_of_the_frequency(self, compare):
        tables = monarch_tables((4, 4), np.ones(1))
        with caught():
            compare(tables._replace(mirror=np.arange(16)))

    def test_a_mirror_in_natural_order(self, compare):
        tables = monarch_tables((8, 2), np.ones(1))
        with caught():
            compare(tables._replace(mirror=-np.arange(16) % 16))

    def test_the_first_filter_for_both_channels(self, monkeypatch, rng):
        def multiply(z_f, h_f, mirror, axis):
            return z_f * h_f[0::2]

        monkeypatch.setattr(monarch_module, "_multiply", multiply)
        u, h = rng.standard_normal((1, 2, 7)), rng.standard_normal((2, 7))
        with caught():
            assert_close(monarch_conv(u, h)[0], causal_conv_loop(u, h), 1e-12)

    def test_a_half_that_is_skipped_though_it_is_not_zero(self, monkeypatch, rng):
        forward = monarch_module._forward
        monkeypatch.setattr(monarch_module, "_forward", lambda x, *tables: forward(x[..., :4], *tables))
        u, h = rng.standard_normal((2, 2, 7)), rng.standard_normal((2, 7))
        with caught():
            assert_close(monarch_conv(u, h, factors=(4, 4))[0], causal_conv_loop(u, h), 1e-12)

    @pytest.mark.parametrize("B", [1, 2])
    def test_a_filter_gradient_without_its_conjugate(self, B, monkeypatch, rng):
        gradient = monarch_module._filter_gradient
        monkeypatch.setattr(
            monarch_module, "_filter_gradient", lambda dy_f, u_f, *rest: gradient(dy_f, np.conj(u_f), *rest)
        )
        with caught(match=r"adjoint of argument 1"):
            check_adjoint(monarch_conv, monarch_conv_backward, arguments(B)(rng), rng, ("0", "1", "2"))

    @pytest.mark.parametrize("B", [1, 2])
    def test_a_signal_gradient_without_its_conjugate(self, B, rng):
        def backward(dy, cache):
            return monarch_conv_backward(dy, cache._replace(h_f=np.conj(cache.h_f)))

        with caught(match=r"adjoint of argument 0"):
            check_adjoint(monarch_conv, backward, arguments(B)(rng), rng, ("0", "1", "2"))
