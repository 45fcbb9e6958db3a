"""How the filters begin, and what comes of it."""

import math

import numpy as np
import pytest

from hyena_np.backend import get_backend
from hyena_np.errors import ShapeError
from hyena_np.experiments import initial_spectra, initialisation
from hyena_np.experiments.filter_spectra import cutoff, filters_of, initial_filters
from hyena_np.experiments.initialisation_factors import BASE_CELL, BASES, FACTORS, knobs_of
from hyena_np.experiments.store import Row
from hyena_np.models.language_model import LanguageModelConfig, init_language_model
from hyena_np.models.mixers import mixer_of
from hyena_np.models.serialise import config_from_dict
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import exponential_window
from hyena_np.plots.factors import one_at_a_time
from hyena_np.plots.filter_kinds import median_spectra
from hyena_np.tasks.recall import RecallTask
from support.figures import assert_picture


def row(run, loss, before=5, diverged=False):
    """A row as it could have been measured."""
    measures = dict.fromkeys(initialisation.MEASURES, 0.1)
    measures |= {"test_loss": loss, "test_accuracy": math.exp(-loss), "validation_accuracy": math.exp(-loss)}
    if diverged:
        measures = dict.fromkeys(initialisation.MEASURES, math.nan)
    measures |= {"start_cutoff": 7, "cutoff_before": before}
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "processor", {}, run.settings)


def all_rows(loss, **other):
    """Rows of the whole laptop plan; `loss` and `other` are functions of a run's factors."""

    def make(run):
        return row(run, loss(run.factors), **{name: of(run.factors) for name, of in other.items()})

    first = [make(run) for run in initialisation.plan("laptop", [])]
    done = {found.run for found in first}
    return first + [make(run) for run in initialisation.plan("laptop", first) if run.name not in done]


class TestPlan:
    def test_one_thing_differs_from_the_base(self):
        for preset, base in BASES.items():
            for cell in initialisation.cells(preset)[1:]:
                differs = {name for name, value in knobs_of(preset, cell).items() if value != base[name]}
                assert 1 <= len(differs) <= (2 if cell["value"] == "gpt2 with w=10" else 1), cell

    def test_no_two_cells_are_the_same_model(self):
        for preset in BASES:
            runs = initialisation.plan(preset, [])
            assert len({repr(run.settings | {"knobs": None}) for run in runs}) == len(runs)
            assert len({run.name for run in runs}) == len(runs)

    def test_the_number_of_runs_and_what_they_cost(self):
        rows = all_rows(lambda factors: 1.0)
        assert len(initialisation.plan("laptop", [])) == 3 * 13
        assert len(rows) == 5 * 13
        assert sum(found.settings["training"]["schedule"]["total"] for found in rows) <= 20_000

    @pytest.mark.parametrize(
        ("cell", "where", "expected"),
        [
            (BASE_CELL, ("model", "mixer", "l_max"), 1026),
            ({"factor": "table", "value": "as the input"}, ("model", "mixer", "l_max"), 130),
            ({"factor": "init", "value": "gpt2"}, ("model", "init"), "gpt2"),
            ({"factor": "init", "value": "gpt2 with w=10"}, ("model", "mixer", "init"), "gpt2"),
            ({"factor": "init", "value": "gpt2 with w=10"}, ("model", "mixer", "w"), 10.0),
            ({"factor": "positions", "value": "trained"}, ("training", "train_positions"), True),
            ({"factor": "E", "value": 33}, ("model", "mixer", "emb_dim"), 33),
        ],
    )
    def test_a_value_reaches_the_settings(self, cell, where, expected):
        value = initialisation.make_run("laptop", cell, 1e-2, 0).settings
        for key in where:
            value = value[key]
        assert value == expected

    def test_no_decay_is_none_and_tenfold_is_tenfold(self):
        t = np.linspace(0.0, 1.0, 11)
        windows = {}
        for decay in ("none", "tenfold"):
            cell = {"factor": "decay", "value": decay}
            run = initialisation.make_run("laptop", cell, 1e-2, 0)
            mixer = config_from_dict(LanguageModelConfig, run.settings["model"]).mixer
            params = mixer_of(mixer).init(mixer, np.random.default_rng(0), get_backend("numpy", "float64"), 1)
            deltas = params["filter"]["window"]["deltas"][0, 0]
            windows[decay], _ = exponential_window(t, deltas)
        np.testing.assert_allclose(windows["none"], 1.0, atol=1e-4)
        np.testing.assert_allclose(windows["tenfold"][0, 1], 0.01 ** (0.1 / 0.15), rtol=1e-6)


