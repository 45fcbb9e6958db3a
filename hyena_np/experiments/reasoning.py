"""Small tasks that ask for more than recall, by depth (Table 4.1, Fig. C.1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import Experiment, OnProgress, Run
from hyena_np.experiments.function_data import FunctionData
from hyena_np.experiments.reasoning_report import report
from hyena_np.experiments.reasoning_tasks import (
    ATTENTION_LAYERS,
    LAYERS,
    MEASURES,
    SEEDS,
    TASKS,
    TUNED_LAYERS,
    Task,
    task_of,
)
from hyena_np.experiments.store import Row
from hyena_np.experiments.token_data import TokenData, train_on_tokens
from hyena_np.experiments.training_run import train_and_test
from hyena_np.experiments.tuning import Cell, tuned_runs
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.mixers import MixerConfig
from hyena_np.models.sequence_model import SequenceModelConfig
from hyena_np.models.serialise import config_from_dict, config_to_dict
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.linear_functions import LinearFunctionsTask
from hyena_np.training.loop import TrainConfig
from hyena_np.training.schedule import Schedule

# The laptop's recipe is that of docs/recall.md, at half the width; the paper's is its Table A.1.
RECIPES: dict[str, dict[str, Any]] = {
    "laptop": {
        "width": 32,
        "steps": 600,
        "rates": (1e-3, 3e-3, 1e-2),
        "std": 0.2,
        "warmup": 50,
        "betas": (0.9, 0.95),
        "hyena": {"emb_dim": 5, "filter_order": 32, "w": 1.0, "shift": 0.5},
        "loss": "answers",
        "examples": None,
    },
    "paper": {
        "width": 64,
        "steps": 12500,
        "rates": (1e-4, 5e-4, 2e-3),
        "std": 0.02,
        "warmup": 625,
        "betas": (0.9, 0.98),
        "hyena": {"emb_dim": 5, "filter_order": 32, "w": 10.0},
        "loss": "all",
        "examples": 2000,
    },
}


def make_run(preset: str, cell: Cell, rate: float, seed: int) -> Run:
    """A run: a task, a mixer, a depth, a learning rate and a seed."""
    task, recipe = TASKS[preset][cell["task"]], RECIPES[preset]
    steps = recipe["steps"]
    schedule = Schedule(rate, recipe["warmup"], steps, "linear")
    training = TrainConfig(
        schedule, seed, recipe["betas"], eval_every=steps, checkpoint_every=max(200, steps // 20)
    )
    data = {"batch": 32}
    if not isinstance(task, LinearFunctionsTask):
        data |= {"loss": recipe["loss"], "examples": recipe["examples"]}
    settings = {
        "seed": seed,
        "task": {"kind": type(task).__name__, **dataclasses.asdict(task)},
        "data": data,
        "model": config_to_dict(_model(task, cell, recipe)),
        "training": config_to_dict(training),
    }
    return Run({**cell, "lr": rate, "seed": seed}, settings)


def _model(task: Task, cell: Cell, recipe: dict[str, Any]) -> LanguageModelConfig | SequenceModelConfig:
    """A model of tokens, or of numbers for the functions."""
    width, length = recipe["width"], task.input_length
    mixer: MixerConfig = HyenaConfig(width, length, **recipe["hyena"])
    positions = 0
    if cell["mixer"] == "Attention":
        mixer, positions = AttentionConfig(width, length), length
    common: dict[str, Any] = {
        "n_layer": cell["layers"],
        "mixer": mixer,
        "d_inner": 2 * width,
        "max_position_embeddings": positions,
        "init": "torch",
    }
    if isinstance(task, LinearFunctionsTask):
        return SequenceModelConfig(task.channels, 1, position_std=recipe["std"], **common)
    return LanguageModelConfig(task.vocab_size, embedding_std=recipe["std"], **common)


def plan(preset: str, rows: Sequence[Row]) -> list[Run]:
    """Hyena and attention tune their learning rates with two layers; Hyena then runs every depth."""
    cells = [
        {"task": task, "mixer": mixer, "layers": layers}
        for task in TASKS[preset]
        for mixer, depths in (("Hyena", LAYERS), ("Attention", (ATTENTION_LAYERS,)))
        for layers in depths
    ]
    return tuned_runs(
        cells,
        RECIPES[preset]["rates"],
        SEEDS,
        lambda cell, rate, seed: make_run(preset, cell, rate, seed),
        rows,
        measure="validation_loss",
        tune_on=lambda cell: {**cell, "layers": TUNED_LAYERS},
        largest=False,
    )


class ScoredTokens(TokenData):
    """Tokens whose share of right answers is the score of a run."""

    def test(self, params: dict) -> dict[str, float]:
        """Share of the answers that are right, and their cross-entropy in nats."""
        found = super().test(params)
        return {"test_score": found["test_accuracy"], "test_loss": found["test_loss"]}


def execute(settings: dict, folder: Path, backend: Backend, on_progress: OnProgress) -> dict[str, Any]:
    """Train a model on a task, and test it."""
    task = task_of(settings)
    if not isinstance(task, LinearFunctionsTask):
        return train_on_tokens(task, settings, folder, backend, on_progress, MEASURES, ScoredTokens)
    model = config_from_dict(SequenceModelConfig, settings["model"])
    training = config_from_dict(TrainConfig, settings["training"])
    data = FunctionData(task, model, settings["seed"], **settings["data"])
    return train_and_test(model, training, data, settings, folder, backend, on_progress, MEASURES)


EXPERIMENT = Experiment(
    name="reasoning",
    title="Majority, counting, induction, functions and addition by depth",
    paper="Table 4.1, Fig. C.1",
    question=(
        "Which of the paper's small tasks does Hyena learn, and with how many layers? Hypothesis, after the "
        "figure: one layer adds numbers of up to four digits, longer ones take two or three."
    ),
    differs=(
        "Width 32, 600 steps of 32 fresh examples with a loss on the answers and the settings "
        "that were found for Hyena on recall, not width 64 and 200 epochs on "
        "2,000 examples; 2 to 4 digits, not 2 to 16; of three learning rates the best with two layers. The "
        "paper gives no sizes and no generators for majority, counting and functions. Ours: 30 symbols of 10 "
        "kinds, 20 of 5 kinds with counts to 5, 7 points in two dimensions. It has no attention here."
    ),
    factors=("task", "mixer", "layers", "lr", "seed"),
    measures=MEASURES,
    plan=plan,
    execute=execute,
    report=report,
)
