"""A language model around any mixer: an embedding, a stack of blocks, a head tied to the embedding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hyena_np.backend import (
    Array,
    Backend,
    check_ndim,
    check_shape,
    namespace,
    token_ids,
    zeros_like_device,
)
from hyena_np.errors import ConfigError, ShapeError
from hyena_np.models.block import (
    check_block_config,
    check_model_params,
    init_tree,
    mlp_width,
    stack,
    stack_backward,
    stack_shapes,
)
from hyena_np.models.draws import GPT2_STD
from hyena_np.models.mixers import MixerConfig, mixer_of
from hyena_np.ops.checks import check_integer, check_real
from hyena_np.ops.layers import (
    EmbeddingCache,
    LayerNormCache,
    LinearCache,
    embedding,
    embedding_backward,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
)


@dataclass(frozen=True)
class LanguageModelConfig:
    """Configuration of a language model.

    Parameters
    ----------
    vocab_size : int
        V, number of tokens.
    n_layer : int
        Number of blocks.
    mixer : HyenaConfig or AttentionConfig
        The mixer of every block; its ``d_model`` is the model's width D, its ``l_max`` the longest input.
    d_inner : int, optional
        Width of the MLP; 4 D by default.
    max_position_embeddings : int
        Learned positions, added to the embedding; 0 for Hyena, whose filters know the lag.
    pad_vocab_size_multiple : int
        The table is padded to a multiple of this (8 for the published models).
    init : {"gpt2", "torch"}
        Of the MLPs; the mixer has its own.
    embedding_std : float
        Standard deviation of the embedding at the start. The tied head reads the same table: 0.02 (official)
        starts with tiny signals and equal logits, 0.3 learns recall in a quarter of the steps.
    layer_norm_eps : float
        Added to the variance in every layer norm.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Hyena paper, App. A; official code: ``simple_lm.py``.
    """

    vocab_size: int
    n_layer: int
    mixer: MixerConfig
    d_inner: int | None = None
    max_position_embeddings: int = 0
    pad_vocab_size_multiple: int = 1
    init: str = "gpt2"
    embedding_std: float = GPT2_STD
    layer_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        check_block_config(self)
        if not mixer_of(self.mixer).causal:
            raise ConfigError(
                f"mixer: got {type(self.mixer).__name__}, which sees the token that it is to predict; "
                "allowed are causal mixers"
            )
        check_integer("vocab_size", self.vocab_size, 1)
        check_integer("pad_vocab_size_multiple", self.pad_vocab_size_multiple, 1)
        check_real("embedding_std", self.embedding_std, positive=True)

    @property
    def d_model(self) -> int:
        """Width D."""
        return self.mixer.d_model

    @property
    def mlp_width(self) -> int:
        """Width of the MLP."""
        return mlp_width(self)

    @property
    def padded_vocab_size(self) -> int:
        """Rows of the embedding table."""
        return math.ceil(self.vocab_size / self.pad_vocab_size_multiple) * self.pad_vocab_size_multiple


def model_shapes(config: LanguageModelConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of a model, by its dotted name in the tree; nothing is allocated.

    Parameters
    ----------
    config : LanguageModelConfig

    Returns
    -------
    dict
        ``{"embeddings.word_embeddings.weight": (V, D), "layers.0.norm1.weight": (D,), ...}``.

    Notes
    -----
    Source: official code: ``simple_lm.py``.
    """
    D = config.d_model
    shapes: dict[str, tuple[int, ...]] = {"embeddings.word_embeddings.weight": (config.padded_vocab_size, D)}
    if config.max_position_embeddings:
        shapes["embeddings.position_embeddings.weight"] = (config.max_position_embeddings, D)
    return shapes | stack_shapes(config) | {"ln_f.weight": (D,), "ln_f.bias": (D,)}


def parameter_count(config: LanguageModelConfig) -> int:
    """Number of parameters of a model, without allocating any.

    Counts what the official code registers as parameters with its defaults: the table of positional features
    ``z`` is one, the window's ``t`` and ``deltas`` are constants.

    Parameters
    ----------
    config : LanguageModelConfig
        Any shapes.

    Returns
    -------
    int

    Notes
    -----
    Source: Hyena paper, Table A.4; official code: ``parameters()``.
    """
    constants = (".filter.positional.t", ".filter.window.deltas")
    return sum(
        math.prod(shape) for name, shape in model_shapes(config).items() if not name.endswith(constants)
    )


