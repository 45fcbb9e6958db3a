"""How the rival filters begin: each as in the work that it comes from."""

from __future__ import annotations

import math

import numpy as np

from hyena_np.models.draws import check_init
from hyena_np.ops.checks import check_integer
from hyena_np.ops.filter_configs import (
    CKConvConfig,
    FilterConfig,
    FIRConfig,
    FNOConfig,
    LongConvConfig,
    S4DConfig,
    TransferFunctionConfig,
    check_filter_config,
)


def init_filter(
    config: FilterConfig, channels: int, l_max: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    r"""Initial parameters of a rival filter.

    - FIR: :math:`U(\pm 1/\sqrt{\mathrm{taps}})`, PyTorch's default for a convolution of one channel.
    - Long convolution: :math:`N(0, \mathrm{std}^2)`.
    - FNO: real and imaginary parts :math:`U(0, 1)`.
    - S4D: :math:`A_n = -1/2 + i\pi n`; :math:`\ln \Delta` uniform between the logarithms of its two bounds;
      real and imaginary parts of C normal with variance 1/2.
    - Transfer function: numerator and :math:`h_0` as FIR taps, denominator 0, so that it starts as one.
    - CKConv: first weights :math:`U(\pm 1)`, later ones :math:`U(\pm\sqrt{6/\mathrm{fan\,in}}/\omega_0)`,
      biases :math:`U(\pm 1)`.

    Parameters
    ----------
    config : FilterConfig
        For example FIRConfig.
    channels : int
        C, the number of filters.
    l_max : int
        Longest sequence.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    dict
        Float64 arrays on the host by their dotted names, with the shapes of ``config.shapes``: ``"weight"``
        (C, taps) and so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, `channels` or `l_max` no size, or the config does not fit `l_max`.

    Notes
    -----
    The Hyena paper does not say how its rivals begin. Source: Gu et al. 2022 ("S4D-Lin"); Fu et al. 2023;
    Li et al. 2021; Parnichkun et al. 2024; Romero et al. 2021.
    """
    check_init(rng)
    check_integer("channels", channels, 1)
    check_integer("l_max", l_max, 1)
    check_filter_config(config, l_max)
    shapes = config.shapes(channels, l_max)
    match config:
        case FIRConfig(taps=taps):
            return {name: _uniform_init(rng, shape, 1 / math.sqrt(taps)) for name, shape in shapes.items()}
        case LongConvConfig(std=std):
            return {name: std * rng.standard_normal(shape) for name, shape in shapes.items()}
        case FNOConfig():
            return {name: rng.uniform(0.0, 1.0, shape) for name, shape in shapes.items()}
        case S4DConfig():
            return _s4d_init(config, shapes, rng)
        case TransferFunctionConfig(order=order):
            bound = 1 / math.sqrt(order)
            zero = {"denominator": np.zeros(shapes["denominator"])}
            return {name: _uniform_init(rng, shapes[name], bound) for name in ("h0", "numerator")} | zero
        case CKConvConfig(w0=w0):
            return {name: _ckconv_init(name, shape, w0, rng) for name, shape in shapes.items()}


def _uniform_init(rng: np.random.Generator, shape: tuple[int, ...], bound: float) -> np.ndarray:
    return rng.uniform(-bound, bound, shape)


def _s4d_init(config: S4DConfig, shapes: dict, rng: np.random.Generator) -> dict[str, np.ndarray]:
    pairs, half = shapes["frequency"], math.sqrt(0.5)
    return {
        "log_dt": rng.uniform(math.log(config.dt_min), math.log(config.dt_max), shapes["log_dt"]),
        "log_decay": np.full(pairs, math.log(0.5)),
        "frequency": np.broadcast_to(math.pi * np.arange(pairs[1]), pairs).copy(),
        "c_real": half * rng.standard_normal(pairs),
        "c_imag": half * rng.standard_normal(pairs),
    }


def _ckconv_init(name: str, shape: tuple[int, ...], w0: float, rng: np.random.Generator) -> np.ndarray:
    if name.endswith("bias") or name.startswith("linear_0"):
        return _uniform_init(rng, shape, 1.0)
    return _uniform_init(rng, shape, math.sqrt(6 / shape[1]) / w0)
