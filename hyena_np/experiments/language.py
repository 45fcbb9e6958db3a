"""Language modelling on real text: Hyena against a Transformer of equal size (Table 4.4, Fig. 4.2)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import Experiment, OnProgress, Run
from hyena_np.experiments.language_report import MEASURES, SEEDS, SYSTEMS, report
from hyena_np.experiments.store import Row
from hyena_np.experiments.text_data import TextData, pinned, pinned_corpus
from hyena_np.experiments.training_run import train_and_test
from hyena_np.experiments.tuning import Cell, tuned_runs
from hyena_np.models.flops import training_flops
from hyena_np.models.language_model import LanguageModelConfig, parameter_count
from hyena_np.models.serialise import config_from_dict, config_to_dict
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.text import TextTask
from hyena_np.training.loop import METRICS_NAME, TrainConfig
from hyena_np.training.metrics import read_metrics
from hyena_np.training.schedule import Schedule

# "paper" is ten times "laptop" in parameters and in characters seen: what one GPU does in minutes.
SIZES: dict[str, dict[str, Any]] = {
    "laptop": {"width": 64, "layers": 2, "length": 128, "batch": 16, "steps": 800, "limit": 2_000_000},
    "paper": {"width": 128, "layers": 6, "length": 256, "batch": 64, "steps": 1000, "limit": None},
}
RATES = {"laptop": (4e-3, 8e-3, 1.6e-2), "paper": (1e-3, 2e-3, 4e-3)}
ORDERS = {"Hyena-2": 2, "Hyena-3": 3}
_HEAD = 16  # width of a head of attention
_TRAINED = tuple(name for name in MEASURES if name not in ("parameters", "flops", "curve"))


def model_of(preset: str, system: str, vocab_size: int) -> LanguageModelConfig:
    """A model; Hyena's MLP is as wide as makes it the size of the Transformer."""
    size = SIZES[preset]
    width, length = size["width"], size["length"]
    transformer = LanguageModelConfig(
        vocab_size,
        size["layers"],
        AttentionConfig(width, length, width // _HEAD),
        d_inner=4 * width,
        max_position_embeddings=length,
        init="torch",
        embedding_std=0.1,
    )
    if system == "Transformer":
        return transformer
    mixer = HyenaConfig(width, length, ORDERS[system], filter_order=32, emb_dim=9, w=4.0)
    hyena = replace(transformer, mixer=mixer, max_position_embeddings=0)
    return _of_size(parameter_count(transformer), hyena)


def _of_size(parameters: int, model: LanguageModelConfig) -> LanguageModelConfig:
    """The model with the MLPs that bring it closest to a number of parameters."""
    one, two = (parameter_count(replace(model, d_inner=units)) for units in (1, 2))
    return replace(model, d_inner=1 + max(0, round((parameters - one) / (two - one))))


def make_run(preset: str, cell: Cell, rate: float, seed: int) -> Run:
    """A run: a system, a learning rate and a seed."""
    size = SIZES[preset]
    corpus = pinned(size["limit"])
    model = model_of(preset, cell["system"], corpus["vocab_size"])
    steps = size["steps"]
    schedule = Schedule(rate, warmup=steps // 16, total=steps, decay="cosine", final=0.1)
    training = TrainConfig(
        schedule, seed, betas=(0.9, 0.98), eval_every=steps // 8, checkpoint_every=steps // 4
    )
    settings = {
        "seed": seed,
        "corpus": corpus,
        "task": {"length": size["length"]},
        "data": {"batch": size["batch"], "validation": 160},
        "model": config_to_dict(model),
        "training": config_to_dict(training),
    }
    return Run({**cell, "lr": rate, "seed": seed}, settings)


def plan(preset: str, rows: Sequence[Row]) -> list[Run]:
    """Every system tunes its learning rate with one seed, then runs with all."""
    return tuned_runs(
        [{"system": system} for system in SYSTEMS],
        RATES[preset],
        SEEDS,
        lambda cell, rate, seed: make_run(preset, cell, rate, seed),
        rows,
        measure="validation_loss",
        largest=False,
    )


def execute(settings: dict, folder: Path, backend: Backend, on_progress: OnProgress) -> dict[str, Any]:
    """Train a model on characters, measure it, and let it write."""
    model = config_from_dict(LanguageModelConfig, settings["model"])
    training = config_from_dict(TrainConfig, settings["training"])
    task = TextTask(pinned_corpus(settings["corpus"]), **settings["task"])
    data = TextData(task, model, settings["seed"], **settings["data"])
    found = train_and_test(model, training, data, settings, folder, backend, on_progress, _TRAINED)
    curve = [
        [record.step, round(record.validation_loss, 5)]
        for record in read_metrics(folder / METRICS_NAME)
        if record.validation_loss is not None and math.isfinite(record.validation_loss)
    ]
    characters = training.schedule.total * data.batch * task.length
    found |= {
        "parameters": parameter_count(model),
        "flops": training_flops(model, task.length, characters),
        "curve": json.dumps(curve),
    }
    return {name: found[name] for name in MEASURES}


EXPERIMENT = Experiment(
    name="language",
    title="Language modelling on real text",
    paper="Tables 4.3 and 4.4, Fig. 4.2",
    question=(
        "Hyena of order 2 and 3 and a Transformer with the same number of parameters read the same number of "
        "characters of the same text, each at its own best learning rate. Which one predicts unseen text "
        "better? Hypothesis, the published result: Hyena is level with the Transformer."
    ),
    differs=(
        "The text is the source of Python's standard library, read character by character: bits a character, "
        "not the perplexity of word pieces on WikiText-103 or the Pile. Preset laptop: 2 million characters "
        "of text, models of 0.1 million parameters, context 128, 1.6 million characters seen; preset paper: "
        "the whole library, models of 1.2 million parameters, context 256, 16 million characters seen, ten "
        "times the laptop's and no 15 billion tokens of the Pile. Hyena's MLPs are narrowed to the "
        "Transformer's size; of three learning rates the best. Windows are predicted from their own start, "
        "not from the text before. The text is in alphabetical order of its files: the test is on modules "
        "that were not trained on, so its loss is above that of the training."
    ),
    factors=("system", "lr", "seed"),
    measures=MEASURES,
    plan=plan,
    execute=execute,
    report=report,
)
