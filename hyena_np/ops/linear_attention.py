"""Causal linear attention, a rival: kernel features in the place of the exponential, in linear time."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_ndim, check_shape, namespace, owned, zeros_like_device

CHUNK = 64
"""Positions that are compared pair by pair; what lies before them is read through its sum."""

_SMALL = 1e-6  # added to the normaliser, as in the authors' code, for the case that all features vanish


class LinearAttentionCoreCache(NamedTuple):
    """What `causal_linear_attention_backward` needs; P is L rounded up to whole chunks of C."""

    fq: Array  # (B, H, P/C, C, K), features of the queries
    fk: Array  # (B, H, P/C, C, K), features of the keys
    v1: Array  # (B, H, P/C, C, K+1), values, and a column of ones for the normaliser
    total: Array  # (B, H, L, 1), the normaliser
    y: Array  # (B, H, L, K)


def elu_features(x: Array) -> Array:
    r"""The feature map :math:`\phi(x) = \mathrm{elu}(x) + 1`: x + 1 above 0, :math:`e^x` below.

    Its derivative is :math:`\min(\phi(x), 1)`.

    Parameters
    ----------
    x : array of any shape, float32 or float64

    Returns
    -------
    array of the same shape and dtype
        Positive.

    Raises
    ------
    DTypeError, LibraryMismatchError
        `x` is no float array.

    Notes
    -----
    Source: Katharopoulos et al. 2020, "Transformers are RNNs", eq. (7).
    """
    xp = namespace(x=x)
    zero = xp.zeros_like(x)
    return xp.where(x > 0, x + 1, xp.exp(xp.where(x > 0, zero, x)))


def linear_attention_matrix(q: Array, k: Array) -> Array:
    r"""The matrix of causal linear attention: the slow reference.

    .. math:: A_{ts} = \frac{\phi(q_t) \cdot \phi(k_s)}
              {10^{-6} + \sum_{s' \le t} \phi(q_t) \cdot \phi(k_{s'})}
              \text{ for } s \le t, \text{ else } 0

    Parameters
    ----------
    q, k : array (B, H, L, K), float32 or float64
        Queries and keys of H heads of width K.

    Returns
    -------
    array (B, H, L, L)
        Its lower triangle has rank K at most before the mask: no entry can stand out as in softmax attention.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Source: Katharopoulos et al. 2020, eqs. (8) and (9).
    """
    xp = namespace(q=q, k=k)
    check_ndim("q", q, "B H L K")
    check_shape("k", k, tuple(q.shape))
    scores = xp.tril(xp.matmul(elu_features(q), xp.matrix_transpose(elu_features(k))))
    return scores / (xp.sum(scores, axis=-1, keepdims=True) + _SMALL)


def causal_linear_attention(
    q: Array, k: Array, v: Array, chunk: int = CHUNK
) -> tuple[Array, LinearAttentionCoreCache]:
    r"""Causal linear attention.

    .. math:: y_t = \frac{\phi(q_t)^\top S_t}{10^{-6} + \phi(q_t)^\top z_t}, \qquad
              S_t = \sum_{s \le t} \phi(k_s)\, v_s^\top, \qquad z_t = \sum_{s \le t} \phi(k_s)

    In chunks of C positions: within a chunk as a masked C x C matrix, and from all chunks before it through
    their sum S, of which one is formed for each chunk, none for each position. A column of ones beside the
    values makes the normaliser one more value.

    Parameters
    ----------
    q, k, v : array (B, H, L, K), float32 or float64
    chunk : int
        C; changes time and memory, not the result.

    Returns
    -------
    y : array (B, H, L, K)
        Same dtype.
    cache : LinearAttentionCoreCache
        Features and values: linear in L. The matrices are formed again in the backward.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.

    Notes
    -----
    Time grows with L K (C + K). Source: Katharopoulos et al. 2020, Sec. 3.3; by chunks as in Hua et al. 2022,
    "Transformer quality in linear time".
    """
    xp = namespace(q=q, k=k, v=v)
    *_, L, K = check_ndim("q", q, "B H L K")
    check_shape("k", k, tuple(q.shape))
    check_shape("v", v, tuple(q.shape))
    C = min(chunk, L)
    fq, fk = _chunks(elu_features(q), C), _chunks(elu_features(k), C)
    v1 = _chunks(xp.concat([v, xp.ones_like(v[..., :1])], axis=-1), C)
    sums = xp.matmul(_within(fq, fk), v1) + xp.matmul(fq, _before(fk, v1))  # (B,H,P/C,C,K+1)
    sums = _rows(sums, L)
    total = sums[..., K:] + _SMALL
    y = sums[..., :K] / total
    return y, LinearAttentionCoreCache(fq, fk, v1, total, y)


def causal_linear_attention_backward(
    dy: Array, cache: LinearAttentionCoreCache
) -> tuple[Array, Array, Array]:
    r"""Gradients of `causal_linear_attention`.

    A chunk's part through the sum S of the chunks before it returns to each of those: where the forward adds
    up the past, the backward adds up the future.

    Parameters
    ----------
    dy : array (B, H, L, K)
    cache : LinearAttentionCoreCache

    Returns
    -------
    dq, dk, dv : array (B, H, L, K)

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Katharopoulos et al. 2020, Sec. 3.3.1.
    """
    fq, fk, v1, total, y = cache
    xp = namespace(dy=dy, y=y)
    check_shape("dy", dy, tuple(y.shape))
    T, (L, K) = xp.matrix_transpose, y.shape[-2:]
    # y = sums[:K] / (sums[K] + small)
    dsums = xp.concat([dy, -xp.sum(dy * y, axis=-1, keepdims=True)], axis=-1) / total
    dsums = _chunks(dsums, fq.shape[-2])
    # sums = within(fq, fk) @ v1 + fq @ before(fk, v1)
    dscores = xp.tril(xp.matmul(dsums, T(v1)))  # of within = tril(fq @ fk^T)
    dafter = _after(fq, dsums)  # of fk^T @ v1
    dfq = xp.matmul(dscores, fk) + xp.matmul(dsums, T(_before(fk, v1)))
    dfk = xp.matmul(T(dscores), fq) + xp.matmul(v1, T(dafter))
    dv1 = xp.matmul(T(_within(fq, fk)), dsums) + xp.matmul(fk, dafter)
    # features: the derivative is min(features, 1)
    one = xp.ones_like(fq)
    dq, dk = dfq * xp.minimum(fq, one), dfk * xp.minimum(fk, one)
    return _rows(dq, L), _rows(dk, L), owned(_rows(dv1, L)[..., :K])


def _chunks(x: Array, C: int) -> Array:
    """(B, H, L, K) -> (B, H, P/C, C, K); the rows that fill the last chunk are 0, and so weigh nothing."""
    xp = namespace(x=x)
    B, H, L, K = x.shape
    missing = -L % C
    if missing:
        x = xp.concat([x, zeros_like_device((B, H, missing, K), x)], axis=2)
    return xp.reshape(x, (B, H, (L + missing) // C, C, K))


def _rows(x: Array, L: int) -> Array:
    """(B, H, P/C, C, K) -> (B, H, L, K)."""
    B, H, count, C, K = x.shape
    rows = namespace(x=x).reshape(x, (B, H, count * C, K))
    return rows if count * C == L else owned(rows[:, :, :L, :])


def _within(fq: Array, fk: Array) -> Array:
    """Scores of the pairs within each chunk, (B, H, P/C, C, C)."""
    xp = namespace(fq=fq)
    return xp.tril(xp.matmul(fq, xp.matrix_transpose(fk)))


def _before(fk: Array, v1: Array) -> Array:
    """For each chunk the sum of phi(k) v^T over all chunks before it, (B, H, P/C, K, K+1)."""
    xp = namespace(fk=fk)
    sums = xp.matmul(xp.matrix_transpose(fk), v1)
    return _exclusive_sum(sums)


def _after(fq: Array, dsums: Array) -> Array:
    """For each chunk the sum of phi(q) dsums^T over all chunks after it: the adjoint of reading `_before`."""
    xp = namespace(fq=fq)
    sums = xp.matmul(xp.matrix_transpose(fq), dsums)
    return xp.flip(_exclusive_sum(xp.flip(sums, axis=2)), axis=2)


def _exclusive_sum(x: Array) -> Array:
    """Along the chunks, the sum of all before each."""
    return namespace(x=x).cumulative_sum(x, axis=2, include_initial=True)[:, :, :-1, ...]
