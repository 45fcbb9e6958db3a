"""The right answer for one channel each: an explicit matrix product."""

from __future__ import annotations

import numpy as np

from hyena_np.ops.toeplitz import circulant, toeplitz


def conv(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Causal convolution of (D, L) signals with (D, L) filters."""
    return (toeplitz(h) @ u[..., None])[..., 0]


def circular_conv(u: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The same on a circle: what runs over the end comes back at the beginning."""
    return (circulant(h) @ u[..., None])[..., 0]


def correlate(dy: np.ndarray, h: np.ndarray) -> np.ndarray:
    r"""The adjoint, :math:`\sum_{t \ge s} h_{t-s}\, \bar y_t`."""
    return (np.swapaxes(toeplitz(h), -1, -2) @ dy[..., None])[..., 0]
