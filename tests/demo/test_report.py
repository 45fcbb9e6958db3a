"""What the demo leaves behind: figures that show something, and numbers that say what they depend on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from hyena_np import OutputError, get_backend
from hyena_np.demo import report
from hyena_np.demo.inside import layer_matrices
from hyena_np.demo.ladder import Rung
from hyena_np.demo.recipe import RecallData, RecallRecipe
from hyena_np.plots.style import RENDER_DPI
from hyena_np.tasks.recall import recalled_pair
from hyena_np.training.loop import METRICS_NAME, initial_state
from hyena_np.training.metrics import MetricsFile, Record

RECIPE = RecallRecipe(vocab=8, length=16, steps=6, seed=3)
LADDER = [Rung("loop", "one against two", 2e-16, 1e-12), Rung("gradient", "three against four", 3e-11, 1e-7)]
FIGURES = {"ladder", "learning_curve", "filters_layer_1", "filters_layer_2", "hyena_matrix"}


def metrics_in(folder, steps=6):
    """A metrics file as training writes it, the accuracy measured now and then."""
    metrics = MetricsFile(folder / METRICS_NAME)
    for step in range(1, steps + 1):
        accuracy = 0.3 + 0.1 * step if step % 3 == 0 else None
        metrics.append(Record(step, 2.0 / step, 1e-3, 1.0, accuracy, 0.1 * step))


def params_of(backend, recipe=RECIPE):
    """Not the initial ones, so that before and after differ."""
    return initial_state(recipe.model, replace(recipe, seed=99).training, backend).params


def draw(folder, backend=None, recipe=RECIPE):
    backend = backend or get_backend("numpy")
    return report.draw_figures(
        folder, recipe, RecallData(recipe), params_of(backend, recipe), LADDER, backend
    )


def assert_shows_something(path):
    image = imread(path)
    # in inches: what the pixels are drawn at is a matter of the style
    assert image.shape[0] > 1.875 * RENDER_DPI
    assert image.shape[1] > 3.125 * RENDER_DPI
    colours = np.unique(image[..., :3] @ [1.0, 256.0, 65536.0])
    assert len(colours) > 50, f"{path.name} has {len(colours)} colours"


# --- figures ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torch", pytest.param("cupy", marks=pytest.mark.gpu)])
def test_all_figures_are_drawn_of_arrays_of_other_libraries(tmp_path, name, _gpu):
    """Of NumPy's: the whole demo, in test_run.py."""
    pytest.importorskip(name, reason=f"{name} is not installed")
    metrics_in(tmp_path)
    files = draw(tmp_path, get_backend(name))
    assert {file.stem for file in files} == FIGURES
    for file in files:
        assert file.parent == tmp_path
        assert_shows_something(file)


@pytest.fixture
def drawn(monkeypatch):
    """What the figures are told, without drawing them."""
    told = {}

    def record(name):
        def draw(*args, **kwargs):
            told.setdefault(name, []).append((args, kwargs))
            return name

        return draw

    for name in ("error_ladder", "learning_curve", "filters_before_after", "recalled_pair_matrix"):
        monkeypatch.setattr(report, name, record(name))
    monkeypatch.setattr(report, "save", lambda figure, path: path)
    return told


def test_overwriting_a_run_knows_every_figure_by_name(tmp_path, drawn):
    """What `--overwrite` removes is what was drawn, and nothing of the user's."""
    metrics_in(tmp_path)
    drawn_files = draw(tmp_path)
    for name in (*(file.name for file in drawn_files), "notes.txt", "figure.png", "my_ladder.png"):
        (tmp_path / name).touch()
    found = [path for pattern in report.FIGURE_PATTERNS for path in tmp_path.glob(pattern)]
    assert sorted(found) == sorted(drawn_files)


def test_the_figures_are_told_what_was_found(tmp_path, drawn):
    metrics_in(tmp_path)
    draw(tmp_path)
    ((errors, tolerances), _) = drawn["error_ladder"][0]
    assert errors == {"loop": 2e-16, "gradient": 3e-11}
    assert tolerances == {"loop": 1e-12, "gradient": 1e-7}
    ((curve,), options) = drawn["learning_curve"][0]
    np.testing.assert_array_equal(curve["step"], [1, 2, 3, 4, 5, 6])
    np.testing.assert_allclose(curve["loss"], [2, 1, 2 / 3, 1 / 2, 2 / 5, 1 / 3])
    np.testing.assert_allclose(curve["accuracy"], [np.nan, np.nan, 0.6, np.nan, np.nan, 0.9])
    assert options["chance"] == pytest.approx(1 / 3)


