"""Weighted averages over the past, with weights of content times lag: what AFT-conv and RWKV compute."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, arange_like, check_ndim, check_shape, namespace
from hyena_np.errors import ShapeError
from hyena_np.ops.decayed_sums import (
    DecayedSums,
    decayed_sums,
    decayed_sums_of_the_future,
    earlier,
    earlier_weights,
    later,
    later_weights,
)
from hyena_np.ops.layers import softmax


class LagAverageCache(NamedTuple):
    """What `lag_average_backward` needs; the first five are (B, L, D)."""

    k: Array
    v: Array
    y: Array
    log_total: Array  # logarithm of the sum of the weights of each position
    far: DecayedSums | None  # of the values and of ones, over all positions; None where all lags are near
    near: Array  # (D, J)
    decay: Array | None  # (D,)


def lag_average(k: Array, v: Array, near: Array, decay: Array | None = None) -> tuple[Array, LagAverageCache]:
    r"""Average of the values so far, weighted by their keys and by how long ago they were.

    .. math:: y_t = \frac{\sum_{s \le t} e^{k_s + b_{t-s}}\, v_s}{\sum_{s \le t} e^{k_s + b_{t-s}}},
              \qquad b_j = \begin{cases} \mathrm{near}_j & j < J \\ -(j - J)\,w & j \ge J \end{cases}

    The last J lags have a free weight each, all earlier ones share a decay w. AFT-conv is w = 0 with a window
    of J lags; RWKV is J = 1, its "bonus" of the present, with a learned w.

    A Fourier transform would give both sums too, but each entry with an error relative to the largest: where
    early weights are small and later ones large, the early averages would be noise, and noise from the
    future. Here all terms of the denominator are positive and relative to the largest of their own row.

    Parameters
    ----------
    k, v : array (B, L, D), float32 or float64
        Logarithms of the weights, and values.
    near : array (D, J), dtype of `k`
        Biases of the lags 0..J-1, J at least 1.
    decay : array (D,), dtype of `k`, optional
        w, at least 0; without it, 0.

    Returns
    -------
    y : array (B, L, D)
        Between the smallest and the largest value so far. Same dtype.
    cache : LagAverageCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Time grows with L (J + log L). Source: Zhai et al. 2021, "An attention free transformer", Sec. 3.2
    (AFT-conv, in one dimension and causal); Peng et al. 2023, "RWKV", eq. (16).
    """
    xp, J = check_lag_average(k, v, near, decay)
    far, L = None, k.shape[1]
    if L > J:
        far = decayed_sums(k, (v, xp.ones_like(v)), 0.0 if decay is None else decay)
        largest = later_weights(far.m, J)
    else:
        largest = k + near[:, 0]
    for j in range(min(J, L)):
        largest = xp.maximum(largest, later_weights(k, j) + near[:, j])
    total, weighted = xp.zeros_like(k), xp.zeros_like(k)
    if far is not None:
        scale = xp.exp(later_weights(far.m, J) - largest)
        weighted, total = (scale * later(a, J) for a in far.sums)
    for j in range(min(J, L)):
        weight = xp.exp(later_weights(k, j) + near[:, j] - largest)
        total, weighted = total + weight, weighted + weight * later(v, j)
    y = weighted / total
    return y, LagAverageCache(k, v, y, largest + xp.log(total), far, near, decay)


def lag_average_backward(dy: Array, cache: LagAverageCache) -> tuple[Array, Array, Array, Array | None]:
    r"""Gradients of `lag_average`.

    With the weights :math:`p_{ts}`, which sum to 1 over s, a value receives :math:`dv_s = \sum_t p_{ts} dy_t`
    and the logarithm of a weight :math:`p_{ts}\, dy_t\, (v_s - y_t)`, summed over t for a key, and over all
    pairs of one lag for a bias. For far lags with :math:`S` the sums of `decayed_sums` and
    :math:`G_t = dS_t + e^{-w} G_{t+1}` their gradients, sums over the future,

    .. math:: dw = -\sum_t e^{-w}\, G_t \cdot S_{t-1}

    Parameters
    ----------
    dy : array (B, L, D)
    cache : LagAverageCache

    Returns
    -------
    dk, dv : array (B, L, D)
    dnear : array (D, J)
    ddecay : array (D,) or None

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the derivative of a weighted average.
    """
    k, v, y, log_total, far, near, decay = cache
    xp = namespace(dy=dy, k=k)
    check_shape("dy", dy, tuple(k.shape))
    L, J = k.shape[1], near.shape[1]
    dk, dv, dnear = xp.zeros_like(k), xp.zeros_like(v), []
    for j in range(J):
        if j >= L:
            dnear.append(xp.zeros_like(near[:, 0]))
            continue
        # weight of lag j: p = exp(k[t-j] + near[j] - log_total)
        pdy = xp.exp(later_weights(k, j) + near[:, j] - log_total) * dy
        dlog = pdy * (later(v, j) - y)
        dk, dv = dk + earlier(dlog, j), dv + earlier(pdy, j)
        dnear.append(xp.sum(dlog, axis=(0, 1)))
    ddecay = None if decay is None else xp.zeros_like(decay)
    if far is not None:
        # y[t] = (S_v[t-J] + ...) / (S_1[t-J] + ...), whose denominator is exp(log_total)
        w = 0.0 if decay is None else decay
        dsums = (earlier(dy, J), -earlier(dy * y, J))
        m, (g, g1) = decayed_sums_of_the_future(earlier_weights(-log_total, J), dsums, w)
        # S[t] = exp(-w) S[t-1] + exp(k[t]) (v[t], 1)
        scale = xp.exp(k + m)
        dv, dk = dv + scale * g, dk + scale * (g * v + g1)
        if decay is not None:
            s, s1 = far.sums
            fade = xp.exp(later_weights(far.m, 1) + m - decay)
            ddecay = -xp.sum(fade * (g * later(s, 1) + g1 * later(s1, 1)), axis=(0, 1))
    return dk, dv, xp.stack(dnear, axis=1), ddecay


def lag_average_matrix(k: Array, near: Array, decay: Array | None = None) -> Array:
    r"""The matrix of `lag_average`, entry by entry from its definition: the slow reference.

    .. math:: A_{ts} = \frac{e^{k_s + b_{t-s}}}{\sum_{s' \le t} e^{k_{s'} + b_{t-s'}}}
              \text{ for } s \le t, \text{ else } 0

    Parameters
    ----------
    k : array (B, L, D), float32 or float64
    near : array (D, J), dtype of `k`
    decay : array (D,), dtype of `k`, optional

    Returns
    -------
    array (B, D, L, L)
        One matrix a channel; rows are non-negative and sum to 1. Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: as `lag_average`.
    """
    xp, J = check_lag_average(k, k, near, decay)
    i = arange_like(k.shape[1], k)
    lag = i[:, None] - i[None, :]
    slope = xp.zeros_like(near[:, 0]) if decay is None else decay
    bias = -xp.astype(lag - J, k.dtype) * slope[:, None, None]  # (D,L,L)
    for j in range(J):
        bias = xp.where(lag == j, near[:, j, None, None], bias)
    scores = xp.permute_dims(k, (0, 2, 1))[:, :, None, :] + bias  # (B,D,1,L) + (D,L,L)
    return softmax(xp.where(lag < 0, xp.full_like(scores, -xp.inf), scores))


def check_lag_average(k: Array, v: Array, near: Array, decay: Array | None):
    """Raise unless the arguments of `lag_average` fit; return their namespace and J."""
    xp = namespace(k=k, v=v, near=near, decay=decay)
    _, L, D = check_ndim("k", k, "B L D")
    check_shape("v", v, tuple(k.shape))
    Dn, J = check_ndim("near", near, "D J")
    if Dn != D or J < 1 or L < 1:
        raise ShapeError(f"near: got shape {(Dn, J)}, allowed is ({D}, J >= 1) for k of length >= 1")
    if decay is not None:
        check_shape("decay", decay, (D,))
    return xp, J
