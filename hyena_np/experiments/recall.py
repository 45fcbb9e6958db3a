"""What the experiments on associative recall share: a run, a table cell, a line of a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import OnProgress, Run
from hyena_np.experiments.store import Row
from hyena_np.experiments.token_data import train_on_tokens
from hyena_np.experiments.tuning import Cell, Spread, spread_of
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.mixers import MixerConfig
from hyena_np.models.serialise import config_to_dict
from hyena_np.tasks.recall import RecallTask
from hyena_np.training.loop import TrainConfig
from hyena_np.training.schedule import Schedule
from hyena_np.writing.mixer import needs_positions

SEEDS = (0, 1, 2)
MEASURES = ("validation_accuracy", "test_accuracy", "test_loss", "train_loss")
WIDTH = 64
# What makes a small model learn quickly is measured in docs/recall.md; the paper's own is in its Table A.1.
RECIPES: dict[str, dict[str, Any]] = {
    "laptop": {
        "std": 0.2,
        "betas": (0.9, 0.95),
        "warmup": 50,
        "loss": "seen",
        "examples": None,
    },
    "paper": {
        "std": 0.02,
        "betas": (0.9, 0.98),
        "warmup": 625,
        "loss": "all",
        "examples": 2000,
    },
}


def recall_run(
    preset: str, cell: Cell, mixer: MixerConfig, vocab: int, length: int, steps: int, rate: float, seed: int
) -> Run:
    """A run on associative recall: two layers of width 64, as in the paper's Table A.1.

    Parameters
    ----------
    preset : {"laptop", "paper"}
        Which recipe: ours, of fresh examples and a loss on every value that can be known; or the paper's, of
        2,000 examples and a loss on every next token.
    cell : dict
        Its factors, without learning rate and seed.
    mixer : MixerConfig
    vocab, length : int
        V and L of the task.
    steps : int
    rate : float
        Peak learning rate.
    seed : int

    Returns
    -------
    Run
    """
    recipe = RECIPES[preset]
    batch = max(1, min(16, 1024 // length)) if preset == "laptop" else 32
    learned = mixer.l_max if needs_positions(mixer) else 0
    model = LanguageModelConfig(
        vocab,
        2,
        mixer,
        d_inner=2 * WIDTH,
        max_position_embeddings=learned,
        init="torch",
        embedding_std=recipe["std"],
    )
    schedule = Schedule(rate, warmup=min(recipe["warmup"], steps // 8), total=steps, decay="linear")
    every = max(100, steps // 20)
    training = TrainConfig(schedule, seed, betas=recipe["betas"], eval_every=steps, checkpoint_every=every)
    settings = {
        "seed": seed,
        "task": {"vocab_size": vocab, "length": length},
        "data": {"batch": batch, "loss": recipe["loss"], "examples": recipe["examples"]},
        "model": config_to_dict(model),
        "training": config_to_dict(training),
    }
    return Run({**cell, "lr": rate, "seed": seed}, settings)


def execute(settings: dict, folder: Path, backend: Backend, on_progress: OnProgress) -> dict[str, Any]:
    """Train a model on recall, and test it."""
    return train_on_tokens(RecallTask(**settings["task"]), settings, folder, backend, on_progress, MEASURES)


def spreads_of(
    rows: Sequence[Row],
    names: Iterable[str],
    values: Sequence[int],
    cell: Callable[[str, int], Cell],
    tune_on: Callable[[Cell], Cell],
    measure: str = "test_accuracy",
) -> dict[str, list[Spread | None]]:
    """For every competitor, the spread of a measure at every value of what is varied."""
    rates = sorted({row.factors["lr"] for row in rows})
    return {
        name: [
            spread_of(rows, cell(name, value), measure, rates, SEEDS[0], tune_on=tune_on) for value in values
        ]
        for name in names
    }


def percent(spread: Spread | None) -> str:
    """A spread as a table says it: mean, and range where there is one."""
    if spread is None:
        return ""
    return f"{100 * spread.mean:.1f} ({100 * spread.low:.1f} to {100 * spread.high:.1f})"


def rate_of(spreads: Iterable[Spread | None]) -> str:
    """The learning rate that a competitor took."""
    return next((f"{spread.rate:g}" for spread in spreads if spread), "")


def as_lines(spreads: Sequence[Spread | None]) -> list[list[float]]:
    """Mean, lowest and highest, for a figure; NaN where nothing is there."""
    nothing = Spread(math.nan, math.nan, math.nan, 0, math.nan)
    return [[getattr(spread or nothing, part) for spread in spreads] for part in ("mean", "low", "high")]


def order(found: dict[str, list[Spread | None]]) -> str:
    """The competitors that are complete, best first, by their mean over what is varied."""
    means = {
        name: sum(spread.mean for spread in spreads if spread) / len(spreads)
        for name, spreads in found.items()
        if all(spreads)
    }
    return " > ".join(f"{name} ({means[name]:.0%})" for name in sorted(means, key=lambda name: -means[name]))
