r"""In-context learning of linear functions: read pairs (x, w.x), then give w.x of a new x.

    token    x1     w.x1     x2     w.x2    ...    xn
    target  w.x1      -     w.x2      -            w.xn

Every example has its own w, so the function has to be learned from the pairs of the sequence. Source: Hyena
paper, Table 4.1 and App. C; Garg et al., "What Can Transformers Learn In-Context?", 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hyena_np.errors import ConfigError, ShapeError
from hyena_np.tasks.checks import generator, integer, set_integers


class FunctionBatch(NamedTuple):
    """Prompts of numbers; T and C are `LinearFunctionsTask.input_length` and `channels`."""

    inputs: np.ndarray  # (B, T, C) float64
    targets: np.ndarray  # (B, T) float64, the value of the function; 0 where there is none
    mask: np.ndarray  # (B, T) bool, which targets count


@dataclass(frozen=True)
class LinearFunctionsTask:
    r"""In-context regression on :math:`f(x) = w^\top x` with :math:`w, x_i \sim \mathcal N(0, I)`.

    A prompt is :math:`x_1, f(x_1), x_2, \dots, f(x_{n-1}), x_n`, one token each, and the query is
    :math:`x_n`. A token has :math:`C = n_o + 1` channels: the first :math:`n_o` hold a point and are 0 in a
    token that holds a value, the last holds the value and is 0 in a token that holds a point.

    Of :math:`k < n_o` pairs the best prediction knows the part of w in the span of their points and no more;
    its error at the query, relative to that of predicting 0, is :math:`1 - k/n_o` on average, and 0 from
    :math:`k = n_o` on.

    Parameters
    ----------
    dimension : int
        :math:`n_o`, of w and x; the difficulty.
    examples : int
        n, at least 1: points in a prompt, the query included.

    Raises
    ------
    ConfigError
        If a value is out of range or of the wrong type.

    Notes
    -----
    Source: Hyena paper, Table 4.1 and App. C, for the prompt and the normal distributions; the layout of the
    channels is ours (Garg et al. put a value into the first channel of a point).
    """

    dimension: int = 5
    examples: int = 11

    def __post_init__(self) -> None:
        set_integers(self, dimension=1, examples=1)

    @property
    def input_length(self) -> int:
        """T = 2n - 1."""
        return 2 * self.examples - 1

    @property
    def channels(self) -> int:
        r"""C = :math:`n_o + 1`."""
        return self.dimension + 1

    def sample(self, rng: np.random.Generator, n: int) -> FunctionBatch:
        """Draw n prompts, inputs (n, T, C); every point has a target, which a model may be trained on."""
        rng, n = generator(rng), integer("n", n, minimum=0)
        w = rng.standard_normal((n, self.dimension, 1))
        x = rng.standard_normal((n, self.examples, self.dimension))
        values = (x @ w)[:, :, 0]  # (n, examples)
        inputs = np.zeros((n, self.input_length, self.channels))
        targets = np.zeros((n, self.input_length))
        mask = np.zeros(targets.shape, dtype=bool)
        inputs[:, ::2, :-1] = x
        inputs[:, 1::2, -1] = values[:, :-1]
        targets[:, ::2] = values
        mask[:, ::2] = True
        return FunctionBatch(inputs, targets, mask)

    def answers(self, batch: FunctionBatch) -> FunctionBatch:
        """Count the target of the query alone; a new mask, the same inputs and targets."""
        if batch.mask.ndim != 2 or batch.mask.shape[1] != self.input_length:
            raise ShapeError(
                f"mask must have shape (B, {self.input_length}) for {self}, got {batch.mask.shape}"
            )
        mask = np.zeros_like(batch.mask)
        mask[:, -1] = True
        return FunctionBatch(batch.inputs, batch.targets, mask)


def relative_error(predictions: np.ndarray, batch: FunctionBatch) -> float:
    r"""Squared error of the counted targets, over that of the trivial prediction 0.

    .. math:: \sum_i (\hat y_i - y_i)^2 \Big/ \sum_i y_i^2

    Parameters
    ----------
    predictions : numpy.ndarray
        (B, T) floats, on the host.
    batch : FunctionBatch
        Targets and mask (B, T); see `LinearFunctionsTask.answers` for the query alone.

    Returns
    -------
    float
        0 is perfect, 1 is as good as always predicting 0.

    Raises
    ------
    ShapeError
        If `predictions` is not (B, T).
    ConfigError
        If no target counts.

    Notes
    -----
    Source: Garg et al. 2022 divide the error by the dimension, its expectation for the trivial prediction.
    """
    if predictions.shape != batch.targets.shape:
        raise ShapeError(f"predictions must have shape {batch.targets.shape}, got {predictions.shape}")
    if not batch.mask.any():
        raise ConfigError("batch.mask must count at least one target")
    targets = batch.targets[batch.mask]
    return float(np.sum((predictions[batch.mask] - targets) ** 2) / np.sum(targets**2))


def least_squares(batch: FunctionBatch) -> np.ndarray:
    r"""The best prediction at every point, from the pairs before it.

    The w of least norm that fits the pairs, :math:`\hat w = X^+ y`; for normal w it is the expectation given
    the pairs, so no other prediction has a smaller mean squared error.

    Parameters
    ----------
    batch : FunctionBatch
        Inputs (B, T, C) as `LinearFunctionsTask` lays them out.

    Returns
    -------
    numpy.ndarray
        (B, T) predictions, 0 at the tokens that hold a value.

    Notes
    -----
    Source: Garg et al. 2022, Sec. 3, which compares with it.
    """
    x, y = batch.inputs[:, ::2, :-1], batch.inputs[:, 1::2, -1:]
    predictions = np.zeros(batch.targets.shape)
    for k in range(1, x.shape[1]):
        w = np.linalg.pinv(x[:, :k]) @ y[:, :k]  # (B, dimension, 1)
        predictions[:, 2 * k] = (x[:, k : k + 1] @ w)[:, 0, 0]
    return predictions


def least_squares_error(batch: FunctionBatch) -> float:
    """The smallest `relative_error` to hope for: that of `least_squares`.

    Parameters
    ----------
    batch : FunctionBatch
        Inputs (B, T, C), targets and mask (B, T).

    Returns
    -------
    float
        0 up to rounding where at least as many pairs as dimensions precede every counted point.

    Notes
    -----
    Source: Garg et al. 2022, Sec. 3.
    """
    return relative_error(least_squares(batch), batch)
