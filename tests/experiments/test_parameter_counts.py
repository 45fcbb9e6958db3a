"""Sizes and operations of the published models."""

import math
import tracemalloc

import pytest

from hyena_np import flops_breakdown, published_model
from hyena_np.backend import get_backend
from hyena_np.experiments import parameter_counts as counts
from hyena_np.experiments.store import Row
from support.figures import assert_picture


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Every run, done: it takes milliseconds."""
    folder, backend = tmp_path_factory.mktemp("runs"), get_backend("numpy", "float32")
    return [
        Row(
            run.name,
            run.factors,
            counts.execute(run.settings, folder, backend, lambda: None),
            0.0,
            "numpy",
            "float32",
            "processor",
            {},
            run.settings,
        )
        for run in counts.plan("laptop", [])
    ]


def measured(rows):
    return {row.factors["model"]: row.measures for row in rows}


def test_both_presets_are_the_same_and_nothing_is_trained():
    runs = counts.plan("laptop", [])
    assert runs == counts.plan("paper", [])
    assert len({run.name for run in runs}) == 14 and all(run.steps == 1 for run in runs)


def test_counts_of_the_official_code(rows):
    found = measured(rows)
    assert all(set(values) == set(counts.MEASURES) for values in found.values())
    assert found["153M"]["parameters"] == 153_700_416
    assert found["355M"]["training_flops"] == pytest.approx(3.844e19, rel=1e-3)
    assert found["355M"]["literal_flops"] == pytest.approx(3.486e19, rel=1e-3)
    assert math.isnan(found["1.3B"]["training_flops"])


def test_counting_allocates_no_model(rows):
    assert all(0 < values["peak_bytes"] < 1_000_000 for values in measured(rows).values())


def test_the_peak_is_that_of_the_call():
    tracemalloc.start()
    before = bytearray(500_000)
    try:
        size, peak = counts._with_peak(lambda: len(bytearray(300_000)))
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    assert size == 300_000 and 300_000 <= peak < 400_000 < len(before)


def test_parts_that_depend_on_length_and_those_that_do_not():
    """At a length of its own, all parts of a model together are its breakdown."""
    for name in counts.PAIR:
        config = published_model(name)
        whole = flops_breakdown(config, 2048)
        layers = (whole["total"] - whole["embedding"] - whole["logits"]) / (2048 * config.n_layer)
        parts = counts.mixing_operations(config, 2048) + counts.dense_operations(config, 2048)
        assert parts == pytest.approx(layers, rel=1e-12)
    hyena, attention = map(published_model, counts.PAIR)
    assert counts.dense_operations(hyena, 64) == counts.dense_operations(attention, 4096)


def test_the_crossover_is_where_the_sign_changes():
    pair = hyena, attention = [published_model(name) for name in counts.PAIR]
    at = counts.crossover(*pair)
    assert counts.mixing_operations(hyena, at) < counts.mixing_operations(attention, at)
    assert counts.mixing_operations(hyena, at - 1) >= counts.mixing_operations(attention, at - 1)


def test_the_report_says_what_the_rows_say(rows):
    report = counts.report(rows)
    (table,) = report.tables
    assert all(len(cells) == len(table.head) for cells in table.rows)
    cells = {row[0]: row for row in table.rows}
    assert cells["355M"][1:6] == ["359,519,488 (+1.3 %)", "355", "3.844 (-2.2 %)", "3.93", "3.486 (-11.3 %)"]
    assert cells["hyenadna-large-1m"][2:6] == [""] * 4
    said = " ".join(report.conclusions)
    assert "-1.4 % (153M), -2.2 % (355M)" in said and " to 1.6 % or better (1.3B is furthest off)" in said
    assert "takes 19.6 % fewer" in said and "it is 17.6 %" in said


def test_a_report_on_some_rows_and_on_none(rows):
    some = counts.report([row for row in rows if row.factors["model"] == "355M"])
    assert len(some.tables[0].rows) == 1
    assert not any("fewer" in line for line in some.conclusions)
    nothing = counts.report([])
    assert not nothing.tables[0].rows and not nothing.conclusions and not nothing.figures


def test_the_figure(rows):
    figure = counts.report(rows).figures["operations_by_length"]()
    assert_picture(figure)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[1].endswith("grows as L$^{1.00}$") and labels[2].endswith("grows as L$^{0.00}$")
