"""Pre-norm blocks around any mixer, alone and as a stack: what every model of the package is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from hyena_np.backend import Array, Backend, get_backend, namespace
from hyena_np.errors import ConfigError, ParameterError
from hyena_np.models.draws import check_init, dense_init
from hyena_np.models.mixers import MixerConfig, mixer_of
from hyena_np.models.params import tree_from_leaves, tree_leaves
from hyena_np.ops.checks import check_choice, check_integer, check_real
from hyena_np.ops.config import INITS
from hyena_np.ops.layers import (
    GeluCache,
    LayerNormCache,
    LinearCache,
    gelu,
    gelu_backward,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
)
from hyena_np.ops.parameters import TABLES, check_params

Shapes = dict[str, tuple[int, ...]]


class BlockConfig(Protocol):
    """What a model's configuration says about its blocks."""

    @property
    def mixer(self) -> MixerConfig:
        """The mixer of every block; its ``d_model`` is the width D, its ``l_max`` the longest input."""

    @property
    def n_layer(self) -> int:
        """Number of blocks."""

    @property
    def d_inner(self) -> int | None:
        """Width of the MLP; None is 4 D."""

    @property
    def max_position_embeddings(self) -> int:
        """Learned positions; 0 for none."""

    @property
    def init(self) -> str:
        """Of the MLPs."""

    @property
    def layer_norm_eps(self) -> float:
        """Added to the variances."""


def check_block_config(config: BlockConfig) -> None:
    """Raise ConfigError unless the part of a configuration that is about blocks is allowed."""
    mixer_of(config.mixer)
    check_integer("n_layer", config.n_layer, 1)
    check_integer("max_position_embeddings", config.max_position_embeddings, 0)
    if config.d_inner is not None:
        check_integer("d_inner", config.d_inner, 1)
    check_choice("init", config.init, INITS)
    check_real("layer_norm_eps", config.layer_norm_eps, positive=True)
    if 0 < config.max_position_embeddings < config.mixer.l_max:
        raise ConfigError(
            f"max_position_embeddings: got {config.max_position_embeddings}, allowed are 0 and "
            f"l_max = {config.mixer.l_max} or more"
        )


def mlp_width(config: BlockConfig) -> int:
    """Width of the MLP: that of the configuration, or 4 D."""
    return 4 * config.mixer.d_model if config.d_inner is None else config.d_inner


def stack_shapes(config: BlockConfig) -> Shapes:
    """Shape of every array of all blocks, by dotted name: ``layers.0.norm1.weight`` (D,) and so on."""
    D, width = config.mixer.d_model, mlp_width(config)
    mixer = mixer_of(config.mixer).shapes(config.mixer)
    block: Shapes = {"norm1.weight": (D,), "norm1.bias": (D,)}
    block |= {f"mixer.{name}": shape for name, shape in mixer.items()}
    block |= {"norm2.weight": (D,), "norm2.bias": (D,)}
    block |= {"mlp.fc1.weight": (width, D), "mlp.fc1.bias": (width,)}
    block |= {"mlp.fc2.weight": (D, width), "mlp.fc2.bias": (D,)}
    return {f"layers.{i}.{name}": shape for i in range(config.n_layer) for name, shape in block.items()}


def check_model_params(params: dict, shapes: Shapes, config: BlockConfig) -> None:
    """Raise unless a tree is one of this model, of one library, device and dtype."""
    if not isinstance(params, dict):
        raise ParameterError(f"params: got {type(params).__name__}, allowed is a tree of nested dictionaries")
    tables = tuple(f"layers.{i}.mixer.{name}" for i in range(config.n_layer) for name in TABLES)
    namespace(**check_params(params, shapes, optional=tables))


def init_tree(
    config: BlockConfig,
    shapes: Shapes,
    rng: np.random.Generator,
    backend: Backend | None,
    init_other: Callable[[str, tuple[int, ...]], np.ndarray | None],
) -> dict:
    """Initial parameters of a model of blocks: mixers first, then everything else in the order of `shapes`.

    `init_other` draws what belongs to the model alone; where it gives None, a norm starts at one and zero.
    With ``init="gpt2"`` the last matrix of each MLP is divided by the square root of twice the depth.
    """
    check_init(rng)
    backend = get_backend("numpy") if backend is None else backend
    leaves: dict[str, Array] = {}
    mixers: dict[str, Array] = {}
    for i in range(config.n_layer):
        mixer = mixer_of(config.mixer).init(config.mixer, rng, backend, config.n_layer)
        mixers |= {f"layers.{i}.mixer.{name}": leaf for name, leaf in tree_leaves(mixer).items()}
    for name, shape in shapes.items():
        if name in mixers:
            leaves[name] = mixers[name]
            continue
        if ".mlp." in name:
            layer = name.rsplit(".", 1)[0]
            leaf = dense_init(rng, shape, shapes[f"{layer}.weight"][1], config.init)
            if name.endswith("fc2.weight") and config.init == "gpt2":
                leaf = leaf / math.sqrt(2 * config.n_layer)
        elif (drawn := init_other(name, shape)) is not None:
            leaf = drawn
        else:
            leaf = np.ones(shape) if name.endswith("weight") else np.zeros(shape)
        leaves[name] = backend.asarray(leaf)
    return tree_from_leaves(leaves)


