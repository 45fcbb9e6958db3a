"""The gradient of a batch: a mean over its examples, so threads can share them."""

from __future__ import annotations

import operator
from functools import partial, reduce

import numpy as np

from hyena_np.backend import Array, is_numpy, thread_count
from hyena_np.fast.parallel import in_parallel, split
from hyena_np.models.language_model import LanguageModelConfig, language_model, language_model_backward
from hyena_np.models.params import tree_map
from hyena_np.ops.layers import IGNORE_INDEX, cross_entropy, cross_entropy_backward

# Below this many elements of (B, L, D), a second thread costs more than it brings.
_PARALLEL_SIZE = 1 << 14


def loss_and_gradients(
    params: dict, ids: np.ndarray, labels: np.ndarray, model: LanguageModelConfig, remat: bool = False
) -> tuple[Array, dict]:
    r"""Mean loss of a batch and its gradients, on NumPy with a part of the batch in every thread.

    A part p that has :math:`n_p` of the n labels weighs :math:`n_p / n`:

    .. math:: \ell = \sum_p \frac{n_p}{n}\, \ell_p, \qquad d\theta = \sum_p \frac{n_p}{n}\, d\theta_p

    Parameters
    ----------
    params : dict
        Parameter tree of `model`.
    ids, labels : integer array (B, L)
        As in `train_step`.
    model : LanguageModelConfig
    remat : bool
        As in `language_model`.

    Returns
    -------
    loss : array ()
    grads : dict
        Keys and shapes of `params`.

    Raises
    ------
    TokenError, ShapeError
        The batch does not fit the model.

    Notes
    -----
    Source: Hyena paper, App. A (training procedure). Sums depend on their order: the same number of threads
    gives the same bits.
    """
    parts = _parts_of_batch(params, ids, labels, model)

    def part(rows: slice) -> tuple[Array, dict]:
        logits, cache = language_model(ids[rows], params, model, remat)
        loss, loss_cache = cross_entropy(logits, labels[rows])
        share = 1.0 if len(parts) == 1 else _count(labels[rows]) / _count(labels)
        return loss * share, language_model_backward(cross_entropy_backward(share, loss_cache), cache)

    losses, grads = zip(*in_parallel(part, parts), strict=True)
    return sum(losses[1:], start=losses[0]), reduce(partial(tree_map, operator.add), grads)


def _parts_of_batch(
    params: dict, ids: np.ndarray, labels: np.ndarray, model: LanguageModelConfig
) -> tuple[slice, ...]:
    """Rows of the batch for every thread; all together where that is no use, or would leave one no label."""
    whole = (slice(None),)
    if not is_numpy(params["ln_f"]["weight"]) or np.ndim(ids) != 2 or np.shape(ids) != np.shape(labels):
        return whole
    if ids.size * model.d_model < _PARALLEL_SIZE:
        return whole
    parts = split(len(ids), thread_count())
    return parts if all(_count(labels[rows]) for rows in parts) else whole


def _count(labels: np.ndarray) -> int:
    return int(np.count_nonzero(labels != IGNORE_INDEX))
