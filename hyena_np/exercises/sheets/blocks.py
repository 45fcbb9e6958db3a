"""A convolution by blocks: the right answer, and what comes of the usual mistakes."""

from __future__ import annotations

import numpy as np

from hyena_np.ops.toeplitz import causal_conv_matrix


def reference(u: np.ndarray, h: np.ndarray, block: int) -> np.ndarray:
    """(D, L), whatever the block."""
    return causal_conv_matrix(u[None], h)[0]


def cut_off(u: np.ndarray, h: np.ndarray, block: int, kept: int) -> np.ndarray:
    """Of what every block turns into, only so many positions are added."""
    y = np.zeros_like(u)
    for start in range(0, u.shape[-1], block):
        alone = np.zeros_like(u)
        alone[:, start : start + block] = u[:, start : start + block]
        y[:, start : start + kept] += reference(alone, h, block)[:, start : start + kept]
    return y


def on_circles(u: np.ndarray, h: np.ndarray, block: int, n: int) -> np.ndarray:
    """Every block by a transform of n."""
    L = u.shape[-1]
    y = np.zeros((len(u), L + n), dtype=u.dtype)
    spectrum = np.fft.rfft(h, n=n)
    for start in range(0, L, block):
        piece = np.fft.rfft(u[:, start : start + block], n=n)
        y[:, start : start + n] += np.fft.irfft(piece * spectrum, n=n)
    return y[:, :L]


def without_last(u: np.ndarray, h: np.ndarray, block: int) -> np.ndarray:
    kept = u.copy()
    kept[:, u.shape[-1] // block * block :] = 0
    return reference(kept, h, block)
