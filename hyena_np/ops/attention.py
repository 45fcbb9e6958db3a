"""Causal softmax attention, the rival: its matrix, and the multi-head layer around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from hyena_np.backend import Array, arange_like, check_ndim, check_shape, namespace
from hyena_np.errors import ConfigError, ShapeError
from hyena_np.ops.checks import check_integer
from hyena_np.ops.layers import LinearCache, linear, linear_backward, softmax
from hyena_np.ops.parameters import check_params


class CausalAttentionCache(NamedTuple):
    """What `causal_attention_backward` needs."""

    q: Array  # (B, H, L, K)
    k: Array  # (B, H, L, K)
    v: Array  # (B, H, L, K)
    weights: Array  # (B, H, L, L)


def causal_attention_matrix(q: Array, k: Array) -> Array:
    r"""The softmax attention matrix.

    .. math:: A_{ts} = \frac{e^{q_t \cdot k_s / \sqrt{K}}}{\sum_{s' \le t} e^{q_t \cdot k_{s'} / \sqrt{K}}}
              \text{ for } s \le t, \text{ else } 0

    Parameters
    ----------
    q, k : array (B, H, L, K), float32 or float64
        Queries and keys of H heads of width K.

    Returns
    -------
    array (B, H, L, L)
        Rows are non-negative and sum to 1. Same dtype.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, eq. (3) and Fig. 2.1.
    """
    xp = namespace(q=q, k=k)
    *_, L, width = check_ndim("q", q, "B H L K")
    check_shape("k", k, tuple(q.shape))
    scores = xp.matmul(q, xp.matrix_transpose(k)) / math.sqrt(width)  # (B,H,L,K) @ (B,H,K,L)
    i = arange_like(L, q)
    hidden = i[:, None] < i[None, :]
    return softmax(xp.where(hidden, xp.full_like(scores, -math.inf), scores))


def causal_attention(q: Array, k: Array, v: Array) -> tuple[Array, CausalAttentionCache]:
    r"""Causal softmax attention, :math:`y = A(q, k)\, v`.

    Parameters
    ----------
    q, k, v : array (B, H, L, K), float32 or float64

    Returns
    -------
    y : array (B, H, L, K)
        Same dtype.
    cache : CausalAttentionCache
        The matrix: memory grows with the square of L.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, eq. (3) and Remark 2.1; official code: ``MHA``, scale 1/sqrt(K).
    """
    xp = namespace(q=q, k=k, v=v)
    weights = causal_attention_matrix(q, k)
    check_shape("v", v, tuple(q.shape))
    return xp.matmul(weights, v), CausalAttentionCache(q, k, v, weights)


def causal_attention_backward(dy: Array, cache: CausalAttentionCache) -> tuple[Array, Array, Array]:
    r"""Gradients of `causal_attention`.

    .. math:: dv = A^\top dy, \quad dA = dy\, v^\top, \quad
              dS = A \odot \big(dA - \textstyle\sum_s dA \odot A\big), \quad
              dq = dS\, k / \sqrt{K}, \quad dk = dS^\top q / \sqrt{K}

    Parameters
    ----------
    dy : array (B, H, L, K)
    cache : CausalAttentionCache

    Returns
    -------
    dq, dk, dv : array (B, H, L, K)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2.2, differentiated.
    """
    q, k, v, weights = cache
    xp = namespace(dy=dy, q=q)
    check_shape("dy", dy, tuple(q.shape))
    # y = weights @ v
    dv = xp.matmul(xp.matrix_transpose(weights), dy)
    dweights = xp.matmul(dy, xp.matrix_transpose(v))
    # weights = softmax(q k^T / sqrt(K)); masked entries have weight 0 and so no gradient
    dscores = weights * (dweights - xp.sum(dweights * weights, axis=-1, keepdims=True))
    dscores = dscores / math.sqrt(q.shape[-1])
    return xp.matmul(dscores, k), xp.matmul(xp.matrix_transpose(dscores), q), dv


@dataclass(frozen=True)
class AttentionConfig:
    """Configuration of multi-head causal attention.

    Parameters
    ----------
    d_model : int
        Width D, a multiple of `num_heads`.
    l_max : int
        Longest sequence (also the number of learned positions, which the model adds).
    num_heads : int
        Heads H of width D/H.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, Sec. 2.2; official code: ``MHA``.
    """

    d_model: int
    l_max: int
    num_heads: int = 1

    def __post_init__(self) -> None:
        check_integer("d_model", self.d_model, 1)
        check_integer("l_max", self.l_max, 1)
        check_integer("num_heads", self.num_heads, 1)
        if self.d_model % self.num_heads:
            raise ConfigError(
                f"num_heads: got {self.num_heads}, allowed are divisors of d_model = {self.d_model}"
            )


def attention_shapes(config: AttentionConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the layer's parameter tree, by dotted name.

    Parameters
    ----------
    config : AttentionConfig

    Returns
    -------
    dict

    Notes
    -----
    Source: official code: ``MHA`` (``Wqkv`` is ``in_proj`` here, as in Hyena).
    """
    D = config.d_model
    return {
        "in_proj.weight": (3 * D, D),
        "in_proj.bias": (3 * D,),
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
    }


