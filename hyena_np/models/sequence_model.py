"""A model of sequences of vectors: a linear embedding, a stack of blocks, a pooling, a linear readout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hyena_np.backend import (
    Array,
    Backend,
    check_ndim,
    check_shape,
    namespace,
    owned,
    zeros_like_device,
)
from hyena_np.errors import ShapeError
from hyena_np.models.block import (
    check_block_config,
    check_model_params,
    init_tree,
    mlp_width,
    stack,
    stack_backward,
    stack_shapes,
)
from hyena_np.models.draws import GPT2_STD, dense_init
from hyena_np.models.mixers import MixerConfig
from hyena_np.ops.checks import check_choice, check_integer, check_real
from hyena_np.ops.layers import (
    LayerNormCache,
    LinearCache,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
)

POOLINGS = ("none", "mean", "last")


@dataclass(frozen=True)
class SequenceModelConfig:
    """Configuration of a model of sequences of vectors: pixels, patches, numbers.

    Parameters
    ----------
    d_input : int
        Numbers that describe one position.
    d_output : int
        K, numbers of an answer: classes, or what is to be predicted.
    n_layer : int
        Number of blocks.
    mixer : HyenaConfig or AttentionConfig
        The mixer of every block; its ``d_model`` is the model's width D, its ``l_max`` the longest input.
    d_inner : int, optional
        Width of the MLP; 4 D by default.
    pooling : {"none", "mean", "last"}
        An answer at every position, or one for the sequence, read from the mean or the last of its positions.
    max_position_embeddings : int
        Learned positions, added to the embedding; 0 for Hyena, whose filters know the lag.
    init : {"gpt2", "torch"}
        Of the embedding, the MLPs and the readout; the mixer has its own.
    position_std : float
        Standard deviation of the learned positions at the start.
    layer_norm_eps : float
        Added to the variance in every layer norm.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1 (in-context learning of linear functions) and Sec. 4.5 (images).
    """

    d_input: int
    d_output: int
    n_layer: int
    mixer: MixerConfig
    d_inner: int | None = None
    pooling: str = "none"
    max_position_embeddings: int = 0
    init: str = "gpt2"
    position_std: float = GPT2_STD
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        check_block_config(self)
        check_integer("d_input", self.d_input, 1)
        check_integer("d_output", self.d_output, 1)
        check_choice("pooling", self.pooling, POOLINGS)
        check_real("position_std", self.position_std, positive=True)

    @property
    def d_model(self) -> int:
        """Width D."""
        return self.mixer.d_model

    @property
    def mlp_width(self) -> int:
        """Width of the MLP."""
        return mlp_width(self)


def sequence_model_shapes(config: SequenceModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a model, by its dotted name in the tree; nothing is allocated.

    Parameters
    ----------
    config : SequenceModelConfig

    Returns
    -------
    dict
        ``{"embedding.weight": (D, d_input), ..., "readout.weight": (K, D), "readout.bias": (K,)}``.

    Notes
    -----
    Source: the blocks are those of the official code's ``simple_lm.py``.
    """
    D, K = config.d_model, config.d_output
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (D, config.d_input), "embedding.bias": (D,)}
    if config.max_position_embeddings:
        shapes["positions.weight"] = (config.max_position_embeddings, D)
    shapes |= stack_shapes(config) | {"ln_f.weight": (D,), "ln_f.bias": (D,)}
    return shapes | {"readout.weight": (K, D), "readout.bias": (K,)}


