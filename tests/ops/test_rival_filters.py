"""The rival parametrisations of a long filter, each against its equation written out."""

import cmath
import math

import numpy as np
import pytest

from hyena_np.errors import ConfigError, DTypeError, ParameterError, ShapeError
from hyena_np.models.filter_init import init_filter
from hyena_np.ops.ckconv import ckconv_filter, ckconv_filter_backward
from hyena_np.ops.filter_configs import (
    CKConvConfig,
    FIRConfig,
    FNOConfig,
    LongConvConfig,
    S4DConfig,
    TransferFunctionConfig,
)
from hyena_np.ops.fir import fir_filter, fir_filter_backward
from hyena_np.ops.fno import fno_filter, fno_filter_backward
from hyena_np.ops.longconv import longconv_filter, longconv_filter_backward
from hyena_np.ops.s4d import s4d_filter, s4d_filter_backward
from hyena_np.ops.transfer_function import (
    stable_denominator,
    transfer_function_filter,
    transfer_function_filter_backward,
)
from support.contract import AnalyticContract, Case, LinearContract, OpContract
from support.filters import RIVALS, filter_parameters
from support.gradients import assert_close
from support.trees import leaves, replace_leaf

PAIRS = {
    FIRConfig: (fir_filter, fir_filter_backward),
    LongConvConfig: (longconv_filter, longconv_filter_backward),
    FNOConfig: (fno_filter, fno_filter_backward),
    S4DConfig: (s4d_filter, s4d_filter_backward),
    TransferFunctionConfig: (transfer_function_filter, transfer_function_filter_backward),
    CKConvConfig: (ckconv_filter, ckconv_filter_backward),
}


def random_tree(config, rng, channels=3, l_max=9):
    return filter_parameters(config, channels, l_max, rng)


def case(id, config, L=7, l_max=9, channels=3, linear_in=()):
    forward, backward = PAIRS[type(config)]
    return Case(
        id,
        lambda params: forward(params, L, l_max, config),
        backward,
        lambda rng: (random_tree(config, rng, channels, l_max),),
        linear_in=linear_in,
    )


class TestFIR(LinearContract, AnalyticContract):
    cases = (
        case("shorter than the input", FIRConfig(4), linear_in=("0.weight",)),
        case("longer than the input", FIRConfig(8), L=5, linear_in=("0.weight",)),
        case("one tap, one lag", FIRConfig(1), L=1, l_max=1, channels=1, linear_in=("0.weight",)),
    )

    def test_is_its_taps_and_then_zero(self, rng):
        w = rng.standard_normal((3, 4))
        np.testing.assert_array_equal(
            fir_filter({"weight": w}, 9, 9, FIRConfig(4))[0], np.hstack([w, np.zeros((3, 5))])
        )
        np.testing.assert_array_equal(fir_filter({"weight": w}, 2, 9, FIRConfig(4))[0], w[:, :2])


class TestLongConv(OpContract):
    cases = (
        case("squashed", LongConvConfig(lam=0.5)),
        case("as stored", LongConvConfig(lam=0.0), L=9),
        case("one lag", LongConvConfig(lam=0.5), L=1, l_max=1, channels=8),
    )

    def test_is_the_soft_threshold(self):
        k = np.array([[0.2, -0.2, 0.5, -0.7, 0.0, 1.5]])
        h, cache = longconv_filter({"kernel": k}, 6, 6, LongConvConfig(lam=0.5))
        assert_close(h, np.array([[0.0, 0.0, 0.0, -0.2, 0.0, 1.0]]), 1e-15)
        dk = longconv_filter_backward(np.ones((1, 6)), cache)["kernel"]
        np.testing.assert_array_equal(dk, [[0.0, 0.0, 1.0, 1.0, 0.0, 1.0]])

    def test_without_a_threshold_even_a_zero_learns(self):
        _, cache = longconv_filter({"kernel": np.zeros((1, 3))}, 3, 3, LongConvConfig(lam=0.0))
        np.testing.assert_array_equal(longconv_filter_backward(np.ones((1, 3)), cache)["kernel"], 1.0)


