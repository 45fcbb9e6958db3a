"""Convolutions by blocks equal the convolution of the whole, for every length, filter and block."""

import contextlib
import functools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyena_np import (
    causal_conv_loop,
    fftconv,
    fftconv_backward,
    overlap_add,
    overlap_add_backward,
    overlap_save,
    overlap_save_backward,
    toeplitz,
    two_stage_conv,
    two_stage_conv_backward,
)
from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ShapeError
from hyena_np.ops import blockconv as blockconv_module
from hyena_np.ops.blockconv import _add_frames, _diagonal_sums, _frames, _lag_matrix
from hyena_np.ops.toeplitz import causal_conv_matrix
from support.contract import Case, LinearContract
from support.draws import sizes
from support.gradients import assert_close, check_adjoint, inner

BACKWARD = {
    overlap_add: overlap_add_backward,
    overlap_save: overlap_save_backward,
    two_stage_conv: two_stage_conv_backward,
}
every_form = pytest.mark.parametrize("conv", BACKWARD, ids=lambda conv: conv.__name__)
with_fft = pytest.mark.parametrize("conv", [overlap_add, overlap_save], ids=lambda conv: conv.__name__)
blocks = st.none() | st.integers(1, 20)


def arguments(B=2, D=3, L=7, Lh=3, skip=True):
    def make(rng):
        u, h = rng.standard_normal((B, D, L)), rng.standard_normal((D, Lh))
        return (u, h, rng.standard_normal(D) if skip else None)

    return make


def case(id, conv, linear_in=("0", "1", "2"), block=None, **sizes):
    forward = functools.partial(conv, block=block)
    return Case(id, forward, BACKWARD[conv], arguments(**sizes), linear_in=linear_in)


def cases(conv):
    """For every form: blocks that do and do not divide the length, one block, blocks as short as can be."""
    yield case("default block", conv)
    yield case("no skip", conv, ("0", "1"), skip=False, block=3)
    yield case("block divides", conv, L=8, block=4)
    yield case("block does not divide", conv, L=8, block=3)
    yield case("shortest for two blocks", conv, L=11, Lh=5, block=4)
    yield case("one block", conv, block=7)
    yield case("block longer than the signal", conv, B=1, block=50)
    yield case("one tap", conv, Lh=1, block=1)
    yield case("longer filter", conv, D=1, L=5, Lh=12, block=4)
    yield case("length 1", conv, B=1, D=1, L=1, Lh=1)
    yield case("length 1, longer filter", conv, L=1, Lh=4, block=1)


def cases_with_long_filters(conv):
    """For the two with an FFT: filters that reach over many blocks."""
    yield case("two blocks back", conv, L=9, Lh=4, block=2)
    yield case("blocks of one position", conv, L=5, Lh=4, block=1)
    yield case("no skip, two blocks back", conv, ("0", "1"), B=1, L=7, Lh=7, block=3, skip=False)


class TestOverlapAdd(LinearContract):
    cases = (*cases(overlap_add), *cases_with_long_filters(overlap_add))


class TestOverlapSave(LinearContract):
    cases = (*cases(overlap_save), *cases_with_long_filters(overlap_save))


class TestTwoStageConv(LinearContract):
    cases = tuple(cases(two_stage_conv))


def draw(s, block, conv):
    """Arrays of these sizes, and the block, for two matrices made as long as they ask for."""
    if conv is two_stage_conv and block is not None:
        block = max(block, min(s.L, s.Lh) - 1)
    rng = s.rng
    shapes = (s.B, s.D, s.L), (s.D, s.Lh), s.D, (s.B, s.D, s.L)
    return *(rng.standard_normal(shape) for shape in shapes), block


