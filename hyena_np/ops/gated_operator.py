"""What every Hyena operator does around its long convolutions, whichever these are, over a line or a grid."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from hyena_np.backend import Array, check_shape, namespace
from hyena_np.ops.centred_conv import CentredConvCache, centred_conv, centred_conv_backward
from hyena_np.ops.layers import LinearCache, linear, linear_backward
from hyena_np.ops.projection import ProjectionCache, projection, projection_backward

Convolve = Callable[[int, Array], tuple[Array, Any]]
"""(number n of the convolution, z (B, D, *grid)) -> (y (B, D, *grid), cache)."""
ConvolveBackward = Callable[[Array, Any], tuple]
"""(dy, cache) -> (dz, and the gradients of the convolution's own parameters)."""


class GatedRecurrenceCache(NamedTuple):
    """What `gated_recurrence_backward` needs; the arrays are ``(B, D, *grid)``."""

    x: tuple  # the N gates
    inputs: tuple  # what each gate multiplied, in the order of the steps
    convs: tuple  # cache of each long convolution, in the order of the steps


def gated_recurrence(
    v: Array, x: tuple[Array, ...], convolve: Convolve
) -> tuple[Array, GatedRecurrenceCache]:
    """The recurrence of `hyena_recurrence`, variant "code", with a convolution of one's choice.

    z = v; z = convolve(n, x_{N-1-n} z) for n = 0..N-2; y = x_0 z.
    """
    inputs, convs, z = [], [], v
    for n, gate in enumerate(x[:0:-1]):
        inputs.append(z)
        z, cache = convolve(n, gate * z)
        convs.append(cache)
    inputs.append(z)
    return x[0] * z, GatedRecurrenceCache(tuple(x), tuple(inputs), tuple(convs))


def gated_recurrence_backward(
    dy: Array, cache: GatedRecurrenceCache, convolve_backward: ConvolveBackward
) -> tuple[Array, tuple[Array, ...], tuple[tuple, ...]]:
    """Gradients of v, of the gates x_0..x_{N-1}, and of the parameters of each convolution."""
    x, inputs, convs = cache
    check_shape("dy", dy, tuple(x[0].shape))
    # y = x[0] * inputs[-1]
    dx, dconvs, dz = [dy * inputs[-1]], [], dy * x[0]
    for n in reversed(range(len(convs))):
        gate = x[len(x) - 1 - n]
        # z = convolve(n, gate * inputs[n])
        dz, *rest = convolve_backward(dz, convs[n])
        dconvs.append(tuple(rest))
        dx.append(dz * inputs[n])
        dz = dz * gate
    return dz, tuple(dx), tuple(dconvs[::-1])


class GatedOperatorCache(NamedTuple):
    """What `gated_operator_backward` needs."""

    in_proj: ProjectionCache
    short: CentredConvCache
    recurrence: GatedRecurrenceCache
    out_proj: LinearCache


def gated_operator(
    u: Array, params: dict, grid: tuple[int, ...], convolve: Convolve
) -> tuple[Array, GatedOperatorCache]:
    """Project, convolve shortly, alternate gates and long convolutions, project: (B, L, D) -> (B, L, D).

    `grid` is how the L positions lie, row by row: (L,) or (H, W) with L = H W.
    """
    xp = namespace(u=u)
    B, L, D = u.shape
    z, in_proj = projection(u, params["in_proj"]["weight"], params["in_proj"]["bias"])
    z = xp.reshape(z, (B, z.shape[1], *grid))  # (B,(N+1)D,L) -> (B,(N+1)D,*grid)
    z, short = centred_conv(z, params["short_filter"]["weight"], params["short_filter"]["bias"])
    *x, v = (z[:, i * D : (i + 1) * D, ...] for i in range(z.shape[1] // D))
    y, recurrence = gated_recurrence(v, tuple(x), convolve)
    y = xp.matrix_transpose(xp.reshape(y, (B, D, L)))  # (B,D,*grid) -> (B,L,D)
    out, out_proj = linear(y, params["out_proj"]["weight"], params["out_proj"]["bias"])
    return out, GatedOperatorCache(in_proj, short, recurrence, out_proj)


def gated_operator_backward(
    dy: Array, cache: GatedOperatorCache, convolve_backward: ConvolveBackward
) -> tuple[Array, dict, tuple[tuple, ...]]:
    """Gradients of u, of all parameters but the filters', and of each convolution's parameters."""
    in_proj, short, recurrence, out_proj = cache
    v = recurrence.inputs[0]
    xp = namespace(dy=dy, v=v)
    (B, D), grid = v.shape[:2], tuple(v.shape[2:])
    # out = linear(y^T)
    dz, dout_weight, dout_bias = linear_backward(dy, out_proj)
    dz = xp.reshape(xp.matrix_transpose(dz), (B, D, *grid))  # (B,L,D) -> (B,D,*grid)
    # y = gated_recurrence(v, x)
    dv, dx, dconvs = gated_recurrence_backward(dz, recurrence, convolve_backward)
    # *x, v = centred_conv(projection(u))
    dz, dshort_weight, dshort_bias = centred_conv_backward(xp.concat([*dx, dv], axis=1), short)
    dz = xp.reshape(dz, (B, dz.shape[1], prod(grid)))
    du, dweight, dbias = projection_backward(dz, in_proj)
    return (
        du,
        {
            "in_proj": {"weight": dweight, "bias": dbias},
            "short_filter": {"weight": dshort_weight, "bias": dshort_bias},
            "out_proj": {"weight": dout_weight, "bias": dout_bias},
        },
        dconvs,
    )
