"""How the parameters of the operators that are not causal begin."""

from __future__ import annotations

import numpy as np

from hyena_np.backend import Array, Backend, host_range
from hyena_np.models.draws import check_init, init_mixer
from hyena_np.models.init import init_tables
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import positional_features
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
    check_init(rng, n_layer)
    return init_mixer(shapes, init_tables(positions, network), network.init, rng, backend, n_layer)