@every_form
class TestEveryForm:
    @given(s=sizes(), block=blocks)
    def test_equals_the_toeplitz_product(self, conv, s, block):
        u, h, skip, _, block = draw(s, block, conv)
        y, _ = conv(u, h, skip, block)
        expected = causal_conv_matrix(u, h) + skip[:, None] * u
        assert y.shape == u.shape
        assert_close(y, expected, 1e-12)
        assert_close(y, causal_conv_loop(u, h) + skip[:, None] * u, 1e-12)

    @given(s=sizes(), block=blocks)
    def test_backward_multiplies_with_the_transposed_toeplitz_matrix(self, conv, s, block):
        u, h, _, dy, block = draw(s, block, conv)
        du, dh, dskip = BACKWARD[conv](dy, conv(u, h, block=block)[1])
        assert dskip is None
        transposed = np.swapaxes(toeplitz(h, s.L), -1, -2)
        assert_close(du, (transposed @ dy[..., None])[..., 0], 1e-12)
        expected = np.zeros((s.D, s.Lh))
        for k in range(min(s.L, s.Lh)):
            expected[:, k] = np.sum(dy[..., k:] * u[..., : s.L - k], axis=(0, 2))
        assert_close(dh, expected, 1e-12)
        assert np.all(dh[:, s.L :] == 0)

    @given(s=sizes(), block=blocks)
    def test_is_fftconv(self, conv, s, block):
        u, h, skip, dy, block = draw(s, block, conv)
        (y, cache), (expected, reference) = conv(u, h, skip, block), fftconv(u, h, skip)
        assert_close(y, expected, 1e-12)
        pairs = zip(BACKWARD[conv](dy, cache), fftconv_backward(dy, reference), strict=True)
        for gradient, expected in pairs:
            assert_close(gradient, expected, 1e-12)

    @pytest.mark.parametrize(("L", "Lh"), [(1000, 7), (1000, 128), (513, 129), (300, 300), (64, 33)])
    def test_default_blocks_of_usual_sizes(self, conv, rng, L, Lh):
        u, h = rng.standard_normal((1, 2, L)), rng.standard_normal((2, Lh))
        assert_close(conv(u, h)[0], fftconv(u, h)[0], 1e-12)

    @given(s=sizes(), block=blocks, data=st.data())
    def test_nothing_before_a_change_moves(self, conv, s, block, data):
        t = data.draw(st.integers(0, s.L - 1))
        u, h, _, _, block = draw(s, block, conv)
        v = u.copy()
        v[..., t] += 1e3
        moved = np.abs(conv(v, h, block=block)[0] - conv(u, h, block=block)[0])
        assert np.max(moved[..., :t], initial=0.0) < 1e-9
        assert_close(moved[..., t], np.broadcast_to(1e3 * np.abs(h[:, 0]), (s.B, s.D)), 1e-9)

    def test_float32_is_as_exact_as_float32_can_be(self, conv, rng):
        u, h = rng.standard_normal((2, 3, 501)), rng.standard_normal((3, 40))
        y, _ = conv(u.astype(np.float32), h.astype(np.float32))
        assert y.dtype == np.float32
        assert_close(y, fftconv(u, h)[0], 1e-6)

    def test_a_block_longer_than_the_signal_is_the_signal(self, conv, rng):
        u, h, skip = arguments()(rng)
        np.testing.assert_array_equal(conv(u, h, skip, 10**9)[0], conv(u, h, skip, 7)[0])


@every_form
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
    def test_shapes(self, conv, u, h, skip, message):
        with pytest.raises(ShapeError, match=message):
            conv(u, h, skip)

    def test_dtypes(self, conv):
        with pytest.raises(DTypeError, match=r"^u: got dtype int64"):
            conv(self.u.astype(int), self.h)
        with pytest.raises(DTypeError, match=r"^skip: got float32, but u is float64"):
            conv(self.u, self.h, np.ones(2, dtype=np.float32))
        with pytest.raises(DTypeError, match=r"^u: got dtype complex128"):
            conv(self.u.astype(complex), self.h.astype(complex))

    def test_two_libraries(self, conv):
        strict = pytest.importorskip("array_api_strict")
        with pytest.raises(LibraryMismatchError, match=r"^h: got an array of array_api_strict, but u is of"):
            conv(self.u, strict.asarray(self.h))

    @pytest.mark.parametrize("block", [0, -1, 2.0, True, "2"])
    def test_no_block(self, conv, block):
        with pytest.raises(ConfigError, match=r"^block: got .*, allowed are integers >= 1"):
            conv(self.u, self.h, block=block)

    def test_a_cotangent_that_does_not_fit(self, conv):
        _, cache = conv(self.u, self.h)
        with pytest.raises(ShapeError, match=r"^dy: got shape \(1, 2, 4\)"):
            BACKWARD[conv](np.ones((1, 2, 4)), cache)