class AttentionCache(NamedTuple):
    """What `attention_backward` needs."""

    in_proj: LinearCache
    attention: CausalAttentionCache
    out_proj: LinearCache


def attention(u: Array, params: dict, config: AttentionConfig) -> tuple[Array, AttentionCache]:
    r"""Multi-head causal attention with its projections: the same interface as `hyena`.

    .. math:: (q, k, v) = \mathrm{Linear}(u), \qquad y = \mathrm{Linear}\big(A(q, k)\, v\big)

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        ``{"in_proj": {"weight", "bias"}, "out_proj": {"weight", "bias"}}``.
    config : AttentionConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : AttentionCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2.2; official code: ``MHA``.
    """
    B, L, D = check_ndim("u", u, "B L D")
    if D != config.d_model or not 1 <= L <= config.l_max:
        raise ShapeError(f"u: got shape {(B, L, D)}, allowed is (B, L <= {config.l_max}, {config.d_model})")
    xp = namespace(u=u, **check_params(params, attention_shapes(config)))
    qkv, in_proj = linear(u, params["in_proj"]["weight"], params["in_proj"]["bias"])
    heads = xp.reshape(qkv, (B, L, 3, config.num_heads, D // config.num_heads))
    q, k, v = (xp.permute_dims(heads[:, :, i, :, :], (0, 2, 1, 3)) for i in range(3))  # (B,H,L,K)
    y, cache = causal_attention(q, k, v)
    y = xp.reshape(xp.permute_dims(y, (0, 2, 1, 3)), (B, L, D))
    out, out_proj = linear(y, params["out_proj"]["weight"], params["out_proj"]["bias"])
    return out, AttentionCache(in_proj, cache, out_proj)


def attention_backward(dy: Array, cache: AttentionCache) -> tuple[Array, dict]:
    r"""Gradients of `attention`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : AttentionCache

    Returns
    -------
    du : array (B, L, D)
    dparams : dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 2.2, differentiated.
    """
    dheads, dweight, dbias = linear_backward(dy, cache.out_proj)
    xp = namespace(dy=dy)
    B, H, L, K = cache.attention.q.shape
    dheads = xp.permute_dims(xp.reshape(dheads, (B, L, H, K)), (0, 2, 1, 3))
    dqkv = xp.stack(causal_attention_backward(dheads, cache.attention))  # (3,B,H,L,K)
    dqkv = xp.reshape(xp.permute_dims(dqkv, (1, 3, 0, 2, 4)), (B, L, 3 * H * K))
    du, dw, db = linear_backward(dqkv, cache.in_proj)
    return du, {"in_proj": {"weight": dw, "bias": db}, "out_proj": {"weight": dweight, "bias": dbias}}
