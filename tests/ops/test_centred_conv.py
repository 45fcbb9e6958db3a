"""The short convolution that sees both sides, along a line and over a grid."""

import numpy as np
import pytest

from hyena_np import centred_conv, centred_conv_backward, short_conv
from hyena_np.errors import DTypeError, ShapeError
from support.contract import Case, LinearContract
from support.gradients import assert_close


def case(id, grid, taps, B=2, C=3):
    return Case(
        id,
        centred_conv,
        centred_conv_backward,
        lambda rng: (
            rng.standard_normal((B, C, *grid)),
            rng.standard_normal((C, 1, *taps)),
            rng.standard_normal(C),
        ),
        linear_in=("0", "1", "2"),
    )


class TestCentredConv(LinearContract):
    cases = (
        case("line", (5,), (3,)),
        case("line shorter than its taps", (2,), (5,)),
        case("ones", (1,), (1,), B=1, C=1),
        case("grid", (4, 3), (3, 3)),
        case("grid thinner than its taps", (1, 4), (5, 3), B=1),
    )

    @pytest.mark.parametrize("K", [1, 3, 5])
    @pytest.mark.parametrize("L", [1, 2, 7])
    def test_on_a_line_is_the_causal_one_read_ahead(self, rng, L, K):
        x, weight, bias = rng.standard_normal((2, 3, L)), rng.standard_normal((3, 1, K)), np.ones(3)
        ahead = K // 2
        causal, _ = short_conv(np.pad(x, ((0, 0), (0, 0), (0, ahead))), weight, bias)
        assert_close(centred_conv(x, weight, bias)[0], causal[..., ahead:], 1e-14)

    @pytest.mark.parametrize(("taps", "grid"), [((3,), (6,)), ((3, 3), (4, 5)), ((5, 3), (2, 1))])
    def test_agrees_with_pytorch(self, rng, taps, grid):
        torch = pytest.importorskip("torch", reason="compares with conv1d and conv2d")
        x, weight = rng.standard_normal((2, 3, *grid)), rng.standard_normal((3, 1, *taps))
        bias = rng.standard_normal(3)
        conv = torch.nn.functional.conv1d if len(grid) == 1 else torch.nn.functional.conv2d
        theirs = conv(*map(torch.tensor, (x, weight, bias)), padding="same", groups=3)
        assert_close(centred_conv(x, weight, bias)[0], theirs.numpy(), 1e-14)

    @pytest.mark.parametrize(
        ("x", "weight", "message"),
        [
            ((3, 5), (3, 1, 3), r"^x: got shape \(3, 5\), allowed are \(B, C, L\) and \(B, C, H, W\)"),
            ((2, 3, 5), (3, 1, 3, 3), r"^weight: got shape \(3, 1, 3, 3\), allowed is \(C, 1, K\)"),
            ((2, 3, 5), (3, 1, 2), r"^weight: got shape \(3, 1, 2\), allowed is \(3, 1, \.\.\.\) with odd"),
            ((2, 3, 5), (2, 1, 3), r"^weight: got shape \(2, 1, 3\)"),
            ((2, 3, 5, 5), (3, 3, 3, 3), r"^weight: got shape \(3, 3, 3, 3\)"),
        ],
    )
    def test_shapes_that_do_not_fit(self, x, weight, message):
        with pytest.raises(ShapeError, match=message):
            centred_conv(np.ones(x), np.ones(weight), np.ones(3))

    def test_other_bad_input(self):
        x, weight = np.ones((2, 3, 5)), np.ones((3, 1, 3))
        with pytest.raises(ShapeError, match=r"^bias: got shape \(2,\), allowed is \(3,\)"):
            centred_conv(x, weight, np.ones(2))
        with pytest.raises(DTypeError, match=r"^bias: got float32, but x is float64"):
            centred_conv(x, weight, np.ones(3, dtype=np.float32))
