"""How well a language model predicts held-out tokens."""

from __future__ import annotations

import numpy as np

from hyena_np.backend import to_numpy
from hyena_np.models.language_model import LanguageModelConfig, language_model
from hyena_np.ops.layers import IGNORE_INDEX, cross_entropy
from hyena_np.training.metrics import Evaluation

# Of one forward: logits of 64 MB, and tokens whose activations take about as much.
_LOGITS = 2**24
_TOKENS = 2**14


def evaluate_tokens(
    params: dict, model: LanguageModelConfig, inputs: np.ndarray, labels: np.ndarray
) -> Evaluation:
    r"""Accuracy, and mean of :math:`-\ln p`, over all labels that count.

    Parameters
    ----------
    params : dict
        Tree of a language model.
    model : LanguageModelConfig
    inputs, labels : numpy.ndarray (N, L)
        Token ids; a label of -100 does not count. Read a part at a time.

    Returns
    -------
    Evaluation
        Share of the labels that are the most probable token; loss in nats.

    Raises
    ------
    TokenError, ShapeError
        The examples do not fit the model.

    Notes
    -----
    Source: official code, ``accuracy_ignore_index``; the paper's perplexity (Sec. 4.2) is the exponential of
    the loss.
    """
    length = inputs.shape[1]
    part = max(1, min(_TOKENS // length, _LOGITS // (length * model.padded_vocab_size)))
    right, loss, counted = 0, 0.0, 0
    for start in range(0, len(inputs), part):
        here = labels[start : start + part]
        counts = here != IGNORE_INDEX
        if not counts.any():
            continue
        logits, _ = language_model(inputs[start : start + part], params, model)
        mean, _ = cross_entropy(logits, here)
        loss += float(mean) * int(counts.sum())
        right += int((to_numpy(logits).argmax(axis=-1) == here)[counts].sum())
        counted += int(counts.sum())
    return Evaluation(right / counted, loss / counted)
