"""The ladder: what its rungs are called and allowed, and that a fault breaks the rung that it belongs to."""

import re

import numpy as np
import pytest

from hyena_np import get_backend
from hyena_np.backend import irfft, rfft
from hyena_np.demo import ladder, run as run_module
from hyena_np.fast import recurrence as fast_module
from hyena_np.ops import fftconv as fftconv_module, hyena as hyena_module
from support.command import TINY, assert_one_line, command

TOLERANCES = {
    "loop": 1e-12,
    "toeplitz": 1e-12,
    "fft": 1e-12,
    "operator": 1e-12,
    "hyena_matrix": 1e-12,
    "adjoint": 1e-12,
    "gradient": 1e-7,
    "fast": 1e-12,
}
BACKENDS = ["numpy", "torch", "array_api_strict", pytest.param("cupy", marks=pytest.mark.gpu)]


@pytest.fixture(params=BACKENDS)
def backend(request, _gpu):
    """Every library; the ladder is host code that reads errors, so its conversions are allowed."""
    if request.param != "numpy":
        pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return get_backend(request.param)


def broken(**options):
    return [rung.name for rung in ladder.climb(**options) if not rung.holds]


# --- the rungs ----------------------------------------------------------------------------------------------


def test_the_rungs_their_order_and_their_tolerances():
    rungs = list(ladder.climb())
    assert {rung.name: rung.tolerance for rung in rungs} == TOLERANCES
    assert [rung.name for rung in rungs] == list(TOLERANCES)
    assert len({rung.compared for rung in rungs}) == len(rungs)


def test_every_rung_holds_on_every_library(backend):
    rungs = list(ladder.climb(seed=1, backend=backend))
    assert [rung.name for rung in rungs] == list(TOLERANCES)
    for rung in rungs:
        assert rung.holds, rung
        assert type(rung.error) is float
        assert 0 <= rung.error <= TOLERANCES[rung.name]


@pytest.mark.parametrize("seed", [*range(2, 8), 2**70])
def test_every_rung_holds_whatever_the_data(seed):
    assert broken(seed=seed) == []


def test_errors_are_of_rounding_and_not_of_comparing_a_thing_with_itself():
    """A sum in another order, let alone an FFT, never agrees to the last bit on this much random data."""
    rungs = {rung.name: rung.error for rung in ladder.climb(seed=3)}
    assert all(rungs[name] > 0 for name in TOLERANCES if name not in ("loop", "toeplitz"))


def test_the_same_seed_gives_the_same_errors():
    first, second, other = (list(ladder.climb(seed=seed)) for seed in (5, 5, 6))
    assert first == second
    assert first != other


def test_the_ladder_climbs_in_float64_whatever_the_model_is_trained_in():
    assert list(ladder.climb(backend=get_backend("numpy", "float32"))) == list(
        ladder.climb(backend=get_backend("numpy", "float64"))
    )


@pytest.mark.parametrize(
    ("error", "holds"),
    [(0.0, True), (1e-12, True), (1.0000001e-12, False), (np.inf, False), (np.nan, False)],
)
def test_a_rung_holds_up_to_its_tolerance_and_never_without_a_number(error, holds):
    assert ladder.Rung("name", "this against that", error, 1e-12).holds is holds


# --- planted faults -----------------------------------------------------------------------------------------


def loop_one_late(patch):
    right = ladder.causal_conv_loop
    patch.setattr(ladder, "causal_conv_loop", lambda u, h: np.roll(right(u, h), 1, axis=-1))


def loop_without_the_present(patch):
    right = ladder.causal_conv_loop
    patch.setattr(ladder, "causal_conv_loop", lambda u, h: right(u, h) - h[:, :1] * u)


def toeplitz_anticausal(patch):
    from hyena_np.ops import toeplitz

    def transposed(u, h):
        return (toeplitz.toeplitz(h, u.shape[-1]).swapaxes(-1, -2) @ u[..., None])[..., 0]

    patch.setattr(ladder, "causal_conv_matrix", transposed)


def transform_too_short(patch):
    patch.setattr(fftconv_module, "fft_length", lambda n: n - 1)


