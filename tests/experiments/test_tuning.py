"""Every competitor with a learning rate of its own, found with one seed."""

import math

import pytest

from hyena_np.experiments.experiment import Run
from hyena_np.experiments.store import Row
from hyena_np.experiments.tuning import best_rate, spread_of, tuned_runs

CELLS = [{"mixer": "hyena", "vocab": 10}, {"mixer": "hyena", "vocab": 20}, {"mixer": "rwkv", "vocab": 20}]
RATES = (0.1, 0.2)
SEEDS = (0, 1, 2)


def make(cell, rate, seed):
    return Run({**cell, "lr": rate, "seed": seed}, {"seed": seed})


def row(cell, rate, seed, accuracy, tested=0.5):
    run = make(cell, rate, seed)
    measures = {"validation_accuracy": accuracy, "test_accuracy": tested}
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "cpu", {}, run.settings)


def at_twenty(cell):
    return {**cell, "vocab": 20}


def names(rows, **options):
    return [run.name for run in tuned_runs(CELLS, RATES, SEEDS, make, rows, **options)]


def test_first_every_rate_with_one_seed():
    assert names([]) == [make(cell, rate, 0).name for cell in CELLS for rate in RATES]


def test_then_the_best_rate_with_every_seed():
    rows = [row(CELLS[0], 0.1, 0, 0.3), row(CELLS[0], 0.2, 0, 0.4)]
    later = set(names(rows)) - set(names([]))
    assert later == {make(CELLS[0], 0.2, seed).name for seed in (1, 2)}


def test_a_rate_can_be_tuned_on_another_cell():
    first = names([], tune_on=at_twenty)
    assert first == [make(cell, rate, 0).name for cell in CELLS[1:] for rate in RATES]
    rows = [row(CELLS[1], 0.1, 0, 0.9), row(CELLS[1], 0.2, 0, 0.4)]
    later = set(names(rows, tune_on=at_twenty)) - set(first)
    assert later == {make(CELLS[0], 0.1, seed).name for seed in SEEDS} | {
        make(CELLS[1], 0.1, seed).name for seed in (1, 2)
    }


def test_the_choice_waits_for_every_rate_and_looks_at_the_first_seed_only():
    cell = CELLS[0]
    assert best_rate([row(cell, 0.1, 0, 0.9)], cell, RATES, 0) is None
    rows = [row(cell, 0.1, 0, 0.9), row(cell, 0.2, 0, 0.1), row(cell, 0.2, 1, 1.0)]
    assert best_rate(rows, cell, RATES, 0) == 0.1


@pytest.mark.parametrize(("largest", "chosen"), [(True, 0.2), (False, 0.1)])
def test_the_direction_of_better(largest, chosen):
    rows = [row(CELLS[0], 0.1, 0, 0.3), row(CELLS[0], 0.2, 0, 0.4)]
    assert best_rate(rows, CELLS[0], RATES, 0, largest=largest) == chosen


@pytest.mark.parametrize("largest", [True, False])
def test_a_run_that_diverged_loses_and_of_equals_the_smaller_rate_wins(largest):
    cell = CELLS[0]
    assert (
        best_rate([row(cell, 0.1, 0, math.nan), row(cell, 0.2, 0, 0.0)], cell, RATES, 0, largest=largest)
        == 0.2
    )
    equal = [row(cell, 0.1, 0, 1.0), row(cell, 0.2, 0, 1.0)]
    assert best_rate(equal, cell, RATES, 0, largest=largest) == 0.1


def test_the_spread_is_that_of_the_tested_measure_at_the_chosen_rate():
    cell = CELLS[0]
    rows = [row(cell, 0.1, 0, 0.9, 0.5), row(cell, 0.2, 0, 0.1, 0.99), row(cell, 0.1, 1, 0.2, 0.8)]
    found = spread_of(rows, cell, "test_accuracy", RATES, 0)
    assert (found.mean, found.low, found.high, found.seeds, found.rate) == (0.65, 0.5, 0.8, 2, 0.1)
    assert spread_of(rows, CELLS[2], "test_accuracy", RATES, 0) is None
