"""Language modelling on real text: equal sizes, a pinned corpus, and what the rows say."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from hyena_np.backend import get_backend
from hyena_np.errors import ConfigError, DataError, ShapeError
from hyena_np.experiments import language, language_report, text_data
from hyena_np.experiments.experiment import CATALOGUE, experiment_in
from hyena_np.experiments.store import Row, as_json, check_same_plan
from hyena_np.experiments.text_data import TextData, write
from hyena_np.models.flops import training_flops
from hyena_np.models.language_model import LanguageModelConfig, init_language_model, parameter_count
from hyena_np.models.serialise import config_from_dict
from hyena_np.plots.budget import loss_against_operations
from hyena_np.tasks.corpora import Corpus
from hyena_np.tasks.text import TextTask
from plots.conftest import assert_picture

NUMPY = get_backend("numpy", "float32")


@pytest.fixture(autouse=True)
def small_library(monkeypatch):
    """Two thousand characters instead of the library; `pinned` as ever."""
    text = "def f(x):\n    return x | 1\n\n`quoted`\n" * 60
    monkeypatch.setattr(text_data, "library", lambda limit: Corpus("small", text))
    monkeypatch.setattr(language, "pinned", text_data.pinned.__wrapped__)
    monkeypatch.setattr(text_data, "pinned", text_data.pinned.__wrapped__)


def row(run, bits, **other):
    """A row as it could have been measured: the validation loss falls to the test loss."""
    loss, steps = bits * math.log(2), run.steps
    model = config_from_dict(LanguageModelConfig, run.settings["model"])
    measures = {
        "validation_loss": loss,
        "test_loss": loss,
        "test_bits": bits,
        "train_loss": loss,
        "parameters": parameter_count(model),
        "flops": training_flops(model, 128, steps * 16 * 128),
        "curve": json.dumps([[steps // 2, 2 * loss], [steps, loss]]),
        "sample": json.dumps("a|b`c\n"),
    } | other
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "cpu", {}, as_json(run.settings))


def all_rows(bits, **other):
    """Rows of the whole laptop plan; `bits` and `other` are functions of a run's factors."""

    def made(run):
        return row(run, bits(run.factors), **{name: of(run.factors) for name, of in other.items()})

    rows = [made(run) for run in language.plan("laptop", [])]
    done = {found.run for found in rows}
    return rows + [made(run) for run in language.plan("laptop", rows) if run.name not in done]


def bits_of(**systems):
    """Bits a character by system; the middle learning rate is best, seeds differ a little."""
    return lambda factors: (
        systems[factors["system"].replace("-", "")]
        + abs(math.log2(factors["lr"] / 8e-3)) / 10
        + factors["seed"] / 100
    )


class TestPlan:
    def test_every_rate_with_one_seed_then_the_best_with_all(self):
        assert len(language.plan("laptop", [])) == 9
        rows = all_rows(bits_of(Transformer=2.0, Hyena2=2.0, Hyena3=2.0))
        assert len(rows) == 15
        assert {found.factors["lr"] for found in rows if found.seed} == {8e-3}
        assert len(language.plan("laptop", rows)) == 15

    @pytest.mark.parametrize("preset", language.SIZES)
    def test_systems_are_of_equal_size_and_see_equally_much(self, preset):
        sizes = [parameter_count(language.model_of(preset, system, 96)) for system in language_report.SYSTEMS]
        assert max(sizes) <= 1.01 * min(sizes)
        runs = language.plan(preset, [])
        assert len({run.name for run in runs}) == 9
        shared = ("corpus", "task", "data")
        assert len({json.dumps([run.settings[key] for key in shared]) for run in runs}) == 1
        assert len({run.steps for run in runs}) == 1

    def test_the_larger_preset_is_ten_times_the_smaller(self):
        laptop, paper = (
            (
                parameter_count(language.model_of(preset, "Hyena-2", 96)),
                size["steps"] * size["batch"] * size["length"],
            )
            for preset, size in language.SIZES.items()
        )
        assert [big / small for small, big in zip(laptop, paper, strict=True)] == pytest.approx(
            [10, 10], rel=0.1
        )

    def test_the_catalogue_has_it(self):
        assert experiment_in(CATALOGUE["language"]) is language.EXPERIMENT


