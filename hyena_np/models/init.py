"""How parameters begin: PyTorch's defaults, or GPT-2's normal distribution of standard deviation 0.02.

Every number is drawn in float64 on the host from one explicit generator, then cast and moved, so that a seed
gives the same bits on every library.
"""

from __future__ import annotations

import math

import numpy as np

from hyena_np.backend import Backend, get_backend, host_range
from hyena_np.errors import ConfigError
from hyena_np.models.filter_init import init_filter
from hyena_np.models.params import tree_from_leaves
from hyena_np.ops.checks import check_integer
from hyena_np.ops.config import HyenaConfig, operator_shapes
from hyena_np.ops.filters import decay_rates, positional_features

GPT2_STD = 0.02


def init_hyena(
    config: HyenaConfig, rng: np.random.Generator, backend: Backend | None = None, n_layer: int | None = None
) -> dict:
    r"""Initial parameters of one operator.

    With ``config.init = "torch"`` a dense layer, bias included, is :math:`U(\pm 1/\sqrt{\mathrm{fan\,in}})`.
    With ``"gpt2"`` it starts as :math:`N(0, 0.02^2)` with bias 0, the filter network included, and the output
    projection is divided by :math:`\sqrt{2\,n_{layer}}` where `n_layer` is given. In both the short
    convolution is PyTorch's, the skip term :math:`N(0, 1)`, the sine frequency ``config.w``. A rival filter
    begins as `init_filter` says in both.

    Parameters
    ----------
    config : HyenaConfig
    rng : numpy.random.Generator
        The only source of randomness.
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model that the operator is part of.

    Returns
    -------
    dict
        Parameter tree with the names and shapes of `operator_shapes`: ``in_proj.weight`` ((N+1) D, D) and so
        on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` is no number of layers.

    Notes
    -----
    Source: Hyena paper, App. D.2 and D.3; official code: constructors, and ``_init_weights`` for "gpt2".
    """
    if not isinstance(rng, np.random.Generator):
        raise ConfigError(f"rng: got {type(rng).__name__}, allowed is a numpy.random.Generator")
    if n_layer is not None:
        check_integer("n_layer", n_layer, 1)
    backend = get_backend("numpy") if backend is None else backend
    fixed = _init_tables(config) if config.filter is None else _init_rival(config, rng)
    shapes, leaves = operator_shapes(config), {}
    for name, shape in shapes.items():
        if name in fixed:
            leaves[name] = fixed[name]
        elif name == "filter.skip":
            leaves[name] = rng.standard_normal(shape)
        elif name.startswith("short_filter"):
            leaves[name] = uniform_init(rng, shape, fan_in=3)
        else:
            layer = name.rsplit(".", 1)[0]
            leaves[name] = dense_init(rng, shape, shapes[f"{layer}.weight"][1], config.init)
    if config.init == "gpt2" and n_layer is not None:
        leaves["out_proj.weight"] = leaves["out_proj.weight"] / math.sqrt(2 * n_layer)
    return tree_from_leaves({name: backend.asarray(leaf) for name, leaf in leaves.items()})


def _init_tables(config: HyenaConfig) -> dict[str, np.ndarray]:
    """What is not drawn of Hyena's own filters."""
    host = host_range(1)
    z, t = positional_features(config.l_max, config.emb_dim, host)
    return {
        "filter.positional.z": z,
        "filter.positional.t": t,
        "filter.window.deltas": decay_rates(config, host),
        "filter.ffn.freq": np.full((1, config.filter_order), config.w),
    }


def _init_rival(config: HyenaConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All parameters of a rival's filters, by their names in the operator's tree."""
    assert config.filter is not None
    leaves = init_filter(config.filter, config.filter_channels, config.l_max, rng)
    return {f"filter.{config.filter.name}.{name}": leaf for name, leaf in leaves.items()}


def dense_init(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, init: str) -> np.ndarray:
    """Float64 weight (two axes) or bias (one axis) of a dense layer; `init` is "torch" or "gpt2"."""
    if init == "torch":
        return uniform_init(rng, shape, fan_in)
    return GPT2_STD * rng.standard_normal(shape) if len(shape) == 2 else np.zeros(shape)


def uniform_init(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> np.ndarray:
    """Float64 numbers, uniform within 1/sqrt(fan_in) of zero: the default of PyTorch's Linear and Conv1d."""
    bound = 1 / math.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape)
