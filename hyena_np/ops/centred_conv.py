"""The short convolution that sees both sides: depthwise, centred, along a sequence or over a grid."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from hyena_np.backend import Array, check_ndim, check_shape, namespace
from hyena_np.errors import ShapeError


class CentredConvCache(NamedTuple):
    """What `centred_conv_backward` needs."""

    x: Array  # (B, C, *grid)
    weight: Array  # (C, 1, *taps)


def centred_conv(x: Array, weight: Array, bias: Array) -> tuple[Array, CentredConvCache]:
    r"""Depthwise convolution with an odd number of taps an axis, the middle one at the present.

    .. math:: z_t = b + \sum_{j} w_j\, x_{t+j-r}, \qquad j \in \{0..2r\}

    and the same with pairs :math:`(t_1, t_2)`, :math:`(j_1, j_2)` over a grid. Outside the grid there are
    zeros. With one axis it is `short_conv`, moved r positions ahead: that one ends at the present.

    Parameters
    ----------
    x : array (B, C, L) or (B, C, H, W), float32 or float64
    weight : array (C, 1, K) or (C, 1, K1, K2), dtype of `x`
        The shape of a depthwise ``torch.nn.Conv1d`` or ``Conv2d``; K odd.
    bias : array (C,), dtype of `x`

    Returns
    -------
    z : array of the shape of `x`
        Same dtype.
    cache : CentredConvCache
        The two factors.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Algorithm 1, line 2, without its causal padding; PyTorch: ``padding="same"``.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import centred_conv
    >>> x, weight = np.array([[[1.0, 2.0, 4.0]]]), np.array([[[100.0, 10.0, 1.0]]])
    >>> centred_conv(x, weight, np.zeros(1))[0]
    array([[[ 12., 124., 240.]]])
    """
    xp = namespace(x=x, weight=weight, bias=bias)
    axes = x.ndim - 2
    if axes not in (1, 2):
        raise ShapeError(f"x: got shape {tuple(x.shape)}, allowed are (B, C, L) and (B, C, H, W)")
    C = x.shape[1]
    check_ndim("weight", weight, "C 1 K" if axes == 1 else "C 1 K1 K2")
    if tuple(weight.shape[:2]) != (C, 1) or any(K % 2 == 0 for K in weight.shape[2:]):
        raise ShapeError(f"weight: got shape {tuple(weight.shape)}, allowed is ({C}, 1, ...) with odd taps")
    check_shape("bias", bias, (C,))
    z = xp.zeros_like(x) + _per_channel(bias, axes)
    for tap, here, there in _overlaps(tuple(weight.shape[2:]), tuple(x.shape[2:])):
        z[here] += _per_channel(weight[tap], axes) * x[there]
    return z, CentredConvCache(x, weight)


def centred_conv_backward(dz: Array, cache: CentredConvCache) -> tuple[Array, Array, Array]:
    r"""Gradients of `centred_conv`: the same taps, mirrored.

    .. math:: dx_s = \sum_j w_j\, dz_{s-j+r}, \qquad dw_j = \sum_{b,t} dz_t\, x_{t+j-r}, \qquad
              db = \sum_{b,t} dz_t

    Parameters
    ----------
    dz : array (B, C, L) or (B, C, H, W)
    cache : CentredConvCache

    Returns
    -------
    dx : array of the shape of `x`
    dweight : array of the shape of `weight`
    dbias : array (C,)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dz` does not fit.

    Notes
    -----
    Source: Hyena paper, Algorithm 1, line 2, differentiated.
    """
    x, weight = cache
    xp = namespace(dz=dz, x=x)
    check_shape("dz", dz, tuple(x.shape))
    axes = x.ndim - 2
    summed = (0, *range(2, x.ndim))
    dx, dweight = xp.zeros_like(x), xp.zeros_like(weight)
    for tap, here, there in _overlaps(tuple(weight.shape[2:]), tuple(x.shape[2:])):
        # z[here] += weight[tap] * x[there]
        dx[there] += _per_channel(weight[tap], axes) * dz[here]
        dweight[tap] = xp.sum(dz[here] * x[there], axis=summed)
    return dx, dweight, xp.sum(dz, axis=summed)


def _per_channel(values: Array, axes: int) -> Array:
    """(C,) -> (C, 1) or (C, 1, 1)."""
    return values[(slice(None), *(None,) * axes)]


def _overlaps(taps: tuple[int, ...], grid: tuple[int, ...]) -> Iterator[tuple[tuple, tuple, tuple]]:
    """Index of each tap in the weight, the outputs that it reaches, and the inputs that it reads for them."""
    for index in product(*map(range, taps)):
        offsets = [j - K // 2 for j, K in zip(index, taps, strict=True)]
        if any(abs(offset) >= n for offset, n in zip(offsets, grid, strict=True)):
            continue  # never inside the grid
        here = [slice(max(0, -o), n - max(0, o)) for o, n in zip(offsets, grid, strict=True)]
        there = [slice(max(0, o), n - max(0, -o)) for o, n in zip(offsets, grid, strict=True)]
        yield (slice(None), 0, *index), (..., *here), (..., *there)
