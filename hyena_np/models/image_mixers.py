"""How the parameters of the operators that are not causal begin."""

from __future__ import annotations

import math

import numpy as np

from hyena_np.backend import Array, Backend, get_backend, host_range
from hyena_np.errors import ConfigError
from hyena_np.models.init import dense_init, uniform_init
from hyena_np.models.params import tree_from_leaves
from hyena_np.ops.checks import check_integer
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import decay_rates, positional_features
from hyena_np.ops.filters2d import positional_features_2d
from hyena_np.ops.noncausal_config import (
    BidirectionalHyenaConfig,
    Hyena2DConfig,
    bidirectional_hyena_shapes,
    hyena2d_shapes,
)


def init_bidirectional_hyena(
    config: BidirectionalHyenaConfig,
    rng: np.random.Generator,
    backend: Backend | None = None,
    n_layer: int | None = None,
) -> dict:
    """Initial parameters of a bidirectional operator, drawn as `init_hyena` draws them.

    Parameters
    ----------
    config : BidirectionalHyenaConfig
    rng : numpy.random.Generator
        The only source of randomness.
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with ``config.init = "gpt2"`` it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `bidirectional_hyena_shapes`: ``in_proj.weight`` ((N+1) D, D) and
        so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` is no number of layers.

    Notes
    -----
    Source: Hyena paper, App. D.2 and D.3; official code: constructors, and ``_init_weights`` for "gpt2".
    """
    positions = positional_features(config.l_max, config.emb_dim, host_range(1))
    return _init_operator(
        bidirectional_hyena_shapes(config), positions, config.network, rng, backend, n_layer
    )


def init_hyena2d(
    config: Hyena2DConfig,
    rng: np.random.Generator,
    backend: Backend | None = None,
    n_layer: int | None = None,
) -> dict:
    """Initial parameters of a two-dimensional operator, drawn as `init_hyena` draws them.

    Parameters
    ----------
    config : Hyena2DConfig
    rng : numpy.random.Generator
        The only source of randomness.
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with ``config.init = "gpt2"`` it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `hyena2d_shapes`: ``short_filter.weight`` ((N+1) D, 1, 3, 3) and so
        on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` is no number of layers.

    Notes
    -----
    The 3 by 3 taps begin as those of ``torch.nn.Conv2d``, uniform within 1/3. Source: Hyena paper, App. D.2
    and D.3; official code: constructors, and ``_init_weights`` for "gpt2".
    """
    positions = positional_features_2d(config.height, config.width, config.emb_dim, host_range(1))
    return _init_operator(hyena2d_shapes(config), positions, config.network, rng, backend, n_layer)


def _init_operator(
    shapes: dict[str, tuple[int, ...]],
    positions: tuple[Array, Array],
    network: HyenaConfig,
    rng: np.random.Generator,
    backend: Backend | None,
    n_layer: int | None,
) -> dict:
    if not isinstance(rng, np.random.Generator):
        raise ConfigError(f"rng: got {type(rng).__name__}, allowed is a numpy.random.Generator")
    if n_layer is not None:
        check_integer("n_layer", n_layer, 1)
    backend = get_backend("numpy") if backend is None else backend
    leaves = {
        "filter.positional.z": positions[0],
        "filter.positional.t": positions[1],
        "filter.window.deltas": decay_rates(network, host_range(1)),
        "filter.ffn.freq": np.full((1, network.filter_order), network.w),
    }
    for name, shape in shapes.items():
        if name in leaves:
            continue
        layer = name.rsplit(".", 1)[0]
        if name == "filter.skip":
            leaves[name] = rng.standard_normal(shape)
        elif layer == "short_filter":
            leaves[name] = uniform_init(rng, shape, fan_in=math.prod(shapes["short_filter.weight"][1:]))
        else:
            leaves[name] = dense_init(rng, shape, shapes[f"{layer}.weight"][1], network.init)
    if network.init == "gpt2" and n_layer is not None:
        leaves["out_proj.weight"] = leaves["out_proj.weight"] / math.sqrt(2 * n_layer)
    return tree_from_leaves({name: backend.asarray(leaves[name]) for name in shapes})
