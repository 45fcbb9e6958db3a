"""The fast convolution over an image equals the explicit double sum."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from hyena_np import (
    bidirectional_conv,
    conv2d_loop,
    fftconv2d,
    fftconv2d_backward,
    two_sided_filter,
)
from hyena_np.errors import DTypeError, ShapeError
from support.contract import Case, LinearContract
from support.gradients import assert_close


def arguments(rng, B=2, D=3, H=3, W=4, skip=True):
    return (
        rng.standard_normal((B, D, H, W)),
        rng.standard_normal((D, 2 * H - 1, 2 * W - 1)),
        rng.standard_normal(D) if skip else None,
    )


def case(id, **options):
    linear_in = ("0", "1", "2") if options.get("skip", True) else ("0", "1")
    return Case(id, fftconv2d, fftconv2d_backward, lambda rng: arguments(rng, **options), linear_in=linear_in)


class TestFftconv2d(LinearContract):
    cases = (
        case("upright", H=5, W=2),
        case("no skip", skip=False),
        case("one row", B=1, H=1, W=6),
        case("one column", B=1, D=1, H=7, W=1, skip=False),
        case("one pixel", B=1, D=1, H=1, W=1),
    )

    @given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
    def test_equals_the_double_sum(self, H, W, seed):
        u, h, _ = arguments(np.random.default_rng(seed), H=H, W=W)
        y, _ = fftconv2d(u, h)
        assert y.shape == u.shape
        assert_close(y, conv2d_loop(u, h), 1e-12)

    def test_the_double_sum_runs_on_every_library(self, library, rng):
        u, h, _ = arguments(rng, H=2, W=3)
        y = conv2d_loop(library.asarray(u), library.asarray(h))
        assert library.owns(y)
        assert_close(library.to_numpy(y), conv2d_loop(u, h), library.rtol)

    def test_a_point_shows_the_filter_around_it(self, rng):
        h = rng.standard_normal((1, 7, 9))
        u = np.zeros((1, 1, 4, 5))
        u[0, 0, 1, 3] = 1.0
        expected = h[0, 3 - 1 : 7 - 1, 4 - 3 : 9 - 3]
        assert_close(fftconv2d(u, h)[0][0, 0], expected, 1e-13)
        assert_close(conv2d_loop(u, h)[0, 0], expected, 1e-15)

    def test_an_outer_product_is_a_convolution_of_every_row_and_then_of_every_column(self, rng):
        H, W = 4, 5
        u = rng.standard_normal((2, 3, H, W))
        down, up = rng.standard_normal((2, 3, H))
        right, left = rng.standard_normal((2, 3, W))
        h = two_sided_filter(down, up)[:, :, None] * two_sided_filter(right, left)[:, None, :]
        rows = np.stack([bidirectional_conv(u[:, :, i], right, left)[0] for i in range(H)], axis=2)
        both = np.stack([bidirectional_conv(rows[..., j], down, up)[0] for j in range(W)], axis=3)
        assert_close(fftconv2d(u, h)[0], both, 1e-13)

    def test_a_skip_is_an_extra_tap_in_the_middle(self, rng):
        u, h, skip = arguments(rng)
        folded = h.copy()
        folded[:, 2, 3] += skip
        assert_close(fftconv2d(u, h, skip)[0], fftconv2d(u, folded)[0], 1e-13)

    def test_agrees_with_pytorch(self, rng):
        torch = pytest.importorskip("torch", reason="compares with conv2d")
        u, h, _ = arguments(rng)
        theirs = torch.nn.functional.conv2d(
            torch.tensor(u), torch.tensor(h[:, None, ::-1, ::-1].copy()), padding=(2, 3), groups=3
        )
        assert_close(fftconv2d(u, h)[0], theirs.numpy(), 1e-13)

    @pytest.mark.parametrize(
        ("u", "h", "skip", "message"),
        [
            ((3, 3, 4), (3, 5, 7), None, r"^u: got shape \(3, 3, 4\), allowed is \(B, D, H, W\)"),
            ((2, 3, 0, 4), (3, 5, 7), None, r"^u: got a grid of 0 by 4, allowed are sides >= 1"),
            ((2, 3, 3, 4), (5, 7), None, r"^h: got shape \(5, 7\), allowed is \(D, 2H-1, 2W-1\)"),
            ((2, 3, 3, 4), (3, 7, 5), None, r"^h: got shape \(3, 7, 5\), allowed is \(3, 5, 7\)"),
            ((2, 3, 3, 4), (3, 5, 7), (2,), r"^skip: got shape \(2,\), allowed is \(3,\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, u, h, skip, message):
        with pytest.raises(ShapeError, match=message):
            fftconv2d(np.ones(u), np.ones(h), None if skip is None else np.ones(skip))

    def test_dtypes(self, rng):
        u, h, _ = arguments(rng)
        with pytest.raises(DTypeError, match=r"^h: got float32, but u is float64"):
            fftconv2d(u, h.astype(np.float32))
        with pytest.raises(DTypeError, match=r"^u: got dtype complex128"):
            fftconv2d(u.astype(complex), h.astype(complex))
