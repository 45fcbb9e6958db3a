"""A language model around any mixer: pre-norm blocks, an MLP with tanh-GELU, a head tied to the embedding."""

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
    get_backend,
    namespace,
    token_ids,
    zeros_like_device,
)
from hyena_np.errors import ConfigError, ParameterError, ShapeError
from hyena_np.models.init import GPT2_STD, dense_init
from hyena_np.models.mixers import MixerConfig, mixer_of
from hyena_np.models.params import tree_from_leaves, tree_leaves
from hyena_np.ops.checks import check_choice, check_integer, check_real
from hyena_np.ops.config import INITS
from hyena_np.ops.layers import (
    EmbeddingCache,
    GeluCache,
    LayerNormCache,
    LinearCache,
    embedding,
    embedding_backward,
    gelu,
    gelu_backward,
    layer_norm,
    layer_norm_backward,
    linear,
    linear_backward,
)
from hyena_np.ops.parameters import TABLES, check_params


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
        mixer_of(self.mixer)
        check_integer("vocab_size", self.vocab_size, 1)
        check_integer("n_layer", self.n_layer, 1)
        check_integer("max_position_embeddings", self.max_position_embeddings, 0)
        check_integer("pad_vocab_size_multiple", self.pad_vocab_size_multiple, 1)
        if self.d_inner is not None:
            check_integer("d_inner", self.d_inner, 1)
        check_choice("init", self.init, INITS)
        check_real("embedding_std", self.embedding_std, positive=True)
        check_real("layer_norm_eps", self.layer_norm_eps, positive=True)
        if 0 < self.max_position_embeddings < self.mixer.l_max:
            raise ConfigError(
                f"max_position_embeddings: got {self.max_position_embeddings}, allowed are 0 and "
                f"l_max = {self.mixer.l_max} or more"
            )

    @property
    def d_model(self) -> int:
        """Width D."""
        return self.mixer.d_model

    @property
    def mlp_width(self) -> int:
        """Width of the MLP."""
        return 4 * self.d_model if self.d_inner is None else self.d_inner

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
    D, width = config.d_model, config.mlp_width
    shapes: dict[str, tuple[int, ...]] = {"embeddings.word_embeddings.weight": (config.padded_vocab_size, D)}
    if config.max_position_embeddings:
        shapes["embeddings.position_embeddings.weight"] = (config.max_position_embeddings, D)
    mixer = mixer_of(config.mixer).shapes(config.mixer)
    for i in range(config.n_layer):
        block: dict[str, tuple[int, ...]] = {"norm1.weight": (D,), "norm1.bias": (D,)}
        block |= {f"mixer.{name}": shape for name, shape in mixer.items()}
        block |= {"norm2.weight": (D,), "norm2.bias": (D,)}
        block |= {"mlp.fc1.weight": (width, D), "mlp.fc1.bias": (width,)}
        block |= {"mlp.fc2.weight": (D, width), "mlp.fc2.bias": (D,)}
        shapes |= {f"layers.{i}.{name}": shape for name, shape in block.items()}
    return shapes | {"ln_f.weight": (D,), "ln_f.bias": (D,)}


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
    if not isinstance(rng, np.random.Generator):
        raise ConfigError(f"rng: got {type(rng).__name__}, allowed is a numpy.random.Generator")
    backend = get_backend("numpy") if backend is None else backend
    shapes, leaves = model_shapes(config), {}
    mixers: dict[str, Array] = {}
    for i in range(config.n_layer):
        mixer = mixer_of(config.mixer).init(config.mixer, rng, backend, config.n_layer)
        mixers |= {f"layers.{i}.mixer.{name}": leaf for name, leaf in tree_leaves(mixer).items()}
    for name, shape in shapes.items():
        if name in mixers:
            leaves[name] = mixers[name]
            continue
        if name.startswith("embeddings."):
            leaf = config.embedding_std * rng.standard_normal(shape)
        elif ".mlp." in name:
            layer = name.rsplit(".", 1)[0]
            leaf = dense_init(rng, shape, shapes[f"{layer}.weight"][1], config.init)
            if name.endswith("fc2.weight") and config.init == "gpt2":
                leaf = leaf / math.sqrt(2 * config.n_layer)
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
    config: LanguageModelConfig


class RematCache(NamedTuple):
    """A block that keeps its input alone and computes the rest again in the backward."""

    x: Array  # (B, L, D)
    params: dict
    config: LanguageModelConfig


def block(x: Array, params: dict, config: LanguageModelConfig) -> tuple[Array, BlockCache]:
    r"""One pre-norm block.

    .. math:: x' = x + \mathrm{Mixer}(\mathrm{LN}_1(x)), \qquad
              y = x' + W_2\,\mathrm{GELU}(W_1\,\mathrm{LN}_2(x'))

    Parameters
    ----------
    x : array (B, L, D), float32 or float64
    params : dict
        ``norm1``, ``mixer``, ``norm2``, ``mlp``.
    config : LanguageModelConfig

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
    _check_model(params, config)
    table = params["embeddings"]["word_embeddings"]["weight"]
    if config.vocab_size < config.padded_vocab_size:  # rows of no token, which `embedding` would take
        token_ids("ids", ids, config.vocab_size, table)
    x, cache_embedding = embedding(ids, table)
    if config.max_position_embeddings:
        x = x + params["embeddings"]["position_embeddings"]["weight"][:L, :]
    blocks = []
    for i in range(config.n_layer):
        y, cache = block(x, params["layers"][str(i)], config)
        blocks.append(RematCache(x, params["layers"][str(i)], config) if remat else cache)
        x = y
    x, ln_f = layer_norm(x, params["ln_f"]["weight"], params["ln_f"]["bias"], config.layer_norm_eps)
    logits, head = linear(x, table)
    return logits, LanguageModelCache(cache_embedding, tuple(blocks), ln_f, head, config)


def _check_model(params: dict, config: LanguageModelConfig) -> None:
    """Raise unless a tree is one of this model, of one library, device and dtype."""
    if not isinstance(params, dict):
        raise ParameterError(f"params: got {type(params).__name__}, allowed is a tree of nested dictionaries")
    tables = tuple(f"layers.{i}.mixer.{name}" for i in range(config.n_layer) for name in TABLES)
    namespace(**check_params(params, model_shapes(config), optional=tables))


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
    layers = {}
    for i in reversed(range(config.n_layer)):
        dx, layers[str(i)] = block_backward(dx, cache.blocks[i])
    # x = table[ids] (+ positions)
    dembeddings = {"word_embeddings": {"weight": dtable + embedding_backward(dx, cache.embedding)}}
    if config.max_position_embeddings:
        rest = config.max_position_embeddings - dx.shape[1]
        dpositions = xp.concat([xp.sum(dx, axis=0), zeros_like_device((rest, config.d_model), dx)])
        dembeddings["position_embeddings"] = {"weight": dpositions}
    return {
        "embeddings": dembeddings,
        "layers": dict(sorted(layers.items(), key=lambda item: int(item[0]))),
        "ln_f": {"weight": dweight, "bias": dbias},
    }
