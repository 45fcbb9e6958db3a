"""What the fast form costs, in quantities that no other program on the machine can change.

Seconds belong in a benchmark. Here a change that adds a transform, a large temporary or a byte that is kept
fails on every machine: each number below is exact, or a bound that is nearly reached.
"""

import tracemalloc
from math import prod

import numpy as np
import pytest

from hyena_np import HyenaConfig, Workspace, hyena, hyena_backward, init_hyena, saved_bytes, threads
from hyena_np.backend import fft_length
from hyena_np.bench.cases import BOTH, FORWARD, Case
from hyena_np.bench.floor import Transform, parts
from hyena_np.fast import blocks, parallel
from hyena_np.fast.layout import peak_floats

B, L, D = 2, 512, 32
A = B * L * D  # numbers of one activation


class Ledger(Workspace):
    """A workspace that writes down what it is asked for, in float32 numbers."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def take(self, shape, dtype):
        self.asked.append(prod(shape) * np.dtype(dtype).itemsize // 4)
        return super().take(shape, dtype)


def case_of(order=2, variant="code", B=B, L=L, D=D):
    config = HyenaConfig(D, L, order=order, variant=variant)
    rng = np.random.default_rng(0)
    u, dy = (rng.standard_normal((B, L, D)).astype(np.float32) for _ in range(2))
    return u, dy, init_hyena(config, rng), config


# --- transforms ---------------------------------------------------------------------------------------------


@pytest.fixture
def transforms(monkeypatch):
    """Rows transformed so far, by direction and length."""
    seen = {}

    def counting(name):
        transform = getattr(blocks, name)

        def count(x, n):
            seen[name, n] = seen.get((name, n), 0) + prod(x.shape[:-1])
            return transform(x, n)

        monkeypatch.setattr(blocks, name, count)

    counting("_rfft")
    counting("_irfft")
    return seen


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("kind", [FORWARD, BOTH])
def test_no_transform_but_those_of_the_floor(transforms, monkeypatch, kind, order, count):
    monkeypatch.setattr(parallel, "_PARALLEL_SIZE", 1)
    u, dy, params, config = case_of(order)
    with threads(count):
        _, cache = hyena(u, params, config)
        if kind == BOTH:
            hyena_backward(dy, cache)
    expected = {}
    for part in parts(Case(kind, B, L, D, order)):
        if isinstance(part, Transform):
            key = ("_irfft" if part.inverse else "_rfft", part.n)
            expected[key] = expected.get(key, 0) + part.rows * part.count
    assert transforms == expected


def test_recomputing_costs_one_transform_of_each_signal_and_each_filter(transforms):
    u, dy, params, config = case_of()
    _, cache = hyena(u, params, config)
    hyena_backward(dy, cache)
    kept, n = dict(transforms), fft_length(2 * L - 1)
    transforms.clear()
    _, cache = hyena(u, params, config, recompute=True)
    hyena_backward(dy, cache)
    assert transforms == {("_rfft", n): kept["_rfft", n] + B * D + D, ("_irfft", n): kept["_irfft", n]}


def test_a_short_batch_needs_no_transform(transforms):
    u, dy, params, config = case_of(B=8, L=64)
    hyena_backward(dy, hyena(u, params, config)[1])
    assert transforms == {}


# --- large arrays -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "variant"), [(2, "code"), (3, "code"), (2, "paper")])
def test_large_arrays_are_these_and_no_others(order, variant):
    u, dy, params, config = case_of(order, variant)
    filters, n = config.num_filters, fft_length(2 * L - 1)
    spectrum, memory = 2 * (n // 2 + 1), Ledger()
    network = 2 * 3 * config.filter_order * L  # what each sine read and gave
    with threads(1):
        _, cache = hyena(u, params, config, memory)
        assert sorted(memory.asked) == sorted(
            [
                (order + 1) * A,  # the projection
                filters * A,  # the convolutions
                A,  # the output of the recurrence
                filters * D * B * spectrum,
                filters * D * spectrum,
                filters * D * L,  # the raw filters
                network,
                (order + 2) * A,  # branches, and a spare: here the block is everything
                A // L * n,  # padded for the transforms
            ]
        )
        memory.asked.clear()
        hyena_backward(dy, cache)
    assert sorted(memory.asked) == sorted(
        [
            (order + 1) * A,  # gradient of the projection
            A,  # dy of the recurrence, then its output
            filters * D * L,
            network // 3,  # two arrays of its three layers' six
            (order + 2) * A,  # branches, and a spare
            (order + 1) * A,  # gradients of the branches
            A // L * n,
        ]
    )


def peak(call):
    """Bytes that Python and NumPy held at most, above what they held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = call()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


def test_in_a_workspace_that_is_warm_little_is_fresh():
    """Results, and what one block of one convolution needs for a moment."""
    u, dy, params, config = case_of(L=4096, B=1)
    size, memory = u.nbytes, Workspace()

    def step():
        memory.reset()
        y, cache = hyena(u, params, config, memory)
        return y, hyena_backward(dy, cache)

    with threads(1):
        step()
        fresh, _ = peak(step)
    block = 64 * 1024 * 4  # bytes of one (c, B, L) array of a block
    assert 2 * size <= fresh <= 2 * size + 9 * block


def test_without_a_workspace_a_forward_keeps_what_the_ledger_says():
    from hyena_np import LanguageModelConfig
    from hyena_np.models.ledger import cache_nbytes

    u, _, params, config = case_of()
    _, cache = hyena(u, params, config)
    predicted = saved_bytes(LanguageModelConfig(8, 1, config), B, L)
    names = ("projections", "recurrence", "spectra", "filter network")
    assert cache_nbytes(cache, params) == sum(predicted[name] for name in names)


def test_a_planted_temporary_is_noticed(monkeypatch):
    """A test of the test: one more array of the size of an activation."""
    u, dy, params, config = case_of(L=4096, B=1)
    memory = Workspace()

    def step(extra):
        memory.reset()
        held = np.ones_like(u) if extra else None
        y, cache = hyena(u, params, config, memory)
        return y, hyena_backward(dy, cache), held

    with threads(1):
        step(False)
        assert peak(lambda: step(True))[0] - peak(lambda: step(False))[0] >= 0.9 * u.nbytes


@pytest.mark.parametrize("shape", [(1, 4096, 48), (2, 512, 32), (8, 64, 32), (1, 20_000, 16)], ids=str)
@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("recompute", [False, True])
def test_the_predicted_peak_is_what_is_asked_for(shape, order, count, recompute):
    B, L, D = shape
    u, dy, params, config = case_of(order, B=B, L=L, D=D)
    memory = Ledger()
    with threads(count):
        _, cache = hyena(u, params, config, memory, recompute)
        forward = memory.nbytes // 4 + u.size
        assert peak_floats(config, B, L, count, False, recompute) == forward
        hyena_backward(dy, cache)
        both = memory.nbytes // 4 + 2 * u.size
        assert peak_floats(config, B, L, count, True, recompute) == both
