"""How a number begins: what every initialisation draws, in float64 on the host, from one generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hyena_np.backend import Backend, get_backend
from hyena_np.errors import ConfigError
from hyena_np.models.params import tree_from_leaves
from hyena_np.ops.checks import check_integer

GPT2_STD = 0.02


def check_init(rng: Any, n_layer: Any = None) -> None:
    """Raise ConfigError unless `rng` is a generator, and `n_layer` a number of layers or None."""
    if not isinstance(rng, np.random.Generator):
        raise ConfigError(f"rng: got {type(rng).__name__}, allowed is a numpy.random.Generator")
    if n_layer is not None:
        check_integer("n_layer", n_layer, 1)


def init_mixer(
    shapes: dict[str, tuple[int, ...]],
    given: dict[str, Any],
    init: str,
    rng: np.random.Generator,
    backend: Backend | None,
    n_layer: int | None,
) -> dict:
    """Parameter tree of a mixer, in the order of its shapes.

    An array that is `given` is taken as it is. A filter's skip term is normal, a short convolution PyTorch's
    default, and everything else a dense layer, as `dense_init` says. With "gpt2" the output projection is
    divided by the square root of twice the depth, where `n_layer` says it.
    """
    backend = get_backend("numpy") if backend is None else backend
    leaves = {}
    for name, shape in shapes.items():
        layer = name.rsplit(".", 1)[0]
        if name in given:
            leaf = given[name]
        elif name == "filter.skip":
            leaf = rng.standard_normal(shape)
        elif layer == "short_filter":
            leaf = uniform_init(rng, shape, fan_in=math.prod(shapes["short_filter.weight"][1:]))
        else:
            leaf = dense_init(rng, shape, shapes[f"{layer}.weight"][1], init)
        if name == "out_proj.weight" and init == "gpt2" and n_layer is not None:
            leaf = leaf / math.sqrt(2 * n_layer)
        leaves[name] = backend.asarray(leaf)
    return tree_from_leaves(leaves)


def dense_init(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, init: str) -> np.ndarray:
    """Float64 weight (two axes) or bias (one axis) of a dense layer; `init` is "torch" or "gpt2"."""
    if init == "torch":
        return uniform_init(rng, shape, fan_in)
    return GPT2_STD * rng.standard_normal(shape) if len(shape) == 2 else np.zeros(shape)


def uniform_init(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> np.ndarray:
    """Float64 numbers, uniform within 1/sqrt(fan_in) of zero: the default of PyTorch's Linear and Conv1d."""
    bound = 1 / math.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape)