def test_filters_are_drawn_for_both_layers_before_and_after(tmp_path, drawn):
    metrics_in(tmp_path)
    draw(tmp_path)
    (first, _), (second, _) = drawn["filters_before_after"]
    arrays = [*first[:2], *second[:2]]
    for i, one in enumerate(arrays):
        assert one.shape[0] == 64
        for other in arrays[:i]:
            assert not np.array_equal(one, other)


@pytest.mark.parametrize("solved", [0, 7])
def test_the_matrix_is_of_an_example_that_the_model_solves_with_its_pair_marked(
    tmp_path, drawn, monkeypatch, solved
):
    metrics_in(tmp_path)
    test = RecallData(RECIPE).test
    answers = np.where(np.arange(len(test.labels)) == solved, test.labels[:, -1], 0)
    monkeypatch.setattr(report, "recall_answers", lambda params, model, inputs: answers)
    draw(tmp_path)
    ((matrix, names, query, positions), options) = drawn["recalled_pair_matrix"][0]
    ids = np.array([RECIPE.task.vocabulary.index(name) for name in names])
    np.testing.assert_array_equal(ids, test.inputs[solved])
    params = params_of(get_backend("numpy"))
    layers = layer_matrices(ids[None], params, RECIPE.model)
    assert min(np.abs(H[0] - matrix).max(axis=(1, 2)).min() for H in layers) < 1e-5 * np.abs(matrix).max()
    assert query == 17
    assert list(positions) == list(recalled_pair(ids).values)
    assert {ids[position] for position in positions} == {test.labels[solved, -1]}
    assert "test example" in options["title"]


def test_a_model_that_solves_nothing_is_drawn_all_the_same(tmp_path, drawn, monkeypatch):
    metrics_in(tmp_path)
    monkeypatch.setattr(report, "recall_answers", lambda params, model, inputs: np.zeros(len(inputs), int))
    draw(tmp_path)
    assert len(drawn["recalled_pair_matrix"]) == 1


def test_an_example_too_long_for_a_matrix_is_left_out(tmp_path, drawn, monkeypatch):
    metrics_in(tmp_path)
    monkeypatch.setattr(report, "LONGEST_MATRIX", 17)
    assert {path.stem for path in draw(tmp_path)} == FIGURES - {"hyena_matrix"}


@pytest.mark.slow
def test_a_thousand_tokens_are_not_too_long(tmp_path):
    metrics_in(tmp_path)
    files = draw(tmp_path, recipe=RecallRecipe(length=1024, steps=6))
    assert {file.stem for file in files} == FIGURES
    for file in files:
        assert_shows_something(file)


# --- numbers ------------------------------------------------------------------------------------------------


def test_the_result_says_what_was_found_and_what_it_depends_on(tmp_path):
    result = report.write_result(tmp_path, RECIPE, get_backend("numpy"), LADDER, 0.125, 1.23456)
    assert json.loads((tmp_path / "result.json").read_text()) == result
    assert result["ladder"] == {"loop": 2e-16, "gradient": 3e-11}
    expected = {"test_accuracy": 0.125, "steps": 6, "seed": 3, "vocab": 8, "length": 16, "backend": "numpy"}
    assert {name: result[name] for name in expected} == expected
    assert result["dtype"] == "float32"
    assert result["train_seconds"] == pytest.approx(1.23456, abs=1e-3)


def test_the_steps_of_a_result_are_a_number_where_the_recipe_chose_them(tmp_path):
    recipe = RecallRecipe()
    result = report.write_result(tmp_path, recipe, get_backend("numpy"), LADDER, 1.0, 1.0)
    assert result["steps"] == recipe.total_steps > 0


def test_a_result_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match=r"result\.json"):
        report.write_result(tmp_path / "absent", RECIPE, get_backend("numpy"), LADDER, 1.0, 1.0)


def test_figures_that_cannot_be_written_are_an_output_error(tmp_path):
    metrics_in(tmp_path)
    (tmp_path / "ladder.png").mkdir()
    with pytest.raises(OutputError, match=r"ladder\.png"):
        draw(tmp_path)
