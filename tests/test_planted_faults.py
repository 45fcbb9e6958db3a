"""Tests of the tests: mistakes that are easily made, planted one by one, and the check that finds each.

A check that no planted fault can fail proves nothing. Where one check is blind to a fault, that is shown as
well: a wrong forward with a matching backward, for instance, passes every gradient check and falls only to
the references.
"""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from hyena_np import HyenaConfig, causal_conv_loop, fftconv, fftconv_backward, hyena_reference
from hyena_np.backend import irfft, rfft
from hyena_np.ops import fftconv as fftconv_module, hyena as hyena_module
from hyena_np.ops.filters import (
    exponential_window,
    exponential_window_backward,
    sine_network,
    sine_network_backward,
)
from hyena_np.ops.hyena import hyena_recurrence, hyena_recurrence_backward
from hyena_np.ops.layers import (
    cross_entropy,
    cross_entropy_backward,
    gelu,
    gelu_backward,
    layer_norm,
    layer_norm_backward,
)
from hyena_np.ops.matrices import hyena_factors
from support.contract import AnalyticContract, Case, LinearContract
from support.gradients import assert_close
from support.libraries import LIBRARIES, forbid_host_conversions
from support.parameters import filter_tree


class Contract(LinearContract, AnalyticContract):
    """Every promise, to be called by hand."""


CONTRACT = Contract()
GRADIENT_CHECKS = (
    CONTRACT.test_adjoint_identity,
    CONTRACT.test_one_direction_by_differences,
    CONTRACT.test_autograd_agrees,
)
LIBRARY = {library.name: library for library in LIBRARIES}


def catches(check, *args, match=None, error=AssertionError):
    """The check fails, with the error of a failed check and not by accident."""
    with pytest.raises(error, match=match):
        check(*args)


def on(library, check, case, rng):
    """One promise on one library, host conversions forbidden as in the suite."""
    pytest.importorskip(library.module)
    trap = forbid_host_conversions() if library.module == "array_api_strict" else contextlib.nullcontext()
    with trap:
        check(case, library, rng)


CONV = Case(
    "fftconv",
    fftconv,
    fftconv_backward,
    lambda rng: (rng.standard_normal((2, 3, 7)), rng.standard_normal((3, 7)), rng.standard_normal(3)),
    linear_in=("0", "1", "2"),
)


@pytest.mark.parametrize("check", GRADIENT_CHECKS, ids=lambda check: check.__name__)
class TestGradientsOfTheConvolution:
    """Each of the three judges finds each of these alone."""

    def wrong(self, change):
        def backward(dy, cache):
            du, dh, dskip = fftconv_backward(dy, cache)
            return change(dy, cache, du, dh, dskip)

        return replace(CONV, backward=backward)

    def test_a_missing_conjugate_in_the_gradient_of_the_signal(self, check, rng):
        def change(dy, cache, du, dh, dskip):
            convolved = irfft(rfft(dy, cache.n) * cache.h_f, cache.n)[..., : cache.L]
            return convolved + cache.skip[:, None] * dy, dh, dskip

        catches(check, self.wrong(change), rng, match=r"argument 0")

    def test_a_missing_conjugate_in_the_gradient_of_the_filter(self, check, rng):
        def change(dy, cache, du, dh, dskip):
            return du, irfft(np.sum(rfft(dy, cache.n) * cache.u_f, axis=0), cache.n)[:, : cache.Lh], dskip

        catches(check, self.wrong(change), rng, match=r"argument 1")

    def test_a_gradient_shifted_by_one(self, check, rng):
        catches(
            check,
            self.wrong(lambda dy, c, du, dh, ds: (np.roll(du, 1, axis=-1), dh, ds)),
            rng,
            match=r"argument 0",
        )

    def test_a_skip_term_that_the_signals_gradient_forgets(self, check, rng):
        wrong = self.wrong(lambda dy, c, du, dh, ds: (du - c.skip[:, None] * dy, dh, ds))
        catches(check, wrong, rng, match=r"argument 0")

    def test_a_skip_term_without_a_gradient_of_its_own(self, check, rng):
        catches(check, self.wrong(lambda dy, c, du, dh, ds: (du, dh, 0.0 * ds)), rng, match=r"argument 2")

    def test_a_filter_gradient_of_one_example_only(self, check, rng):
        def change(dy, cache, du, dh, dskip):
            first = irfft(rfft(dy[0], cache.n) * np.conj(cache.u_f[0]), cache.n)[:, : cache.Lh]
            return du, first, dskip

        catches(check, self.wrong(change), rng, match=r"argument 1")

    def test_a_small_error_in_one_of_many_entries(self, check, rng):
        def change(dy, cache, du, dh, dskip):
            dh = dh.copy()
            dh[1, 4] *= 1.0 + 1e-5
            return du, dh, dskip

        catches(check, self.wrong(change), rng, match=r"argument 1")


