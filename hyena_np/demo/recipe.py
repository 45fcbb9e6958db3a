"""How a two-layer Hyena model learns associative recall in seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hyena_np.backend import Backend, to_numpy
from hyena_np.errors import ConfigError
from hyena_np.models.language_model import LanguageModelConfig, language_model
from hyena_np.models.serialise import config_to_dict
from hyena_np.ops.checks import check_integer
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.recall import RecallBatch, RecallTask, accuracy, mask_labels
from hyena_np.training.loop import TrainConfig
from hyena_np.training.metrics import Evaluation
from hyena_np.training.schedule import Schedule

TEST_EXAMPLES = 500
VALIDATION_EXAMPLES = 200
TARGET = 0.99

# At 9 keys (V=20). Channels are the memory: more keys need more of them, and more steps.
_KEYS = 9
_WIDTH = 64
_STEPS = 550
_PEAK = 1e-2
_FLAT_POSITIONS = 1026
_SHORT = 128


@dataclass(frozen=True)
class RecallRecipe:
    """One run of the demo: the task, the model and how it is trained.

    Up to 13 keys the model has the depth and width of the paper's Table A.1; then it grows by 64 channels for
    every 9 keys. What is ours, and makes it learn in seconds, in the order of what it is worth:

    - *A loss that counts what can be known*: every value whose key has been seen, not the last one alone.
    - *An awake embedding*, of standard deviation 0.2: the tied table is the scale of everything at the start.
    - *Many small steps, then none*: batches of 16, a high learning rate, and a linear decay to zero. The rate
      finds the solution, the decay turns 96 % into 100 %.
    - *Short examples first.* A filter at a lag does not depend on the length of the input, so most of a long
      task is learned on examples of 128 tokens. The filter's tables have at least 1026 positions: over a
      hundred lags the filters then start nearly flat, and every lag counts alike.

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
    Source: Hyena paper, Sec. 4.1 and Table A.1 for the task and the size. What each part of the recipe is
    worth is measured in ``docs/recall.md``.
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
        """Training steps: as the square of the number of keys."""
        return self.steps or round(_STEPS * max(1.0, self._crowding) ** 2)

    @property
    def _crowding(self) -> float:
        """Keys of the task, as a multiple of what the paper's width is good for."""
        return (self.vocab - 2) // 2 / _KEYS

    @property
    def width(self) -> int:
        """Channels D: 64 for every 9 keys."""
        return _WIDTH * max(1, round(self._crowding))

    @property
    def model(self) -> LanguageModelConfig:
        """The model: two layers."""
        l_max = max(self.task.input_length, _FLAT_POSITIONS)
        mixer = HyenaConfig(self.width, l_max, emb_dim=5, shift=0.5)
        return LanguageModelConfig(
            self.vocab, n_layer=2, mixer=mixer, d_inner=2 * self.width, init="torch", embedding_std=0.2
        )

    @property
    def training(self) -> TrainConfig:
        """The optimiser and its schedule."""
        total = self.total_steps
        peak = _PEAK * math.sqrt(_WIDTH / self.width)
        schedule = Schedule(peak, warmup=min(50, total // 3), total=total, decay="linear")
        interval = max(100, total // 20)
        return TrainConfig(
            schedule, seed=self.seed, betas=(0.9, 0.95), eval_every=interval, checkpoint_every=interval
        )

    def length_at(self, step: int) -> int:
        """Length of the examples of a step: short ones for three fifths of the steps, then doubling to L."""
        lengths = [min(self.length, _SHORT)]
        while lengths[-1] < self.length:
            lengths.append(min(self.length, 2 * lengths[-1]))
        growth = 5 * step / self.total_steps - 3  # below 0 for three fifths, then up to 2
        return lengths[min(max(0, math.floor(growth / 2 * (len(lengths) - 1)) + 1), len(lengths) - 1)]

    def batch_at(self, step: int) -> int:
        """Examples of a step: 16, fewer where they are long, so that a step has at most 2048 tokens."""
        return max(1, min(16, 2048 // self.length_at(step)))

    def describe(self, backend: Backend) -> dict[str, Any]:
        """The whole run as JSON holds it: what a checkpoint is compared with."""
        return {
            "task": {"name": "recall", "vocab": self.vocab, "length": self.length},
            "model": config_to_dict(self.model),
            "training": config_to_dict(self.training),
            "curriculum": self._curriculum(),
            "backend": {"name": backend.name, "dtype": backend.dtype_name},
        }

    def _curriculum(self) -> list[list[int]]:
        """First step, length and batch of every stage."""
        stages: list[list[int]] = []
        for step in range(self.total_steps):
            stage = [self.length_at(step), self.batch_at(step)]
            if not stages or stages[-1][1:] != stage:
                stages.append([step, *stage])
        return stages


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
                f"vocab, length: got {recipe.vocab} and {recipe.length}, a task of {available} distinct "
                f"examples; {needed} are needed to train and to hold {TEST_EXAMPLES} out"
            )
        # Its own stream: the held-out examples do not depend on how many batches are drawn.
        held_out = np.random.default_rng([recipe.seed, 1])
        self.recipe = recipe
        self.validation, self.test = task.dataset(held_out, VALIDATION_EXAMPLES, TEST_EXAMPLES)
        self._held_out = {row.tobytes() for part in (self.validation, self.test) for row in part.inputs}

    def sample(self, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
        """A batch of fresh examples; every value that can be recalled is a label."""
        task = RecallTask(self.recipe.vocab, self.recipe.length_at(step))
        inputs, labels = task.sample(rng, self.recipe.batch_at(step))
        while (known := np.array([row.tobytes() in self._held_out for row in inputs])).any():
            fresh = task.sample(rng, int(known.sum()))
            inputs[known], labels[known] = fresh.inputs, fresh.labels
        return inputs, mask_labels(inputs, labels, "seen", task)

    def validate(self, params: dict) -> Evaluation:
        """The accuracy on the validation examples, as training asks for it."""
        return Evaluation(self.accuracy(params, self.validation))

    def accuracy(self, params: dict, examples: RecallBatch) -> float:
        """Share of examples whose queried value is the most probable token."""
        answers = recall_answers(params, self.recipe.model, examples.inputs)
        return accuracy(answers, examples.labels[:, -1])


def recall_answers(params: dict, model: LanguageModelConfig, inputs: np.ndarray) -> np.ndarray:
    """The token that a model expects after each input: (B, T) ids to (B,) ids, a part at a time."""
    part = max(1, 2**14 // inputs.shape[1])
    answers = []
    for start in range(0, len(inputs), part):
        logits, _ = language_model(inputs[start : start + part], params, model)
        answers.append(to_numpy(logits[:, -1, :]).argmax(axis=-1))
    return np.concatenate(answers)
