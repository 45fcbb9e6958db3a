"""The floor consists of what the operator really does, and counts the quickest library for each part."""

from collections import Counter

import numpy as np
import pytest
import scipy.fft

from hyena_np.backend import fft_length
from hyena_np.bench.cases import BOTH, FORWARD, Case, training_case
from hyena_np.bench.compare import reference
from hyena_np.bench.floor import Floor, Library, Product, Transform, parts, scipy_library
from hyena_np.bench.inputs import make_inputs

CASES = [Case(kind, *shape) for kind in (FORWARD, BOTH) for shape in ((1, 64, 8, 2), (3, 50, 4, 4))]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)


def product_flops(case):
    return sum(part.flops for part in parts(case) if isinstance(part, Product))


@every_case
def test_products_add_up_to_the_closed_formula(case):
    B, L, D, N, M, E = case.B, case.L, case.D, case.order, 64, 3
    dense = 2 * B * L * D * D * (N + 2)  # N+1 branches in, one out
    network = 2 * L * M * (E + 2 * M + (N - 1) * D)
    assert product_flops(case) == (dense + network) * (3 if case.kind == BOTH else 1)


@every_case
def test_products_are_those_that_pytorch_counts(case):
    torch = pytest.importorskip("torch", reason="PyTorch counts the operations of the official operator")
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.torch_operator import OfficialHyena

    module = OfficialHyena(case.config).float()
    u = torch.zeros(case.B, case.L, case.D, requires_grad=case.kind == BOTH)
    with FlopCounterMode(display=False) as counter:
        y = module(u)
        if case.kind == BOTH:
            y.backward(torch.ones_like(y))
    counts = counter.get_flop_counts()["Global"]
    dense = sum(count for op, count in counts.items() if "convolution" not in str(op))
    assert dense == product_flops(case)


@every_case
def test_transforms_are_those_that_the_readable_form_makes(case, monkeypatch):
    made = Counter()

    def counted(name, transform):
        def wrapper(x, n, **options):
            made[name, n] += x.size // x.shape[-1]
            return transform(x, n, **options)

        return wrapper

    inputs = make_inputs(case)
    for name in ("rfft", "irfft"):
        monkeypatch.setattr(scipy.fft, name, counted(name, getattr(scipy.fft, name)))
    reference(case, inputs)
    floor = Counter()
    for part in parts(case):
        if isinstance(part, Transform):
            floor["irfft" if part.inverse else "rfft", part.n] += part.rows * part.count
    assert floor == made


def test_operations_of_a_transform():
    assert Transform(3, 1024, count=2).flops == 2.5 * 1024 * 10 * 3 * 2
    assert Transform(1, 1).flops == 0


def test_a_training_step_has_the_operator_once_a_layer_and_the_dense_layers():
    case = training_case()
    B, L, D, M, E, V = 16, 66, 64, 64, 5, 20
    operator = 2 * B * L * D * D * 4 + 2 * L * M * (E + 2 * M + D)
    mlp, head = 2 * B * L * D * 2 * D * 2, 2 * B * L * D * V
    assert product_flops(case) == 3 * (2 * (operator + mlp) + head)
    n = fft_length(2 * L - 1)
    transforms = sum(part.rows * part.count for part in parts(case) if isinstance(part, Transform))
    assert {part.n for part in parts(case) if isinstance(part, Transform)} == {n}
    assert transforms == 2 * (4 * B * D + 2 * D)


# --- timed --------------------------------------------------------------------------------------------------


def tagged(name, seconds):
    """A library whose calls are words, and whose clock knows how long each takes."""
    return Library(
        name,
        lambda host: host,
        lambda a, b, out: "product",
        lambda x, n, out: "rfft",
        lambda x, n, out: "irfft",
        lambda call: next(seconds[call]),
    )


def endless(*values):
    while True:
        yield values[-1]


def test_every_part_counts_with_its_quickest_library():
    case = Case(BOTH, 1, 16, 4, 3)
    slow_products = {"product": endless(5.0), "rfft": endless(1.0), "irfft": endless(3.0)}
    slow_transforms = {"product": endless(2.0), "rfft": endless(4.0), "irfft": endless(2.5)}
    floor = Floor(case, [tagged("a", slow_products), tagged("b", slow_transforms)])
    for _ in range(4):
        floor.sample()
    products = 3 * (
        1 + 1 + 2 + 1 + 1
    )  # the layers, from the input's to the output's, each with two gradients
    ffts, inverse_ffts = 3 * 2, 3 * 2  # two filters: signals, filters, gradients; outputs, two gradients
    expected = products * 2.0 + ffts * 1.0 + inverse_ffts * 2.5
    assert floor.spread() == pytest.approx((expected, expected, expected, 3))


def test_a_sample_is_the_time_of_everything_and_the_first_is_a_warm_up():
    case = Case(FORWARD, 1, 16, 4)
    values = iter([100.0] * len(parts(case)) + [1.0] * len(parts(case)) * 2)
    floor = Floor(case, [tagged("a", {"product": values, "rfft": values, "irfft": values})])
    assert floor.sample() == 100.0 * len(parts(case))
    assert floor.sample() == len(parts(case))
    floor.sample()
    assert floor.spread().median == sum(part.count for part in parts(case))


def libraries():
    yield scipy_library(1)
    yield scipy_library(2)
    pytest.importorskip("torch")
    from benchmarks import torch_contenders

    yield torch_contenders.floor_library("cpu")


@pytest.mark.parametrize("which", range(3), ids=["scipy", "scipy in two threads", "torch"])
def test_a_library_computes_what_the_part_says(which, rng):
    *_, library = (found for found, _ in zip(libraries(), range(which + 1), strict=False))
    a, b = (rng.standard_normal(shape, dtype=np.float32) for shape in ((3, 4), (4, 5)))
    out = np.zeros((3, 5), np.float32)
    library.product(library.array(a), library.array(b), library.array(out))()
    np.testing.assert_allclose(out, a @ b, rtol=1e-5)
    for n in (8, 9):
        x = rng.standard_normal((2, n), dtype=np.float32)
        spectrum = np.fft.rfft(x).astype(np.complex64)
        found = library.rfft(library.array(x), n, library.array(np.zeros_like(spectrum)))()
        np.testing.assert_allclose(np.asarray(found), spectrum, atol=1e-5)
        back = library.irfft(library.array(spectrum), n, library.array(np.zeros_like(x)))()
        np.testing.assert_allclose(np.asarray(back), x, atol=1e-5)
        assert np.asarray(back).dtype == np.float32


@every_case
def test_the_floor_of_a_case_can_be_timed(case):
    floor = Floor(case, [scipy_library(1)])
    assert floor.sample() > 0
    floor.sample()
    found = floor.spread()
    assert 0 < found.low <= found.median <= found.high
