"""Functions to learn in context: fresh prompts of numbers, and held-out ones to measure on."""

from __future__ import annotations

import numpy as np

from hyena_np.backend import like, to_numpy
from hyena_np.models.sequence_model import SequenceModelConfig, sequence_model
from hyena_np.tasks.linear_functions import FunctionBatch, LinearFunctionsTask, relative_error
from hyena_np.training.metrics import Evaluation

# Prompts of one forward of a measurement.
_PART = 500


class FunctionData:
    """Data of in-context regression; what a model is measured by is the value at the query, the last point.

    Training, validation and test prompts come from three streams of random numbers. The training counts the
    value at every point.

    Parameters
    ----------
    task : LinearFunctionsTask
    model : SequenceModelConfig
    seed : int
    batch : int
        Prompts of a step.
    validation, test : int
        Held-out prompts.
    """

    def __init__(
        self,
        task: LinearFunctionsTask,
        model: SequenceModelConfig,
        seed: int,
        batch: int,
        validation: int = 200,
        test: int = 1000,
    ) -> None:
        self.task, self.model, self.batch = task, model, batch
        streams = [np.random.default_rng([seed, number]) for number in (1, 2)]
        self.validation = task.answers(task.sample(streams[0], validation))
        self.tested = task.answers(task.sample(streams[1], test))

    def sample(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Inputs (B, T, C) of a step; targets (B, T, 1), and the mask (B, T) of those that count."""
        batch = self.task.sample(rng, self.batch)
        return batch.inputs, (batch.targets[..., None], batch.mask)

    def validate(self, params: dict) -> Evaluation:
        """The mean squared error at the query."""
        predictions = predict_functions(params, self.model, self.validation)
        return Evaluation(loss=_squared_error(predictions, self.validation))

    def test(self, params: dict) -> dict[str, float]:
        """The share of the values' variance that is explained (1 less the relative error), and the error."""
        predictions = predict_functions(params, self.model, self.tested)
        return {
            "test_score": 1 - relative_error(predictions, self.tested),
            "test_loss": _squared_error(predictions, self.tested),
        }


def predict_functions(params: dict, model: SequenceModelConfig, batch: FunctionBatch) -> np.ndarray:
    """What a model says at every position (B, T), on the host in float64; the prompts in parts."""
    parts = []
    for start in range(0, len(batch.inputs), _PART):
        inputs = like(batch.inputs[start : start + _PART], params["readout"]["weight"])
        values, _ = sequence_model(inputs, params, model)
        parts.append(to_numpy(values)[..., 0].astype(np.float64))
    return np.concatenate(parts)


def _squared_error(predictions: np.ndarray, batch: FunctionBatch) -> float:
    return float(np.mean((predictions - batch.targets)[batch.mask] ** 2))
