"""Turns, warm-up, and when a contender has been called often enough."""

import gc
import statistics
import time

import pytest

from hyena_np.bench.timing import host_clock, interleave, spread


class Scripted:
    """A contender whose calls take as long as the script says; it writes its name into a log."""

    def __init__(self, name, log, seconds):
        self.name, self.log, self.seconds = name, log, seconds
        self.calls = 0

    def __call__(self):
        self.log.append(self.name)
        self.calls += 1
        return self.seconds(self.calls)


def scripted(log, **seconds):
    return {name: Scripted(name, log, value) for name, value in seconds.items()}


def test_a_call_that_counts_follows_some_that_do_not_unless_it_is_long():
    log = []
    seconds = interleave(scripted(log, A=lambda n: 0.02, B=lambda n: 1.0), budget=99, repeats=2)
    # the first turns have nothing to go by: 50 ms are three calls of 20
    assert "".join(log) == "AB" + "AB" + "AAAA" + "B"
    assert seconds == {"A": [0.02] * 2, "B": [1.0] * 2}


def test_settling_ends_where_a_clock_stands_still():
    log = []
    interleave(scripted(log, A=lambda n: 0.0), budget=99, repeats=2)
    assert len(log) == 1 + 1 + 200 + 1


def test_contenders_take_turns_after_a_warm_up():
    log = []
    seconds = interleave(scripted(log, A=float, B=lambda n: 10.0 * n, C=float), budget=99, repeats=3)
    assert "".join(log) == "ABC" + "ABC" * 3
    assert seconds["A"] == [2.0, 3.0, 4.0]  # the first call is not counted
    assert seconds["B"] == [20.0, 30.0, 40.0]


def test_slow_calls_are_made_three_times_and_quick_ones_five():
    log = []
    seconds = interleave(scripted(log, slow=lambda n: 1.0, quick=lambda n: 0.999), budget=0)
    assert {name: len(values) for name, values in seconds.items()} == {"slow": 3, "quick": 5}
    assert log[:4] == ["slow", "quick"] * 2


def test_the_budget_is_for_each_contender():
    seconds = interleave(scripted([], a=lambda n: 0.1, b=lambda n: 0.25), budget=2.0)
    assert {name: len(values) for name, values in seconds.items()} == {"a": 11, "b": 5}


def test_nobody_is_called_without_end():
    assert len(interleave(scripted([], a=lambda n: 0.0), budget=1.0)["a"]) == 200


@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_off_meanwhile_and_then_as_before(enabled):
    seen = []

    def sample():
        seen.append(gc.isenabled())
        if len(seen) == 4:
            raise ZeroDivisionError
        return 0.1

    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError):
            interleave({"a": sample}, budget=9)
        assert seen[1:] == [False, False, False]
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_spread_is_median_and_quartiles():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert spread(values) == (3.0, 2.0, 4.0, 5)
    assert spread(values).median == statistics.median(values)
    assert spread([2.0, 1.0]) == (1.5, 1.0, 2.0, 2)
    assert spread([7.0]) == (7.0, 7.0, 7.0, 1)


def test_the_host_clock_counts_seconds():
    assert 0.02 <= host_clock(lambda: time.sleep(0.02)) < 2.0