def tiny_run():
    """The base, small enough for a test."""
    run = initialisation.make_run("laptop", {"factor": "positions", "value": "trained"}, 1e-2, 0)
    settings = run.settings
    settings["task"] = {"vocab_size": 6, "length": 8}
    settings["data"] |= {"batch": 4, "validation": 4, "test": 8}
    settings["model"] |= {"vocab_size": 6, "d_inner": 8}
    settings["model"]["mixer"] |= {"d_model": 4, "filter_order": 4, "l_max": 16}
    settings["training"]["schedule"] |= {"warmup": 1, "total": 4}
    settings["training"] |= {"eval_every": 4, "checkpoint_every": 2}
    return run


class TestExecute:
    def test_measures_before_and_after(self, tmp_path):
        settings, backend = tiny_run().settings, get_backend("numpy", "float32")
        found = initialisation.execute(settings, tmp_path, backend, lambda: None)
        assert tuple(found) == initialisation.MEASURES
        assert all(math.isfinite(value) for value in found.values())
        model = config_from_dict(LanguageModelConfig, settings["model"])
        # Mixers are drawn first, the first layer's at the very beginning.
        start = mixer_of(model.mixer).init(model.mixer, np.random.default_rng(0), backend, 2)
        whole, lags = filters_of(start, 16, model.mixer), filters_of(start, 10, model.mixer)
        assert found["start_deviation"] == pytest.approx(whole.raw.std(), rel=1e-6)
        assert found["start_cutoff"] == cutoff(whole.raw)
        assert found["cutoff_before"] == cutoff(lags.windowed)

    def test_the_filters_after_training_are_those_with_their_window(self):
        settings = tiny_run().settings
        settings["model"]["mixer"] |= {"fast_decay_pct": 0.05, "slow_decay_pct": 0.1, "shift": 0.0}
        model = config_from_dict(LanguageModelConfig, settings["model"])
        data = initialisation._DataAndFilters(RecallTask(6, 8), model, 0, **settings["data"])
        params = init_language_model(model, np.random.default_rng(0))
        filters = filters_of(params["layers"]["0"]["mixer"], 10, model.mixer)
        found = data.test(params)
        assert set(found) == {"test_accuracy", "test_loss", "cutoff_after"}
        assert found["cutoff_after"] == cutoff(filters.windowed) != cutoff(filters.raw)

    def test_a_run_that_is_stopped_goes_on(self, tmp_path):
        settings, backend = tiny_run().settings, get_backend("numpy", "float32")
        whole, stopped = tmp_path / "whole", tmp_path / "stopped"
        whole.mkdir(), stopped.mkdir()
        calls = []

        def stop():
            calls.append(0)
            if len(calls) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            initialisation.execute(settings, stopped, backend, stop)
        expected = initialisation.execute(settings, whole, backend, lambda: None)
        assert initialisation.execute(settings, stopped, backend, lambda: None) == expected

    def test_a_run_that_diverges_still_says_how_it_began(self, tmp_path):
        settings = tiny_run().settings
        settings["training"]["schedule"]["peak"] = 1e30
        with np.errstate(all="ignore"):
            found = initialisation.execute(settings, tmp_path, get_backend("numpy", "float32"), lambda: None)
        assert math.isnan(found["test_loss"]) and math.isnan(found["cutoff_after"])
        assert found["start_cutoff"] > 0 and found["cutoff_before"] > 0


class TestCutoff:
    def test_of_filters_whose_spectrum_is_known(self):
        t = np.arange(64) / 64
        low, high = np.cos(2 * np.pi * 3 * t), np.cos(2 * np.pi * 20 * t)
        assert cutoff(np.stack([low + 5.0])) == 3  # the mean does not count
        assert cutoff(np.stack([low, high])) == 20
        assert cutoff(np.stack([low, 0.1 * high])) == 3
        assert cutoff(np.full((2, 64), 0.3, np.float32)) == 0
        assert cutoff(np.linspace(0, 1, 1024)[None]) == 6
        noise = np.random.default_rng(0).standard_normal((400, 128))
        assert abs(cutoff(noise) - initial_spectra.WHITE) <= 1

    def test_numbers_of_the_official_code(self):
        for (init, w, emb_dim), (_, official) in initial_spectra.OFFICIAL.items():
            if official:
                start = initial_spectra.start_of(init, w, emb_dim, 1024)
                assert start.low - 2 <= float(official) <= start.high + 2, (init, w, emb_dim)

    def test_filters_without_and_with_their_window(self):
        config = HyenaConfig(4, 16, order=3, shift=0.5, filter_order=8)
        found = initial_filters(config, 0)
        assert found.raw.shape == found.windowed.shape == (8, 16)
        np.testing.assert_allclose(found.windowed[:, 0], 1.5 * found.raw[:, 0], rtol=1e-12)