class TestForwardsWithAMatchingBackward:
    """The gradient checks are content; the references are not."""

    @pytest.fixture
    def too_short(self, monkeypatch):
        monkeypatch.setattr(fftconv_module, "fft_length", lambda n: (n + 1) // 2)

    def test_a_transform_that_wraps_around_passes_the_gradient_checks(self, too_short, rng):
        for check in GRADIENT_CHECKS:
            check(CONV, rng)

    def test_a_transform_that_wraps_around_is_not_the_loop(self, too_short, rng):
        u, h, skip = CONV.make(rng)
        catches(assert_close, fftconv(u, h, skip)[0], causal_conv_loop(u, h) + skip[:, None] * u, 1e-12)

    def test_a_transform_that_is_one_sample_too_short_is_not_the_loop(self, monkeypatch, rng):
        monkeypatch.setattr(fftconv_module, "fft_length", lambda n: n - 1)
        u, h, _ = CONV.make(rng)
        y, expected = fftconv(u, h)[0], causal_conv_loop(u, h)
        catches(assert_close, y, expected, 1e-12)
        assert_close(
            y[..., 1:], expected[..., 1:], 1e-12
        )  # only the first sample is hit, so a spot check would miss it

    def test_a_transform_that_wraps_around_lets_the_future_into_the_past(self, too_short, rng):
        u, h, _ = CONV.make(rng)
        changed = u.copy()
        changed[..., 5] += 1.0
        moved = np.abs(fftconv(changed, h)[0] - fftconv(u, h)[0])
        catches(assert_close, moved[..., :5], np.zeros((2, 3, 5)), 1e-12)

    def test_an_output_shifted_by_one(self, rng):
        u, h, _ = CONV.make(rng)
        shifted = np.roll(fftconv(u, h)[0], 1, axis=-1)
        catches(assert_close, shifted, causal_conv_loop(u, h), 1e-12)

    def test_gates_in_the_wrong_order(self, rng):
        v, x = rng.standard_normal((2, 3, 7)), tuple(rng.standard_normal((3, 2, 3, 7)))
        h = rng.standard_normal((2, 3, 7))
        swapped = Case(
            "swapped",
            lambda v, x, h: hyena_recurrence(v, x[::-1], h, None, "code"),
            lambda dy, cache: (lambda dv, dx, dh, _: (dv, dx[::-1], dh))(
                *hyena_recurrence_backward(dy, cache)
            ),
            lambda rng: (v, x, h),
            linear_in=("0", "1.0", "1.1", "1.2"),
        )
        for check in GRADIENT_CHECKS:
            check(swapped, rng)
        y, _ = swapped.forward(v, x, h)
        product = v[..., None]
        for factor in reversed(hyena_factors(x, h, None, "code")):
            product = factor @ product
        catches(assert_close, y, product[..., 0], 1e-12)

    def test_gates_in_the_wrong_order_against_the_official_operator(self, monkeypatch, rng):
        official = pytest.importorskip("support.official_torch")
        from hyena_np import unflatten

        config = HyenaConfig(d_model=4, l_max=9, order=3, filter_order=4)
        module = official.make_official(config, rng)
        params, u = unflatten(official.state_arrays(module)), rng.standard_normal((2, 9, 4))
        theirs = module(official.torch.tensor(u)).detach().numpy()
        assert_close(hyena_reference(u, params, config)[0], theirs, 1e-12)
        monkeypatch.setattr(
            hyena_module,
            "hyena_recurrence",
            lambda v, x, h, skip, variant: hyena_recurrence(v, x[::-1], h, skip, variant),
        )
        catches(assert_close, hyena_reference(u, params, config)[0], theirs, 1e-12)


NETWORK = Case(
    "sine_network",
    sine_network,
    sine_network_backward,
    lambda rng: (
        rng.standard_normal((7, 3)),
        filter_tree(HyenaConfig(d_model=3, l_max=9, filter_order=5), rng)["ffn"],
    ),
)
WINDOW = Case(
    "exponential_window",
    exponential_window,
    exponential_window_backward,
    lambda rng: (rng.uniform(0.0, 1.0, 7), np.array([-1.0, 2.0, -3.0])),
)
NORM = Case(
    "layer_norm",
    layer_norm,
    layer_norm_backward,
    lambda rng: (rng.standard_normal((2, 4)), rng.standard_normal(4), rng.standard_normal(4)),
)
NONLINEAR_CHECKS = (CONTRACT.test_one_direction_by_differences, CONTRACT.test_autograd_agrees)


class TestGradientsOfTheFilter:
    @pytest.mark.parametrize(
        "check", [*NONLINEAR_CHECKS, CONTRACT.test_complex_step], ids=lambda check: check.__name__
    )
    def test_a_shared_frequency_of_which_only_the_last_layer_counts(self, check, rng):
        def backward(dh, cache):
            dz, dparams = sine_network_backward(dh, cache)
            params, _, preactivations = cache
            da = params["linear_3"]["weight"].T @ dh
            x = preactivations[-1]
            return dz, dparams | {"freq": np.sum(da * np.cos(params["freq"].T * x) * x, axis=1)[None]}

        catches(check, replace(NETWORK, backward=backward), rng, match=r"argument 1\.freq")

    @pytest.mark.parametrize("check", NONLINEAR_CHECKS, ids=lambda check: check.__name__)
    def test_a_window_gradient_without_the_sign_of_the_rate(self, check, rng):
        def backward(dwindow, cache):
            dt, ddeltas = exponential_window_backward(dwindow, cache)
            return dt, ddeltas * np.sign(cache.deltas)

        catches(check, replace(WINDOW, backward=backward), rng, match=r"argument 1")

    @pytest.mark.parametrize("check", NONLINEAR_CHECKS, ids=lambda check: check.__name__)
    def test_a_window_gradient_without_its_minus(self, check, rng):
        def backward(dwindow, cache):
            dt, ddeltas = exponential_window_backward(dwindow, cache)
            return -dt, ddeltas

        catches(check, replace(WINDOW, backward=backward), rng, match=r"argument 0")

    @pytest.mark.parametrize(
        "check", [*NONLINEAR_CHECKS, CONTRACT.test_complex_step], ids=lambda check: check.__name__
    )
    def test_a_layer_norm_gradient_that_takes_the_mean_for_a_constant(self, check, rng):
        def backward(dy, cache):
            dx, dweight, dbias = layer_norm_backward(dy, cache)
            return dx + cache.inverse_std * np.mean(dy * cache.weight, axis=-1, keepdims=True), dweight, dbias

        catches(check, replace(NORM, backward=backward), rng, match=r"argument 0")

    @pytest.mark.parametrize("check", NONLINEAR_CHECKS, ids=lambda check: check.__name__)
    def test_a_loss_gradient_averaged_over_the_masked_positions_too(self, check, rng):
        labels = np.array([[1, -100, 2]])
        loss = Case(
            "loss",
            lambda logits: cross_entropy(logits, labels),
            lambda dloss, cache: cross_entropy_backward(dloss, cache) * (2 / 3),
            lambda rng: (rng.standard_normal((1, 3, 4)),),
        )
        catches(check, loss, rng, match=r"argument 0")


GELU = Case("gelu", gelu, gelu_backward, lambda rng: (rng.standard_normal((3, 4)),))


class TestManners:
    """Right numbers, wrong behaviour."""

    @pytest.mark.parametrize("name", ["numpy-float64", "torch-cpu", "strict-device1"])
    def test_writing_into_the_cotangent(self, name, rng):
        def backward(dy, cache):
            dx = gelu_backward(dy, cache)
            dy *= 2.0
            return dx

        wrong = replace(GELU, backward=backward)
        catches(on, LIBRARY[name], CONTRACT.test_nothing_passed_in_is_written_to, wrong, rng, match="changed")
        catches(
            CONTRACT.test_read_only_arguments_are_accepted, wrong, rng, error=ValueError, match="read-only"
        )

    def test_writing_into_a_cached_argument(self, rng):
        def backward(dy, cache):
            dx = gelu_backward(dy, cache)
            cache.x[...] = 0.0
            return dx

        wrong = replace(GELU, backward=backward)
        catches(
            on,
            LIBRARY["numpy-float64"],
            CONTRACT.test_nothing_passed_in_is_written_to,
            wrong,
            rng,
            match=r"changed",
        )
        catches(CONTRACT.test_a_cache_can_be_used_twice, wrong, rng)

    def test_a_cache_kept_on_the_side(self, rng):
        side = {}

        def forward(x):
            y, side["cache"] = gelu(x)
            return y, None

        wrong = replace(GELU, forward=forward, backward=lambda dy, _: gelu_backward(dy, side["cache"]))
        catches(CONTRACT.test_a_second_forward_leaves_the_first_cache_alone, wrong, rng)

    def test_a_cache_that_keeps_a_padded_buffer_alive(self, rng):
        def forward(x):
            y, cache = gelu(x)
            padded = np.zeros((3, 100))
            padded[:, :4] = cache.x
            return y, cache._replace(x=padded[:, :4])

        wrong = replace(GELU, forward=forward)
        CONTRACT.test_one_direction_by_differences(wrong, rng)
        catches(
            CONTRACT.test_cache_output_and_gradients_own_their_memory, wrong, rng, match=r"keeps alive 2400"
        )

    def test_a_gradient_of_the_wrong_shape(self, rng):
        wrong = replace(
            NORM,
            backward=lambda dy, cache: (lambda a, b, c: (a, b, c[None]))(*layer_norm_backward(dy, cache)),
        )
        catches(CONTRACT.test_gradients_have_the_names_and_shapes_of_the_arguments, wrong, rng)

    def test_a_gradient_of_the_wrong_name(self, rng):
        def backward(dh, cache):
            dz, dparams = sine_network_backward(dh, cache)
            return dz, {"frequency" if name == "freq" else name: d for name, d in dparams.items()}

        catches(
            CONTRACT.test_gradients_have_the_names_and_shapes_of_the_arguments,
            replace(NETWORK, backward=backward),
            rng,
        )

    def test_gradients_in_the_wrong_order(self, rng):
        wrong = replace(
            NORM, backward=lambda dy, cache: (lambda a, b, c: (a, c, b))(*layer_norm_backward(dy, cache))
        )
        catches(CONTRACT.test_one_direction_by_differences, wrong, rng, match=r"argument 1")


def scaled(constant):
    """A linear op that multiplies with a constant, some of whose spellings are wrong."""
    return Case(
        "scale",
        lambda x: (constant(x) * x, None),
        lambda dy, _: 0.5 * dy,
        lambda rng: (rng.standard_normal((3, 4)),),
        linear_in=("0",),
    )


class TestWhatOnlyAnotherLibrarySees:
    """The same numbers on NumPy in float64, and a stall, an error or twice the memory on a GPU in float32."""

    promise = staticmethod(CONTRACT.test_every_library_gives_the_same_numbers)

    @pytest.mark.parametrize("library", LIBRARIES[:5], ids=lambda library: library.name)
    def test_the_right_spelling_passes_everywhere(self, library, rng):
        on(library, self.promise, scaled(lambda x: 0.5), rng)

    def test_a_float64_constant_is_seen_in_float32(self, rng):
        wrong = scaled(lambda x: np.float64(0.5))
        on(LIBRARY["numpy-float64"], self.promise, wrong, rng)
        catches(on, LIBRARY["numpy-float32"], self.promise, wrong, rng, match=r"output")

    @pytest.mark.parametrize(
        "constant",
        [
            lambda x: 0.5 + 0.0 * float(x[0, 0]),
            lambda x: 0.5 + 0 * int(x[0, 0]),
            lambda x: 0.5 if bool(x[0, 0] == x[0, 0]) else 0.0,
            lambda x: 0.5 if x[0, 0] == x[0, 0] else 0.0,
            lambda x: 0.5 + 0 * sum(1 for _ in x),
            lambda x: 0.5 + 0.0 * complex(x[0, 0]).real,
            lambda x: 0.5 + 0.0 * np.asarray(x)[0, 0].item(),
        ],
        ids=["float", "int", "bool", "if", "iteration", "complex", "numpy.asarray"],
    )
    @pytest.mark.parametrize("name", ["strict-device1", "strict-no-float64"])
    def test_a_conversion_to_the_host_is_seen_on_a_pretended_device(self, constant, name, rng):
        wrong = scaled(constant)
        on(LIBRARY["numpy-float64"], self.promise, wrong, rng)
        catches(on, LIBRARY[name], self.promise, wrong, rng, match=r"inside an op")

    def test_a_shape_that_depends_on_the_data(self, rng):
        def forward(x):
            return x[x == x].reshape(3, 4) if isinstance(x, np.ndarray) else x[x == x], None

        wrong = replace(scaled(lambda x: 0.5), forward=forward, backward=lambda dy, _: dy)
        on(LIBRARY["numpy-float64"], self.promise, wrong, rng)
        catches(on, LIBRARY["strict-device1"], self.promise, wrong, rng, error=RuntimeError, match=r"boolean")

    def test_a_temporary_on_the_default_device(self, rng):
        import array_api_compat

        def forward(x):
            return x + array_api_compat.array_namespace(x).zeros(4), None

        wrong = replace(scaled(lambda x: 0.5), forward=forward, backward=lambda dy, _: dy)
        on(LIBRARY["numpy-float64"], self.promise, wrong, rng)
        catches(on, LIBRARY["strict-device1"], self.promise, wrong, rng, error=ValueError, match=r"device")

    def test_a_function_that_only_numpy_has(self, rng):
        wrong = replace(GELU, forward=lambda x: (gelu(np.pad(x, 0))[0], gelu(x)[1]))
        on(LIBRARY["numpy-float64"], self.promise, wrong, rng)
        catches(on, LIBRARY["strict-device1"], self.promise, wrong, rng)
