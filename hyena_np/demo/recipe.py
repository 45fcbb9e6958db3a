"""How a two-layer, width-64 Hyena model learns associative recall in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hyena_np.backend import Backend, to_numpy
from hyena_np.errors import ConfigError
from hyena_np.models.language_model import LanguageModelConfig, language_model
from hyena_np.models.serialise import config_to_dict
from hyena_np.ops.config import HyenaConfig, check_integer
from hyena_np.tasks.recall import RecallBatch, RecallTask, accuracy, mask_labels
from hyena_np.training.loop import TrainConfig
from hyena_np.training.schedule import Schedule

TEST_EXAMPLES = 500
TARGET = 0.99


@dataclass(frozen=True)
class RecallRecipe:
    """One run of the demo: the task, the model and how it is trained.

    Parameters
    ----------
    vocab : int
        V, the vocabulary with its two special tokens.
    length : int
        L, tokens of key-value pairs.
    seed : int
        Of weights and data.
    steps : int, optional
        Training steps; the recipe's own number by default.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1 and Table A.1 for the task and the size; the recipe is ours.
    """

    vocab: int = 20
    length: int = 64
    seed: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        check_integer("seed", self.seed, 0)
        if self.steps is not None:
            check_integer("steps", self.steps, 1)
        RecallTask(self.vocab, self.length)

    @property
    def task(self) -> RecallTask:
        """The task at its full length."""
        return RecallTask(self.vocab, self.length)

    @property
    def total_steps(self) -> int:
        """Training steps."""
        return self.steps or 400

    @property
    def model(self) -> LanguageModelConfig:
        """The model: the size of the paper's Table A.1, with filters and embedding that start awake."""
        mixer = HyenaConfig(d_model=64, l_max=self.task.input_length, emb_dim=5, shift=0.5)
        return LanguageModelConfig(
            self.vocab, n_layer=2, mixer=mixer, d_inner=128, init="torch", embedding_std=0.2
        )

    @property
    def training(self) -> TrainConfig:
        """The optimiser and its schedule."""
        total = self.total_steps
        schedule = Schedule(peak=1e-2, warmup=min(50, total // 3), total=total, decay="linear")
        return TrainConfig(schedule, seed=self.seed, eval_every=50, checkpoint_every=50)

    def describe(self, backend: Backend) -> dict[str, Any]:
        """The whole run as JSON holds it: what a checkpoint is compared with."""
        return {
            "task": {"name": "recall", "vocab": self.vocab, "length": self.length},
            "model": config_to_dict(self.model),
            "training": config_to_dict(self.training),
            "backend": {"name": backend.name, "dtype": backend.dtype_name},
        }


class RecallData:
    """Fresh batches for training, and held-out examples that no batch ever contains.

    Parameters
    ----------
    recipe : RecallRecipe

    Raises
    ------
    ConfigError
        The task has too few distinct examples to hold some out.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1; official code draws 500 test examples.
    """

    def __init__(self, recipe: RecallRecipe) -> None:
        task, needed = recipe.task, 20 * TEST_EXAMPLES
        available = task.count_distinct(limit=needed)
        if available < needed:
            raise ConfigError(
                f"vocab, length: got {recipe.vocab} and {recipe.length}, a task of {available} distinct examples; "
                f"{needed} are needed to train and to hold {TEST_EXAMPLES} out"
            )
        # Its own stream: the held-out examples do not depend on how many batches are drawn.
        held_out = np.random.default_rng([recipe.seed, 1])
        self.recipe = recipe
        self.validation, self.test = task.dataset(held_out, TEST_EXAMPLES, TEST_EXAMPLES)
        self._held_out = {row.tobytes() for part in (self.validation, self.test) for row in part.inputs}

    def sample(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
        """A batch of fresh examples; every value that can be recalled is a label."""
        task = self.recipe.task
        inputs, labels = task.sample(rng, 32)
        while (known := np.array([row.tobytes() in self._held_out for row in inputs])).any():
            fresh = task.sample(rng, int(known.sum()))
            inputs[known], labels[known] = fresh.inputs, fresh.labels
        return inputs, mask_labels(inputs, labels, "seen", task)

    def accuracy(self, params: dict, examples: RecallBatch) -> float:
        """Share of examples whose queried value is the most probable token."""
        answers = recall_answers(params, self.recipe.model, examples.inputs)
        return accuracy(answers, examples.labels[:, -1])


def recall_answers(params: dict, model: LanguageModelConfig, inputs: np.ndarray) -> np.ndarray:
    """The token that a model expects after each input; (B, T) ids to (B,) ids, in parts that fit the cache."""
    part = max(1, 2**14 // inputs.shape[1])
    answers = []
    for start in range(0, len(inputs), part):
        logits, _ = language_model(inputs[start : start + part], params, model)
        answers.append(to_numpy(logits[:, -1, :]).argmax(axis=-1))
    return np.concatenate(answers)
