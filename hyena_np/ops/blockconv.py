"""Causal convolutions with filters shorter than the sequence, block by block.

A short filter does not need a transform of the whole sequence: what it does to one block of positions ends in
the next. Three ways to use that: `overlap_add` cuts the input, `overlap_save` cuts the output, and
`two_stage_conv` leaves the FFT out and multiplies with the blocks of the Toeplitz matrix.
"""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import (
    Array,
    arange_like,
    check_convolution,
    check_shape,
    fft_length,
    irfft,
    namespace,
    owned,
    rfft,
    zeros_like_device,
)
from hyena_np.errors import ConfigError
from hyena_np.ops.checks import check_integer

# --- the FFT on blocks --------------------------------------------------------------------------------------


class OverlapCache(NamedTuple):
    """What the two backwards need; R blocks of b positions, F = n//2 + 1 frequencies of a transform of n."""

    u_f: Array  # (B, D, R, F) complex, spectra of the blocks (add) or of the windows (save)
    h_f: Array  # (D, F) complex, spectrum of the filter
    u: Array | None  # (B, D, L), kept only for the gradient of the skip term
    skip: Array | None  # (D,)
    L: int
    Lh: int
    b: int
    n: int


def overlap_add(
    u: Array, h: Array, skip: Array | None = None, block: int | None = None
) -> tuple[Array, OverlapCache]:
    r"""Causal convolution by blocks of the input, whose outputs overlap and are added.

    .. math:: y = \sum_r \big(h * u^{(r)}\big), \qquad u^{(r)}_t = u_t \text{ for } rb \le t < (r+1)b,
              \text{ else } 0

    plus the skip term. An output of b + Lh - 1 samples begins where its block begins.

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, of any length; it pays where Lh is much smaller than L.
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.
    block : int, optional
        b, positions in a block. By default the transform has a power of two, at least 256 and at least four
        filter lengths: at most a quarter of it goes into the overlap.

    Returns
    -------
    y : array (B, D, L)
        Same dtype; equal to that of `fftconv`.
    cache : OverlapCache
        The spectra of blocks and filter, and `u` where there is a skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.
    ConfigError
        `block` is no integer >= 1.

    Notes
    -----
    Source: Stockham, 1966; no counterpart in the Hyena paper.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import overlap_add
    >>> y, _ = overlap_add(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]), block=2)
    >>> np.round(y[0, 0], 9) + 0.0
    array([ 1., 10.,  0.,  2.])
    """
    _, taps = check_convolution(u, h, skip)
    L, b = u.shape[2], _fft_block(block, u.shape[2], taps)
    R, reach = -(-L // b), _blocks_back(taps, b)
    n = fft_length(b + taps - 1)
    u_f = rfft(_frames(_pad(u, 0, R * b), b, 0), n)  # (B,D,L) -> (B,D,R,b) -> (B,D,R,F)
    h_f = rfft(h[:, :taps], n)  # (D,taps) -> (D,F)
    outputs = irfft(u_f * h_f[:, None, :], n)[..., : b + taps - 1]  # each block's own answer
    y = _add_frames(_pad(outputs, 0, (reach + 1) * b), b)[..., :L]  # ... -> (B,D,(R+reach)b) -> (B,D,L)
    return _with_skip(y, u, skip), OverlapCache(u_f, h_f, *_kept(u, skip), L, h.shape[1], b, n)


def overlap_add_backward(dy: Array, cache: OverlapCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `overlap_add`: where the forward adds overlaps, the backward reads them.

    Block r of the input was heard from rb to (r+1)b + Lh - 2, so its gradient is a correlation with that
    window of dy; the gradient of the filter is summed over blocks.

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : OverlapCache

    Returns
    -------
    du : array (B, D, L)
    dh : array (D, Lh)
        Zero at lags past L-1.
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of `overlap_add`; its windows are those of `overlap_save`, with time reversed.
    """
    u_f, h_f, u, skip, L, Lh, b, n = cache
    (B, D, R, _), taps = u_f.shape, min(L, Lh)
    xp = namespace(dy=dy, skip=skip)
    check_shape("dy", dy, (B, D, L))
    # y = add_frames(outputs)
    reach = _blocks_back(taps, b)
    doutputs = _frames(_pad(dy, 0, (R + reach) * b), b, reach)[..., : b + taps - 1]
    # outputs = irfft(u_f * h_f)
    dy_f = rfft(doutputs, n)
    namespace(u_f=u_f, dy_f=dy_f)
    dblocks = irfft(dy_f * xp.conj(h_f)[:, None, :], n)[..., :b]
    # u_f = rfft(frames(u))
    du = _add_frames(dblocks, b)[..., :L]
    dh = _filter_gradient(dy_f, u_f, cache)
    return _with_skip(du, dy, skip), dh, None if skip is None else xp.sum(dy * u, axis=(0, 2))


def overlap_save(
    u: Array, h: Array, skip: Array | None = None, block: int | None = None
) -> tuple[Array, OverlapCache]:
    r"""Causal convolution by blocks of the output, each from the window of the input that it depends on.

    .. math:: y_{rb + i} = \big(h \circledast_n w^{(r)}\big)_{Lh - 1 + i}, \qquad
              w^{(r)} = u_{rb - (Lh-1)},\ \dots,\ u_{(r+1)b - 1}, \qquad 0 \le i < b

    plus the skip term. The circular convolution :math:`\circledast_n` of n >= b + Lh - 1 wraps around, but
    only into its first Lh - 1 samples, which are thrown away: nothing needs padding, nothing is added.

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel, of any length; it pays where Lh is much smaller than L.
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.
    block : int, optional
        b, positions in a block; by default as in `overlap_add`.

    Returns
    -------
    y : array (B, D, L)
        Same dtype; equal to that of `fftconv`.
    cache : OverlapCache
        The spectra of windows and filter, and `u` where there is a skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.
    ConfigError
        `block` is no integer >= 1.

    Notes
    -----
    Source: Stockham, 1966; no counterpart in the Hyena paper.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import overlap_save
    >>> y, _ = overlap_save(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]), block=2)
    >>> np.round(y[0, 0], 9) + 0.0
    array([ 1., 10.,  0.,  2.])
    """
    _, taps = check_convolution(u, h, skip)
    L, b = u.shape[2], _fft_block(block, u.shape[2], taps)
    R, reach = -(-L // b), _blocks_back(taps, b)
    n = fft_length(b + taps - 1)
    history = _pad(u, reach * b, R * b)  # zeros before the first sample: (B,D,(reach+R)b)
    windows = _frames(history, b, reach)[..., reach * b - (taps - 1) :]  # (B,D,R,b+taps-1)
    u_f = rfft(windows, n)
    h_f = rfft(h[:, :taps], n)
    outputs = irfft(u_f * h_f[:, None, :], n)[..., taps - 1 : taps - 1 + b]  # (B,D,R,b)
    y = _add_frames(outputs, b)[..., :L]
    return _with_skip(y, u, skip), OverlapCache(u_f, h_f, *_kept(u, skip), L, h.shape[1], b, n)


def overlap_save_backward(dy: Array, cache: OverlapCache) -> tuple[Array, Array, Array | None]:
    """Gradients of `overlap_save`: where the forward reads overlaps, the backward adds them.

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : OverlapCache

    Returns
    -------
    du : array (B, D, L)
    dh : array (D, Lh)
        Zero at lags past L-1.
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of `overlap_save`; it adds its pieces as `overlap_add` does, with time reversed.
    """
    u_f, h_f, u, skip, L, Lh, b, n = cache
    (B, D, R, _), taps = u_f.shape, min(L, Lh)
    xp = namespace(dy=dy, skip=skip)
    check_shape("dy", dy, (B, D, L))
    # outputs = irfft(u_f * h_f)[..., taps - 1 : taps - 1 + b]
    dblocks = _frames(_pad(dy, 0, R * b), b, 0)
    dy_f = rfft(_pad(dblocks, taps - 1, b), n)
    namespace(u_f=u_f, dy_f=dy_f)
    dwindows = irfft(dy_f * xp.conj(h_f)[:, None, :], n)[..., : b + taps - 1]
    # windows = frames(history)[..., reach * b - (taps - 1) :]
    reach = _blocks_back(taps, b)
    dhistory = _add_frames(_pad(dwindows, reach * b - (taps - 1), b + taps - 1), b)
    du = dhistory[..., reach * b : reach * b + L]
    dh = _filter_gradient(dy_f, u_f, cache)
    return _with_skip(du, dy, skip), dh, None if skip is None else xp.sum(dy * u, axis=(0, 2))


def _fft_block(block: int | None, L: int, taps: int) -> int:
    """The block asked for, or that of a transform of four filter lengths; never longer than the sequence."""
    if block is None:
        n = max(256, 1 << (4 * taps - 1).bit_length())
        block = n - (taps - 1)
    check_integer("block", block, 1)
    return min(block, L)


def _filter_gradient(dy_f: Array, u_f: Array, cache: OverlapCache) -> Array:
    """(B, D, R, F) twice -> (D, Lh): correlation, summed over batch and blocks."""
    xp = namespace(dy_f=dy_f, u_f=u_f)
    taps = min(cache.L, cache.Lh)
    dh = irfft(xp.sum(dy_f * xp.conj(u_f), axis=(0, 2)), cache.n)[..., :taps]
    return owned(_pad(dh, 0, cache.Lh))


# --- two matrices a channel ---------------------------------------------------------------------------------


class TwoStageCache(NamedTuple):
    """What `two_stage_conv_backward` needs: the arguments. The matrices are made again from the filter."""

    u: Array  # (B, D, L)
    h: Array  # (D, Lh)
    skip: Array | None  # (D,)
    b: int


def two_stage_conv(
    u: Array, h: Array, skip: Array | None = None, block: int | None = None
) -> tuple[Array, TwoStageCache]:
    r"""Causal convolution by two small Toeplitz matrices: one for a block itself, one for the block before.

    .. math:: Y_r = H_0 X_r + H_1 X_{r-1}, \qquad (H_0)_{ij} = h_{i-j}, \qquad (H_1)_{ij} = h_{b+i-j}

    for blocks of b positions, h being zero at negative lags and past its end. The lower-triangular Toeplitz
    matrix of the whole sequence, cut into blocks, has :math:`H_0` on its diagonal and :math:`H_1` below it. A
    filter of more than b + 1 taps has a third band, which this form leaves out, so it is refused: the first
    position of a block reads lag b + 1 in the last position of the block before the last.

    Parameters
    ----------
    u : array (B, D, L), float32 or float64
        Signals, time last.
    h : array (D, Lh), dtype of `u`
        One filter a channel; taps at lags past L-1 never count.
    skip : array (D,), dtype of `u`, optional
        An extra tap at lag 0.
    block : int, optional
        b, at least min(L, Lh) - 1. By default the smallest such power of two from 32 on, so that a short
        filter does not fall apart into tiny products.

    Returns
    -------
    y : array (B, D, L)
        Same dtype; equal to that of `fftconv`.
    cache : TwoStageCache
        The arguments.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        The arguments do not fit.
    ConfigError
        `block` is no integer >= 1, or shorter than the filter allows.

    Notes
    -----
    Source: StripedHyena 2 (Ku et al., 2025), the two-stage blocked convolution.

    Examples
    --------
    >>> import numpy as np
    >>> from hyena_np import two_stage_conv
    >>> two_stage_conv(np.array([[[1.0, 0.0, 0.0, 2.0]]]), np.array([[1.0, 10.0]]), block=2)[0]
    array([[[ 1., 10.,  0.,  2.]]])
    """
    xp, taps = check_convolution(u, h, skip)
    L, b = u.shape[2], _matrix_block(block, u.shape[2], taps)
    H0, H1 = _lag_matrix(h[:, :taps], b, 0), _lag_matrix(h[:, :taps], b, b)  # (D,b,b)
    X = _frames(_pad(u, 0, -(-L // b) * b), b, 0)  # (B,D,R,b), a block a row, hence the transposed matrices
    Y = xp.matmul(X, _transposed(H0)) + xp.matmul(_one_later(X), _transposed(H1))
    y = _add_frames(Y, b)[..., :L]  # (B,D,R,b) -> (B,D,L)
    return _with_skip(y, u, skip), TwoStageCache(u, h, skip, b)


def two_stage_conv_backward(dy: Array, cache: TwoStageCache) -> tuple[Array, Array, Array | None]:
    r"""Gradients of `two_stage_conv`: transposed matrices, and sums along their diagonals.

    .. math:: dX_r = H_0^\top dY_r + H_1^\top dY_{r+1}, \qquad dH_0 = \sum_r dY_r X_r^\top, \qquad
              dH_1 = \sum_r dY_r X_{r-1}^\top

    A tap stands on one diagonal of each matrix, so its gradient is the sum along these two.

    Parameters
    ----------
    dy : array (B, D, L)
        Gradient of a scalar by `y`.
    cache : TwoStageCache

    Returns
    -------
    du : array (B, D, L)
    dh : array (D, Lh)
        Zero at lags past L-1.
    dskip : array (D,) or None
        None where there was no skip term.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: the transpose of `two_stage_conv`.
    """
    u, h, skip, b = cache
    L, Lh = u.shape[2], h.shape[1]
    check_shape("dy", dy, u.shape)
    xp = namespace(u=u, dy=dy)
    taps, whole = min(L, Lh), -(-L // b) * b
    X, dY = _frames(_pad(u, 0, whole), b, 0), _frames(_pad(dy, 0, whole), b, 0)
    H0, H1 = _lag_matrix(h[:, :taps], b, 0), _lag_matrix(h[:, :taps], b, b)
    # Y = X @ H0.T + one_later(X) @ H1.T
    dX = xp.matmul(dY, H0) + _one_earlier(xp.matmul(dY, H1))
    dH0 = xp.sum(xp.matmul(_transposed(dY), X), axis=0)  # (B,D,b,R) @ (B,D,R,b) -> (D,b,b)
    dH1 = xp.sum(xp.matmul(_transposed(dY), _one_later(X)), axis=0)
    # H0[i, j] = h[i - j], H1[i, j] = h[b + i - j]
    lags0 = _diagonal_sums(dH0)[:, b - 1 :]  # lags 0..b-1
    lags1 = _diagonal_sums(dH1)[:, :b]  # lags 1..b; no tap is beyond
    dh = _pad(lags0, 0, b + 1) + _pad(lags1, 1, b)
    dh = owned(_pad(dh[:, :taps], 0, Lh))
    du = _add_frames(dX, b)[..., :L]
    return _with_skip(du, dy, skip), dh, None if skip is None else xp.sum(dy * u, axis=(0, 2))


def two_stage_block(taps: int) -> int:
    """The default block of `two_stage_conv` in a long sequence."""
    return max(32, 1 << max(taps - 2, 0).bit_length())


def _matrix_block(block: int | None, L: int, taps: int) -> int:
    """The block asked for, if two bands hold the filter; a default otherwise; no longer than the sequence."""
    block = two_stage_block(taps) if block is None else block
    check_integer("block", block, 1)
    if block < taps - 1:
        raise ConfigError(
            f"block: got {block}, allowed are integers >= {taps - 1}: {taps} taps reach past the block before"
        )
    return min(block, L)


def _lag_matrix(h: Array, b: int, offset: int) -> Array:
    """The matrix (D, b, b) with the entries h[offset + i - j], zero where the filter has no such lag."""
    xp = namespace(h=h)
    D, taps = h.shape
    i = arange_like(b, h)
    lag = offset + i[:, None] - i[None, :]
    padded = _pad(h, 1, taps + 1)  # a zero in front for negative lags, one behind for those past the end
    index = xp.clip(lag, -1, taps) + 1
    return xp.reshape(xp.take(padded, xp.reshape(index, (-1,)), axis=1), (D, b, b))


def _diagonal_sums(G: Array) -> Array:
    """Sums over i - j = -(b-1)..b-1 of matrices (D, b, b): (D, 2b-1); the adjoint of `_lag_matrix`.

    With the columns reversed, entry (i, j') belongs to the diagonal i + j'. Rows of 2b numbers, read again as
    rows of 2b-1, move each row one step further to the right than the one above: diagonals become columns.
    """
    xp = namespace(G=G)
    D, b, _ = G.shape
    rows = _pad(xp.flip(G, axis=-1), 0, 2 * b)  # (D,b,2b)
    sheared = xp.reshape(rows, (D, 2 * b * b))[:, : b * (2 * b - 1)]
    return xp.sum(xp.reshape(sheared, (D, b, 2 * b - 1)), axis=1)


def _transposed(matrices: Array) -> Array:
    return namespace(matrices=matrices).matrix_transpose(matrices)


def _one_later(X: Array) -> Array:
    """Blocks (B, D, R, b), each in the place of the next one; zeros in the first place."""
    xp = namespace(X=X)
    return xp.concat([xp.zeros_like(X[:, :, :1, :]), X[:, :, :-1, :]], axis=2)


def _one_earlier(X: Array) -> Array:
    """The adjoint of `_one_later`: each block in the place of the one before; zeros in the last place."""
    xp = namespace(X=X)
    return xp.concat([X[:, :, 1:, :], xp.zeros_like(X[:, :, :1, :])], axis=2)


# --- cutting and joining ------------------------------------------------------------------------------------


def _blocks_back(taps: int, b: int) -> int:
    """How many blocks before its own a position reads."""
    return -(-(taps - 1) // b)


def _pad(x: Array, before: int, until: int) -> Array:
    """Zeros in front of the last axis, and behind it until `until` positions follow the front."""
    xp = namespace(x=x)
    if before == 0 and until == x.shape[-1]:
        return x
    front = zeros_like_device((*x.shape[:-1], before), x)
    behind = zeros_like_device((*x.shape[:-1], until - x.shape[-1]), x)
    return xp.concat([front, x, behind], axis=-1)


def _frames(x: Array, b: int, reach: int) -> Array:
    """(B, D, (R+reach) b) -> (B, D, R, (1+reach) b): block r and the `reach` blocks after it, for every r."""
    xp = namespace(x=x)
    B, D, length = x.shape
    blocks = xp.reshape(x, (B, D, length // b, b))
    R = length // b - reach
    return xp.concat([blocks[:, :, j : j + R, :] for j in range(1 + reach)], axis=-1)


def _add_frames(frames: Array, b: int) -> Array:
    """(B, D, R, (1+reach) b) -> (B, D, (R+reach) b): the adjoint of `_frames`, overlaps summed."""
    xp = namespace(frames=frames)
    B, D, R, width = frames.shape
    reach = width // b - 1
    pieces = [xp.reshape(frames[..., j * b : (j + 1) * b], (B, D, R * b)) for j in range(1 + reach)]
    total = _pad(pieces[0], 0, (R + reach) * b)
    for j, piece in enumerate(pieces[1:], 1):
        total = total + _pad(piece, j * b, (R + reach - j) * b)
    return total


# --- the skip term ------------------------------------------------------------------------------------------


def _with_skip(y: Array, u: Array, skip: Array | None) -> Array:
    """y + skip * u; without a skip term y alone, let go of the larger buffer behind it."""
    return owned(y) if skip is None else y + skip[:, None] * u


def _kept(u: Array, skip: Array | None) -> tuple[Array | None, Array | None]:
    """What the gradient of the skip term needs."""
    return (None, None) if skip is None else (u, skip)
