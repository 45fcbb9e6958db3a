"""A gate between 0 and 1, which AFT and RWKV close their layers with."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace


class SigmoidGateCache(NamedTuple):
    """What `sigmoid_gate_backward` needs."""

    gate: Array  # (...), the sigmoid
    z: Array  # (...)


def sigmoid_gate(x: Array, z: Array) -> tuple[Array, SigmoidGateCache]:
    r"""Gate a signal, :math:`y = \sigma(x) \odot z`.

    The sigmoid is computed as :math:`\sigma(x) = \tfrac12 (1 + \tanh\tfrac{x}{2})`, which never overflows.

    Parameters
    ----------
    x : array of any shape, float32 or float64
    z : array of the shape and dtype of `x`

    Returns
    -------
    y : array of the same shape and dtype
    cache : SigmoidGateCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Zhai et al. 2021, "An attention free transformer", eq. (2).
    """
    xp = namespace(x=x, z=z)
    check_shape("z", z, tuple(x.shape))
    gate = 0.5 * xp.tanh(0.5 * x) + 0.5
    return gate * z, SigmoidGateCache(gate, z)


def sigmoid_gate_backward(dy: Array, cache: SigmoidGateCache) -> tuple[Array, Array]:
    r"""Gradients of `sigmoid_gate`.

    .. math:: dx = \sigma\,(1 - \sigma) \odot z \odot dy, \qquad dz = \sigma \odot dy

    Parameters
    ----------
    dy : array of the shape of x
    cache : SigmoidGateCache

    Returns
    -------
    dx, dz : array of the same shape

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the derivative of the logistic function.
    """
    gate, z = cache
    namespace(dy=dy, z=z)
    check_shape("dy", dy, tuple(z.shape))
    # y = gate * z
    dz = gate * dy
    return dz * (1 - gate) * z, dz