class TestFNO(LinearContract):
    cases = (
        case("a few modes, odd length", FNOConfig(4), linear_in=("0.real", "0.imag")),
        case("all modes, even length", FNOConfig(5), L=8, l_max=8, linear_in=("0.real", "0.imag")),
        case("the constant alone", FNOConfig(1), L=1, l_max=1, linear_in=("0.real",)),
    )

    @pytest.mark.parametrize(("modes", "l_max"), [(1, 9), (4, 9), (5, 9), (3, 8), (5, 8)])
    def test_is_a_sum_of_waves(self, rng, modes, l_max):
        params = random_tree(FNOConfig(modes), rng, 1, l_max)
        h, _ = fno_filter(params, l_max, l_max, FNOConfig(modes))
        for t in range(l_max):
            waves = [
                (1 if k == 0 or 2 * k == l_max else 2)
                * (
                    (params["real"][0, k] + 1j * params["imag"][0, k])
                    * cmath.exp(2j * math.pi * k * t / l_max)
                )
                for k in range(modes)
            ]
            waves = [wave.real for wave in waves]
            if 2 * (modes - 1) == l_max:  # the last wave of an even length is a cosine
                waves[-1] = params["real"][0, -1] * (-1) ** t
            assert math.isclose(h[0, t], sum(waves) / l_max, rel_tol=1e-12, abs_tol=1e-13)

    def test_its_spectrum_ends_with_its_modes(self, rng):
        h, _ = fno_filter(random_tree(FNOConfig(4), rng, 2, 32), 32, 32, FNOConfig(4))
        size = np.abs(np.fft.rfft(h))
        assert np.all(size[:, :4] > 1e-3)
        assert np.all(size[:, 4:] < 1e-13)

    def test_more_modes_than_there_are(self):
        with pytest.raises(ConfigError, match=r"^filter\.modes: got 6, allowed are 1 to l_max // 2 \+ 1 = 5"):
            fno_filter({}, 8, 8, FNOConfig(6))


class TestS4D(LinearContract):
    cases = (
        case("usual", S4DConfig(state=4), linear_in=("0.c_real", "0.c_imag")),
        case("a square number of lags", S4DConfig(state=2), L=9, linear_in=("0.c_real", "0.c_imag")),
        case("one lag", S4DConfig(state=2), L=1, l_max=1, channels=1, linear_in=("0.c_real",)),
    )

    @pytest.mark.parametrize("L", [1, 2, 12, 37])
    def test_is_what_the_state_answers_to_an_impulse(self, rng, L):
        config = S4DConfig(state=6)
        p = random_tree(config, rng, 2, 40)
        h, _ = s4d_filter(p, L, 40, config)
        dt, A = np.exp(p["log_dt"])[:, None], -np.exp(p["log_decay"]) + 1j * p["frequency"]
        forget, take_in = (1 + dt * A / 2) / (1 - dt * A / 2), dt / (1 - dt * A / 2)
        state, answer = np.zeros((2, 3), dtype=complex), np.zeros((2, L))
        for t in range(L):
            state = forget * state + take_in * (1.0 if t == 0 else 0.0)
            answer[:, t] = 2 * np.sum((p["c_real"] + 1j * p["c_imag"]) * state, axis=1).real
        assert_close(h, answer, 1e-12)

    def test_dies_out_whatever_the_parameters(self, rng):
        config = S4DConfig(state=4)
        h, _ = s4d_filter(random_tree(config, rng, 50, 4096), 4096, 4096, config)
        assert np.max(np.abs(h[:, -10:])) < 1e-2 * np.max(np.abs(h))

    def test_float32_keeps_the_slowest_decay(self):
        """The step 1e-3 makes a pole of modulus 0.9995, which 1 + x in float32 has to 1e-4 only."""
        config = S4DConfig(dt_max=1e-3)
        p = init_filter(config, 2, 4096, np.random.default_rng(0))
        single = {name: leaf.astype(np.float32) for name, leaf in p.items()}
        exact = s4d_filter(
            {name: leaf.astype(np.float64) for name, leaf in single.items()}, 4096, 4096, config
        )
        assert_close(s4d_filter(single, 4096, 4096, config)[0], exact[0], 3e-5)


