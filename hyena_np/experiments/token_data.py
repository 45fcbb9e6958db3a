"""Tokens to learn from: fresh examples or a fixed set, and held-out ones to measure on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hyena_np.backend import Backend
from hyena_np.experiments.experiment import OnProgress
from hyena_np.experiments.training_run import train_and_test
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.models.serialise import config_from_dict
from hyena_np.tasks.batches import TokenBatch, TokenTask
from hyena_np.tasks.recall import RecallTask, mask_labels
from hyena_np.training.evaluation import evaluate_tokens
from hyena_np.training.loop import TrainConfig
from hyena_np.training.metrics import Evaluation


class TokenData:
    """Data of a task whose examples are tokens.

    Training, validation and test examples come from three streams of random numbers, so that none depends on
    how many of another are drawn.

    Parameters
    ----------
    task : TokenTask
    model : LanguageModelConfig
    seed : int
    batch : int
        Examples of a step.
    loss : {"all", "answers", "seen"}
        Which labels the training counts: every next token, the answers that the test asks for, or (recall
        alone) every value whose key came before.
    examples : int, optional
        Size of a fixed training set, as the paper has; by default every example is new.
    validation, test : int
        Held-out examples.
    """

    def __init__(
        self,
        task: TokenTask,
        model: LanguageModelConfig,
        seed: int,
        batch: int,
        loss: str = "answers",
        examples: int | None = None,
        validation: int = 200,
        test: int = 500,
    ) -> None:
        self.task, self.model, self.batch, self.loss = task, model, batch, loss
        streams = [np.random.default_rng([seed, number]) for number in (1, 2, 3)]
        self.validation = task.answers(task.sample(streams[0], validation))
        self.tested = task.answers(task.sample(streams[1], test))
        self._fixed = None if examples is None else self._labelled(task.sample(streams[2], examples))

    def sample(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and labels (B, T) of a step."""
        if self._fixed is None:
            return self._labelled(self.task.sample(rng, self.batch))
        rows = rng.integers(len(self._fixed.inputs), size=self.batch)
        return self._fixed.inputs[rows], self._fixed.labels[rows]

    def validate(self, params: dict) -> Evaluation:
        """Share of the answers that are right, and their cross-entropy in nats."""
        return evaluate_tokens(params, self.model, *self.validation)

    def test(self, params: dict) -> dict[str, float]:
        """The same on the test examples."""
        found = evaluate_tokens(params, self.model, *self.tested)
        return {"test_accuracy": float(found.accuracy or 0.0), "test_loss": float(found.loss or 0.0)}

    def _labelled(self, batch: TokenBatch) -> TokenBatch:
        if self.loss == "answers":
            return self.task.answers(batch)
        if self.loss == "seen" and isinstance(self.task, RecallTask):
            return TokenBatch(batch.inputs, mask_labels(batch.inputs, batch.labels, "seen", self.task))
        return batch


def train_on_tokens(
    task: TokenTask,
    settings: dict,
    folder: Path,
    backend: Backend,
    on_progress: OnProgress,
    measures: tuple[str, ...],
    data_class: type[TokenData] = TokenData,
) -> dict[str, Any]:
    """Train the language model of a run on a task, and test it; as `train_and_test`."""
    model = config_from_dict(LanguageModelConfig, settings["model"])
    training = config_from_dict(TrainConfig, settings["training"])
    data = data_class(task, model, settings["seed"], **settings["data"])
    return train_and_test(model, training, data, settings, folder, backend, on_progress, measures)