def init_sequence_model(
    config: SequenceModelConfig, rng: np.random.Generator, backend: Backend | None = None
) -> dict:
    r"""Initial parameters of a model.

    Parameters
    ----------
    config : SequenceModelConfig
    rng : numpy.random.Generator
        The only source of randomness.
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.

    Returns
    -------
    dict
        Parameter tree with the names and shapes of `sequence_model_shapes`. Blocks begin as those of
        `init_language_model` do.

    Raises
    ------
    ConfigError
        `rng` is no generator.

    Notes
    -----
    Source: official code: ``_init_weights``.
    """

    def init_ends(name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        if name.startswith("positions."):
            return config.position_std * rng.standard_normal(shape)
        if name.startswith("embedding."):
            return dense_init(rng, shape, config.d_input, config.init)
        return dense_init(rng, shape, config.d_model, config.init) if name.startswith("readout.") else None

    return init_tree(config, sequence_model_shapes(config), rng, backend, init_ends)


class SequenceModelCache(NamedTuple):
    """What `sequence_model_backward` needs."""

    embedding: LinearCache
    blocks: tuple  # of BlockCache, or of RematCache
    ln_f: LayerNormCache
    readout: LinearCache
    config: SequenceModelConfig


def sequence_model(
    x: Array, params: dict, config: SequenceModelConfig, remat: bool = False
) -> tuple[Array, SequenceModelCache]:
    r"""An answer at every position of a sequence of vectors, or one for the sequence.

    .. math:: z_0 = W_e x + b_e, \qquad z_{i+1} = \mathrm{Block}_i(z_i), \qquad
              y = W_r\, \mathrm{pool}(\mathrm{LN}_f(z_n)) + b_r

    Parameters
    ----------
    x : array (B, L, d_input), float32 or float64
    params : dict
        Tree of `init_sequence_model`, of the dtype of `x`.
    config : SequenceModelConfig
    remat : bool
        As in `language_model`.

    Returns
    -------
    y : array (B, L, K), or (B, K) where ``config.pooling`` is "mean" or "last"
        Same dtype.
    cache : SequenceModelCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, Sec. 4.1 and 4.5: the blocks of the language model, other ends.
    """
    _, L, width = check_ndim("x", x, "B L d_input")
    if width != config.d_input:
        raise ShapeError(f"x: got {width} numbers a position, allowed are d_input = {config.d_input}")
    if not 1 <= L <= config.mixer.l_max:
        raise ShapeError(f"x: got length {L}, allowed are 1 to l_max = {config.mixer.l_max}")
    check_model_params(params, sequence_model_shapes(config), config)
    z, embedding = linear(x, params["embedding"]["weight"], params["embedding"]["bias"])
    if config.max_position_embeddings:
        z = z + params["positions"]["weight"][:L, :]
    z, blocks = stack(z, params["layers"], config, remat)
    z, ln_f = layer_norm(z, params["ln_f"]["weight"], params["ln_f"]["bias"], config.layer_norm_eps)
    pooled = _pool(z, config.pooling)
    y, readout = linear(pooled, params["readout"]["weight"], params["readout"]["bias"])
    return y, SequenceModelCache(embedding, blocks, ln_f, readout, config)


def _pool(z: Array, pooling: str) -> Array:
    """(B, L, D) to (B, D): the mean of the positions, or the last; or as it is."""
    if pooling == "mean":
        return namespace(z=z).mean(z, axis=1)
    return owned(z[:, -1, :]) if pooling == "last" else z


def _pool_backward(dpooled: Array, shape: tuple[int, int, int], pooling: str) -> Array:
    """Gradient of `_pool`: every position takes an equal part, or the last takes all."""
    if pooling == "none":
        return dpooled
    B, L, D = shape
    xp = namespace(dpooled=dpooled)
    if pooling == "mean":
        return xp.broadcast_to(dpooled[:, None, :] / L, shape)
    return xp.concat([zeros_like_device((B, L - 1, D), dpooled), dpooled[:, None, :]], axis=1)


def sequence_model_backward(dy: Array, cache: SequenceModelCache) -> tuple[Array, dict]:
    r"""Gradients of `sequence_model` by its input and its parameters.

    Parameters
    ----------
    dy : array (B, L, K) or (B, K)
        Of the shape of the answer.
    cache : SequenceModelCache

    Returns
    -------
    dx : array (B, L, d_input)
    dparams : dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: `sequence_model`, read backwards.
    """
    config, shape = cache.config, tuple(cache.ln_f.normalised.shape)
    xp = namespace(dy=dy, params=cache.readout.weight)
    check_shape("dy", dy, (*tuple(cache.readout.x.shape[:-1]), config.d_output))
    # y = readout(pool(ln_f(z)))
    dpooled, dreadout, dreadout_bias = linear_backward(dy, cache.readout)
    dz, dweight, dbias = layer_norm_backward(_pool_backward(dpooled, shape, config.pooling), cache.ln_f)
    dz, layers = stack_backward(dz, cache.blocks)
    # z = embedding(x) (+ positions)
    dx, dembedding, dembedding_bias = linear_backward(dz, cache.embedding)
    dparams = {"embedding": {"weight": dembedding, "bias": dembedding_bias}}
    if config.max_position_embeddings:
        rest = zeros_like_device((config.max_position_embeddings - shape[1], config.d_model), dz)
        dparams["positions"] = {"weight": xp.concat([xp.sum(dz, axis=0), rest])}
    return dx, dparams | {
        "layers": layers,
        "ln_f": {"weight": dweight, "bias": dbias},
        "readout": {"weight": dreadout, "bias": dreadout_bias},
    }
