"""How parameters begin: PyTorch's defaults, or GPT-2's normal distribution of standard deviation 0.02.

Every number is drawn in float64 on the host from one explicit generator, then cast and moved, so that a seed
gives the same bits on every library.
"""

from __future__ import annotations

import numpy as np

from hyena_np.backend import Array, Backend, host_range
from hyena_np.models.draws import check_init, init_mixer
from hyena_np.models.filter_init import init_filter
from hyena_np.ops.config import HyenaConfig, operator_shapes
from hyena_np.ops.filters import decay_rates, positional_features


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
    check_init(rng, n_layer)
    if config.filter is None:
        given = init_tables(positional_features(config.l_max, config.emb_dim, host_range(1)), config)
    else:
        given = _init_rival(config, rng)
    return init_mixer(operator_shapes(config), given, config.init, rng, backend, n_layer)


def init_tables(positions: tuple[Array, Array], network: HyenaConfig) -> dict[str, Array]:
    """What of a filter is not drawn: features and time of the positions, decay rates, sine frequencies."""
    return {
        "filter.positional.z": positions[0],
        "filter.positional.t": positions[1],
        "filter.window.deltas": decay_rates(network, host_range(1)),
        "filter.ffn.freq": np.full((1, network.filter_order), network.w),
    }


def _init_rival(config: HyenaConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """All parameters of a rival's filters, by their names in the operator's tree."""
    assert config.filter is not None
    leaves = init_filter(config.filter, config.filter_channels, config.l_max, rng)
    return {f"filter.{config.filter.name}.{name}": leaf for name, leaf in leaves.items()}
