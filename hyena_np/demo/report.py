"""What the demo leaves behind: figures of what was learned, and the numbers in one JSON file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hyena_np.backend import Backend
from hyena_np.demo.inside import find_recaller, layer_filters
from hyena_np.demo.ladder import Rung
from hyena_np.demo.recipe import RecallData, RecallRecipe, recall_answers
from hyena_np.files import write_json
from hyena_np.machine import versions_with
from hyena_np.plots import (
    Figure,
    error_ladder,
    filters_before_after,
    learning_curve,
    recalled_pair_matrix,
    save,
)
from hyena_np.tasks.recall import recalled_pair
from hyena_np.training.loop import METRICS_NAME, initial_state
from hyena_np.training.metrics import read_metrics

RESULT_NAME = "result.json"
FIGURE_PATTERNS = ("ladder.png", "learning_curve.png", "filters_layer_*.png", "hyena_matrix.png")
LONGEST_MATRIX = 4096  # an explicit matrix costs L^3 multiplications


def draw_figures(
    folder: Path, recipe: RecallRecipe, data: RecallData, params: dict, ladder: list[Rung], backend: Backend
) -> list[Path]:
    """Draw the ladder, the learning curve, the filters before and after, and the matrix of one example.

    Parameters
    ----------
    folder : Path
    recipe : RecallRecipe
    data : RecallData
    params : dict
        Tree of the trained model.
    ladder : list of Rung
    backend : Backend

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OutputError
        A file cannot be written.

    Notes
    -----
    Source: Hyena paper, Fig. 4.1 (task), App. D (filters and matrices).
    """
    errors = {rung.name: rung.error for rung in ladder}
    tolerances = {rung.name: rung.tolerance for rung in ladder}
    figures = {"ladder": error_ladder(errors, tolerances)}
    records = read_metrics(folder / METRICS_NAME)
    curve = {
        "step": np.array([record.step for record in records]),
        "loss": np.array([record.loss for record in records]),
        "accuracy": np.array([np.nan if r.accuracy is None else r.accuracy for r in records]),
    }
    figures["learning_curve"] = learning_curve(curve, chance=1 / data.recipe.task.num_keys)
    before = initial_state(recipe.model, recipe.training, backend).params
    for layer in range(recipe.model.n_layer):
        lags = recipe.task.input_length
        old, new = (layer_filters(tree, recipe.model, layer, lags) for tree in (before, params))
        title = f"What training does to the filters of layer {layer + 1}"
        figures[f"filters_layer_{layer + 1}"] = filters_before_after(old, new, title=title)
    if recipe.task.input_length <= LONGEST_MATRIX:
        figures["hyena_matrix"] = _draw_example(recipe, data, params)
    return [save(figure, folder / f"{name}.png") for name, figure in figures.items()]


def _draw_example(recipe: RecallRecipe, data: RecallData, params: dict) -> Figure:
    """The matrix of the first test example that the model solves, or of the first one if it solves none."""
    answers = recall_answers(params, recipe.model, data.test.inputs)
    solved = np.flatnonzero(answers == data.test.labels[:, -1])
    ids = data.test.inputs[solved[0] if len(solved) else 0]
    positions = recalled_pair(ids).values
    recaller = find_recaller(ids, positions, params, recipe.model)
    names = [recipe.task.vocabulary[i] for i in ids]
    title = (
        f"Hyena matrix of one test example: layer {recaller.layer + 1}, channel {recaller.channel}, "
        f"{recaller.share:.0%} of the query's row on the pair"
    )
    return recalled_pair_matrix(recaller.matrix, names, len(ids) - 1, list(positions), title=title)


def write_result(
    folder: Path,
    recipe: RecallRecipe,
    backend: Backend,
    ladder: list[Rung],
    test_accuracy: float,
    seconds: float,
) -> dict:
    """Write ``result.json`` and return what it says.

    Parameters
    ----------
    folder : Path
    recipe : RecallRecipe
    backend : Backend
    ladder : list of Rung
    test_accuracy : float
        Share of the held-out examples.
    seconds : float
        Spent training, measurements included.

    Returns
    -------
    dict

    Raises
    ------
    OutputError
        The file cannot be written.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    result = {
        "ladder": {rung.name: rung.error for rung in ladder},
        "test_accuracy": test_accuracy,
        "steps": recipe.total_steps,
        "train_seconds": round(seconds, 3),
        "seed": recipe.seed,
        "vocab": recipe.vocab,
        "length": recipe.length,
        "backend": backend.name,
        "dtype": backend.dtype_name,
        "versions": versions_with(backend.name),
    }
    write_json(folder / RESULT_NAME, result)
    return result