def tiny_run(system="Hyena-3"):
    """A run that is small enough for a test."""
    run = language.make_run("laptop", {"system": system}, 1e-2, 0)
    settings = run.settings
    settings["task"] = {"length": 16}
    settings["data"] = {"batch": 4, "validation": 3}
    settings["model"] |= {"d_inner": 8}
    settings["model"]["mixer"] |= {"d_model": 8, "l_max": 16}
    settings["training"]["schedule"] |= {"warmup": 1, "total": 20}
    settings["training"] |= {"eval_every": 5, "checkpoint_every": 5}
    return run


class TestExecute:
    @pytest.mark.parametrize("system", ["Transformer", "Hyena-3"])
    def test_a_run_learns_and_measures_and_resumes_to_the_same(self, tmp_path, system, monkeypatch):
        monkeypatch.setattr(text_data, "SAMPLE_LENGTH", 30)
        settings = as_json(tiny_run(system).settings)
        if system == "Transformer":
            settings["model"]["max_position_embeddings"] = 16
        (tmp_path / "whole").mkdir()
        found = language.execute(settings, tmp_path / "whole", NUMPY, lambda: None)
        assert tuple(found) == language_report.MEASURES
        steps, losses = zip(*json.loads(found["curve"]), strict=True)
        assert steps == (5, 10, 15, 20)
        assert losses[-1] < losses[0] and losses[-1] == pytest.approx(found["validation_loss"], abs=1e-5)
        assert found["test_bits"] == pytest.approx(found["test_loss"] / math.log(2))
        assert found["sample"].isascii() and found["sample"].isprintable()
        assert len(json.loads(found["sample"])) == 30

        calls = []

        def stop():
            calls.append(None)
            if len(calls) == 12:
                raise KeyboardInterrupt

        (tmp_path / "cut").mkdir()
        with pytest.raises(KeyboardInterrupt):
            language.execute(settings, tmp_path / "cut", NUMPY, stop)
        assert language.execute(settings, tmp_path / "cut", NUMPY, lambda: None) == found
        assert len(calls) == 12

    def test_a_run_that_diverges_has_no_numbers_but_its_size(self, tmp_path):
        settings = as_json(tiny_run().settings)
        settings["training"]["schedule"]["peak"] = 1e30
        with np.errstate(all="ignore"):
            found = language.execute(settings, tmp_path, NUMPY, lambda: None)
        assert math.isnan(found["test_bits"]) and math.isnan(found["sample"])
        assert json.loads(found["curve"]) == [] and found["parameters"] > 0


class TestCorpus:
    def test_rows_on_another_text_are_noticed(self, tmp_path, monkeypatch):
        run = language.make_run("laptop", {"system": "Hyena-2"}, 1e-2, 0)
        old = row(run, 2.0)
        check_same_plan(tmp_path, [old], [run])
        text = text_data.library(None).text[::-1]
        monkeypatch.setattr(text_data, "library", lambda limit: Corpus("small", text))
        again = language.make_run("laptop", {"system": "Hyena-2"}, 1e-2, 0)
        with pytest.raises(ConfigError, match=r"corpus\.sha256 = "):
            check_same_plan(tmp_path, [old], [again])
        with pytest.raises(DataError, match=r"^corpus: got small with SHA-256 \w{12}, the run asks for"):
            text_data.pinned_corpus(run.settings["corpus"])


class TestTextData:
    def test_validation_windows_are_spread_evenly_and_full(self):
        task = TextTask(text_data.library(None), 4)
        held_out = TextData(task, None, 0, 2, 5)._validation
        every = task.windows("validation").inputs
        assert held_out.inputs.shape == (5, 4) and (held_out.labels >= 0).all()
        np.testing.assert_array_equal(held_out.inputs[[0, -1]], every[[0, -2]])

    def test_writing_goes_beyond_the_context_and_depends_on_the_seed(self):
        task = TextTask(text_data.library(None), 8)
        model = language.model_of("laptop", "Hyena-2", task.vocab_size)
        model = replace(model, mixer=replace(model.mixer, d_model=8, l_max=8), embedding_std=1.0)
        params = init_language_model(model, np.random.default_rng(0), NUMPY)
        texts = [write(params, model, task.vocabulary, np.random.default_rng(seed), 20) for seed in (0, 0, 1)]
        assert texts[0] == texts[1] != texts[2] and len(texts[0]) == 20
        cold = {
            write(params, model, task.vocabulary, np.random.default_rng(seed), 5, temperature=1e-6)
            for seed in range(3)
        }
        assert len(cold) == 1


