"""Looking inside a trained model: the Hyena matrices of its layers, and the channel that recalls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np

from hyena_np.backend import Array, namespace, to_numpy
from hyena_np.errors import ConfigError
from hyena_np.models.block import block
from hyena_np.models.language_model import LanguageModelConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.hyena import hyena_branches, hyena_recurrence, hyena_recurrence_backward
from hyena_np.ops.layers import embedding, layer_norm
from hyena_np.ops.long_filter import long_filter
from hyena_np.ops.matrices import hyena_factors, hyena_matrix


def layer_matrices(ids: np.ndarray, params: dict, config: LanguageModelConfig) -> list[Array]:
    """The Hyena matrix of every layer for one batch of token ids.

    Parameters
    ----------
    ids : integer array (B, L)
    params : dict
        Tree of a language model whose mixer is Hyena.
    config : LanguageModelConfig

    Returns
    -------
    list of array (B, D, L, L)

    Raises
    ------
    ConfigError
        The mixer is not Hyena.

    Notes
    -----
    Source: Hyena paper, Sec. 3.2 and App. D.1.
    """
    mixer = _hyena_config(config)
    return [hyena_matrix(u, weights, mixer) for u, weights in _operator_inputs(ids, params, config)]


class Recaller(NamedTuple):
    """The channel whose output at the query rests most on the recalled pair."""

    matrix: np.ndarray  # (L, L)
    layer: int  # from 0
    channel: int  # from 0
    share: float  # of the row's absolute weight that lies on the pair


def find_recaller(
    ids: np.ndarray, positions: np.ndarray, params: dict, config: LanguageModelConfig
) -> Recaller:
    r"""Find the channel that reads the recalled pair best when the query is asked.

    The query's row of every channel's matrix is :math:`H(u)^\top` of a one at the query: one backward pass of
    the recurrence, in :math:`O(L \log L)`. Only the channel that is found is made into a matrix.

    Parameters
    ----------
    ids : integer array (L,)
        One example; its last token is the query.
    positions : integer array
        Where the recalled value stands.
    params, config
        As in `layer_matrices`.

    Returns
    -------
    Recaller

    Raises
    ------
    ConfigError
        The mixer is not Hyena.

    Notes
    -----
    Source: Hyena paper, Fig. D.2, which plots such matrices.
    """
    mixer = _hyena_config(config)
    branches, shares = [], []
    for u, weights in _operator_inputs(ids[None, :], params, config):
        v, x, h, skip, _ = hyena_branches(u, weights, mixer)
        row = np.abs(_last_rows(v, x, h, skip, mixer.variant))
        shares.append(row[:, positions].sum(axis=-1) / row.sum(axis=-1))
        branches.append((x, h, skip))
    layer, channel = (int(i) for i in np.unravel_index(np.argmax(shares), np.shape(shares)))
    x, h, skip = branches[layer]
    one = slice(channel, channel + 1)
    factors = hyena_factors(tuple(gate[:, one, :] for gate in x), h[:, one, :], skip[:, one], mixer.variant)
    matrix = to_numpy(reduce(namespace(h=h).matmul, factors))[0, 0]
    return Recaller(matrix, layer, channel, float(shares[layer][channel]))


def _last_rows(v: Array, x: tuple[Array, ...], h: Array, skip: Array, variant: str) -> np.ndarray:
    """The last row of every channel's matrix for one example: (D, L), on the host."""
    y, cache = hyena_recurrence(v, x, h, skip, variant)
    xp = namespace(y=y)
    at_query = xp.concat((xp.zeros_like(y[..., :-1]), xp.ones_like(y[..., -1:])), axis=-1)
    row, *_ = hyena_recurrence_backward(at_query, cache)
    return to_numpy(row)[0]


def _operator_inputs(
    ids: np.ndarray, params: dict, config: LanguageModelConfig
) -> Iterator[tuple[Array, dict]]:
    """What the operator of every layer reads, (B, L, D), and its parameters."""
    x, _ = embedding(ids, params["embeddings"]["word_embeddings"]["weight"])
    for i in range(config.n_layer):
        layer = params["layers"][str(i)]
        normed, _ = layer_norm(x, layer["norm1"]["weight"], layer["norm1"]["bias"], config.layer_norm_eps)
        yield normed, layer["mixer"]
        x, _ = block(x, layer, config)


def _hyena_config(config: LanguageModelConfig) -> HyenaConfig:
    if not isinstance(config.mixer, HyenaConfig):
        raise ConfigError(f"mixer: got {type(config.mixer).__name__}, allowed is HyenaConfig")
    return config.mixer


def layer_filters(params: dict, config: LanguageModelConfig, layer: int, L: int) -> np.ndarray:
    """The long filters of one layer, orders and channels in one axis, on the host.

    Parameters
    ----------
    params : dict
        Tree of a language model whose mixer is Hyena.
    config : LanguageModelConfig
    layer : int
        From 0.
    L : int
        Number of lags.

    Returns
    -------
    numpy.ndarray (filters * D, L)

    Raises
    ------
    ConfigError
        The mixer is not Hyena.
    ShapeError
        L is not between 1 and the config's ``l_max``.

    Notes
    -----
    Source: Hyena paper, eq. (7).
    """
    mixer = _hyena_config(config)
    h, _ = long_filter(params["layers"][str(layer)]["mixer"], L, mixer)
    return to_numpy(h).reshape(-1, L)