class TestTwoMatricesAreEnough:
    """Exact if and only if the filter has at most b + 1 taps."""

    @pytest.mark.parametrize("b", [1, 2, 5, 16])
    def test_as_long_as_a_filter_of_one_tap_more_than_a_block(self, b, rng):
        u, h = rng.standard_normal((2, 2, 5 * b + 3)), rng.standard_normal((2, b + 1))
        assert_close(two_stage_conv(u, h, block=b)[0], causal_conv_loop(u, h), 1e-13)

    @pytest.mark.parametrize("b", [2, 5, 16])
    def test_and_not_for_twice_a_block(self, b, rng, monkeypatch):
        """Without the check, 2b taps are computed as if lags past the two bands were zero."""
        u, h = rng.standard_normal((2, 2, 5 * b + 3)), rng.standard_normal((2, 2 * b))
        monkeypatch.setattr(blockconv_module, "_matrix_block", lambda block, L, taps: block)
        wrong = np.abs(two_stage_conv(u, h, block=b)[0] - causal_conv_loop(u, h)) > 1e-12
        assert not np.any(wrong[..., : 2 * b])  # the first two blocks have no third behind them
        assert np.all(wrong[..., 2 * b])

    @pytest.mark.parametrize(("taps", "b"), [(3, 1), (4, 2), (7, 4), (7, 5)])
    def test_a_longer_filter_is_refused(self, taps, b):
        message = rf"^block: got {b}, allowed are integers >= {taps - 1}: {taps} taps reach past"
        with pytest.raises(ConfigError, match=message):
            two_stage_conv(np.ones((1, 1, 20)), np.ones((1, taps)), block=b)

    @pytest.mark.parametrize(("taps", "b"), [(1, 32), (33, 32), (34, 64), (65, 64), (66, 128), (129, 128)])
    def test_the_default_is_a_power_of_two_that_is_long_enough(self, taps, b):
        _, cache = two_stage_conv(np.ones((1, 1, 1000)), np.ones((1, taps)))
        assert cache.b == b

    def test_taps_that_never_count_are_not_counted(self, rng):
        u, h = rng.standard_normal((1, 1, 4)), rng.standard_normal((1, 50))
        assert_close(two_stage_conv(u, h, block=3)[0], causal_conv_loop(u, h), 1e-13)

    @pytest.mark.parametrize("b", [1, 2, 5])
    def test_the_matrices_are_blocks_of_the_toeplitz_matrix(self, b, rng):
        h = rng.standard_normal((2, b + 1))
        whole = toeplitz(h, 4 * b)
        for row in range(4):
            for column in range(4):
                part = whole[:, row * b : (row + 1) * b, column * b : (column + 1) * b]
                offset = (row - column) * b
                expected = _lag_matrix(h, b, offset) if offset in (0, b) else np.zeros((2, b, b))
                np.testing.assert_array_equal(part, expected)

    @pytest.mark.parametrize("b", [1, 2, 5])
    def test_sums_along_diagonals(self, b, rng):
        G = rng.standard_normal((2, b, b))
        expected = [np.trace(G, offset=-lag, axis1=1, axis2=2) for lag in range(-(b - 1), b)]
        assert_close(_diagonal_sums(G), np.stack(expected, axis=1), 1e-14)

    def test_only_matrix_products(self, monkeypatch, rng):
        for name in ("rfft", "irfft"):
            monkeypatch.setattr(blockconv_module, name, None)  # called, it raises
        u, h, skip = arguments()(rng)
        y, cache = two_stage_conv(u, h, skip)
        two_stage_conv_backward(y, cache)


