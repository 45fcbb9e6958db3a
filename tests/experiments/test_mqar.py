"""Multi-query recall by width."""

import math

import pytest

from hyena_np.backend import get_backend
from hyena_np.experiments import mqar
from hyena_np.experiments.published import MQAR_SIZES, MQAR_WIDTHS
from hyena_np.experiments.recall import MEASURES
from hyena_np.experiments.store import Row
from hyena_np.tasks.mqar import MQARTask
from plots.conftest import assert_picture

SHORT, LONG = mqar.SIZES["laptop"]
NARROW, WIDE = mqar.WIDTHS["laptop"][0], mqar.WIDTHS["laptop"][-1]


def row(run, accuracy):
    """A row as it could have been measured; the largest learning rate is the best."""
    measures = dict.fromkeys(MEASURES, 1.0) | {"test_accuracy": accuracy}
    measures["validation_accuracy"] = run.factors["lr"]
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "processor", {}, run.settings)


def all_rows(accuracy):
    """Rows of the whole laptop plan; `accuracy` is a function of a run's factors."""
    first = [row(run, accuracy(run.factors)) for run in mqar.plan("laptop", [])]
    done = {found.run for found in first}
    later = [run for run in mqar.plan("laptop", first) if run.name not in done]
    return first + [row(run, accuracy(run.factors)) for run in later]


class TestPlan:
    def test_the_shorter_task_is_tuned_and_the_longer_follows(self):
        mixers_and_widths = 2 * len(mqar.WIDTHS["laptop"])
        rates = len(mqar.RATES["laptop"])
        first = mqar.plan("laptop", [])
        assert len(first) == rates * mixers_and_widths
        assert {(run.factors["length"], run.factors["pairs"]) for run in first} == {SHORT}
        rows = all_rows(lambda factors: 1.0)
        assert len(rows) == (rates + 2 + 3) * mixers_and_widths
        later = [found for found in rows[len(first) :] if found.factors["length"] == LONG[0]]
        assert {found.factors["lr"] for found in later} == {max(mqar.RATES["laptop"])}

    @pytest.mark.parametrize("preset", ["laptop", "paper"])
    def test_settings_are_those_of_the_cell(self, preset):
        for run in mqar.plan(preset, []):
            settings, factors = run.settings, run.factors
            task = MQARTask(**settings["task"])
            assert (task.length, task.num_kv_pairs) == (factors["length"], factors["pairs"])
            assert settings["model"]["mixer"]["d_model"] == factors["width"]
            learned = settings["model"]["max_position_embeddings"]
            assert learned == (task.length if factors["mixer"] == "Attention" else 0)

    def test_the_paper_s_steps(self):
        assert mqar.SIZES["paper"] == MQAR_SIZES and mqar.WIDTHS["paper"] == MQAR_WIDTHS
        batches = {}
        for length, pairs in MQAR_SIZES:
            cell = {"mixer": "Hyena", "length": length, "pairs": pairs, "width": 64}
            settings = mqar.make_run("paper", cell, 1e-3, 0).settings
            batches[length] = settings["data"]["batch"]
            assert settings["training"]["schedule"]["total"] == 64 * 100_000 // batches[length]
        assert batches == {64: 512, 128: 512, 256: 256, 512: 128}


def test_stopped_and_resumed_is_the_same(tmp_path):
    cell = {"mixer": "Attention", "length": SHORT[0], "pairs": SHORT[1], "width": NARROW}
    settings = mqar.make_run("laptop", cell, 1e-2, 0).settings
    settings["data"] |= {"batch": 4, "validation": 4, "test": 8}
    settings["model"]["mixer"] |= {"d_model": 4}
    settings["training"]["schedule"] |= {"warmup": 1, "total": 4}
    settings["training"] |= {"eval_every": 4, "checkpoint_every": 2}
    backend, calls = get_backend("numpy", "float32"), []

    def stop():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    for folder in ("whole", "parts"):
        (tmp_path / folder).mkdir()
    whole = mqar.execute(settings, tmp_path / "whole", backend, lambda: None)
    with pytest.raises(KeyboardInterrupt):
        mqar.execute(settings, tmp_path / "parts", backend, stop)
    assert mqar.execute(settings, tmp_path / "parts", backend, lambda: None) == whole
    assert tuple(whole) == MEASURES and all(math.isfinite(value) for value in whole.values())


def as_published(factors):
    """Attention at once; Hyena with width, and less on the longer task."""
    if factors["mixer"] == "Attention":
        return 0.99
    return min(1.0, 8 * factors["width"] / (factors["length"] * WIDE))


class TestReport:
    def test_of_nothing(self):
        report = mqar.report([])
        assert (report.conclusions, report.figures) == ([], {})
        published = {tuple(cells[:3]): cells[3:] for cells in report.tables[1].rows}
        assert published["Hyena", "128", "8"] == ["18%", "64%", "74%", "84%"]

    def test_the_published_order(self):
        report = mqar.report(all_rows(as_published))
        text = "\n".join(report.conclusions)
        assert f"Attention, length {LONG[0]}, {LONG[1]} pairs: 95% from width {NARROW} on." in text
        assert f"Hyena, length {SHORT[0]}, {SHORT[1]} pairs: " in text
        assert "Published order: attention is never behind. Here too" in text
        assert "filters that weigh by lag and not by content" in text
        cells = report.tables[0].rows[0]
        assert list(cells[:4]) == ["Attention", str(SHORT[0]), str(SHORT[1]), "99.0 (99.0 to 99.0)"]

    def test_another_order_is_said(self):
        report = mqar.report(all_rows(lambda f: 0.4 if f["mixer"] == "Attention" else 0.5))
        text = "\n".join(report.conclusions)
        assert f"Hyena is ahead at D={NARROW} at length {SHORT[0]} (50% against 40%)" in text
        assert "no width reaches 95%; the best is 50% at width" in text
        assert "not what filters that weigh by lag would lead one to expect" in text

    def test_no_conclusion_from_a_part(self):
        rows = [row for row in all_rows(as_published) if row.factors["mixer"] == "Attention"]
        assert mqar.report(rows).conclusions == []

    def test_figures(self):
        report = mqar.report(all_rows(as_published))
        assert len(report.figures) == 2
        for figure in report.figures.values():
            assert_picture(figure())
