"""Which of the held-out text is measured: all of it would take longer than the training."""

from __future__ import annotations

import numpy as np

from hyena_np.tasks.batches import TokenBatch


def spread_windows(windows: TokenBatch, characters: int) -> TokenBatch:
    """Some of the windows (W, L), evenly spread over the text, with about so many characters in all."""
    count, length = windows.inputs.shape
    kept = min(count, max(1, characters // length))
    rows = np.arange(kept) * count // kept
    return TokenBatch(windows.inputs[rows], windows.labels[rows])
