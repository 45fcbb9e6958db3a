"""Which cases a preset has, and how they are chosen."""

import pytest

from hyena_np.bench.cases import BOTH, FORWARD, KINDS, STEP, Case, preset, select_cases, training_case
from hyena_np.bench.inputs import OperatorInputs, TrainingInputs, make_inputs
from hyena_np.demo.recipe import RecallRecipe
from hyena_np.errors import ConfigError


def test_the_full_preset_has_what_it_promises():
    cases = preset("full")
    assert len(set(cases)) == len(cases)
    for order in (2, 3):
        for kind in (FORWARD, BOTH):
            shapes = {(c.B, c.L, c.D) for c in cases if (c.kind, c.order) == (kind, order)}
            assert {(1, 4**k, 256) for k in range(3, 9)} <= shapes
            assert {(32, 64, 64), (8, 1024, 128)} <= shapes
    million = {(case.kind, case.D) for case in cases if case.L == 2**20}
    assert million == {(FORWARD, 64), (FORWARD, 256)}
    assert [case for case in cases if case.kind == STEP] == [training_case()]


def test_the_quick_preset_is_small_and_has_every_kind():
    cases = preset("quick")
    assert {case.kind for case in cases} == set(KINDS)
    assert max(case.size for case in cases) <= 2**17


def test_the_training_step_is_the_demos():
    assert training_case() == Case(STEP, 16, 66, 64, 2)
    inputs = make_inputs(training_case())
    assert isinstance(inputs, TrainingInputs)
    assert inputs.config == RecallRecipe().model
    assert inputs.ids.shape == inputs.labels.shape == (16, 66)
    assert (inputs.labels >= 0).sum() > 16  # the recipe asks for more than the last value


def test_inputs_are_the_same_each_time_and_others_in_another_case():
    first, again = (make_inputs(Case(BOTH, 2, 5, 4, 3)) for _ in range(2))
    assert isinstance(first, OperatorInputs)
    assert first.u.shape == first.dy.shape == (2, 5, 4)
    assert (first.u == again.u).all() and (first.dy == again.dy).all()
    assert (first.params["in_proj"]["weight"] == again.params["in_proj"]["weight"]).all()
    assert first.params["in_proj"]["weight"].shape == (16, 4)
    assert {first.u.dtype, first.dy.dtype, first.params["filter"]["skip"].dtype} == {first.u.dtype}
    assert first.u.dtype == "float32"
    assert (first.u != make_inputs(Case(BOTH, 2, 5, 4, 2)).u).any()


def test_choosing_from_a_preset():
    assert select_cases("full") == preset("full")
    chosen = select_cases("full", [BOTH], orders=[3])
    assert chosen and {(case.kind, case.order) for case in chosen} == {(BOTH, 3)}


def test_lengths_of_ones_own():
    assert select_cases("quick", [FORWARD], [100, 7], width=8) == (
        Case(FORWARD, 1, 100, 8),
        Case(FORWARD, 1, 7, 8),
    )
    assert {case.D for case in select_cases("quick", lengths=[64])} == {256}
    assert {case.kind for case in select_cases("quick", lengths=[64])} == {FORWARD, BOTH}
    assert {case.order for case in select_cases("quick", lengths=[64], orders=[4, 5])} == {4, 5}
    assert training_case() in select_cases("quick", [STEP], [64])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Case("sideways", 1, 8, 8), "kind: got 'sideways'"),
        (lambda: Case(FORWARD, 0, 8, 8), "B: got 0"),
        (lambda: Case(FORWARD, 1, 8.0, 8), "L: got 8.0"),
        (lambda: Case(FORWARD, 1, 8, 8, 1), "order: got 1"),
        (lambda: Case(STEP, 16, 64, 64), r"L, D, order: got \(64, 64, 2\), allowed .* \(66, 64, 2\)"),
        (lambda: preset("huge"), "preset: got 'huge'"),
        (lambda: select_cases("quick", ["sideways"]), "kind: got 'sideways'"),
        (lambda: select_cases("quick", orders=[9]), "kind, order: got any and 9"),
        (lambda: select_cases("quick", width=8), "width"),
    ],
)
def test_bad_choices_are_refused_by_name(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