def init_language_model(
    config: LanguageModelConfig, rng: np.random.Generator, backend: Backend | None = None
) -> dict:
    r"""Initial parameters of a model.

    Parameters
    ----------
    config : LanguageModelConfig
    rng : numpy.random.Generator
        The only source of randomness.
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.

    Returns
    -------
    dict
        Parameter tree with the names and shapes of `model_shapes`. With ``init="gpt2"`` the last matrix of
        each MLP starts with standard deviation :math:`0.02 / \sqrt{2\,n_{layer}}`.

    Raises
    ------
    ConfigError
        `rng` is no generator.

    Notes
    -----
    Source: official code: ``_init_weights``.
    """

    def init_embedding(name: str, shape: tuple[int, ...]) -> np.ndarray | None:
        return config.embedding_std * rng.standard_normal(shape) if name.startswith("embeddings.") else None

    return init_tree(config, model_shapes(config), rng, backend, init_embedding)


class LanguageModelCache(NamedTuple):
    """What `language_model_backward` needs."""

    embedding: EmbeddingCache
    blocks: tuple  # of BlockCache, or of RematCache
    ln_f: LayerNormCache
    head: LinearCache
    config: LanguageModelConfig


def language_model(
    ids: Array, params: dict, config: LanguageModelConfig, remat: bool = False
) -> tuple[Array, LanguageModelCache]:
    r"""Logits of the next token at every position.

    .. math:: x_0 = E_{\mathrm{id}}, \qquad x_{i+1} = \mathrm{Block}_i(x_i), \qquad
              \mathrm{logits} = \mathrm{LN}_f(x_n)\, E^\top

    Parameters
    ----------
    ids : integer array (B, L)
        Token ids; best a NumPy array, which is checked without stopping a GPU.
    params : dict
        Tree of `init_language_model`.
    config : LanguageModelConfig
    remat : bool
        Keep one activation a block instead of all, and compute the block again in the backward: less memory,
        about a third more time.

    Returns
    -------
    logits : array (B, L, V)
        Dtype of the parameters.
    cache : LanguageModelCache

    Raises
    ------
    TokenError
        An id lies outside the vocabulary.
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Hyena paper, App. A; official code: ``SimpleLMHeadModel``.
    """
    _, L = check_ndim("ids", ids, "B L")
    if not 1 <= L <= config.mixer.l_max:
        raise ShapeError(f"ids: got length {L}, allowed are 1 to l_max = {config.mixer.l_max}")
    check_model_params(params, model_shapes(config), config)
    table = params["embeddings"]["word_embeddings"]["weight"]
    if config.vocab_size < config.padded_vocab_size:  # rows of no token, which `embedding` would take
        token_ids("ids", ids, config.vocab_size, table)
    x, cache_embedding = embedding(ids, table)
    if config.max_position_embeddings:
        x = x + params["embeddings"]["position_embeddings"]["weight"][:L, :]
    x, blocks = stack(x, params["layers"], config, remat)
    x, ln_f = layer_norm(x, params["ln_f"]["weight"], params["ln_f"]["bias"], config.layer_norm_eps)
    logits, head = linear(x, table)
    return logits, LanguageModelCache(cache_embedding, blocks, ln_f, head, config)


def language_model_backward(dlogits: Array, cache: LanguageModelCache) -> dict:
    r"""Gradients of `language_model` by its parameters; the tied table has two, as embedding and as head.

    Parameters
    ----------
    dlogits : array (B, L, V)
    cache : LanguageModelCache

    Returns
    -------
    dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dlogits` does not fit.

    Notes
    -----
    Source: official code: ``SimpleLMHeadModel``, differentiated.
    """
    config = cache.config
    xp = namespace(dlogits=dlogits, params=cache.head.weight)
    check_shape("dlogits", dlogits, (*tuple(cache.head.x.shape[:-1]), config.padded_vocab_size))
    # logits = ln_f(x) @ table^T
    dx, dtable, _ = linear_backward(dlogits, cache.head)
    dx, dweight, dbias = layer_norm_backward(dx, cache.ln_f)
    dx, layers = stack_backward(dx, cache.blocks)
    # x = table[ids] (+ positions)
    dembeddings = {"word_embeddings": {"weight": dtable + embedding_backward(dx, cache.embedding)}}
    if config.max_position_embeddings:
        rest = config.max_position_embeddings - dx.shape[1]
        dpositions = xp.concat([xp.sum(dx, axis=0), zeros_like_device((rest, config.d_model), dx)])
        dembeddings["position_embeddings"] = {"weight": dpositions}
    return {
        "embeddings": dembeddings,
        "layers": layers,
        "ln_f": {"weight": dweight, "bias": dbias},
    }
