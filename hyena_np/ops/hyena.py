"""The order-N recurrence and the whole operator (Def. 3.1, Algorithm 3), the paper's and the code's form."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_ndim, check_shape, namespace
from hyena_np.errors import ShapeError
from hyena_np.ops.checks import check_choice
from hyena_np.ops.config import VARIANTS, HyenaConfig, operator_shapes
from hyena_np.ops.fftconv import fftconv, fftconv_backward
from hyena_np.ops.filters import merge_orders, split_orders
from hyena_np.ops.long_filter import LongFilterCache, long_filter, long_filter_backward
from hyena_np.ops.parameters import TABLES, check_params
from hyena_np.ops.projection import (
    ProjectionCache,
    ShortConvCache,
    projection,
    projection_backward,
    short_conv,
    short_conv_backward,
)


class RecurrenceCache(NamedTuple):
    """What `hyena_recurrence_backward` needs; all but the convolutions are (B, D, L)."""

    x: tuple  # the N gates
    inputs: tuple  # what each gate multiplied, in the order of the steps
    convs: tuple  # FFTConvCache of each long convolution, in the order of the steps
    has_skip: bool
    variant: str


def hyena_recurrence(
    v: Array, x: tuple[Array, ...], h: Array, skip: Array | None = None, variant: str = "code"
) -> tuple[Array, RecurrenceCache]:
    r"""The recurrence of long convolutions and gates.

    Variant "paper" (convolve, then gate; N filters), with :math:`x = (x^1, \dots, x^N)`:

    .. math:: z^1 = v, \qquad z^{n+1} = x^n \odot (h^n * z^n), \qquad y = z^{N+1}

    Variant "code" (gate, then convolve; N-1 filters), with :math:`x = (x_0, \dots, x_{N-1})`:

    .. math:: z \leftarrow h^{o} * (x_{N-1-o} \odot z) \quad (o = 0..N-2), \qquad y = x_0 \odot z

    With :math:`h^1 = \delta` and its gates reversed, the first is the second.

    Parameters
    ----------
    v : array (B, D, L), float32 or float64
        Value branch.
    x : tuple of N arrays (B, D, L), dtype of `v`
        Gates.
    h : array (N or N-1, D, Lh), dtype of `v`
        Long filters, in the order of the steps.
    skip : array (N or N-1, D), optional
        Extra tap at lag 0 of each filter.
    variant : {"code", "paper"}

    Returns
    -------
    y : array (B, D, L)
        Same dtype.
    cache : RecurrenceCache
        The gates, what they multiplied, and the spectra of each convolution.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ConfigError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Def. 3.1, eq. (4), Algorithm 3; official code: ``HyenaOperator.forward``.
    """
    num_filters = check_recurrence(v, x, h, skip, variant)
    steps = x if variant == "paper" else x[::-1]
    inputs, convs, z = [], [], v
    for n in range(num_filters):
        skip_n = None if skip is None else skip[n, :]
        if variant == "paper":
            conv, cache = fftconv(z, h[n, :, :], skip_n)
            inputs.append(conv)
            z = steps[n] * conv
        else:
            inputs.append(z)
            z, cache = fftconv(steps[n] * z, h[n, :, :], skip_n)
        convs.append(cache)
    if variant == "code":
        inputs.append(z)
        z = steps[-1] * z
    return z, RecurrenceCache(tuple(x), tuple(inputs), tuple(convs), skip is not None, variant)


def hyena_recurrence_backward(
    dy: Array, cache: RecurrenceCache
) -> tuple[Array, tuple[Array, ...], Array, Array | None]:
    r"""Gradients of `hyena_recurrence`, step by step from the last to the first.

    A gate :math:`z' = x \odot z` sends :math:`dz = x \odot dz'` down and leaves :math:`dx = z \odot dz'`; a
    convolution is reversed by `fftconv_backward`.

    Parameters
    ----------
    dy : array (B, D, L)
    cache : RecurrenceCache

    Returns
    -------
    dv : array (B, D, L)
    dx : tuple of N arrays (B, D, L)
    dh : array (filters, D, Lh)
    dskip : array (filters, D) or None

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Hyena paper, eq. (4), differentiated.
    """
    x, inputs, convs, has_skip, variant = cache
    xp = namespace(dy=dy, x=x[0])
    check_shape("dy", dy, tuple(x[0].shape))
    steps = x if variant == "paper" else x[::-1]
    dsteps, dh, dskip, dz = [], [], [], dy
    if variant == "code":
        # z = steps[-1] * inputs[-1]
        dsteps.append(dz * inputs[-1])
        dz = dz * steps[-1]
    for n in reversed(range(len(convs))):
        if variant == "paper":
            # z = steps[n] * inputs[n]; inputs[n] = fftconv(z, h[n], skip[n])
            dsteps.append(dz * inputs[n])
            dz, dh_n, dskip_n = fftconv_backward(dz * steps[n], convs[n])
        else:
            # z = fftconv(steps[n] * inputs[n], h[n], skip[n])
            dz, dh_n, dskip_n = fftconv_backward(dz, convs[n])
            dsteps.append(dz * inputs[n])
            dz = dz * steps[n]
        dh.append(dh_n)
        dskip.append(dskip_n)
    dx = tuple(dsteps if variant == "code" else dsteps[::-1])
    return dz, dx, xp.stack(dh[::-1]), xp.stack(dskip[::-1]) if has_skip else None


def check_recurrence(v: Array, x: tuple[Array, ...], h: Array, skip: Array | None, variant: str) -> int:
    """Raise unless the arguments of `hyena_recurrence` fit; return the number of long filters."""
    check_choice("variant", variant, VARIANTS)
    num_filters = len(x) if variant == "paper" else len(x) - 1
    if num_filters < 1:
        fewest = 1 if variant == "paper" else 2
        raise ShapeError(f"x: got {len(x)} gates, allowed are {fewest} or more in variant {variant!r}")
    _, D, _ = check_ndim("v", v, "B D L")
    namespace(v=v, h=h, skip=skip, **{f"x[{n}]": gate for n, gate in enumerate(x)})
    for n, gate in enumerate(x):
        check_shape(f"x[{n}]", gate, tuple(v.shape))
    check_ndim("h", h, "filters D Lh")
    check_shape("h", h, (num_filters, D, h.shape[2]))
    if skip is not None:
        check_shape("skip", skip, (num_filters, D))
    return num_filters


class HyenaCache(NamedTuple):
    """What `hyena_reference_backward` needs."""

    in_proj: ProjectionCache
    short: ShortConvCache
    filters: LongFilterCache
    recurrence: RecurrenceCache
    y: Array  # (B, D, L), output of the recurrence
    out_weight: Array  # (D, D)
    config: HyenaConfig


def hyena_reference(u: Array, params: dict, config: HyenaConfig) -> tuple[Array, HyenaCache]:
    r"""The Hyena operator: project, convolve shortly, then alternate long convolutions and gates.

    .. math:: (x^1, \dots, x^N, v) = \mathrm{ShortConv}(\mathrm{Linear}(u)), \qquad
              y = \mathrm{Linear}\big(H(x^1, \dots, x^N)\, v\big)

    The readable form, for every library. `hyena` computes the same, for NumPy more quickly.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
        L at most ``config.l_max``.
    params : dict
        Parameter tree of `init_hyena`, or official weights through `unflatten`. The projection's blocks of D
        rows are the gates in order (x_0 first in the code, x^1 first in the paper) and the value last.
    config : HyenaConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : HyenaCache
        What each part kept.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `u` does not fit `config` or `params`.
    ParameterError
        `params` does not fit `config`.

    Notes
    -----
    Source: Hyena paper, Algorithm 3; official code: ``HyenaOperator.forward``.
    """
    v, x, h, skip, caches = hyena_branches(u, params, config)
    y, recurrence = hyena_recurrence(v, x, h, skip, config.variant)
    xp = namespace(y=y)
    weight, bias = params["out_proj"]["weight"], params["out_proj"]["bias"]
    out = xp.matmul(xp.matrix_transpose(y), xp.matrix_transpose(weight)) + bias  # (B,L,D) @ (D,D)
    in_proj, short, filters = caches
    return out, HyenaCache(in_proj, short, filters, recurrence, y, weight, config)


def check_operator(u: Array, params: dict, config: HyenaConfig) -> None:
    """Raise unless the arguments of the operator fit each other."""
    _, L, D = check_ndim("u", u, "B L D")
    if D != config.d_model:
        raise ShapeError(f"u: got width {D}, allowed is d_model = {config.d_model}")
    if not 1 <= L <= config.l_max:
        raise ShapeError(f"u: got length {L}, allowed are 1 to l_max = {config.l_max}")
    namespace(u=u, **check_params(params, operator_shapes(config), optional=TABLES))


def hyena_branches(u: Array, params: dict, config: HyenaConfig):
    """Everything that the recurrence reads: v, x, h and skip, with the caches of how they were made.

    Parameters
    ----------
    u : array (B, L, D)
    params, config
        As in `hyena_reference`.

    Returns
    -------
    v : array (B, D, L)
    x : tuple of N arrays (B, D, L)
    h : array (filters, D, L)
    skip : array (filters, D)
    caches : tuple
        Of the projection, the short convolution and the filter.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        As in `hyena_reference`.

    Notes
    -----
    Source: Hyena paper, Algorithms 1 and 2.
    """
    check_operator(u, params, config)
    L, D = u.shape[1:]
    z, in_proj = projection(u, params["in_proj"]["weight"], params["in_proj"]["bias"])
    z, short = short_conv(z, params["short_filter"]["weight"], params["short_filter"]["bias"])
    *x, v = (z[:, i * D : (i + 1) * D, :] for i in range(config.order + 1))
    h, filters = long_filter(params, L, config)
    skip = split_orders(params["filter"]["skip"], config)
    return v, tuple(x), h, skip, (in_proj, short, filters)


def hyena_reference_backward(dy: Array, cache: HyenaCache) -> tuple[Array, dict]:
    r"""Gradients of `hyena_reference`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : HyenaCache

    Returns
    -------
    du : array (B, L, D)
    dparams : dict
        Keys and shapes of `params`. The tables of the filter (positions, decay rates) have gradients too;
        which arrays are trained is the optimiser's decision.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Hyena paper, Algorithm 3, differentiated.
    """
    in_proj, short, filters, recurrence, y, out_weight, config = cache
    xp = namespace(dy=dy, y=y)
    check_shape("dy", dy, (y.shape[0], y.shape[2], y.shape[1]))
    # out = y^T @ out_weight^T + bias
    dout_proj = {"weight": xp.sum(xp.matmul(xp.matrix_transpose(dy), xp.matrix_transpose(y)), axis=0)}
    dout_proj["bias"] = xp.sum(dy, axis=(0, 1))
    dz = xp.matmul(xp.matrix_transpose(out_weight), xp.matrix_transpose(dy))  # (D,D) @ (B,D,L)
    # y = hyena_recurrence(v, x, h, skip)
    dv, dx, dh, dskip = hyena_recurrence_backward(dz, recurrence)
    dfilter = long_filter_backward(dh, filters)["filter"]
    dfilter["skip"] = merge_orders(dskip, config)
    # *x, v = short_conv(projection(u))
    dz, dw, db = short_conv_backward(xp.concat([*dx, dv], axis=1), short)
    du, dweight, dbias = projection_backward(dz, in_proj)
    return du, {
        "in_proj": {"weight": dweight, "bias": dbias},
        "short_filter": {"weight": dw, "bias": db},
        "filter": dfilter,
        "out_proj": dout_proj,
    }
