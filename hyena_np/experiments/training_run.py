"""The run of most experiments: train a model on a task, and test it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hyena_np.backend import Backend
from hyena_np.errors import NonFiniteError
from hyena_np.experiments.experiment import OnProgress
from hyena_np.training.loop import METRICS_NAME, TrainConfig, train
from hyena_np.training.metrics import Evaluation, read_metrics

_LAST = 20  # records that the training loss is averaged over


class Data(Protocol):
    """What a run learns from, and what it is tested on."""

    def sample(self, rng: np.random.Generator, step: int) -> tuple[Any, Any]:
        """Inputs and targets of a step, drawn from `rng` alone."""

    def validate(self, params: dict) -> Evaluation:
        """On examples that decide about learning rates."""

    def test(self, params: dict) -> dict[str, Any]:
        """On examples that decide about nothing: measures by name."""


def train_and_test(
    model: Any,
    training: TrainConfig,
    data: Data,
    settings: dict,
    folder: Path,
    backend: Backend,
    on_progress: OnProgress,
    measures: tuple[str, ...],
) -> dict[str, Any]:
    """Train a model, from its checkpoint where there is one, and measure it.

    Parameters
    ----------
    model : LanguageModelConfig or SequenceModelConfig
    training : TrainConfig
    data : Data
    settings : dict
        Of the run: a checkpoint of other settings is refused.
    folder : Path
        Gets the checkpoint and the metrics.
    backend : Backend
    on_progress : callable
        Called after every record.
    measures : tuple of str
        Names of everything that is measured, for a run that diverges: all of them are then NaN.

    Returns
    -------
    dict
        ``train_loss`` (nats, mean of the last records), ``validation_accuracy`` and ``validation_loss`` where
        they were measured, and what `data.test` gives.

    Raises
    ------
    KeyboardInterrupt
        Asked to stop; the checkpoint is written.
    """
    try:
        result = train(
            model,
            training,
            backend,
            data.sample,
            data.validate,
            folder,
            settings,
            resume=True,
            on_record=lambda record: on_progress(),
        )
    except NonFiniteError:
        return dict.fromkeys(measures, math.nan)
    if result.interrupted:
        raise KeyboardInterrupt
    records = read_metrics(folder / METRICS_NAME)
    last, params = records[-1], result.state.params
    found = {
        "train_loss": float(np.mean([record.loss for record in records[-_LAST:]])),
        "validation_accuracy": last.accuracy,
        "validation_loss": last.validation_loss,
        **data.test(params),
    }
    return {name: found[name] for name in measures}
