"""GSS and H3 are the Hyena operators of order 1 and 2 in the paper's form (Remark 3.2)."""

import numpy as np
import pytest

from hyena_np import causal_conv_loop
from hyena_np.errors import DTypeError, ShapeError
from hyena_np.ops.hyena import hyena_recurrence
from hyena_np.ops.special_cases import gss, gss_backward, h3, h3_backward
from support.contract import Case, LinearContract
from support.gradients import assert_close


def arrays(rng, branches, filters, B=2, D=3, L=7, Lh=7):
    signals = (rng.standard_normal((B, D, L)) for _ in range(branches))
    return (*signals, *(rng.standard_normal((D, Lh)) for _ in range(filters)))


class TestGss(LinearContract):
    cases = (
        Case("usual", gss, gss_backward, lambda rng: arrays(rng, 2, 1), linear_in=("0", "1", "2")),
        Case(
            "short filter", gss, gss_backward, lambda rng: arrays(rng, 2, 1, Lh=3), linear_in=("0", "1", "2")
        ),
    )

    def test_is_convolve_then_gate(self, rng):
        x, v, h = arrays(rng, 2, 1)
        assert_close(gss(x, v, h)[0], x * causal_conv_loop(v, h), 1e-12)

    @pytest.mark.paper("Remark 3.2")
    def test_is_hyena_of_order_one(self, rng):
        x, v, h = arrays(rng, 2, 1)
        np.testing.assert_array_equal(gss(x, v, h)[0], hyena_recurrence(v, (x,), h[None], None, "paper")[0])

    @pytest.mark.parametrize(
        ("shapes", "message"),
        [
            (((3, 7), (2, 3, 7), (3, 7)), r"^x: got shape \(3, 7\), allowed is \(B, D, L\)"),
            (((2, 3, 7), (2, 3, 6), (3, 7)), r"^v: got shape \(2, 3, 6\), allowed is \(2, 3, 7\)"),
            (((2, 3, 7), (2, 3, 7), (4, 7)), r"^h: got shape \(4, 7\), allowed is \(3, 7\)"),
            (((2, 3, 7), (2, 3, 7), (7,)), r"^h: got shape \(7,\), allowed is \(D, Lh\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, shapes, message):
        with pytest.raises(ShapeError, match=message):
            gss(*map(np.ones, shapes))


class TestH3(LinearContract):
    every = ("0", "1", "2", "3", "4")
    cases = (
        Case("usual", h3, h3_backward, lambda rng: arrays(rng, 3, 2), linear_in=every),
        Case("long filters", h3, h3_backward, lambda rng: arrays(rng, 3, 2, L=5, Lh=9), linear_in=every),
    )

    @pytest.mark.paper("eq. (6)", "eq. (8)")
    def test_is_two_convolutions_and_two_gates(self, rng):
        q, k, v, phi, psi = arrays(rng, 3, 2)
        z = k * causal_conv_loop(v, phi)
        assert_close(h3(q, k, v, phi, psi)[0], q * causal_conv_loop(z, psi), 1e-12)

    @pytest.mark.paper("Remark 3.2")
    def test_is_hyena_of_order_two(self, rng):
        q, k, v, phi, psi = arrays(rng, 3, 2)
        hyena2, _ = hyena_recurrence(v, (k, q), np.stack([phi, psi]), None, "paper")
        np.testing.assert_array_equal(h3(q, k, v, phi, psi)[0], hyena2)

    @pytest.mark.parametrize(
        ("place", "shape", "message"),
        [
            (0, (3, 7), r"^q: got shape \(3, 7\), allowed is \(B, D, L\)"),
            (1, (2, 3, 6), r"^k: got shape \(2, 3, 6\), allowed is \(2, 3, 7\)"),
            (2, (1, 3, 7), r"^v: got shape \(1, 3, 7\), allowed is \(2, 3, 7\)"),
            (3, (4, 7), r"^phi: got shape \(4, 7\), allowed is \(3, 7\)"),
            (4, (3, 6), r"^psi: got shape \(3, 6\), allowed is \(3, 7\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, rng, place, shape, message):
        args = list(arrays(rng, 3, 2))
        args[place] = np.ones(shape)
        with pytest.raises(ShapeError, match=message):
            h3(*args)

    def test_two_dtypes(self, rng):
        args = list(arrays(rng, 3, 2))
        args[2] = args[2].astype(np.float32)
        with pytest.raises(DTypeError, match=r"^v: got float32, but q is float64"):
            h3(*args)
