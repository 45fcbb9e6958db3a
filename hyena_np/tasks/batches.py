"""What every task on tokens has in common: a batch, its labels, and how an answer is scored."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from hyena_np.errors import ConfigError, ShapeError
from hyena_np.ops.layers import IGNORE_INDEX
from hyena_np.tasks.checks import integer_array

IGNORE = IGNORE_INDEX
"""Label of a position that neither the loss nor the accuracy counts (the value PyTorch's loss ignores)."""


class TokenBatch(NamedTuple):
    """Examples of a task on tokens; T is the task's `input_length`."""

    inputs: np.ndarray  # (B, T) int64 token ids
    labels: np.ndarray  # (B, T) int64, what to predict at each position; `IGNORE` where nothing is


class TokenTask(Protocol):
    """What a task on tokens offers; frozen dataclasses of plain numbers implement it.

    The labels of `sample` are all that the source trains on: usually the next token at every position, random
    tokens among them, which nobody can predict (associative recall, induction); for addition and multi-query
    recall the answers alone. `answers` keeps those that the test counts.

    Attributes
    ----------
    vocab_size : int
        V: ids in `inputs` and `labels` run from 0 to V-1.
    input_length : int
        T, positions of inputs and labels.
    chance : float
        Accuracy on the answers of the best guess that knows the task and the position, but not the input.
    """

    @property
    def vocab_size(self) -> int:
        """V, the number of token ids."""
        ...

    @property
    def input_length(self) -> int:
        """T, positions of inputs and labels."""
        ...

    @property
    def chance(self) -> float:
        """Accuracy of the best guess that does not look at the input."""
        ...

    def sample(self, rng: np.random.Generator, n: int) -> TokenBatch:
        """Draw n independent examples, inputs and labels (n, T) int64; the same state gives the same ones."""
        ...

    def answers(self, batch: TokenBatch) -> TokenBatch:
        """Replace by `IGNORE` every label that the test does not count; new labels, the same inputs."""
        ...


def next_tokens(tokens: np.ndarray) -> TokenBatch:
    """Split sequences (B, T + 1) into inputs (B, T) and the token that follows each, (B, T), both int64."""
    # Copies, not overlapping views: masking labels in place must not change the inputs.
    return TokenBatch(tokens[:, :-1].astype(np.int64), tokens[:, 1:].astype(np.int64))


def keep_last(batch: TokenBatch, count: int, task: TokenTask) -> TokenBatch:
    """Keep the labels of the last `count` positions, for tasks whose answer stands at the end."""
    check_batch(batch.inputs, batch.labels, task)
    labels = np.full_like(batch.labels, IGNORE)
    labels[:, -count:] = batch.labels[:, -count:]
    return TokenBatch(batch.inputs, labels)


def check_batch(inputs: np.ndarray, labels: np.ndarray, task: TokenTask) -> None:
    """Raise DTypeError or ShapeError unless both are integers (B, T) with the T of the task."""
    for name, array in (("inputs", inputs), ("labels", labels)):
        integer_array(name, array)
        if array.ndim != 2 or array.shape[1] != task.input_length:
            raise ShapeError(f"{name} must have shape (B, {task.input_length}) for {task}, got {array.shape}")
    if len(inputs) != len(labels):
        raise ShapeError(f"inputs and labels must have the same shape, got {inputs.shape} and {labels.shape}")


def accuracy(predictions: np.ndarray, labels: np.ndarray) -> float:
    r"""Share of the counted labels that are predicted correctly.

    .. math::

        \frac{\#\{i : \hat y_i = y_i,\ y_i \neq -100\}}{\#\{i : y_i \neq -100\}}

    over all positions of all examples together (a micro average).

    Parameters
    ----------
    predictions : numpy.ndarray
        Integer token ids in the shape of `labels`, or logits with one more axis (..., V), whose largest entry
        is taken. On the host.
    labels : numpy.ndarray
        (...) integer; `IGNORE` where a position does not count.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If `labels`, or predictions that are not logits, do not hold integers.
    ConfigError
        If every label is `IGNORE`.

    Notes
    -----
    Source: official code, ``accuracy_ignore_index``.
    """
    right, counted = _compare(predictions, labels)
    return float(np.mean(right[counted]))


def exact_match(predictions: np.ndarray, labels: np.ndarray) -> float:
    r"""Share of the examples whose counted labels are all predicted correctly.

    .. math::

        \frac{1}{B} \, \#\{b : \hat y_{b,t} = y_{b,t} \text{ for all } t \text{ with } y_{b,t} \neq -100\}

    A sum with one wrong digit is wrong. Examples without a counted label are left out.

    Parameters
    ----------
    predictions : numpy.ndarray
        (B, T) integer token ids, or (B, T, V) logits, whose largest entry is taken. On the host.
    labels : numpy.ndarray
        (B, T) integer; `IGNORE` where a position does not count.

    Returns
    -------
    float
        Between 0 and 1, never above `accuracy` of the same if every example counts as many labels.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DTypeError
        If `labels`, or predictions that are not logits, do not hold integers.
    ConfigError
        If every label is `IGNORE`.

    Notes
    -----
    Source: ours; the paper plots the learning of addition (Fig. C.1).
    """
    right, counted = _compare(predictions, labels)
    if labels.ndim != 2:
        raise ShapeError(f"labels must have shape (B, T), got {labels.shape}")
    return float(np.mean((right | ~counted).all(axis=1)[counted.any(axis=1)]))


def _compare(predictions: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which predictions are right, and which positions count; two bool arrays in the shape of `labels`."""
    integer_array("labels", labels)
    if predictions.ndim == labels.ndim + 1:
        predictions = predictions.argmax(axis=-1)
    integer_array("predictions", predictions)
    if predictions.shape != labels.shape:
        raise ShapeError(
            f"predictions must have the shape of labels, {labels.shape}, or one more axis for logits, "
            f"got {predictions.shape}"
        )
    counted = labels != IGNORE
    if not counted.any():
        raise ConfigError("labels must hold at least one label that is not ignored")
    return predictions == labels, counted