class TestReport:
    def test_the_order_by_factor_and_the_sense_of_the_spectrum(self):
        losses = {10: 0.5, 14: 0.1, "tenfold": 0.9}
        before = {10: 30, 14: 60, "tenfold": 2}
        report = initialisation.report(
            all_rows(
                lambda factors: losses.get(factors["value"], 0.7) + 0.01 * factors["seed"] + factors["lr"],
                before=lambda factors: before.get(factors["value"], 5),
            )
        )
        said = " ".join(report.conclusions)
        assert "Sine frequency w, best first: 14: 0.11 nats, 89%; 10: 0.51 nats, 60%; 1: 0.71 nats" in said
        assert "smooth filters are worse, as the paper found" in said
        assert "Of 13 settings 13 took the lowest learning rate tried (0.001) and 0 the highest" in said
        assert report.tables[0].rows[0][0] == "sine frequency w: 1 (base)"
        assert report.tables[0].rows[2][2] == "0.111 (0.101 to 0.121)"
        assert len(report.tables[0].rows) == sum(map(len, FACTORS.values()))

    def test_without_a_relation_none_is_claimed(self):
        report = initialisation.report(
            all_rows(
                lambda factors: 0.1 * (len(str(factors["value"])) % 5),
                before=lambda factors: len(factors["factor"]),
            )
        )
        assert any("no clear relation" in line for line in report.conclusions)

    def test_what_diverged_is_called_so(self):
        report = initialisation.report(
            all_rows(lambda factors: 0.5, diverged=lambda factors: factors["value"] == 14)
        )
        assert any("14: diverged" in line for line in report.conclusions)
        assert_picture(report.figures["initialisation_loss"]())

    def test_on_some_rows_and_on_none(self):
        some = all_rows(lambda factors: 0.5)
        half = initialisation.report([found for found in some if found.factors["factor"] in ("base", "w")])
        assert [cells[0] for cells in half.tables[0].rows if cells[0].startswith("sine")] == [
            f"sine frequency w: {w}" for w in ("1 (base)", "10", "14")
        ]
        nothing = initialisation.report([])
        assert not nothing.tables[0].rows and len(nothing.conclusions) == 1
        assert set(nothing.figures) == {"initialisation_spectra", "initialisation_cutoff"}

    def test_figures_of_the_start(self):
        assert_picture(initial_spectra.spectra_figure())
        assert_picture(initial_spectra.cutoff_figure())


class TestFigures:
    def test_values_stand_where_their_means_are_and_the_base_stands_out(self):
        factors = {"a": {"1": [0.5, 0.4, 0.7], "2": [math.nan] * 3}, "b": {"x": [0.2, 0.2, 0.2]}}
        axes = one_at_a_time(factors, {"a": "1"}, "Title", "loss").axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["a: 1", "a: 2", "b: x"]
        points = [line.get_xdata()[0] for line in axes.get_lines() if line.get_marker() in ("D", "o")]
        assert points == [0.5, 0.2]
        assert axes.get_lines()[0].get_marker() == "D" and axes.get_lines()[-1].get_marker() == "o"
        ends = [part.vertices[:, 0].tolist() for bar in axes.collections for part in bar.get_paths()]
        assert ends == [[0.4, 0.7], [0.2, 0.2]]
        assert "diverged" in [text.get_text() for text in axes.texts]
        with pytest.raises(ShapeError, match="got none"):
            one_at_a_time({}, {}, "", "")
        with pytest.raises(ShapeError, match="a 1: got 2 entries, allowed are 3"):
            one_at_a_time({"a": {"1": [0.5, 0.4]}}, {}, "", "")

    def test_the_median_over_channels_in_decibels(self):
        t = np.arange(16) / 16
        h = np.outer([1.0, 10.0, 100.0], np.cos(2 * np.pi * 4 * t))
        (line, _) = median_spectra({"kind": h}, "Title").axes[0].get_lines()
        levels = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
        assert levels[0.25] == pytest.approx(20 * math.log10(10.0 * 8))
        assert levels[0.0] == -120.0
