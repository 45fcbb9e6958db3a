"""Images as sequences: pixels and patches, by mixer."""

import math
import sys

import numpy as np
import pytest

from hyena_np.backend import get_backend
from hyena_np.errors import BackendError, ConfigError
from hyena_np.experiments import image_data, image_report, images
from hyena_np.experiments.experiment import Report
from hyena_np.experiments.image_data import CIFAR10_FOLDER, ImageData, image_split
from hyena_np.experiments.published import IMAGE_PARAMETERS
from hyena_np.experiments.store import Row
from hyena_np.models.sequence_model import SequenceModelConfig, init_sequence_model, sequence_model
from hyena_np.models.serialise import config_from_dict
from hyena_np.ops.layers import cross_entropy
from hyena_np.tasks.images import ImageSet
from plots.conftest import assert_picture

CELLS = [{"mixer": mixer, "patch": patch} for patch in images.PATCHES for mixer in images.MIXERS]
MEANS = {"attention": 0.90, "Hyena": 0.93, "Hyena-bidirectional": 0.95, "Hyena-2D": 0.951}


def bright_rows(count=90):
    """Images of 8 by 8 whose class is the bright row, in noise; the mean over all pixels does not tell it."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 8
    pixels = 0.2 * rng.random((count, 8, 8, 1))
    pixels[np.arange(count), labels] += 0.8
    return ImageSet(pixels.astype(np.float32), labels, tuple("0123456789"), "bright rows")


@pytest.fixture
def small_set(monkeypatch):
    """The digits, replaced by fewer images that need no scikit-learn."""
    monkeypatch.setattr(image_data, "digit_images", bright_rows)


def row(run, accuracy, parameters=1000):
    measures = dict.fromkeys(images.MEASURES, accuracy) | {"parameters": parameters}
    return Row(run.name, run.factors, measures, 1.0, "numpy", "float32", "processor", {}, run.settings)


def all_rows(accuracy, parameters=lambda factors: 1000):
    """Rows of the whole laptop plan; `accuracy` and `parameters` are functions of a run's factors."""
    rows = []
    while missing := [
        run for run in images.plan("laptop", rows) if run.name not in {found.run for found in rows}
    ]:
        rows += [row(run, accuracy(run.factors), parameters(run.factors)) for run in missing]
    return rows


def tiny_settings(mixer, patch, total=4):
    settings = images.make_run("laptop", {"mixer": mixer, "patch": patch}, 1e-2, 0).settings
    settings["data"]["batch"] = 4
    settings["model"] |= {"n_layer": 1, "d_inner": 4}
    settings["model"]["mixer"] |= {"d_model": 4}
    settings["training"]["schedule"] |= {"warmup": 1, "total": total}
    settings["training"] |= {"eval_every": total, "checkpoint_every": 2}
    return settings


class TestPlan:
    def test_rates_then_seeds(self):
        assert len(images.plan("laptop", [])) == 3 * len(CELLS)
        assert len(all_rows(lambda factors: 0.5)) == 5 * len(CELLS)

    @pytest.mark.parametrize("preset", ["laptop", "paper"])
    def test_every_model_is_of_its_own_and_reads_the_whole_image(self, preset):
        size, models = images.SIZES[preset], {}
        for cell in CELLS:
            run = images.make_run(preset, cell, 1e-3, 0)
            model = config_from_dict(SequenceModelConfig, run.settings["model"])
            assert model.mixer.l_max * model.d_input == size["side"] ** 2 * size["channels"]
            assert bool(model.max_position_embeddings) == (cell["mixer"] == "attention")
            assert model.pooling == "mean"
            models[run.name] = model
        assert len(set(map(repr, models.values()))) == len(CELLS)

    @pytest.mark.paper("Table 4.7")
    def test_the_paper_preset_is_as_large_as_published(self):
        settings = images.make_run("paper", {"mixer": "Hyena-2D", "patch": 1}, 1e-3, 0).settings
        count = images.trained_parameters(config_from_dict(SequenceModelConfig, settings["model"]))
        published = IMAGE_PARAMETERS.rows["Hyena-ISO"]["CIFAR-10, two-dimensional"]
        assert round(count / 1000) == published

    def test_the_models_of_the_laptop_are_of_about_one_size(self):
        counts = [
            images.trained_parameters(config_from_dict(SequenceModelConfig, run.settings["model"]))
            for run in images.plan("laptop", [])
        ]
        assert max(counts) / min(counts) < 1.25

    def test_constants_are_no_parameters(self):
        settings = images.make_run("laptop", {"mixer": "Hyena", "patch": 2}, 1e-3, 0).settings
        model = config_from_dict(SequenceModelConfig, settings["model"])
        D, K, E, inner = 32, 16, 5, 64
        network = (E * K + K) + 2 * (K * K + K) + K * D + K
        operator = (D * 3 * D + 3 * D) + (3 * D * 3 + 3 * D) + network + D + (D * D + D)
        block = 2 * 2 * D + operator + (D * inner + inner) + (inner * D + D)
        assert images.trained_parameters(model) == (4 * D + D) + 2 * block + 2 * D + (D * 10 + 10)


