"""A contender that computes something else is not timed."""

import numpy as np
import pytest

from hyena_np.bench import compare
from hyena_np.bench.cases import BOTH, FORWARD, Case, training_case
from hyena_np.bench.compare import DisagreementError, max_error, reference
from hyena_np.bench.contenders import ours
from hyena_np.bench.inputs import make_inputs

CASE = Case(BOTH, 2, 33, 4, 3)


@pytest.fixture(scope="module")
def both():
    inputs = make_inputs(CASE)
    return dict(ours(CASE, inputs).results()), dict(reference(CASE, inputs))


@pytest.mark.parametrize("case", [CASE, Case(FORWARD, 2, 33, 4, 3), training_case()], ids=lambda c: c.label)
def test_ours_agrees_to_the_rounding_of_float32(case):
    inputs = make_inputs(case)
    expected = reference(case, inputs)
    error = max_error("ours", case, ours(case, inputs).results(), expected)
    assert 0 < error < 1e-5
    assert all(array.dtype == np.float64 for array in expected.values())


def test_what_is_compared_is_the_output_and_every_gradient(both):
    _, expected = both
    assert {"y", "du", "in_proj.weight", "short_filter.bias", "filter.ffn.freq", "filter.skip"} <= set(
        expected
    )
    assert len(expected) == 2 + 18
    training = reference(training_case(), make_inputs(training_case()))
    assert {"loss", "embeddings.word_embeddings.weight", "layers.1.mixer.out_proj.bias"} <= set(training)


@pytest.mark.parametrize("name", ["y", "du", "in_proj.weight", "filter.ffn.linear_0.bias", "filter.skip"])
def test_one_wrong_array_is_enough(both, name):
    results, expected = both
    wrong = results | {name: results[name] * np.float32(1.002)}
    with pytest.raises(DisagreementError, match=rf"rival: the relative error of {name} is 2\.0e-03 .* 1e-03"):
        max_error("rival", CASE, wrong, expected)
    slightly = results | {name: results[name] * np.float32(1.0005)}
    assert max_error("rival", CASE, slightly, expected) == pytest.approx(5e-4, rel=0.1)


def test_an_absent_a_misshapen_and_an_infinite_array_are_refused(both):
    results, expected = both
    with pytest.raises(DisagreementError, match="gives no du"):
        max_error("rival", CASE, {name: value for name, value in results.items() if name != "du"}, expected)
    with pytest.raises(DisagreementError, match=r"skip has shape \(7,\) .* \(8,\)"):
        max_error("rival", CASE, results | {"filter.skip": results["filter.skip"][:7]}, expected)
    for bad in (np.nan, np.inf):
        du = results["du"].copy()
        du[0, 3, 1] = bad
        with pytest.raises(DisagreementError, match="error of du is inf"):
            max_error("rival", CASE, results | {"du": du}, expected)


def test_constants_of_the_filter_need_no_gradient(both):
    results, expected = both
    trained = {
        n: value for n, value in results.items() if n not in ("filter.positional.t", "filter.window.deltas")
    }
    assert len(trained) == len(results) - 2
    assert max_error("rival", CASE, trained, expected) < 1e-5


def test_another_tolerance(both):
    results, expected = both
    rough = results | {"y": results["y"] * np.float32(1.05)}
    assert max_error("rival", CASE, rough, expected, tolerance=0.1) == pytest.approx(0.05, rel=0.01)


def test_a_large_forward_is_compared_at_its_beginning(monkeypatch):
    monkeypatch.setattr(compare, "_LARGEST", 100)
    monkeypatch.setattr(compare, "_BEGINNING", 10)
    case = Case(FORWARD, 1, 40, 4)
    inputs = make_inputs(case)
    expected, results = reference(case, inputs), dict(ours(case, inputs).results())
    assert expected["y"].shape == (1, 10, 4)
    assert 0 < max_error("ours", case, results, expected) < 1e-5
    late, early = (results["y"].copy() for _ in range(2))
    late[:, 10:] += 1.0
    early[:, 9] += 1.0
    assert max_error("ours", case, {"y": late}, expected) < 1e-5  # what the price of it is
    with pytest.raises(DisagreementError):
        max_error("ours", case, {"y": early}, expected)
    assert reference(Case(BOTH, 1, 40, 4), inputs)["y"].shape == (1, 40, 4)
