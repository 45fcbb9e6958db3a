"""A gate between 0 and 1."""

import numpy as np
import pytest

from hyena_np.errors import ShapeError
from hyena_np.ops.sigmoid_gate import sigmoid_gate, sigmoid_gate_backward
from support.contract import AnalyticContract, Case, LinearContract


class TestSigmoidGate(AnalyticContract, LinearContract):
    cases = (
        Case(
            "usual",
            sigmoid_gate,
            sigmoid_gate_backward,
            lambda rng: tuple(rng.standard_normal((2, 2, 3, 4))),
            linear_in=("1",),
        ),
    )

    def test_values(self):
        x = np.array([-1e4, -np.log(3), 0.0, np.log(3), 1e4])
        np.testing.assert_allclose(
            sigmoid_gate(x, np.full(5, 2.0))[0], [0, 0.5, 1, 1.5, 2], rtol=1e-15, atol=1e-300
        )

    def test_shapes_that_do_not_fit(self):
        with pytest.raises(ShapeError, match=r"^z: got shape \(3,\), allowed is \(2,\)"):
            sigmoid_gate(np.ones(2), np.ones(3))