class TestData:
    def test_the_split_is_of_the_seed_and_its_parts_share_no_image(self, small_set):
        one, again, other = image_split("digits", 3), image_split("digits", 3), image_split("digits", 4)
        assert [len(part) for part in one] == [63, 9, 18]
        np.testing.assert_array_equal(one.test.images, again.test.images)
        assert not np.array_equal(one.test.images, other.test.images)
        whole = np.concatenate([part.images for part in one]).reshape(90, -1)
        assert len(np.unique(whole, axis=0)) == 90

    def test_cifar_needs_to_be_told_where(self, monkeypatch, tmp_path):
        monkeypatch.delenv(CIFAR10_FOLDER, raising=False)
        with pytest.raises(ConfigError, match=r"HYENA_NP_CIFAR10: .* not set, allowed is the folder"):
            image_split("cifar10", 0)
        asked = []
        monkeypatch.setattr(image_data, "load_images", lambda name, rng, **how: asked.append((name, how)))
        monkeypatch.setenv(CIFAR10_FOLDER, str(tmp_path))
        image_split("cifar10", 0)
        assert asked == [("cifar10", {"validation": 0.1, "folder": str(tmp_path)})]

    def test_without_scikit_learn_one_line_says_so(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
        with pytest.raises(BackendError, match=r"scikit-learn is not installed; .*hyena-np\[data\]"):
            image_split("digits", 0)

    @pytest.mark.parametrize(("patch", "shape"), [(1, (5, 64, 1)), (2, (5, 16, 4))])
    def test_a_batch_is_of_standardised_training_images(self, small_set, patch, shape):
        data = ImageData(image_split("digits", 0), None, patch, 5)
        inputs, labels = data.sample(np.random.default_rng(7), 0)
        rows = np.random.default_rng(7).integers(63, size=5)
        train = data.split.train
        assert inputs.shape == shape and inputs.dtype == np.float32
        np.testing.assert_array_equal(labels, train.labels[rows])
        whole = data.sequences(train.images)
        np.testing.assert_allclose([whole.mean(), whole.std()], [0, 1], atol=1e-5)
        np.testing.assert_allclose(np.sort(inputs[0].ravel()), np.sort(whole[rows[0]].ravel()), rtol=1e-6)

    def test_measures_do_not_depend_on_the_parts(self, small_set, monkeypatch):
        settings = tiny_settings("Hyena", 2)
        model = config_from_dict(SequenceModelConfig, settings["model"])
        params = init_sequence_model(model, np.random.default_rng(0))
        data = ImageData(image_split("digits", 0), model, 2, 4)
        test = data.split.test
        logits, _ = sequence_model(data.sequences(test.images), params, model)
        loss, _ = cross_entropy(logits, test.labels)
        right = np.mean(logits.argmax(axis=1) == test.labels)
        monkeypatch.setattr(image_data, "_PART", 16 * 7)
        found = data.test(params)
        assert found == {"test_accuracy": right, "test_loss": pytest.approx(float(loss), rel=1e-5)}
        validated = data.validate(params)
        assert validated.loss != found["test_loss"] and 0 <= validated.accuracy <= 1


class TestExecute:
    @pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "{mixer}-{patch}".format(**cell))
    def test_every_competitor_runs(self, small_set, tmp_path, cell):
        settings = tiny_settings(**cell, total=2)
        found = images.execute(settings, tmp_path, get_backend("numpy", "float32"), lambda: None)
        assert tuple(found) == images.MEASURES
        assert all(math.isfinite(value) for value in found.values())

    def test_a_run_that_is_stopped_goes_on(self, small_set, tmp_path):
        settings, backend = tiny_settings("Hyena", 2), get_backend("numpy", "float32")
        whole, stopped = tmp_path / "whole", tmp_path / "stopped"
        whole.mkdir(), stopped.mkdir()
        calls = []

        def stop():
            calls.append(0)
            if len(calls) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            images.execute(settings, stopped, backend, stop)
        expected = images.execute(settings, whole, backend, lambda: None)
        assert images.execute(settings, stopped, backend, lambda: None) == expected

    def test_it_learns(self, small_set, tmp_path):
        settings = tiny_settings("Hyena", 2, total=60)
        settings["model"]["mixer"] |= {"d_model": 16}
        settings["data"]["batch"] = 16
        settings["training"]["checkpoint_every"] = 60
        found = images.execute(settings, tmp_path, get_backend("numpy", "float32"), lambda: None)
        assert found["test_accuracy"] > 0.6

    def test_a_run_that_diverges_has_a_size_and_no_accuracy(self, small_set, tmp_path):
        settings = tiny_settings("attention", 2)
        settings["training"]["schedule"]["peak"] = 1e30
        with np.errstate(all="ignore"):
            found = images.execute(settings, tmp_path, get_backend("numpy", "float32"), lambda: None)
        assert found["parameters"] > 0 and math.isnan(found["test_accuracy"])


