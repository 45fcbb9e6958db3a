"""Looking inside a trained model: the Hyena matrices of its layers, and the channel that recalls."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hyena_np.backend import Array, to_numpy
from hyena_np.errors import ConfigError
from hyena_np.models.language_model import LanguageModelConfig, block
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filters import hyena_filter
from hyena_np.ops.layers import embedding, layer_norm
from hyena_np.ops.matrices import hyena_matrix


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
    if not isinstance(config.mixer, HyenaConfig):
        raise ConfigError(f"mixer: got {type(config.mixer).__name__}, allowed is HyenaConfig")
    x, _ = embedding(ids, params["embeddings"]["word_embeddings"]["weight"])
    matrices = []
    for i in range(config.n_layer):
        layer = params["layers"][str(i)]
        normed, _ = layer_norm(x, layer["norm1"]["weight"], layer["norm1"]["bias"], config.layer_norm_eps)
        matrices.append(hyena_matrix(normed, layer["mixer"], config.mixer))
        x, _ = block(x, layer, config)
    return matrices


class Recaller(NamedTuple):
    """The channel whose output at the query rests most on the recalled pair."""

    matrix: np.ndarray  # (L, L)
    layer: int  # from 0
    channel: int  # from 0
    share: float  # of the row's absolute weight that lies on the pair


def find_recaller(ids: np.ndarray, positions: np.ndarray, params: dict, config: LanguageModelConfig) -> Recaller:
    """Find the channel that reads the recalled pair best when the query is asked.

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
    Source: Hyena paper, App. D.1, which plots such matrices.
    """
    rows = []
    matrices = [to_numpy(H)[0] for H in layer_matrices(ids[None, :], params, config)]
    for H in matrices:
        row = np.abs(H[:, -1, :])  # (D, L): weights of the query's row
        rows.append(row[:, positions].sum(axis=-1) / row.sum(axis=-1))
    shares = np.stack(rows)
    layer, channel = (int(i) for i in np.unravel_index(shares.argmax(), shares.shape))
    return Recaller(matrices[layer][channel], layer, channel, float(shares[layer, channel]))


def layer_filters(params: dict, config: LanguageModelConfig, layer: int) -> np.ndarray:
    """The long filters of one layer, orders and channels in one axis: (filters * D, l_max), on the host.

    Parameters
    ----------
    params : dict
        Tree of a language model whose mixer is Hyena.
    config : LanguageModelConfig
    layer : int
        From 0.

    Returns
    -------
    numpy.ndarray (filters * D, l_max)

    Raises
    ------
    ConfigError
        The mixer is not Hyena.

    Notes
    -----
    Source: Hyena paper, eq. (7).
    """
    if not isinstance(config.mixer, HyenaConfig):
        raise ConfigError(f"mixer: got {type(config.mixer).__name__}, allowed is HyenaConfig")
    h, _ = hyena_filter(params["layers"][str(layer)]["mixer"], config.mixer.l_max, config.mixer)
    return to_numpy(h).reshape(-1, config.mixer.l_max)
