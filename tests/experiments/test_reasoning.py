"""Small tasks by depth, and the data of those that are functions."""

import math

import numpy as np
import pytest

from hyena_np.backend import get_backend
from hyena_np.experiments import reasoning
from hyena_np.experiments.function_data import FunctionData, predict_functions
from hyena_np.experiments.reasoning_tasks import LAYERS, MEASURES, TASKS, task_of
from hyena_np.experiments.store import Row
from hyena_np.models.sequence_model import SequenceModelConfig, init_sequence_model
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.addition import AdditionTask
from hyena_np.tasks.counting import MajorityTask
from hyena_np.tasks.linear_functions import LinearFunctionsTask, relative_error
from plots.conftest import assert_picture


def row(run, score, loss):
    """A row as it could have been measured."""
    measures = dict.fromkeys(MEASURES, loss) | {"test_score": score}
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "processor", {}, run.settings)


def all_rows(score, loss=lambda factors: factors["lr"], preset="laptop"):
    """Rows of a whole plan; `score` and `loss` are functions of a run's factors."""

    def make(runs):
        return [row(run, score(run.factors), loss(run.factors)) for run in runs]

    first = make(reasoning.plan(preset, []))
    done = {found.run for found in first}
    return first + make(run for run in reasoning.plan(preset, first) if run.name not in done)


class TestPlan:
    def test_two_layers_are_tuned_and_every_depth_follows(self):
        tasks = len(TASKS["laptop"])
        first = reasoning.plan("laptop", [])
        assert len(first) == 2 * 3 * tasks
        assert {run.factors["layers"] for run in first} == {2}
        rows = all_rows(lambda factors: 1.0)
        # Hyena: three rates, two more seeds, and two other depths with three seeds; attention: 3 + 2.
        assert len(rows) == (3 + 2 + 6 + 3 + 2) * tasks
        later = [found.factors for found in rows[len(first) :]]
        assert {factors["lr"] for factors in later} == {1e-3}
        assert {factors["layers"] for factors in later if factors["mixer"] == "Attention"} == {2}

    @pytest.mark.parametrize("preset", ["laptop", "paper"])
    def test_settings_say_the_task_and_the_depth(self, preset):
        for run in reasoning.plan(preset, []):
            assert task_of(run.settings) == TASKS[preset][run.factors["task"]]
            assert run.settings["model"]["n_layer"] == run.factors["layers"]
            learned = run.settings["model"]["max_position_embeddings"]
            assert (learned > 0) == (run.factors["mixer"] == "Attention")


def tiny_run(name, task, monkeypatch):
    """Four steps of a small model."""
    monkeypatch.setitem(TASKS["laptop"], name, task)
    settings = reasoning.make_run("laptop", {"task": name, "mixer": "Hyena", "layers": 1}, 1e-2, 0).settings
    settings["data"] |= {"batch": 4, "validation": 4, "test": 8}
    settings["model"]["mixer"] |= {"d_model": 4, "filter_order": 4}
    settings["model"] |= {"d_inner": 8}
    settings["training"]["schedule"] |= {"warmup": 1, "total": 4}
    settings["training"] |= {"eval_every": 4, "checkpoint_every": 2}
    return settings


class TestExecute:
    @pytest.mark.parametrize(
        ("name", "task"), [("addition-2", AdditionTask(1)), ("functions", LinearFunctionsTask(1, 3))]
    )
    def test_stopped_and_resumed_is_the_same(self, tmp_path, monkeypatch, name, task):
        settings, backend = tiny_run(name, task, monkeypatch), get_backend("numpy", "float32")
        calls = []

        def stop():
            calls.append(1)
            if len(calls) == 3:
                raise KeyboardInterrupt

        for folder in ("whole", "parts"):
            (tmp_path / folder).mkdir()
        whole = reasoning.execute(settings, tmp_path / "whole", backend, lambda: None)
        with pytest.raises(KeyboardInterrupt):
            reasoning.execute(settings, tmp_path / "parts", backend, stop)
        assert reasoning.execute(settings, tmp_path / "parts", backend, lambda: None) == whole
        assert tuple(whole) == MEASURES
        assert all(math.isfinite(value) for value in whole.values())


