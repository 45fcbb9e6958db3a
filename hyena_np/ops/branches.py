"""Several projections of one input: the queries, keys and values, or gates, that a mixer starts from."""

from __future__ import annotations

from collections.abc import Callable

from hyena_np.backend import Array, namespace
from hyena_np.ops.layers import linear, linear_backward
from hyena_np.ops.projection import projection, projection_backward

TIME_INSIDE = (linear, linear_backward)  # branches (B, L, D)
TIME_LAST = (projection, projection_backward)  # branches (B, D, L), for a mixer that convolves


def branches(
    u: Array, params: dict, count: int, layout: tuple[Callable, Callable] = TIME_INSIDE
) -> tuple[list[Array], tuple]:
    """Project u (B, L, D) with each of the `count` blocks of rows of ``weight`` (count * D, D) and ``bias``.

    One product a branch, instead of one for all, so that a cache that keeps one branch does not keep the
    buffer of all.
    """
    project, _ = layout
    D = params["weight"].shape[0] // count
    blocks = [slice(i * D, (i + 1) * D) for i in range(count)]
    results = [project(u, params["weight"][rows, :], params["bias"][rows]) for rows in blocks]
    return [z for z, _ in results], tuple(cache for _, cache in results)


def branches_backward(
    dbranches: tuple[Array, ...], caches: tuple, layout: tuple[Callable, Callable] = TIME_INSIDE
) -> tuple[Array, dict]:
    """Gradients of `branches` by u, and by ``weight`` and ``bias``."""
    _, backward = layout
    grads = [backward(dz, cache) for dz, cache in zip(dbranches, caches, strict=True)]
    xp = namespace(du=grads[0][0])
    du = grads[0][0]
    for du_i, _, _ in grads[1:]:
        du = du + du_i
    return du, {
        "weight": xp.concat([dweight for _, dweight, _ in grads], axis=0),
        "bias": xp.concat([dbias for _, _, dbias in grads], axis=0),
    }
