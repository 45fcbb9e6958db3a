"""Running sums of positive weights that may span any number of orders of magnitude."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, namespace, zeros_like_device

_NOTHING = -1e30
"""Logarithm of the weight of what is not there: finite, so that differences of two of them are no NaN."""


class DecayedSums(NamedTuple):
    """Sums in the form :math:`e^{m} a`, in which neither factor overflows; all are (B, L, D)."""

    m: Array  # logarithm of the largest weight in the sum
    sums: tuple  # a of each signal, every weight divided by the largest


def decayed_sums(k: Array, signals: tuple[Array, ...], decay: Array | float) -> DecayedSums:
    r"""Sums over the past with weights :math:`e^{k_s}` that fade with the lag.

    .. math:: S_t = \sum_{s \le t} e^{k_s - (t-s)\,w}\, x_s
              \qquad\text{or}\qquad S_t = e^{-w} S_{t-1} + e^{k_t} x_t

    In place of L steps one after the other, :math:`\log_2 L` steps for all positions at once: after step i a
    sum reaches over :math:`2^i` positions, and twice that one is two of these,
    :math:`S^{(i+1)}_t = S^{(i)}_t + e^{-2^i w} S^{(i)}_{t - 2^i}`. Each sum carries its largest weight, to
    which the others are relative; only ratios below 1 are ever formed.

    Parameters
    ----------
    k : array (B, L, D), float32 or float64
        Logarithms of the weights.
    signals : tuple of arrays (B, L, D), dtype of `k`
    decay : array (D,), dtype of `k`, or float
        w, at least 0.

    Returns
    -------
    DecayedSums

    Notes
    -----
    The doubling is that of Hillis and Steele 1986, "Data parallel algorithms". Source: the recurrence of
    Peng et al. 2023, "RWKV: Reinventing RNNs for the Transformer era", App. D.
    """
    xp = namespace(k=k)
    m, sums, reach = k, signals, 1
    while reach < k.shape[1]:
        past = later(m, reach, _NOTHING) - reach * decay
        largest = xp.maximum(m, past)
        near, far = xp.exp(m - largest), xp.exp(past - largest)
        sums = tuple(near * a + far * later(a, reach) for a in sums)
        m, reach = largest, 2 * reach
    return DecayedSums(m, sums)


def decayed_sums_of_the_future(k: Array, signals: tuple[Array, ...], decay: Array | float) -> DecayedSums:
    r"""The same over the future, :math:`\sum_{s \ge t} e^{k_s - (s-t)\,w}\, x_s`: the adjoint of the first.

    Parameters
    ----------
    k, signals, decay
        As in `decayed_sums`: arrays (B, L, D), and (D,).

    Returns
    -------
    DecayedSums

    Notes
    -----
    Source: `decayed_sums`, backwards in time.
    """
    xp = namespace(k=k)
    m, sums = decayed_sums(xp.flip(k, axis=1), tuple(xp.flip(x, axis=1) for x in signals), decay)
    return DecayedSums(xp.flip(m, axis=1), tuple(xp.flip(a, axis=1) for a in sums))


def later(x: Array, steps: int, fill: float = 0.0) -> Array:
    """x (B, L, D) moved to later positions, so that entry t is x_{t-steps}; `fill` before the start."""
    return namespace(x=x).concat([_filler(x, steps, fill), x[:, : max(x.shape[1] - steps, 0), :]], axis=1)


def earlier(x: Array, steps: int, fill: float = 0.0) -> Array:
    """The adjoint of `later`: entry t is x_{t+steps}; `fill` past the end."""
    return namespace(x=x).concat([x[:, steps:, :], _filler(x, steps, fill)], axis=1)


def _filler(x: Array, steps: int, fill: float) -> Array:
    B, L, D = x.shape
    return zeros_like_device((B, min(steps, L), D), x) + fill


def later_weights(k: Array, steps: int) -> Array:
    """`later` for logarithms of weights: before the start the weight is 0."""
    return later(k, steps, _NOTHING)


def earlier_weights(k: Array, steps: int) -> Array:
    """`earlier` for logarithms of weights: past the end the weight is 0."""
    return earlier(k, steps, _NOTHING)
