"""Peaks of allocations whose size is known."""

import numpy as np
import pytest

from hyena_np.bench import memory
from hyena_np.bench.cases import BOTH, FORWARD, Case

MIB = 2**20
on_linux = pytest.mark.skipif(not memory._can_reset(), reason="the peak cannot be reset on this system")


def filled(mebibytes):
    return np.ones(mebibytes * MIB, np.uint8)


@on_linux
def test_a_known_allocation():
    assert memory.peak_of(lambda: filled(64)) == pytest.approx(64 * MIB, abs=4 * MIB)
    assert memory.peak_of(lambda: None) < 4 * MIB


@on_linux
def test_the_peak_is_not_the_sum():
    def one_after_the_other():
        for _ in range(3):
            filled(48)
        return filled(16)

    assert memory.peak_of(one_after_the_other) == pytest.approx(48 * MIB, abs=5 * MIB)


@on_linux
def test_what_was_there_before_does_not_count():
    filled(128)  # an earlier, higher peak
    held = filled(64)
    assert memory.peak_of(lambda: filled(32)) == pytest.approx(32 * MIB, abs=4 * MIB)
    assert held[0] == 1


def test_without_linux_a_lower_bound(monkeypatch):
    monkeypatch.setattr(memory, "_can_reset", lambda: False)
    levels = iter([100, 700])
    monkeypatch.setattr(memory, "_highest", lambda: next(levels))
    assert memory.peak_of(lambda: None) == 600
    assert "lower bound" in memory.method()


def test_a_contender_in_a_process_of_its_own():
    case = Case(BOTH, 1, 512, 32)
    peak = memory.measure_peak("ours", case, threads=1)
    smallest = 4 * case.size * 5  # output, its gradient, and the branches at the least
    assert peak is not None
    assert smallest < peak < 100 * 4 * case.size


def test_a_process_that_fails_has_no_peak():
    assert memory.measure_peak("nobody", Case(FORWARD, 1, 8, 4), threads=1) is None
