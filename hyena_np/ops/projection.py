"""From the input to the branches x^1..x^N and v: dense projection, then short convolution (Algorithm 1)."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_ndim, check_shape, namespace
from hyena_np.errors import ShapeError


class ProjectionCache(NamedTuple):
    """What `projection_backward` needs."""

    u: Array  # (B, L, D)
    weight: Array  # (E, D)


def projection(u: Array, weight: Array, bias: Array) -> tuple[Array, ProjectionCache]:
    r"""Dense projection of every position, written with time last.

    .. math:: z_{:,t} = W u_t + b

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    weight : array (E, D), dtype of `u`
        All branches stacked: E = (N+1) D in a Hyena operator.
    bias : array (E,), dtype of `u`

    Returns
    -------
    z : array (B, E, L)
        Same dtype. The product reads `u` transposed, so no transposing copy is made.
    cache : ProjectionCache
        The two factors.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Algorithm 1, line 1; official code: ``in_proj``.
    """
    xp = namespace(u=u, weight=weight, bias=bias)
    _, _, D = check_ndim("u", u, "B L D")
    E, _ = check_ndim("weight", weight, "E D")
    check_shape("weight", weight, (E, D))
    check_shape("bias", bias, (E,))
    z = xp.matmul(weight, xp.matrix_transpose(u)) + bias[:, None]  # (E,D) @ (B,D,L) -> (B,E,L)
    return z, ProjectionCache(u, weight)


def projection_backward(dz: Array, cache: ProjectionCache) -> tuple[Array, Array, Array]:
    r"""Gradients of `projection`.

    .. math:: du_t = W^\top dz_{:,t}, \qquad dW = \sum_{b,t} dz_{b,:,t}\, u_{b,t}^\top, \qquad
              db = \sum_{b,t} dz_{b,:,t}

    Parameters
    ----------
    dz : array (B, E, L)
    cache : ProjectionCache

    Returns
    -------
    du : array (B, L, D)
    dweight : array (E, D)
    dbias : array (E,)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dz` does not fit.

    Notes
    -----
    Source: Hyena paper, Algorithm 1, line 1, differentiated.
    """
    u, weight = cache
    xp = namespace(dz=dz, u=u)
    check_shape("dz", dz, (u.shape[0], weight.shape[0], u.shape[1]))
    # z = weight @ u^T + bias
    du = xp.matmul(xp.matrix_transpose(dz), weight)  # (B,L,E) @ (E,D)
    dweight = xp.sum(xp.matmul(dz, u), axis=0)  # (B,E,L) @ (B,L,D)
    return du, dweight, xp.sum(dz, axis=(0, 2))


class ShortConvCache(NamedTuple):
    """What `short_conv_backward` needs."""

    x: Array  # (B, C, L)
    weight: Array  # (C, 1, K)


def short_conv(x: Array, weight: Array, bias: Array) -> tuple[Array, ShortConvCache]:
    r"""Causal depthwise convolution with K taps, in PyTorch's order of taps.

    .. math:: z_t = b + \sum_{j=0}^{K-1} w_j\, x_{t-(K-1)+j}

    The last tap sees the present, the first one the position K-1 earlier; before the start there are zeros.

    Parameters
    ----------
    x : array (B, C, L), float32 or float64
    weight : array (C, 1, K), dtype of `x`
        The shape of a depthwise ``torch.nn.Conv1d``.
    bias : array (C,), dtype of `x`

    Returns
    -------
    z : array (B, C, L)
        Same dtype.
    cache : ShortConvCache
        The two factors.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Algorithm 1, line 2; official code: ``short_filter`` (K = 3).
    """
    namespace(x=x, weight=weight, bias=bias)
    _, C, L = check_ndim("x", x, "B C L")
    _, one, K = check_ndim("weight", weight, "C 1 K")
    if weight.shape[0] != C or one != 1 or K < 1:
        raise ShapeError(f"weight: got shape {tuple(weight.shape)}, allowed is ({C}, 1, K) with K >= 1")
    check_shape("bias", bias, (C,))
    z = weight[:, :, K - 1] * x + bias[:, None]
    for lag in range(1, min(K, L)):
        z[..., lag:] += weight[:, :, K - 1 - lag] * x[..., :-lag]
    return z, ShortConvCache(x, weight)


def short_conv_backward(dz: Array, cache: ShortConvCache) -> tuple[Array, Array, Array]:
    r"""Gradients of `short_conv`: the same taps, looking ahead.

    .. math:: dx_s = \sum_j w_j\, dz_{s+(K-1)-j}, \qquad dw_j = \sum_{b,t} dz_t\, x_{t-(K-1)+j}, \qquad
              db = \sum_{b,t} dz_t

    Parameters
    ----------
    dz : array (B, C, L)
    cache : ShortConvCache

    Returns
    -------
    dx : array (B, C, L)
    dweight : array (C, 1, K)
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
    K, L = weight.shape[-1], x.shape[-1]
    # z = weight[K-1] * x + bias
    dx = weight[:, :, K - 1] * dz
    taps = [xp.sum(dz * x, axis=(0, 2))]
    for lag in range(1, K):
        if lag >= L:
            taps.append(xp.zeros_like(taps[0]))
            continue
        # z[..., lag:] += weight[K-1-lag] * x[..., :-lag]
        dx[..., :-lag] += weight[:, :, K - 1 - lag] * dz[..., lag:]
        taps.append(xp.sum(dz[..., lag:] * x[..., :-lag], axis=(0, 2)))
    dweight = xp.stack(taps[::-1], axis=-1)[:, None, :]
    return dx, dweight, xp.sum(dz, axis=(0, 2))
