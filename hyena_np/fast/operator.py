"""The Hyena operator for NumPy: two dense products, and between them the recurrence on blocks of channels.

Three things make it quick, and none changes the mathematics of ``ops/hyena.py``:

- *Few passes over memory.* The projection is written with time last, for the whole batch. From there to the
  output projection, a block of channels is taken through short convolution, gates and long convolutions
  while it is in the cache.
- *Threads over channels.* Between the two products channels do not mix, so every core takes its own.
- *No fresh memory.* Large arrays can come from a `Workspace`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hyena_np.backend import check_shape, namespace
from hyena_np.errors import CacheError
from hyena_np.fast.layout import (
    FastHyenaCache,
    as_rows,
    begin,
    blocks_of,
    flat,
    from_rows,
    padded_of,
    scratch_of,
    take,
)
from hyena_np.fast.network import network_part_backward
from hyena_np.fast.parallel import in_parallel, split
from hyena_np.fast.recurrence import (
    branches_backward,
    branches_of,
    convolve,
    convolve_backward,
    filter_backward,
    per_branch,
)
from hyena_np.fast.workspace import FreshMemory, Workspace
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import merge_orders, split_orders, table_gradients, table_names
from hyena_np.ops.long_filter import rival_filter_backward


def fast_hyena(
    u: np.ndarray,
    params: dict,
    config: HyenaConfig,
    workspace: Workspace | None = None,
    recompute: bool = False,
) -> tuple[np.ndarray, FastHyenaCache]:
    """`hyena` for NumPy arrays that `check_operator` has looked at."""
    memory = FreshMemory() if workspace is None else workspace
    cache = begin(u, params, config, memory, recompute)
    B, L, D = u.shape
    rows, z, conv, threads = as_rows(u, cache), cache.z, cache.conv, len(cache.parts)
    weight, bias = per_branch(params["in_proj"], len(z))
    y = take(cache, (D, B, L))
    scratch, padded = scratch_of(cache, len(z) + 1), padded_of(cache)

    def recurrence(i: int) -> None:
        for branch in range(len(z)):
            part = cache.parts[i]
            np.matmul(weight[branch, part], rows.T, out=flat(z[branch, part]))
        for block, (*branches, spare) in blocks_of(cache, i, scratch):
            z[:, block] += bias[:, block, None, None]
            v, gates = branches_of(cache, block, branches, spare)
            convolve(cache, block, v, gates, padded[i, : len(v)])
            np.multiply(gates[-1], conv[-1, block], out=y[block])

    in_parallel(recurrence, range(threads))
    out = np.empty((B * L, D), u.dtype)

    def output(part: slice) -> None:
        np.matmul(flat(y).T[part], params["out_proj"]["weight"].T, out=out[part])
        out[part] += params["out_proj"]["bias"]

    in_parallel(output, split(B * L, threads))
    memory.give(y, scratch, padded)
    return from_rows(out, cache), cache


def fast_hyena_backward(dy: np.ndarray, cache: FastHyenaCache) -> tuple[np.ndarray, dict]:
    """`hyena_backward` for a cache of `fast_hyena`."""
    u, params, config, memory = cache.u, cache.params, cache.config, cache.memory
    namespace(dy=dy, u=u)
    check_shape("dy", dy, u.shape)
    if cache.generation != memory.generation:
        raise CacheError("cache: its workspace was reset after this forward, and its memory used again")
    B, L, D = u.shape
    rows, drows, branches = as_rows(u, cache), as_rows(dy, cache), len(cache.z)
    dz, y = take(cache, cache.z.shape), take(cache, (D, B, L))
    draw = memory.take(cache.made.raw.shape, u.dtype)
    # The first scratch is of the size that the forward gave back: a workspace has it still.
    scratch, dscratch, padded = scratch_of(cache, branches + 1), scratch_of(cache, branches), padded_of(cache)
    grads = _empty_gradients(config, u.dtype)

    def recurrence(i: int) -> Any:
        part, dt = cache.parts[i], 0.0
        y_rows = flat(y[part])
        # out = y^T @ weight^T + bias
        np.matmul(params["out_proj"]["weight"].T[part], drows.T, out=y_rows)  # holds dy for now
        for block, (*buffers, spare), dbranches in blocks_of(cache, i, scratch, dscratch):
            v, gates = branches_of(cache, block, buffers, spare)
            dh = convolve_backward(cache, block, v, gates, dbranches, y[block], padded[i, : len(v)], spare)
            dt = dt + filter_backward(cache, block, dh, split_orders(draw, config), grads)
            branches_backward(cache, block, dbranches, spare, dz, grads)
        np.matmul(drows.T, y_rows.T, out=grads["out_proj.weight"][:, part])
        # z = weight @ u^T + bias
        for branch in range(branches):
            np.matmul(flat(dz[branch, part]), rows, out=grads["in_proj.weight"][branch, part])
        return dt

    dt = sum(in_parallel(recurrence, range(len(cache.parts))))
    du = np.empty_like(rows)

    def projection(part: slice) -> None:
        np.matmul(flat(dz).reshape(-1, B * L).T[part], params["in_proj"]["weight"], out=du[part])

    in_parallel(projection, split(B * L, len(cache.parts)))
    dfilter = _filter_gradients(cache, draw, dt, grads)
    memory.give(dz, y, draw, scratch, dscratch, padded)
    return from_rows(du, cache), {
        "in_proj": _like(params["in_proj"], grads, "in_proj"),
        "short_filter": _like(params["short_filter"], grads, "short_filter"),
        "filter": dfilter | {"skip": merge_orders(grads["skip"], config)},
        "out_proj": {"weight": grads["out_proj.weight"], "bias": np.sum(drows, axis=0)},
    }


def _empty_gradients(config: HyenaConfig, dtype: np.dtype) -> dict[str, np.ndarray]:
    """The gradients that are written part by part, with an axis of their own for the channels."""
    branches, filters, D = config.order + 1, config.num_filters, config.d_model
    shapes: dict[str, tuple[int, ...]] = {
        "in_proj.weight": (branches, D, D),
        "in_proj.bias": (branches, D),
        "short_filter.weight": (branches, D, 3),
        "short_filter.bias": (branches, D),
        "skip": (filters, D),
        "deltas": (filters, D),
        "out_proj.weight": (D, D),
    }
    return {name: np.empty(shape, dtype) for name, shape in shapes.items()}


def _like(layer: dict, grads: dict, name: str) -> dict[str, np.ndarray]:
    """Gradients of a layer that stacks the branches, in the layer's own shapes."""
    return {kind: grads[f"{name}.{kind}"].reshape(leaf.shape) for kind, leaf in layer.items()}


