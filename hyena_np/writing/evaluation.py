"""How well a model predicts held-out text."""

from __future__ import annotations

import numpy as np

from hyena_np.models.language_model import LanguageModelConfig, language_model
from hyena_np.ops.layers import cross_entropy
from hyena_np.tasks.batches import IGNORE, TokenBatch

_TOKENS_AT_ONCE = 2**12


def spread_windows(windows: TokenBatch, characters: int) -> TokenBatch:
    """Some of the windows (W, L), evenly spread over the text, with about so many characters in all."""
    count, length = windows.inputs.shape
    kept = min(count, max(1, characters // length))
    rows = np.arange(kept) * count // kept
    return TokenBatch(windows.inputs[rows], windows.labels[rows])


def mean_loss(params: dict, config: LanguageModelConfig, windows: TokenBatch) -> float:
    r"""Mean of :math:`-\ln p` over all labels that count, in nats.

    Parameters
    ----------
    params : dict
        Tree of a language model.
    config : LanguageModelConfig
    windows : TokenBatch
        Inputs and labels (W, L); at least one label is not `IGNORE`. Read a part at a time.

    Returns
    -------
    float

    Raises
    ------
    TokenError, ShapeError
        The windows do not fit the model.

    Notes
    -----
    Source: the definition of the cross-entropy; the paper's perplexity (Sec. 4.2) is its exponential.
    """
    part = max(1, _TOKENS_AT_ONCE // windows.inputs.shape[1])
    total, counted = 0.0, 0
    for start in range(0, len(windows.inputs), part):
        labels = windows.labels[start : start + part]
        logits, _ = language_model(windows.inputs[start : start + part], params, config)
        loss, _ = cross_entropy(logits, labels)
        labelled = int((labels != IGNORE).sum())  # the last window of a text may be filled up
        total, counted = total + float(loss) * labelled, counted + labelled
    return total / counted