class TestReport:
    def test_level_systems_are_called_level(self):
        report = language_report.report(all_rows(bits_of(Transformer=2.0, Hyena2=2.02, Hyena3=1.97)))
        results, samples, *published = report.tables
        assert [cells[4:6] for cells in results.rows] == [
            ["2.010 (2.000 to 2.020)", ""],
            ["2.030 (2.020 to 2.040)", "+1.0 %"],
            ["1.980 (1.970 to 1.990)", "-1.5 %"],
        ]
        assert all(cells[3] == "0.008" and cells[-1] == "3" for cells in results.rows)
        assert samples.rows[0] == ["Transformer", '`"a\\u007cb\\u0060c\\n"`']
        assert json.loads(samples.rows[0][1].strip("`")) == "a|b`c\n"
        assert len(published) == 3
        said = " ".join(report.conclusions)
        assert said.count("level with it") == 2 and "half-way" not in said
        assert "Hyena-3 (1.980) < Transformer (2.010) < Hyena-2 (2.030)" in said and "so it is here" in said
        assert_picture(report.figures["language_loss_by_operations"]())

    def test_a_difference_is_explained_from_the_rows(self):
        rows = all_rows(
            bits_of(Transformer=2.0, Hyena2=2.2, Hyena3=2.2),
            train_loss=lambda factors: 1.5 if factors["system"] == "Hyena-3" else 1.0,
        )
        said = " ".join(language_report.report(rows).conclusions)
        assert "Hyena-2 takes 10.0 % more bits a character than the Transformer: worse" in said
        assert "On the text that is trained on it is +0.0 %: a difference in generalising" in said
        assert "On the text that is trained on it is +50.0 %: a difference in learning" in said
        assert "edge of those tried" not in said and "Hyena-2 and Hyena-3 is not level" in said

    def test_a_learning_rate_at_the_edge_is_admitted(self):
        def bits(factors):
            return (1.0 if factors["system"] == "Hyena-2" else 2.0) - factors["lr"]

        said = " ".join(language_report.report(all_rows(bits)).conclusions)
        assert "edge of those tried for Hyena-2 (largest) and Transformer (largest)" in said
        assert "better, at a margin" in said

    @pytest.mark.paper("Fig. 4.2")
    def test_operations_for_the_same_loss(self):
        operations, bits = np.array([1.0, 2.0, 4.0]), np.array([8.0, 4.0, 2.0])
        reached = [language_report.reached(operations, bits, target) for target in (9.0, 8.0, 6.0, 3.0, 2.0)]
        assert reached == [1.0, 1.0, 1.5, 3.0, 4.0]

    def test_seeds_that_diverged_are_told_and_rows_that_are_missing_leave_gaps(self):
        rows = all_rows(bits_of(Transformer=2.0, Hyena2=2.0, Hyena3=2.0))
        nothing = dict.fromkeys(language_report.MEASURES, math.nan)
        rows[-1] = replace(rows[-1], measures=nothing)
        assert language_report.report(rows).tables[0].rows[-1][-1] == "2, 1 more diverged"
        alone = language_report.report([found for found in rows if found.factors["system"] == "Hyena-2"])
        assert len(alone.tables[0].rows) == 1 and alone.tables[0].rows[0][5] == "" and not alone.conclusions
        assert_picture(alone.figures["language_loss_by_operations"]())
        empty = language_report.report([])
        assert not empty.tables[0].rows and not empty.conclusions and not empty.figures


def test_the_figure_takes_four_rows_a_system():
    axes = loss_against_operations({"a": [[2, 1], [5, 6], [4, 5], [6, 7]]}, "Title", "loss").axes[0]
    assert axes.get_lines()[0].get_xydata().tolist() == [[1, 6], [2, 5]]
    with pytest.raises(ShapeError, match="got 3 rows"):
        loss_against_operations({"a": [[1, 2], [5, 6], [4, 5]]}, "Title", "loss")
