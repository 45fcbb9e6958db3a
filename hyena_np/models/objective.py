"""What a model is trained for: its loss on a batch, and the gradients. The type of the config says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hyena_np.backend import Array, is_numpy, like
from hyena_np.errors import ConfigError, ShapeError
from hyena_np.models.language_model import (
    LanguageModelConfig,
    init_language_model,
    language_model,
    language_model_backward,
)
from hyena_np.models.sequence_model import (
    SequenceModelConfig,
    init_sequence_model,
    sequence_model,
    sequence_model_backward,
)
from hyena_np.ops.layers import cross_entropy, cross_entropy_backward
from hyena_np.ops.losses import mean_squared_error, mean_squared_error_backward

ModelConfig = LanguageModelConfig | SequenceModelConfig


class Objective(NamedTuple):
    """The two functions that training needs of a model."""

    init: Callable[..., dict]  # (config, rng, backend) -> params
    loss_and_gradients: Callable[..., tuple[Array, dict]]
    # (params, inputs, targets, config, remat) -> (loss (), gradients with the keys and shapes of params)


def objective_of(config: ModelConfig) -> Objective:
    """What a model is trained for.

    ====================================== ===================== ============================ =============
    config                                 inputs                targets                      loss
    ====================================== ===================== ============================ =============
    LanguageModelConfig                    ids (B, L)            labels (B, L), -100: ignored cross-entropy
    SequenceModelConfig, "mean" or "last"  x (B, L, d_input)     labels (B,)                  cross-entropy
    SequenceModelConfig, "none"            x (B, L, d_input)     values, or (values, mask)    squared error
    ====================================== ===================== ============================ =============

    Values are (B, L, d_output), or (B, L) where ``d_output`` is 1; a mask (B, L) is true where a position
    counts.

    Parameters
    ----------
    config : LanguageModelConfig or SequenceModelConfig

    Returns
    -------
    Objective
        ``init(config, rng, backend)`` gives parameters; ``loss_and_gradients(params, inputs, targets, config,
        remat)`` gives the mean loss, a 0-d array that stays on the device, and the gradients. A batch lies on
        the host or where the parameters do; numbers on the host are cast to the dtype of the parameters.

    Raises
    ------
    ConfigError
        The config is neither.

    Notes
    -----
    Source: Hyena paper, App. A (training procedure).
    """
    if isinstance(config, LanguageModelConfig):
        return Objective(init_language_model, _next_token)
    if isinstance(config, SequenceModelConfig):
        pooled = config.pooling != "none"
        return Objective(init_sequence_model, _classification if pooled else _regression)
    raise ConfigError(
        f"model: got {type(config).__name__}, allowed are LanguageModelConfig and SequenceModelConfig"
    )


def _next_token(
    params: dict, ids: Array, labels: Array, config: LanguageModelConfig, remat: bool
) -> tuple[Array, dict]:
    """Cross-entropy in nats of labels (B, L)."""
    logits, cache = language_model(ids, params, config, remat=remat)
    loss, loss_cache = cross_entropy(logits, labels)
    return loss, language_model_backward(cross_entropy_backward(1.0, loss_cache), cache)


def _classification(
    params: dict, x: Array, labels: Array, config: SequenceModelConfig, remat: bool
) -> tuple[Array, dict]:
    """Cross-entropy in nats of labels (B,)."""
    logits, cache = sequence_model(_placed(x, params), params, config, remat)
    loss, loss_cache = cross_entropy(logits, labels)
    _, grads = sequence_model_backward(cross_entropy_backward(1.0, loss_cache), cache)
    return loss, grads


def _regression(
    params: dict, x: Array, targets: Any, config: SequenceModelConfig, remat: bool
) -> tuple[Array, dict]:
    """Mean squared error of values (B, L, d_output), where a mask (B, L) is true."""
    values, mask = targets if isinstance(targets, tuple) else (targets, None)
    shape = tuple(getattr(values, "shape", ()))
    if len(shape) == 2 and config.d_output == 1:
        values, shape = values[..., None], (*shape, 1)
    if len(shape) != 3 or shape[-1] != config.d_output:
        raise ShapeError(f"targets: got shape {shape}, allowed is (B, L, d_output = {config.d_output})")
    predictions, cache = sequence_model(_placed(x, params), params, config, remat)
    loss, loss_cache = mean_squared_error(predictions, values, mask)
    _, grads = sequence_model_backward(mean_squared_error_backward(1.0, loss_cache), cache)
    return loss, grads


def _placed(x: Array, params: dict) -> Array:
    """Numbers from the host (B, L, d_input) where the parameters are, in their dtype."""
    return like(x, params["readout"]["weight"]) if is_numpy(x) else x
