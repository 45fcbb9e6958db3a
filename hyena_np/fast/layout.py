"""What a call of the fast operator keeps, and how it lies in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hyena_np.backend import fft_length
from hyena_np.errors import ConfigError
from hyena_np.fast.network import network_part
from hyena_np.fast.parallel import in_parallel, num_parts, split
from hyena_np.fast.workspace import Memory
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import filter_tables, split_orders
from hyena_np.ops.long_filter import rival_filter

# Elements of a block of one (c, B, L) array: a few of them fit the cache, and its calls are worth their cost.
_BLOCK_SIZE = 1 << 16
# So many rows go through SciPy's transforms side by side, in the lanes of a register; alone, each takes twice
# as long.
_VECTOR_ROWS = 4
# A Toeplitz matrix up to this size multiplies a batch of this size, or a larger one, more quickly than an FFT
# convolves it; docs/performance.md has the measurement.
_MATRIX_LENGTH = 128
_MATRIX_BATCH = 4


class MadeFilter(NamedTuple):
    """The long filters: Hyena's own before their window, or a rival's as they are."""

    raw: np.ndarray  # (C, L), output of the filter network, or the rival's filters
    network: np.ndarray | None  # (2 layers, M, L), what each sine of the network read and gave
    tables: tuple[np.ndarray, np.ndarray, np.ndarray] | None  # features (L, E), time (L,), rates (filters, D)
    rival: Any  # a rival's cache; None for Hyena's own, which has the two fields above


class FastHyenaCache(NamedTuple):
    """What `fast_hyena_backward` needs; F = n//2 + 1 for transforms of length n."""

    u: np.ndarray  # (B, L, D)
    z: np.ndarray  # (N+1, D, B, L), the projection: what the short convolution reads
    signal: np.ndarray | None  # (filters, D, B, F) complex, spectra of what the long convolutions read
    filter: np.ndarray | None  # (filters, D, F) complex, spectra of the filters
    conv: np.ndarray  # (filters, D, B, L), what each long convolution gave
    made: MadeFilter
    as_matrix: bool  # the long convolutions are products with Toeplitz matrices: there are no spectra
    parts: tuple[slice, ...]  # of the channels, one a thread
    params: dict
    config: HyenaConfig
    memory: Memory
    generation: int  # of the workspace


def make_filter(
    params: dict, L: int, config: HyenaConfig, dtype: np.dtype, memory: Memory, threads: int
) -> MadeFilter:
    """Run the filter network on the lags in parts, or the readable form of a rival."""
    if config.filter is not None:
        raw, rival = rival_filter(params, L, config)
        return MadeFilter(raw, None, None, rival)
    features, t, deltas = filter_tables(params["filter"], L, config)
    raw = memory.take((config.filter_channels, L), dtype)
    network = memory.take((2 * (config.num_inner_mlps + 1), config.filter_order, L), dtype)
    in_parallel(
        lambda lags: network_part(features, params["filter"]["ffn"], network, raw, lags), split(L, threads)
    )
    return MadeFilter(raw, network, (features, t, split_orders(deltas, config)), None)


def begin(
    u: np.ndarray, params: dict, config: HyenaConfig, memory: Memory, recompute: bool
) -> FastHyenaCache:
    """Compute the filters, and reserve what the recurrence is to fill."""
    B, L, D = u.shape
    filters, threads, as_matrix = config.num_filters, num_parts(u.size), convolves_as_matrix(B, L)
    made = make_filter(params, L, config, u.dtype, memory, threads)

    def take(*shape: int) -> np.ndarray:
        return _take_ordered(memory, shape, u.dtype, as_matrix)

    keep_spectra = not (as_matrix or recompute)
    F, spectrum_dtype = fft_length(2 * L - 1) // 2 + 1, np.result_type(u.dtype, np.complex64)
    return FastHyenaCache(
        u=u,
        z=take(config.order + 1, D, B, L),
        signal=memory.take((filters, D, B, F), spectrum_dtype) if keep_spectra else None,
        filter=memory.take((filters, D, F), spectrum_dtype) if keep_spectra else None,
        conv=take(filters, D, B, L),
        made=made,
        as_matrix=as_matrix,
        parts=split(D, threads),
        params=params,
        config=config,
        memory=memory,
        generation=memory.generation,
    )


def take(cache: FastHyenaCache, shape: tuple[int, ...]) -> np.ndarray:
    """Memory for an array (..., B, L) of a call that has begun."""
    return _take_ordered(cache.memory, shape, cache.z.dtype, cache.as_matrix)


def _take_ordered(memory: Memory, shape: tuple[int, ...], dtype: np.dtype, batch_last: bool) -> np.ndarray:
    """An array (..., B, L), whose memory has the batch last where that makes the longer rows.

    FFTs need time last. A short sequence, convolved as a matrix, does not; its shifted sums are then one row
    of (L - lag) B numbers a channel instead of B rows of a few.
    """
    if not batch_last:
        return memory.take(shape, dtype)
    *channels, B, L = shape
    return np.swapaxes(memory.take((*channels, L, B), dtype), -1, -2)