class TestReport:
    def test_order_and_comparison_with_the_published_one(self):
        def accuracy(factors):
            too_fast = 0.1 * (factors["lr"] > min(images.RATES["laptop"]))
            return MEANS[factors["mixer"]] + 0.002 * (factors["seed"] - 1) - too_fast

        rows = all_rows(accuracy, lambda factors: 1100 if factors["mixer"] == "Hyena" else 1000)
        report = images.report(rows)
        pixels, patches, vit, iso = report.conclusions
        assert pixels == (
            "Of pixels, best first: Hyena-2D (95.1%) > Hyena-bidirectional (95.0%) > Hyena (93.0%) > "
            "attention (90.0%). The seeds of the first two overlap."
        )
        assert patches.startswith("Of patches of 2x2, best first: Hyena-2D")
        assert "+3.0 points with +10% parameters; Hyena is ahead. Published (Hyena-ViT against ViT" in vit
        assert vit.endswith("-0.2 points; the two are level.")
        assert "+2.1 points with -9% parameters; Hyena-2D is ahead." in iso and "+0.2 points" in iso

    def test_the_second_can_be_ahead_and_published_numbers_can_be_apart(self, monkeypatch):
        monkeypatch.setattr(image_report, "_LEVEL", 0.1)
        report = images.report(all_rows(lambda factors: 1 - MEANS[factors["mixer"]]))
        *_, vit, iso = report.conclusions
        assert "attention is ahead" in vit and vit.endswith("-0.2 points; ViT is ahead.")
        assert "Hyena is ahead" in iso and iso.endswith("+0.2 points; Hyena-ISO is ahead.")

    def test_seeds_that_overlap_decide_nothing(self):
        report = images.report(all_rows(lambda factors: 0.9 + 0.01 * factors["seed"]))
        here = [line.split("Published")[0] for line in report.conclusions[2:]]
        assert len(here) == 2 and all("the two are level" in line for line in here)

    def test_the_table(self):
        rows = all_rows(lambda factors: MEANS[factors["mixer"]] + 0.01 * factors["seed"])
        table = images.report(rows).tables[0]
        assert len(table.rows) == len(CELLS)
        cells = {(line[0], line[1]): line for line in table.rows}
        assert cells["pixels", "Hyena"][2:] == [
            *("94.0 (93.0 to 95.0)", "1,000", f"{min(images.RATES['laptop']):g}", "91"),
            "Hyena; CIFAR-10, pixel by pixel",
        ]
        assert cells["patches of 2x2", "Hyena-2D"][5:] == ["", ""]
        assert cells["patches of 2x2", "attention"][5:] == ["80", "ViT; ImageNet, patches of 8x8"]

    def test_what_diverged_has_no_place_in_the_order(self):
        rows = all_rows(lambda factors: math.nan if factors["mixer"] == "Hyena" else 0.5)
        lines = images.report(rows).conclusions
        assert "Hyena (" not in lines[0] and sum("a run diverged" in line for line in lines) == 2
        assert "diverged" in [
            text.get_text() for text in images.report(rows).figures["images"]().axes[0].texts
        ]

    def test_on_some_rows_and_on_none(self):
        some = [found for found in all_rows(lambda factors: 0.5) if found.factors["mixer"] == "Hyena"]
        report = images.report(some)
        assert [line[1] for line in report.tables[0].rows] == ["Hyena", "Hyena"] and not report.conclusions
        nothing = images.report([])
        assert isinstance(nothing, Report)
        assert not nothing.tables[0].rows and not nothing.conclusions and not nothing.figures

    def test_the_figure(self):
        rows = all_rows(lambda factors: MEANS[factors["mixer"]] + 0.01 * factors["seed"])
        figure = images.report(rows).figures["images"]()
        assert_picture(figure)
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert labels[0] == "pixels: attention" and len(labels) == len(CELLS)