class BlockCache(NamedTuple):
    """What `block_backward` needs."""

    norm1: LayerNormCache
    mixer: tuple  # the mixer's cache
    norm2: LayerNormCache
    fc1: LinearCache
    gelu: GeluCache
    fc2: LinearCache
    config: BlockConfig


class RematCache(NamedTuple):
    """A block that keeps its input alone and computes the rest again in the backward."""

    x: Array  # (B, L, D)
    params: dict
    config: BlockConfig


def block(x: Array, params: dict, config: BlockConfig) -> tuple[Array, BlockCache]:
    r"""One pre-norm block.

    .. math:: x' = x + \mathrm{Mixer}(\mathrm{LN}_1(x)), \qquad
              y = x' + W_2\,\mathrm{GELU}(W_1\,\mathrm{LN}_2(x'))

    Parameters
    ----------
    x : array (B, L, D), float32 or float64
    params : dict
        ``norm1``, ``mixer``, ``norm2``, ``mlp``.
    config : LanguageModelConfig or SequenceModelConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : BlockCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: official code: ``Block`` (written there residual first, the same function).
    """
    normed, norm1 = layer_norm(x, params["norm1"]["weight"], params["norm1"]["bias"], config.layer_norm_eps)
    mixed, mixer = mixer_of(config.mixer).forward(normed, params["mixer"], config.mixer)
    x = x + mixed
    normed, norm2 = layer_norm(x, params["norm2"]["weight"], params["norm2"]["bias"], config.layer_norm_eps)
    fc1, fc2 = params["mlp"]["fc1"], params["mlp"]["fc2"]
    hidden, cache1 = linear(normed, fc1["weight"], fc1["bias"])
    hidden, cache_gelu = gelu(hidden)
    hidden, cache2 = linear(hidden, fc2["weight"], fc2["bias"])
    return x + hidden, BlockCache(norm1, mixer, norm2, cache1, cache_gelu, cache2, config)


def block_backward(dy: Array, cache: BlockCache | RematCache) -> tuple[Array, dict]:
    r"""Gradients of `block`: each residual branch adds its own to the one that goes straight through.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : BlockCache or RematCache

    Returns
    -------
    dx : array (B, L, D)
    dparams : dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: official code: ``Block``, differentiated.
    """
    if isinstance(cache, RematCache):
        _, cache = block(*cache)
    # y = x + fc2(gelu(fc1(norm2(x))))
    dhidden, dw2, db2 = linear_backward(dy, cache.fc2)
    dhidden, dw1, db1 = linear_backward(gelu_backward(dhidden, cache.gelu), cache.fc1)
    dnormed, dg2, dbeta2 = layer_norm_backward(dhidden, cache.norm2)
    dx = dy + dnormed
    # x = x + mixer(norm1(x))
    dnormed, dmixer = mixer_of(cache.config.mixer).backward(dx, cache.mixer)
    dnormed, dg1, dbeta1 = layer_norm_backward(dnormed, cache.norm1)
    return dx + dnormed, {
        "norm1": {"weight": dg1, "bias": dbeta1},
        "mixer": dmixer,
        "norm2": {"weight": dg2, "bias": dbeta2},
        "mlp": {"fc1": {"weight": dw1, "bias": db1}, "fc2": {"weight": dw2, "bias": db2}},
    }


def stack(x: Array, layers: dict, config: BlockConfig, remat: bool) -> tuple[Array, tuple]:
    """Blocks one after the other: x (B, L, D) to y (B, L, D), and a cache a block."""
    caches: list[BlockCache | RematCache] = []
    for i in range(config.n_layer):
        y, cache = block(x, layers[str(i)], config)
        caches.append(RematCache(x, layers[str(i)], config) if remat else cache)
        x = y
    return x, tuple(caches)


def stack_backward(dy: Array, caches: tuple) -> tuple[Array, dict]:
    """Gradients of `stack`: dx (B, L, D), and those of the blocks by their number."""
    layers = {}
    for i in reversed(range(len(caches))):
        dy, layers[i] = block_backward(dy, caches[i])
    return dy, {str(i): layers[i] for i in sorted(layers)}