class TestFunctionData:
    def made(self, batch=3):
        task = LinearFunctionsTask(2, 4)
        model = SequenceModelConfig(task.channels, 1, 1, HyenaConfig(4, task.input_length, filter_order=4))
        return FunctionData(task, model, 0, batch, validation=5, test=600)

    def test_training_counts_every_point_and_measuring_the_query(self):
        data = self.made()
        inputs, (targets, mask) = data.sample(np.random.default_rng(0), 0)
        assert (inputs.shape, targets.shape, mask.shape) == ((3, 7, 3), (3, 7, 1), (3, 7))
        assert mask[:, ::2].all() and not mask[:, 1::2].any()
        assert data.tested.mask.sum() == 600 and data.tested.mask[:, -1].all()
        assert not np.array_equal(data.tested.inputs[:5], data.validation.inputs)

    def test_a_model_that_says_zero_explains_nothing(self):
        data = self.made()
        params = init_sequence_model(data.model, np.random.default_rng(0))
        params["readout"] = {name: 0 * leaf for name, leaf in params["readout"].items()}
        found = data.test(params)
        assert found["test_score"] == pytest.approx(0.0)
        assert found["test_loss"] == pytest.approx(np.mean(data.tested.targets[:, -1] ** 2))
        evaluation = data.validate(params)
        assert evaluation.accuracy is None
        assert evaluation.loss == pytest.approx(np.mean(data.validation.targets[:, -1] ** 2))

    def test_the_prompts_in_parts_are_the_prompts_as_a_whole(self):
        data = self.made()
        params = init_sequence_model(data.model, np.random.default_rng(0))
        whole = predict_functions(params, data.model, data.tested)
        assert whole.shape == data.tested.targets.shape
        last = type(data.tested)(*(part[590:] for part in data.tested))
        np.testing.assert_allclose(predict_functions(params, data.model, last), whole[590:], rtol=1e-4)
        assert data.test(params)["test_score"] == pytest.approx(1 - relative_error(whole, data.tested))


def scores(factors):
    """One layer adds up to three digits, more layers anything; attention cannot count."""
    if factors["task"] == "addition-4":
        return 0.97 if factors["layers"] > 1 else 0.5
    return 0.2 if (factors["task"], factors["mixer"]) == ("counting", "Attention") else 0.99


class TestReport:
    def test_of_nothing(self):
        report = reasoning.report([])
        assert (report.conclusions, report.figures, list(report.tables[0].rows)) == ([], {}, [])

    def test_says_what_is_learned(self):
        report = reasoning.report(all_rows(scores))
        table = {cells[0]: cells[1:] for cells in report.tables[0].rows}
        assert table["addition-4"][0] == "50.0 (50.0 to 50.0)"
        assert table["addition-4"][1] == "97.0 (97.0 to 97.0)"
        assert table["counting"][-2:] == ["20.0", "0.001, 0.001"]
        assert table["functions"][-2] == "0.0"
        text = "\n".join(report.conclusions)
        assert "majority: Hyena reaches 95% with one layer." in text
        assert "addition-4: Hyena reaches 95% with 2 layers." in text
        assert "One layer adds numbers of up to 3 digits (tried: 2, 3, 4)" in text
        assert "not so here, after 600 steps; 3 layers do better than one at 4 digits" in text
        assert "Hyena is ahead in counting; neither is ahead in majority, induction" in text

    @pytest.mark.paper("Fig. C.1")
    @pytest.mark.parametrize(
        ("score", "said"),
        [(1.0, "Fig. C.1): up to 4 digits; the same here."), (0.3, "One layer adds numbers of none of")],
    )
    def test_addition_as_published_and_not_at_all(self, score, said):
        text = "\n".join(reasoning.report(all_rows(lambda factors: score)).conclusions)
        assert said in text
        assert ("addition-2: Hyena does not reach 95%; the best is 30% with one layer." in text) == (
            score < 0.95
        )

    def test_the_paper_s_lengths(self):
        rows = all_rows(lambda f: float(f["task"] in ("addition-2", "addition-4")), preset="paper")
        assert "up to 4 digits; the same here." in "\n".join(reasoning.report(rows).conclusions)

    def test_no_conclusion_on_a_task_that_is_not_complete(self):
        rows = all_rows(lambda factors: 1.0)
        part = [found for found in rows if found.factors["layers"] < LAYERS[-1]]
        report = reasoning.report(part)
        assert report.conclusions == [] and report.tables[0].rows[0][3] == ""

    def test_figures(self):
        report = reasoning.report(all_rows(scores))
        assert set(report.figures) == {"reasoning_by_depth", "addition_by_digits"}
        for figure in report.figures.values():
            assert_picture(figure())


def test_majority_has_a_guess():
    run = reasoning.make_run("laptop", {"task": "majority", "mixer": "Hyena", "layers": 1}, 1e-2, 0)
    assert task_of(run.settings) == MajorityTask(10, 30) and task_of(run.settings).chance == 0.1