class TestFrames:
    @pytest.mark.parametrize(("R", "b", "reach"), [(1, 1, 0), (4, 3, 0), (4, 3, 1), (2, 3, 5), (3, 1, 2)])
    def test_hold_the_block_and_the_ones_after_it(self, R, b, reach, rng):
        x = rng.standard_normal((2, 3, (R + reach) * b))
        frames = _frames(x, b, reach)
        assert frames.shape == (2, 3, R, (1 + reach) * b)
        for r in range(R):
            np.testing.assert_array_equal(frames[:, :, r], x[..., r * b : (r + reach + 1) * b])
        dframes = rng.standard_normal(frames.shape)
        gap = inner(frames, dframes) - inner(x, _add_frames(dframes, b))
        assert abs(gap) <= 1e-14 * np.linalg.norm(x) * np.linalg.norm(dframes) * (1 + reach)


@with_fft
class TestTransformsAreShort:
    def lengths(self, monkeypatch, conv, L, Lh, block=None):
        """Lengths of all transforms of a forward and a backward."""
        lengths = []

        def recording(transform):
            return lambda x, n: lengths.append(n) or transform(x, n)

        for name in ("rfft", "irfft"):
            monkeypatch.setattr(blockconv_module, name, recording(getattr(blockconv_module, name)))
        y, cache = conv(np.ones((1, 1, L)), np.ones((1, Lh)), block=block)
        BACKWARD[conv](y, cache)
        return lengths

    @pytest.mark.parametrize(("Lh", "n"), [(1, 256), (64, 256), (65, 512), (128, 512), (200, 1024)])
    def test_four_filters_long_by_default(self, conv, Lh, n, monkeypatch):
        assert self.lengths(monkeypatch, conv, 5000, Lh) == [n] * 6

    def test_block_and_overlap_long_when_asked(self, conv, monkeypatch):
        assert self.lengths(monkeypatch, conv, 100, 5, block=12) == [16] * 6

    def test_never_longer_than_the_sequence_needs(self, conv, monkeypatch):
        assert self.lengths(monkeypatch, conv, 10, 7) == [16] * 6


# --- planted faults -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def caught(match=r"relative error"):
    """What is inside fails, as a failed comparison and not by accident."""
    with pytest.raises(AssertionError, match=match):
        yield


