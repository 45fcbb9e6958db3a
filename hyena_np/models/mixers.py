"""What a block can mix positions with: the type of the mixer's config says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hyena_np.backend import get_backend
from hyena_np.errors import ConfigError
from hyena_np.fast.hyena import hyena, hyena_backward
from hyena_np.models.init import dense_init, init_hyena
from hyena_np.models.params import tree_from_leaves
from hyena_np.ops.attention import AttentionConfig, attention, attention_backward, attention_shapes
from hyena_np.ops.config import HyenaConfig, operator_shapes

MixerConfig = HyenaConfig | AttentionConfig


class Mixer(NamedTuple):
    """The four functions that a model needs of a mixer."""

    init: Callable  # (config, rng, backend, n_layer) -> params
    shapes: Callable  # config -> {dotted name: shape}
    forward: Callable  # (u (B, L, D), params, config) -> (y (B, L, D), cache)
    backward: Callable  # (dy, cache) -> (du, dparams)


def init_attention(config: AttentionConfig, rng, backend=None, n_layer: int | None = None) -> dict:
    """Initial parameters of attention, GPT-2 style.

    Parameters
    ----------
    config : AttentionConfig
    rng : numpy.random.Generator
    backend : Backend, optional
    n_layer : int, optional
        Depth of the model; scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `attention_shapes`: ``in_proj.weight`` (3 D, D) and so on.

    Raises
    ------
    ConfigError
        Not raised for a valid config.

    Notes
    -----
    Source: official code: ``_init_weights``.
    """
    backend = get_backend("numpy") if backend is None else backend
    leaves = {name: dense_init(rng, shape, 0, "gpt2") for name, shape in attention_shapes(config).items()}
    if n_layer is not None:
        leaves["out_proj.weight"] = leaves["out_proj.weight"] / (2 * n_layer) ** 0.5
    return tree_from_leaves({name: backend.asarray(leaf) for name, leaf in leaves.items()})


def mixer_of(config: MixerConfig) -> Mixer:
    """The functions of the mixer that a config belongs to.

    Parameters
    ----------
    config : HyenaConfig or AttentionConfig

    Returns
    -------
    Mixer
        Functions on arrays (B, L, D).

    Raises
    ------
    ConfigError
        The config is neither.

    Notes
    -----
    Source: official code: the ``layer`` and ``attn_layer_idx`` options of its language model.
    """
    if isinstance(config, HyenaConfig):
        return Mixer(init_hyena, operator_shapes, hyena, hyena_backward)
    if isinstance(config, AttentionConfig):
        return Mixer(init_attention, attention_shapes, attention, attention_backward)
    raise ConfigError(f"mixer: got {type(config).__name__}, allowed are HyenaConfig and AttentionConfig")
