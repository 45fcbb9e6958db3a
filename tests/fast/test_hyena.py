"""The fast form computes what the readable one computes, in any number of threads, and tidies up."""

import os
import threading

import numpy as np
import pytest
from hypothesis import given, strategies as st
from threadpoolctl import threadpool_info

from hyena_np import (
    HyenaConfig,
    Workspace,
    get_backend,
    hyena,
    hyena_backward,
    hyena_reference,
    hyena_reference_backward,
    init_hyena,
    threads,
)
from hyena_np.errors import CacheError, ShapeError
from hyena_np.fast import layout, operator, parallel, recurrence
from hyena_np.fast.layout import FastHyenaCache, convolves_as_matrix
from hyena_np.ops.hyena import HyenaCache
from support.draws import VARIANTS_AND_ORDERS, sizes, variants_and_orders
from support.filters import RIVALS
from support.gradients import assert_close, assert_trees_close
from support.parameters import operator_tree
from support.trees import leaves

LAYOUTS = st.sampled_from(["od", "do"])


def config_of(D=4, l_max=40, **options):
    return HyenaConfig(**{"d_model": D, "l_max": l_max, "filter_order": 4, "shift": 0.05} | options)


def both(u, params, config, dy, workspace=None):
    """Output and gradients of the fast form, and of the readable one."""
    y, cache = hyena(u, params, config, workspace)
    assert isinstance(cache, FastHyenaCache)
    readable, readable_cache = hyena_reference(u, params, config)
    assert isinstance(readable_cache, HyenaCache)
    return (y, *hyena_backward(dy, cache)), (readable, *hyena_reference_backward(dy, readable_cache))


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Everything in parallel, and in as many blocks as there are channels."""
    monkeypatch.setattr(parallel, "_PARALLEL_SIZE", 1)
    monkeypatch.setattr(layout, "_BLOCK_SIZE", 1)


# --- the same numbers ---------------------------------------------------------------------------------------


@given(sizes(longest=40), variants_and_orders, LAYOUTS, st.integers(1, 6))
def test_equals_the_readable_form(s, form, layout, B):
    variant, order = form
    config = config_of(s.D, order=order, variant=variant, filter_layout=layout)
    params = operator_tree(config, s.rng)
    u, dy = (s.rng.standard_normal((B, s.L, s.D)) for _ in range(2))
    assert_trees_close(*both(u, params, config, dy), 1e-12)


@pytest.mark.parametrize(("variant", "order"), VARIANTS_AND_ORDERS)
@pytest.mark.parametrize("L", [5, 40, 200])
@pytest.mark.parametrize("B", [1, 4])
def test_however_it_is_split(tiny_blocks, rng, variant, order, L, B):
    config = config_of(5, 200, order=order, variant=variant)
    params = operator_tree(config, rng)
    u, dy = (rng.standard_normal((B, L, 5)) for _ in range(2))
    for count in (1, 2, 3, 8):
        with threads(count):
            assert_trees_close(*both(u, params, config, dy), 1e-12)


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
def test_rival_filters_equal_the_readable_form(tiny_blocks, rng, rival):
    # Dividing by a small denominator amplifies rounding: at worst 1.5e-12 in 40 seeds, 1e-14 for the others.
    rtol = 1e-11 if rival.name == "transfer_function" else 1e-12
    for (B, L), options in (
        ((1, 40), {"order": 3, "filter_layout": "do"}),
        ((4, 9), {"order": 3}),
        ((2, 1), {"variant": "paper", "order": 1}),
    ):
        config = config_of(3, filter=rival, **options)
        params = operator_tree(config, rng)
        u, dy, other = (rng.standard_normal((B, L, 3)) for _ in range(3))
        workspace = Workspace()
        with threads(2):
            fast, readable = both(u, params, config, dy, workspace)
            assert_trees_close(fast, readable, rtol)
            workspace.reset()
            hyena_backward(dy, hyena(other, params, config, workspace)[1])
            assert_trees_close(fast, readable, rtol, "after the workspace was used again")
            y, cache = hyena(u, params, config, recompute=True)
            assert_trees_close((y, *hyena_backward(dy, cache)), readable, rtol, "without spectra")


@given(sizes(longest=40), variants_and_orders)
def test_without_spectra_it_is_the_same_to_the_bit(s, form):
    variant, order = form
    config = config_of(s.D, order=order, variant=variant)
    params = operator_tree(config, s.rng)
    u, dy = (s.rng.standard_normal((s.B, s.L, s.D)) for _ in range(2))
    y, cache = hyena(u, params, config, recompute=True)
    assert cache.signal is cache.filter is None
    kept_y, kept = hyena(u, params, config)
    assert kept.signal is not None
    np.testing.assert_array_equal(y, kept_y)
    assert_trees_close(hyena_backward(dy, cache), hyena_backward(dy, kept), 0.0)


def test_both_ways_to_convolve_are_tried_above():
    assert convolves_as_matrix(4, 40)
    assert not convolves_as_matrix(1, 40)
    assert not convolves_as_matrix(4, 200)


def test_a_cache_made_with_one_number_of_threads_serves_another(tiny_blocks, rng):
    config = config_of(5)
    params, u = operator_tree(config, rng), rng.standard_normal((2, 9, 5))
    with threads(3):
        y, cache = hyena(u, params, config)
    with threads(1):
        first = hyena_backward(y, cache)
    assert_trees_close(first, hyena_backward(y, cache), 1e-14)


def test_arrays_need_not_be_contiguous(rng):
    config = config_of(4)
    params = operator_tree(config, rng)
    u, dy = (np.swapaxes(rng.standard_normal((3, 4, 9)), 1, 2) for _ in range(2))
    copies = both(u.copy(), params, config, dy.copy())[0]
    assert_trees_close(both(u, params, config, dy)[0], copies, 1e-14)
    transposed = {
        **params,
        "out_proj": params["out_proj"] | {"weight": params["out_proj"]["weight"].T.copy().T},
    }
    assert_trees_close(both(u, transposed, config, dy)[0], copies, 1e-14)


def test_float32_is_as_exact_as_float32_can_be(rng):
    config = config_of(16, 1000, emb_dim=5)
    params = init_hyena(config, rng, get_backend("numpy", "float64"))
    u, dy = (rng.standard_normal((2, 1000, 16)) for _ in range(2))
    exact = both(u, params, config, dy)[0]
    single = get_backend("numpy", "float32")
    rounded = {name: single.asarray(leaf) for name, leaf in leaves(params).items()}
    from hyena_np.models.params import tree_from_leaves

    fast, readable = both(single.asarray(u), tree_from_leaves(rounded), config, single.asarray(dy))
    for name, value in leaves(exact).items():
        theirs = np.max(np.abs(leaves(readable)[name] - value))
        ours = np.max(np.abs(leaves(fast)[name] - value))
        assert ours <= 3 * theirs + 1e-6 * np.max(np.abs(value)), name


# --- the workspace ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("B", [1, 4])
def test_a_workspace_is_used_again_and_again(rng, B):
    config = config_of(order=3)
    params, workspace = operator_tree(config, rng), Workspace()
    held = []
    for _ in range(3):
        workspace.reset()
        u, dy = (rng.standard_normal((B, 20, 4)) for _ in range(2))
        assert_trees_close(*both(u, params, config, dy, workspace), 1e-12)
        held.append(workspace.nbytes)
    assert held[0] == held[1] == held[2] > 0


def test_two_forwards_before_one_backward_share_a_workspace(rng):
    config, workspace = config_of(), Workspace()
    params = operator_tree(config, rng)
    u, v, dy = (rng.standard_normal((2, 9, 4)) for _ in range(3))
    _, first = hyena(u, params, config, workspace)
    _, second = hyena(v, params, config, workspace)
    assert_trees_close(hyena_backward(dy, first), hyena_backward(dy, hyena(u, params, config)[1]), 1e-14)
    assert_trees_close(hyena_backward(dy, second), hyena_backward(dy, hyena(v, params, config)[1]), 1e-14)


def test_outputs_and_gradients_outlive_a_reset(rng):
    config, workspace = config_of(), Workspace()
    params = operator_tree(config, rng)
    u, v, dy = (rng.standard_normal((4, 9, 4)) for _ in range(3))
    y, cache = hyena(u, params, config, workspace)
    result = (y, *hyena_backward(dy, cache))
    copies = {name: leaf.copy() for name, leaf in leaves(result).items()}
    workspace.reset()
    hyena_backward(dy, hyena(v, params, config, workspace)[1])
    for name, leaf in leaves(result).items():
        np.testing.assert_array_equal(leaf, copies[name], err_msg=name)


def test_a_cache_from_before_a_reset_is_refused(rng):
    config, workspace = config_of(), Workspace()
    u = rng.standard_normal((2, 9, 4))
    y, cache = hyena(u, operator_tree(config, rng), config, workspace)
    workspace.reset()
    with pytest.raises(CacheError, match=r"^cache: its workspace was reset after this forward"):
        hyena_backward(y, cache)


def test_a_workspace_hands_out_nothing_twice():
    workspace = Workspace()
    a, b = workspace.take((2, 3), np.float32), workspace.take((3, 2), np.float32)
    assert not np.shares_memory(a, b)
    workspace.give(a)
    c = workspace.take((6,), np.float32)
    assert np.shares_memory(a, c)
    assert not np.shares_memory(b, c)
    workspace.reset()
    d, e = workspace.take((6,), np.float32), workspace.take((6,), np.float32)
    assert not np.shares_memory(d, e)
    assert workspace.nbytes == 2 * 24
    assert workspace.take((6,), np.float64).dtype == np.float64


# --- what is left behind ------------------------------------------------------------------------------------


def blas_threads():
    return {info["filepath"]: info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def test_settings_are_put_back(tiny_blocks, rng):
    config = config_of()
    params, u = operator_tree(config, rng), rng.standard_normal((2, 9, 4))
    before, buffer = blas_threads(), np.getbufsize()
    with threads(2):
        inside = blas_threads()
        hyena_backward(hyena(u, params, config)[0], hyena(u, params, config)[1])
        assert blas_threads() == inside
        with pytest.raises(ShapeError):
            hyena_backward(u[:, 1:], hyena(u, params, config)[1])
    assert (blas_threads(), np.getbufsize()) == (before, buffer)


def test_an_error_in_a_thread_reaches_the_caller(tiny_blocks, rng, monkeypatch):
    def fails(*arguments):
        raise ZeroDivisionError("planted")

    config = config_of()
    monkeypatch.setattr(recurrence, "short_conv_block", fails)
    buffer = np.getbufsize()
    with threads(2), pytest.raises(ZeroDivisionError, match="planted"):
        hyena(rng.standard_normal((2, 9, 4)), operator_tree(config, rng), config)
    assert np.getbufsize() == buffer


def test_threads_of_the_caller_do_not_disturb_each_other(tiny_blocks, rng):
    config = config_of()
    params = operator_tree(config, rng)
    inputs = [rng.standard_normal((2, 30, 4)) for _ in range(4)]
    expected, found = [hyena(u, params, config)[0] for u in inputs], [None] * 4

    def run(i):
        with threads(2):
            for _ in range(5):
                found[i] = hyena(inputs[i], params, config)[0]

    workers = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert_trees_close(tuple(found), tuple(expected), 1e-14)


def test_callers_at_once_leave_blas_as_it_was():
    before, a = blas_threads(), np.ones((100, 100))

    def run():
        for _ in range(100):
            parallel.in_parallel(lambda i: a @ a, range(2))

    callers = [threading.Thread(target=run) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(tiny_blocks, rng):
    config = config_of()
    params, u = operator_tree(config, rng), rng.standard_normal((2, 9, 4))
    with threads(2):
        y, _ = hyena(u, params, config)
        child = os.fork()
        if child == 0:  # whatever happens here, it must not run the rest of the suite
            same = False
            try:
                same = bool(np.array_equal(hyena(u, params, config)[0], y))
            finally:
                os._exit(0 if same else 1)
        assert os.waitpid(child, 0)[1] == 0


# --- planted faults: each would be a wrong number above -----------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        (recurrence, "window_of", lambda right: lambda *a: right(*a) * 1.001),
        (recurrence, "filter_of", lambda right: lambda *a: np.roll(right(*a), 1, axis=-1)),
        (operator, "split", lambda right: lambda n, parts: right(n, parts)[:1]),
        (operator, "as_rows", lambda right: lambda x, cache: right(x, cache)[::-1]),
    ],
    ids=lambda fault: fault[1],
)
def test_planted_faults_are_seen(rng, monkeypatch, fault):
    module, name, wrong = fault
    monkeypatch.setattr(parallel, "_PARALLEL_SIZE", 1)
    config = config_of(order=3)
    params = operator_tree(config, rng)
    u, dy = (rng.standard_normal((2, 9, 4)) for _ in range(2))
    with threads(2):
        assert_trees_close(*both(u, params, config, dy), 1e-12)
        monkeypatch.setattr(module, name, wrong(getattr(module, name)))
        with np.errstate(all="ignore"), pytest.raises((AssertionError, IndexError, ValueError)):
            assert_trees_close(*both(u, params, config, dy), 1e-12)


def test_close_means_close(rng):
    """A test of the tests: a relative error of 1e-9 is seen."""
    config = config_of()
    y, _ = hyena(rng.standard_normal((2, 9, 4)), operator_tree(config, rng), config)
    with pytest.raises(AssertionError):
        assert_close(y * (1 + 1e-9), y, 1e-12)
