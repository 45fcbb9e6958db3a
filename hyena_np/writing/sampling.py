"""Drawing the next token from a model's logits: temperature, the k most probable, or the best one."""

from __future__ import annotations

import numpy as np

from hyena_np.errors import ConfigError, NonFiniteError, ShapeError
from hyena_np.ops.checks import check_integer, check_real


def token_probabilities(logits: np.ndarray, temperature: float = 1.0, top_k: int | None = None) -> np.ndarray:
    r"""The distribution that the next token is drawn from.

    .. math:: p_i = \frac{e^{z_i / \tau}}{\sum_{j \in K} e^{z_j / \tau}} \text{ for } i \in K, \text{ else } 0

    with the logits :math:`z`, the temperature :math:`\tau`, and :math:`K` the `top_k` tokens of the largest
    logits. At :math:`\tau = 1` without `top_k` it is the model's own distribution; as :math:`\tau \to 0`
    everything goes to the largest logit, and 0 stands for that limit.

    Parameters
    ----------
    logits : numpy.ndarray (V,)
        Real numbers, on the host.
    temperature : float
        0 or more. Below 1 the text is safer than the model, above 1 it is wilder.
    top_k : int, optional
        Tokens that may come, at least 1. Of equal logits the smaller id goes first, so exactly that many.

    Returns
    -------
    numpy.ndarray (V,)
        float64; sums to 1.

    Raises
    ------
    ConfigError
        The temperature or `top_k` is not allowed.
    ShapeError
        `logits` has not one axis, or is empty.
    NonFiniteError
        A logit is no finite number.

    Notes
    -----
    Source: no counterpart in the paper; top-k sampling is that of Fan et al. (2018), arXiv:1805.04833.
    """
    check_sampling(temperature, top_k)
    if logits.ndim != 1 or not len(logits):
        raise ShapeError(f"logits: got shape {logits.shape}, allowed is (V,), of at least one token")
    if not np.isfinite(logits).all():
        raise NonFiniteError("logits: got numbers that are not finite; the model cannot be sampled from")
    scores = logits.astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    kept = order[: 1 if temperature == 0 else top_k]
    probabilities = np.zeros_like(scores)
    # The largest logit first, then the division: no temperature is too small for that.
    with np.errstate(over="ignore"):  # to minus infinity, whose exponential is 0
        probabilities[kept] = np.exp((scores[kept] - scores[order[0]]) / (temperature or 1.0))
    return probabilities / probabilities.sum()


def sample_token(
    logits: np.ndarray, rng: np.random.Generator, temperature: float = 1.0, top_k: int | None = None
) -> int:
    """Draw the next token.

    Parameters
    ----------
    logits : numpy.ndarray (V,)
    rng : numpy.random.Generator
        One number is drawn, at temperature 0 too.
    temperature : float
    top_k : int, optional
        As in `token_probabilities`.

    Returns
    -------
    int
        From 0 to V-1.

    Raises
    ------
    ConfigError, ShapeError, NonFiniteError
        As in `token_probabilities`.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    return int(rng.choice(len(logits), p=token_probabilities(logits, temperature, top_k)))


def check_sampling(temperature: float, top_k: int | None) -> None:
    """Raise ConfigError unless both are allowed."""
    check_real("temperature", temperature)
    if temperature < 0:
        raise ConfigError(f"temperature: got {temperature}, allowed are numbers >= 0")
    if top_k is not None:
        check_integer("top_k", top_k, 1)