def _filter_gradients(cache: FastHyenaCache, draw: np.ndarray, dt: Any, grads: dict) -> dict:
    """By the parameters of the long filters, from what `filter_backward` wrote."""
    config = cache.config
    if config.filter is not None:
        return rival_filter_backward(draw, cache.made.rival, config)
    dfeatures, dffn = _network_backward(cache, draw)
    ddeltas = merge_orders(grads["deltas"], config)
    names = table_names(cache.params["filter"])
    return {"ffn": dffn} | table_gradients(dfeatures, dt, ddeltas, names, config)


def _network_backward(cache: FastHyenaCache, draw: np.ndarray) -> tuple[np.ndarray, dict]:
    """`sine_network_backward`, the lags in parts."""
    assert cache.made.network is not None and cache.made.tables is not None
    ffn, features, kept = cache.params["filter"]["ffn"], cache.made.tables[0], cache.made.network
    scratch = cache.memory.take((2, *kept.shape[1:]), kept.dtype)

    def backward(lags: slice) -> tuple[np.ndarray, dict]:
        return network_part_backward(features, ffn, kept, draw, scratch, lags)

    parts = in_parallel(backward, split(draw.shape[1], len(cache.parts)))
    cache.memory.give(scratch)
    dfeatures, dffn = zip(*parts, strict=True)
    return np.concatenate(dfeatures), _sum_trees(dffn)


def _sum_trees(trees: tuple[Any, ...]) -> Any:
    if isinstance(trees[0], dict):
        return {name: _sum_trees(tuple(tree[name] for tree in trees)) for name in trees[0]}
    return sum(trees[1:], start=trees[0])