class TestPlantedFaults:
    """Each mistake is found by the comparison with the loop, or, in a gradient, by the adjoint identity."""

    def compare(self, conv, rng, L=11, Lh=4, block=4):
        u, h = rng.standard_normal((2, 3, L)), rng.standard_normal((3, Lh))
        assert_close(conv(u, h, block=block)[0], causal_conv_loop(u, h), 1e-12)

    @pytest.fixture(autouse=True)
    def nothing_is_planted_yet(self, rng):
        for conv in BACKWARD:
            self.compare(conv, rng)

    @pytest.mark.parametrize("shift", [-1, 1])
    def test_the_second_matrix_shifted_by_one(self, shift, monkeypatch, rng):
        monkeypatch.setattr(
            blockconv_module,
            "_lag_matrix",
            lambda h, b, offset: _lag_matrix(h, b, offset + shift if offset else 0),
        )
        with caught():
            self.compare(two_stage_conv, rng)

    def test_the_second_matrix_forgotten(self, monkeypatch, rng):
        monkeypatch.setattr(
            blockconv_module,
            "_lag_matrix",
            lambda h, b, offset: _lag_matrix(h if offset == 0 else 0 * h, b, 0),
        )
        with caught():
            self.compare(two_stage_conv, rng)

    def test_the_second_matrix_times_the_block_after(self, monkeypatch, rng):
        monkeypatch.setattr(blockconv_module, "_one_later", blockconv_module._one_earlier)
        with caught():
            self.compare(two_stage_conv, rng)

    def test_the_tail_of_a_block_dropped(self, monkeypatch, rng):
        def without_tail(frames, b):
            kept = frames.copy()
            kept[..., b:] = 0.0
            return _add_frames(kept, b)

        monkeypatch.setattr(blockconv_module, "_add_frames", without_tail)
        with caught():
            self.compare(overlap_add, rng)

    def test_the_last_sample_of_a_tail_dropped(self, monkeypatch, rng):
        """A transform one sample too short wraps it around to the front of the block."""
        monkeypatch.setattr(blockconv_module, "fft_length", lambda n: n - 1)
        with caught():
            self.compare(overlap_add, rng)

    def test_the_tail_of_the_last_block_is_no_loss(self, monkeypatch, rng):
        """No fault: it lies past the end of the signal, and the check lets it pass."""

        def without_last_tail(frames, b):
            kept = frames.copy()
            kept[:, :, -1, b:] = 0.0
            return _add_frames(kept, b)

        monkeypatch.setattr(blockconv_module, "_add_frames", without_last_tail)
        self.compare(overlap_add, rng)

    @pytest.mark.parametrize("shift", [-1, 1])
    def test_a_window_read_off_by_one(self, shift, monkeypatch, rng):
        """One way, wrapped-around samples are kept; the other way, good ones are thrown away."""
        irfft = blockconv_module.irfft
        monkeypatch.setattr(blockconv_module, "irfft", lambda x, n: np.roll(irfft(x, n), shift, axis=-1))
        with caught():
            self.compare(overlap_save, rng)

    def test_windows_without_history(self, monkeypatch, rng):
        frames = blockconv_module._frames

        def forgetful(x, b, reach):
            windows = frames(x, b, reach)
            return windows if reach == 0 else np.where(np.arange((1 + reach) * b) < reach * b, 0.0, windows)

        monkeypatch.setattr(blockconv_module, "_frames", forgetful)
        with caught():
            self.compare(overlap_save, rng)

    @every_form
    def test_a_filter_gradient_shifted_by_one(self, conv, rng):
        def backward(dy, cache):
            du, dh, dskip = BACKWARD[conv](dy, cache)
            return du, np.roll(dh, 1, axis=-1), dskip

        with caught(match=r"adjoint of argument 1"):
            check_adjoint(conv, backward, arguments()(rng), rng, ("0", "1", "2"))

    @every_form
    def test_a_signal_gradient_from_the_own_block_only(self, conv, rng, monkeypatch):
        """The end of a block is heard in the next one: dy of that one belongs to its gradient."""

        def first(frames, b):
            return np.where(np.arange(frames.shape[-1]) < b, frames, 0.0)

        def last(frames, b):
            return first(frames[..., ::-1], b)[..., ::-1]

        forgetful = {
            overlap_add: ("_frames", lambda x, b, reach: first(_frames(x, b, reach), b)),
            overlap_save: ("_add_frames", lambda frames, b: _add_frames(last(frames, b), b)),
            two_stage_conv: ("_one_earlier", np.zeros_like),
        }
        forward = functools.partial(conv, block=3)
        check_adjoint(forward, BACKWARD[conv], arguments(L=6)(rng), rng, ("0", "1", "2"))

        def backward(dy, cache):
            with monkeypatch.context() as patch:
                patch.setattr(blockconv_module, *forgetful[conv])
                return BACKWARD[conv](dy, cache)

        with caught(match=r"adjoint of argument 0"):
            check_adjoint(forward, backward, arguments(L=6)(rng), rng, ("0", "1", "2"))

    def test_the_lower_matrix_left_out_of_the_filter_gradient(self, monkeypatch, rng):
        calls = []

        def first_only(G):
            calls.append(G)
            return _diagonal_sums(G if len(calls) % 2 else 0 * G)

        monkeypatch.setattr(blockconv_module, "_diagonal_sums", first_only)
        forward = functools.partial(two_stage_conv, block=3)
        with caught(match=r"adjoint of argument 1"):
            check_adjoint(forward, two_stage_conv_backward, arguments()(rng), rng, ("0", "1", "2"))
