"""The two experiments on associative recall: what they plan, do, and say."""

import dataclasses
import json

import pytest

from hyena_np.backend import get_backend
from hyena_np.experiments import recall_by_length, recall_by_parametrisation
from hyena_np.experiments.experiment import PRESETS, experiment_in
from hyena_np.experiments.store import Row
from hyena_np.models.language_model import LanguageModelConfig, parameter_count
from hyena_np.models.serialise import config_from_dict, config_to_dict
from hyena_np.training.loop import CHECKPOINT_NAME
from support.figures import assert_picture

MODULES = {
    module.EXPERIMENT.name: (module, varied)
    for module, varied in (
        (recall_by_parametrisation, ("filter", "vocab")),
        (recall_by_length, ("mixer", "length")),
    )
}


@pytest.fixture(params=MODULES)
def case(request):
    """A module, and the names of its two factors."""
    return MODULES[request.param]


def done(run, accuracy):
    """The row of a run that came to an accuracy."""
    measures = {
        "validation_accuracy": accuracy,
        "test_accuracy": accuracy,
        "test_loss": 1.0,
        "train_loss": 1.0,
    }
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "cpu", {}, run.settings)


def finished(module, preset="laptop"):
    """Rows of the whole experiment: the first competitor is always right, the last is at 10 %."""
    rows = []
    while len(runs := module.plan(preset, rows)) > len(rows):
        names = {row.run for row in rows}
        names_of = list(dict.fromkeys(run.factors[module.EXPERIMENT.factors[0]] for run in runs))
        for run in runs:
            if run.name not in names:
                place = names_of.index(run.factors[module.EXPERIMENT.factors[0]])
                rows.append(done(run, 1.0 - 0.9 * place / max(1, len(names_of) - 1)))
    return rows


def test_the_experiment_is_in_the_catalogue_under_its_name(case):
    module, _ = case
    assert experiment_in(module.__name__) is module.EXPERIMENT


@pytest.mark.parametrize("preset", PRESETS)
def test_first_every_rate_then_every_cell_with_every_seed(case, preset):
    module, (competitor, varied) = case
    first = module.plan(preset, [])
    names = {run.factors[competitor] for run in first}
    assert len(first) == len(names) * len(module.RATES[preset])
    assert len({run.factors[varied] for run in first}) == 1
    rows = finished(module, preset)
    cells = {(row.factors[competitor], row.factors[varied], row.seed) for row in rows}
    assert {seed for *_, seed in cells} == {0, 1, 2}
    assert len(cells) == 3 * len(names) * len({value for _, value, _ in cells})


@pytest.mark.parametrize("preset", PRESETS)
def test_the_settings_say_everything_and_are_plain(case, preset):
    module, _ = case
    for run in module.plan(preset, []):
        assert json.loads(json.dumps(run.settings))["seed"] == run.factors["seed"]
        model = config_from_dict(LanguageModelConfig, run.settings["model"])
        assert (model.n_layer, model.d_model) == (2, 64)
        assert run.settings["training"]["schedule"]["peak"] == run.factors["lr"]


@pytest.mark.paper("Table A.1")
def test_the_paper_preset_has_the_paper_s_settings(case):
    module, _ = case
    for run in module.plan("paper", []):
        settings = run.settings
        assert settings["data"] == {"batch": 32, "loss": "all", "examples": 2000}
        assert settings["model"]["n_layer"] == 2 and settings["model"]["mixer"]["d_model"] == 64
        training = settings["training"]
        assert (training["betas"], training["weight_decay"]) == ([0.9, 0.98], 0.1)
        assert training["schedule"]["warmup"] == 10 * 2000 // 32  # ten epochs


def test_competitors_have_models_of_like_size():
    sizes = {
        run.factors["mixer"]: parameter_count(config_from_dict(LanguageModelConfig, run.settings["model"]))
        for run in recall_by_length.plan("laptop", [])
    }
    assert max(sizes.values()) < 1.6 * min(sizes.values()), sizes


def small(run, steps=3):
    """The settings of a run, shrunk to a moment's work."""
    settings = json.loads(json.dumps(run.settings))
    settings["training"]["schedule"] |= {"total": steps, "warmup": 1}
    settings["training"] |= {"eval_every": steps, "checkpoint_every": 1}
    settings["task"] |= {"vocab_size": 6, "length": 16}
    settings["data"] |= {"batch": 2, "examples": None, "validation": 4, "test": 4}
    model = config_from_dict(LanguageModelConfig, settings["model"])
    settings["model"] = config_to_dict(dataclasses.replace(model, vocab_size=6))
    return settings


def test_every_competitor_trains_and_is_tested(case, tmp_path):
    module, (competitor, _) = case
    runs = {run.factors[competitor]: run for run in module.plan("laptop", [])}
    for name, run in runs.items():
        folder = tmp_path / name
        folder.mkdir()
        found = module.execute(small(run), folder, get_backend("numpy"), lambda: None)
        assert tuple(found) == module.EXPERIMENT.measures
        assert 0 <= found["test_accuracy"] <= 1 and found["train_loss"] > 0


def test_a_run_that_is_told_to_stop_goes_on_where_it_was(tmp_path):
    module = recall_by_parametrisation
    settings, backend = small(module.plan("laptop", [])[0], steps=6), get_backend("numpy")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    expected = module.execute(settings, whole, backend, lambda: None)
    calls = []

    def stop_at_three():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        module.execute(settings, parts, backend, stop_at_three)
    assert (parts / CHECKPOINT_NAME).exists()
    assert module.execute(settings, parts, backend, lambda: calls.append(1)) == expected
    assert len(calls) == 3 + 4  # the third step was not counted, and is taken again


def test_a_run_that_diverges_has_no_numbers(tmp_path):
    module = recall_by_parametrisation
    settings = small(module.plan("laptop", [])[0])
    settings["training"]["schedule"]["peak"] = 1e30
    found = module.execute(settings, tmp_path, get_backend("numpy"), lambda: None)
    assert all(value != value for value in found.values()) and len(found) == 4


@pytest.mark.paper("Fig. 4.1")
def test_the_report_names_the_order_that_the_rows_have(case):
    module, (competitor, _) = case
    rows = finished(module)
    report = module.report(rows)
    names = list(dict.fromkeys(row.factors[competitor] for row in rows))
    assert [row[0] for row in report.tables[0].rows] == names
    assert all(len(row) == len(report.tables[0].head) for row in report.tables[0].rows)
    assert f"{names[0]} (100%) > {names[1]}" in report.conclusions[0]
    assert_picture(next(iter(report.figures.values()))())


def test_a_report_of_nothing_and_of_a_part(case):
    module, _ = case
    assert module.report([]).conclusions == []
    part = finished(module)[:5]
    report = module.report(part)
    assert all(len(row) == len(report.tables[0].head) for row in report.tables[0].rows)