def flat(x: np.ndarray) -> np.ndarray:
    """(..., B, L) to (..., B L), in the order of the memory: a view for BLAS to read or write."""
    in_order = x if x.strides[-1] == x.itemsize else np.swapaxes(x, -1, -2)
    return in_order.reshape(*x.shape[:-2], -1)


def as_rows(x: np.ndarray, cache: FastHyenaCache) -> np.ndarray:
    """(B, L, D) to (B L, D), the rows in the order of `flat`."""
    return (np.swapaxes(x, 0, 1) if cache.as_matrix else x).reshape(-1, x.shape[2])


def from_rows(rows: np.ndarray, cache: FastHyenaCache) -> np.ndarray:
    """The inverse of `as_rows`."""
    B, L, D = cache.u.shape
    if cache.as_matrix:
        return np.ascontiguousarray(np.swapaxes(rows.reshape(L, B, D), 0, 1))
    return rows.reshape(B, L, D)


def scratch_of(cache: FastHyenaCache, count: int) -> np.ndarray:
    """For every thread, `count` buffers of the size of a block: (threads, count, c, B, L)."""
    _, _, B, L = cache.z.shape
    return take(cache, (len(cache.parts), count, _largest(cache), B, L))


def padded_of(cache: FastHyenaCache) -> np.ndarray:
    """For every thread, a buffer for transforms that ends in zeros: (threads, c, B, n)."""
    _, _, B, L = cache.z.shape
    n = L if cache.as_matrix else fft_length(2 * L - 1)
    padded = take(cache, (len(cache.parts), _largest(cache), B, n))
    padded[..., L:] = 0
    return padded


def _largest(cache: FastHyenaCache) -> int:
    """Channels of the largest block."""
    _, _, B, L = cache.z.shape
    return max(block.stop - block.start for part in cache.parts for block in _channels(part, B, L))


def _channels(part: slice, B: int, L: int) -> list[slice]:
    """The channels of a part in blocks whose (c, B, L) arrays fit the cache, and fill a vector with rows."""
    channels = part.stop - part.start
    c = max(1, _BLOCK_SIZE // (B * L), -(-_VECTOR_ROWS // B))
    blocks = split(channels, -(-channels // c))
    return [slice(part.start + block.start, part.start + block.stop) for block in blocks]


def blocks_of(cache: FastHyenaCache, i: int, *scratch: np.ndarray) -> Iterator[tuple]:
    """The blocks of the i-th part, each with its thread's buffers (count, c, B, L) of every scratch."""
    _, _, B, L = cache.z.shape
    for block in _channels(cache.parts[i], B, L):
        yield block, *(buffers[i, :, : block.stop - block.start] for buffers in scratch)


def convolves_as_matrix(B: int, L: int) -> bool:
    """Whether the Toeplitz matrix is the quicker form; ``docs/performance.md`` has the measurement."""
    return L <= _MATRIX_LENGTH and B >= _MATRIX_BATCH


def peak_floats(
    config: HyenaConfig, B: int, L: int, threads: int, backward: bool, recompute: bool = False
) -> int:
    """Numbers that the first call in a workspace holds at its peak, results included, from the shapes alone.

    Large arrays only. A forward holds what `FastHyenaCache` names, the recurrence's output, its scratch and
    the result; a backward then has its own, and the workspace keeps what the forward gave back. Rival filters
    are computed outside the workspace.
    """
    if config.filter is not None:
        raise ConfigError(f"filter: got {type(config.filter).__name__}, allowed is None")
    D, filters, branches = config.d_model, config.num_filters, config.order + 1
    A, F, n = B * L * D, fft_length(2 * L - 1) // 2 + 1, fft_length(2 * L - 1)
    as_matrix = convolves_as_matrix(B, L)
    threads = threads if num_parts(A) > 1 else 1
    blocks = _channels(slice(0, -(-D // threads)), B, L)
    c = max(block.stop - block.start for block in blocks)
    scratch, padded = threads * c * B * L, threads * c * B * (L if as_matrix else n)
    kept = (branches + filters) * A
    if not (as_matrix or recompute):
        kept += 2 * filters * D * (B + 1) * F
    network = config.filter_channels * L + 2 * (config.num_inner_mlps + 1) * config.filter_order * L
    forward = kept + network + A + (branches + 1) * scratch + padded + A
    if not backward:
        return forward
    # by z, by the network's output and two of its arrays, by u
    gradients = branches * A + config.filter_channels * L + 2 * config.filter_order * L + A
    # y, padded and the forward's scratch are taken again
    return forward + gradients + branches * scratch