def transform_without_padding(patch):
    patch.setattr(fftconv_module, "fft_length", lambda n: (n + 1) // 2)


def gates_in_the_wrong_order(patch):
    right = ladder.hyena_recurrence
    patch.setattr(ladder, "hyena_recurrence", lambda v, x, h, skip: right(v, x[::-1], h, skip))


def skip_forgotten(patch):
    right = ladder.hyena_recurrence
    patch.setattr(ladder, "hyena_recurrence", lambda v, x, h, skip: right(v, x, h, None))


def filters_swapped(patch):
    right = ladder.hyena_recurrence
    patch.setattr(ladder, "hyena_recurrence", lambda v, x, h, skip: right(v, x, h[::-1], skip))


def matrix_with_a_small_error_above_the_diagonal(patch):
    right = ladder.hyena_matrix

    def leaky(u, params, config):
        H = right(u, params, config).copy()
        H[..., 3, 20] += 1e-9 * np.max(np.abs(H))
        return H

    patch.setattr(ladder, "hyena_matrix", leaky)


def conjugate_dropped(patch):
    right = hyena_module.fftconv_backward

    def wrong(dy, cache):
        _, dh, dskip = right(dy, cache)
        convolved = irfft(rfft(dy, cache.n) * cache.h_f, cache.n)[..., : cache.L]
        return convolved + cache.skip[:, None] * dy, dh, dskip

    patch.setattr(hyena_module, "fftconv_backward", wrong)


def conjugate_of_the_filter_dropped(patch):
    right = hyena_module.fftconv_backward

    def wrong(dy, cache):
        du, _, dskip = right(dy, cache)
        return du, irfft(np.sum(rfft(dy, cache.n) * cache.u_f, axis=0), cache.n)[:, : cache.Lh], dskip

    patch.setattr(hyena_module, "fftconv_backward", wrong)


def one_parameters_gradient_off(patch):
    right = ladder.hyena_reference_backward

    def wrong(dy, cache):
        du, dparams = right(dy, cache)
        short = dparams["short_filter"]
        return du, dparams | {"short_filter": short | {"weight": short["weight"] * (1 + 1e-4)}}

    patch.setattr(ladder, "hyena_reference_backward", wrong)


def fast_forms_gates_in_the_wrong_order(patch):
    right = fast_module.roles

    def wrong(config, branches):
        v, gates = right(config, branches)
        return v, gates[::-1]

    patch.setattr(fast_module, "roles", wrong)


def no_numbers(patch):
    right = ladder.fftconv

    def wrong(u, h):
        y, cache = right(u, h)
        return y * np.nan, cache

    patch.setattr(ladder, "fftconv", wrong)


FAULTS = {
    loop_one_late: ["loop", "toeplitz", "operator"],
    loop_without_the_present: ["loop", "toeplitz", "operator"],
    toeplitz_anticausal: ["toeplitz", "fft"],
    # A backward that wraps around as its forward does is its derivative still: the differences cannot see it.
    transform_too_short: ["fft", "operator", "hyena_matrix", "adjoint", "fast"],
    transform_without_padding: ["fft", "operator", "hyena_matrix", "adjoint", "fast"],
    gates_in_the_wrong_order: ["operator", "hyena_matrix", "adjoint"],
    skip_forgotten: ["operator", "hyena_matrix", "adjoint"],
    filters_swapped: ["operator", "hyena_matrix", "adjoint"],
    matrix_with_a_small_error_above_the_diagonal: ["hyena_matrix", "adjoint"],
    conjugate_dropped: ["adjoint", "gradient", "fast"],
    conjugate_of_the_filter_dropped: ["gradient", "fast"],
    one_parameters_gradient_off: ["gradient", "fast"],
    fast_forms_gates_in_the_wrong_order: ["fast"],
    no_numbers: ["fft"],
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_breaks_the_rungs_that_it_belongs_to_and_no_other(monkeypatch, fault):
    assert broken() == []
    fault(monkeypatch)
    assert broken() == FAULTS[fault]


# --- in the demo --------------------------------------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch):
    def train(*args, **kwargs):
        raise AssertionError("training began on a ladder that does not hold")

    monkeypatch.setattr(run_module, "train", train)


@pytest.mark.parametrize("fault", [conjugate_dropped, transform_too_short, gates_in_the_wrong_order])
@pytest.mark.usefixtures("no_training")
def test_a_broken_ladder_is_status_one_before_any_training(capsys, monkeypatch, tmp_path, fault):
    fault(monkeypatch)
    ended = command(capsys, "demo", *TINY, "--out", tmp_path / "out")
    assert_one_line(ended, 1, "ladder", *FAULTS[fault])
    failed = [line.split()[0] for line in ended.out.splitlines() if "FAILS" in line]
    assert failed == FAULTS[fault]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.usefixtures("no_training")
def test_a_broken_ladder_is_told_even_when_asked_to_be_quiet(capsys, monkeypatch, tmp_path):
    conjugate_dropped(monkeypatch)
    ended = command(capsys, "demo", *TINY, "--quiet", "--out", tmp_path / "out")
    assert_one_line(ended, 1, "adjoint")
    assert ended.out == ""


def test_every_rung_is_printed_with_what_was_compared_and_its_error(capsys):
    run_module.climb_ladder(0, get_backend("numpy"), print)
    lines = capsys.readouterr().out.splitlines()
    for rung, line in zip(ladder.climb(0), lines[1:], strict=True):
        name, compared, error, verdict = re.split(r" {2,}", line.strip())
        assert (name, compared, verdict) == (rung.name, rung.compared, "ok")
        assert float(error) == pytest.approx(rung.error, rel=0.1)