class TestTransferFunction(LinearContract):
    cases = (
        case("usual", TransferFunctionConfig(3), linear_in=("0.h0", "0.numerator")),
        case("order above the length", TransferFunctionConfig(12), L=5, l_max=5, linear_in=("0.numerator",)),
        case("one lag", TransferFunctionConfig(1), L=1, l_max=1, channels=1, linear_in=("0.h0",)),
    )

    @staticmethod
    def response(p, L):
        """The difference equation, step by step."""
        a, b = stable_denominator(p["denominator"]), p["numerator"]
        s = np.zeros((len(a), L))
        for t in range(1, L):
            past = range(1, min(t, a.shape[1]) + 1)
            s[:, t] = (b[:, t - 1] if t <= b.shape[1] else 0) - sum(a[:, i - 1] * s[:, t - i] for i in past)
        s[:, 0] += p["h0"]
        return s

    @pytest.mark.parametrize(("order", "L", "l_max"), [(1, 40, 40), (3, 37, 40), (12, 7, 8), (2, 1, 1)])
    def test_is_the_difference_equation(self, rng, order, L, l_max):
        config = TransferFunctionConfig(order)
        p = random_tree(config, rng, 4, l_max)
        assert_close(transfer_function_filter(p, L, l_max, config)[0], self.response(p, L), 1e-9)

    @pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 1e-4)])
    def test_a_response_that_hardly_dies_out_has_no_alias(self, dtype, rtol):
        """On the unit circle the error here is 0.58."""
        config = TransferFunctionConfig(1)
        p = {"h0": [0.5], "numerator": [[1.0]], "denominator": [[-400.0]]}  # a pole at 0.9975
        p = {name: np.array(value, dtype=dtype) for name, value in p.items()}
        h, _ = transfer_function_filter(p, 200, 200, config)
        assert h.dtype == dtype
        assert_close(h, self.response(p, 200), rtol)

    def test_poles_lie_inside_the_unit_circle(self, rng):
        raw = 10.0 ** rng.uniform(-3, 6, (200, 1)) * rng.standard_normal((200, 5))
        for a in stable_denominator(raw):
            assert np.max(np.abs(np.roots([1.0, *a]))) < 1


class TestCKConv(LinearContract, AnalyticContract):
    cases = (
        case("usual", CKConvConfig(5, w0=2.0), linear_in=("0.linear_2.weight", "0.linear_2.bias")),
        case("one lag", CKConvConfig(1, w0=2.0), L=1, l_max=1, linear_in=("0.linear_2.weight",)),
    )

    def test_is_the_network_position_by_position(self, rng):
        config = CKConvConfig(5, w0=2.0)
        p = random_tree(config, rng)
        h, _ = ckconv_filter(p, 7, 9, config)
        for t in range(7):
            a = np.array([-1 + 2 * t / 8])
            for layer in (p["linear_0"], p["linear_1"]):
                a = np.sin(2.0 * (layer["weight"] @ a + layer["bias"]))
            assert_close(h[:, t], p["linear_2"]["weight"] @ a + p["linear_2"]["bias"], 1e-13)


@pytest.mark.parametrize("config", RIVALS, ids=lambda config: config.name)
class TestAll:
    def test_the_filter_at_a_lag_does_not_depend_on_the_length(self, rng, config):
        forward, _ = PAIRS[type(config)]
        params = random_tree(config, rng, 2, 12)
        whole, _ = forward(params, 12, 12, config)
        for L in (1, 5, 11):
            assert_close(forward(params, L, 12, config)[0], whole[:, :L], 1e-12)

    @pytest.mark.parametrize("L", [0, 10, 4.0, True])
    def test_a_length_that_is_not_allowed(self, rng, config, L):
        with pytest.raises(ShapeError, match=r"^L: got .*allowed are 1 to l_max = 9"):
            PAIRS[type(config)][0](random_tree(config, rng), L, 9, config)

    def test_parameters_that_do_not_fit(self, rng, config):
        forward, _ = PAIRS[type(config)]
        with pytest.raises(ParameterError, match=r"^params: \S+ is missing"):
            forward({}, 9, 9, config)
        with pytest.raises(ParameterError, match=r"^params: bias is unknown"):
            forward(random_tree(config, rng) | {"bias": np.ones(3)}, 9, 9, config)

    def test_two_dtypes(self, rng, config):
        tree = random_tree(config, rng)
        first, *others = leaves(tree)
        if others:
            tree = replace_leaf(tree, first, leaves(tree)[first].astype(np.float32))
            with pytest.raises(DTypeError, match=r"float\d+; all must agree"):
                PAIRS[type(config)][0](tree, 9, 9, config)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FIRConfig(taps=0), r"^taps: got 0"),
        (lambda: LongConvConfig(lam=-1.0), r"^lam: got -1\.0, allowed are numbers >= 0"),
        (lambda: LongConvConfig(std=0.0), r"^std: got 0\.0"),
        (lambda: FNOConfig(modes=1.5), r"^modes: got 1\.5"),
        (lambda: S4DConfig(state=3), r"^state: got 3, allowed are even"),
        (lambda: S4DConfig(dt_max=1e-4), r"^dt_max: got 0\.0001, allowed are numbers >= dt_min = 0\.001"),
        (lambda: TransferFunctionConfig(order=0), r"^order: got 0"),
        (lambda: CKConvConfig(w0=-1), r"^w0: got -1"),
    ],
)
def test_a_value_that_is_not_allowed(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
