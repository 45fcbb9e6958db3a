"""A rival filter: a sine network of the position alone, without features and window (CKConv)."""

from __future__ import annotations

from typing import NamedTuple

from hyena_np.backend import Array, check_shape, host_range, like, namespace
from hyena_np.ops.filter_arguments import check_filter
from hyena_np.ops.filter_configs import CKConvConfig


class CKConvCache(NamedTuple):
    """What `ckconv_filter_backward` needs."""

    params: dict
    inputs: tuple  # what the three dense layers read: (1, L), (M, L), (M, L)
    phases: tuple  # what the two sines read: (M, L)
    w0: float


def ckconv_filter(params: dict, L: int, l_max: int, config: CKConvConfig) -> tuple[Array, CKConvCache]:
    r"""Filters that a network of two sine layers computes from the position.

    .. math:: a^0_t = \frac{2t}{l_{max} - 1} - 1, \qquad
              a^{i+1} = \sin\big(\omega_0 (W_i a^i + b_i)\big), \qquad h = W_2 a^2 + b_2

    The differences to `hyena_filter` are what the paper's comparison is about: one number as the position
    instead of waves of all frequencies, and no window.

    Parameters
    ----------
    params : dict
        ``{"linear_0": {"weight" (M, 1), "bias" (M,)}, "linear_1": {"weight" (M, M), "bias" (M,)},
        "linear_2": {"weight" (C, M), "bias" (C,)}}``, float32 or float64.
    L : int
        Number of lags, 1 to `l_max`.
    l_max : int
    config : CKConvConfig

    Returns
    -------
    h : array (C, L)
        Same dtype.
    cache : CKConvCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, App. A.1, "CKConv"; Romero et al. 2021, Sec. 4. Weight normalisation is left out.
    """
    xp, found = check_filter(params, L, l_max, config, channels_of="linear_2.bias")
    position = 2 * host_range(L) / max(l_max - 1, 1) - 1
    a = like(position[None], found["linear_0.weight"])
    inputs, phases = [a], []
    for i in range(2):
        phase = xp.matmul(found[f"linear_{i}.weight"], a) + found[f"linear_{i}.bias"][:, None]
        phase = config.w0 * phase
        a = xp.sin(phase)
        phases.append(phase)
        inputs.append(a)
    h = xp.matmul(found["linear_2.weight"], a) + found["linear_2.bias"][:, None]
    return h, CKConvCache(params, tuple(inputs), tuple(phases), config.w0)


def ckconv_filter_backward(dh: Array, cache: CKConvCache) -> dict:
    r"""Gradients of `ckconv_filter`.

    .. math:: dx = \omega_0 \cos(\omega_0 x) \odot da, \qquad x = W a + b

    Parameters
    ----------
    dh : array (C, L)
    cache : CKConvCache

    Returns
    -------
    dict
        Keys and shapes of the parameters.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dh` does not fit.

    Notes
    -----
    Source: Romero et al. 2021, differentiated.
    """
    params, inputs, phases, w0 = cache
    xp = namespace(dh=dh, a=inputs[0])
    check_shape("dh", dh, (params["linear_2"]["bias"].shape[0], inputs[0].shape[1]))
    dparams, dx = {}, dh
    for i in reversed(range(3)):
        # x = weight @ inputs[i] + bias
        dparams[f"linear_{i}"] = {
            "weight": xp.matmul(dx, xp.matrix_transpose(inputs[i])),
            "bias": xp.sum(dx, axis=1),
        }
        if i > 0:
            # inputs[i] = sin(w0 * x)
            da = xp.matmul(xp.matrix_transpose(params[f"linear_{i}"]["weight"]), dx)
            dx = w0 * xp.cos(phases[i - 1]) * da
    return {name: dparams[name] for name in params}
