"""What every contender of a case is given: the same numbers, drawn once from a seed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyena_np.bench.cases import STEP, Case
from hyena_np.demo.recipe import RecallRecipe
from hyena_np.models.init import init_hyena
from hyena_np.models.language_model import LanguageModelConfig, init_language_model
from hyena_np.ops.config import HyenaConfig
from hyena_np.tasks.recall import mask_labels
from hyena_np.training.loop import TrainConfig

_SEED = 2302


class OperatorInputs(NamedTuple):
    """Of one operator; float32 on the host."""

    u: np.ndarray  # (B, L, D)
    dy: np.ndarray  # (B, L, D), gradient of a loss by the output
    params: dict
    config: HyenaConfig


class TrainingInputs(NamedTuple):
    """Of a training step; ids and labels are integers, the parameters float32, all on the host."""

    ids: np.ndarray  # (B, L)
    labels: np.ndarray  # (B, L), -100 where nothing is asked
    params: dict
    config: LanguageModelConfig
    training: TrainConfig


Inputs = OperatorInputs | TrainingInputs


def make_inputs(case: Case) -> Inputs:
    """Draw the inputs of a case.

    Parameters
    ----------
    case : Case

    Returns
    -------
    OperatorInputs or TrainingInputs
        Arrays (B, L, D), or ids (B, L); the same in every process.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    rng = np.random.default_rng([_SEED, case.B, case.L, case.D, case.order])
    if case.kind == STEP:
        recipe = RecallRecipe()
        ids, labels = recipe.task.sample(rng, case.B)
        labels = mask_labels(ids, labels, "seen", recipe.task)
        return TrainingInputs(
            ids, labels, init_language_model(recipe.model, rng), recipe.model, recipe.training
        )
    params = init_hyena(case.config, rng)
    u, dy = (rng.standard_normal((case.B, case.L, case.D), dtype=np.float32) for _ in range(2))
    return OperatorInputs(u, dy, params, case.config)
