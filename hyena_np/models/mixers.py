"""What a block can mix positions with: the type of the mixer's config says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hyena_np.errors import ConfigError
from hyena_np.fast.hyena import hyena, hyena_backward
from hyena_np.models.draws import init_mixer
from hyena_np.models.image_mixers import init_bidirectional_hyena, init_hyena2d
from hyena_np.models.init import init_hyena
from hyena_np.models.mixer_init import (
    init_aft_conv,
    init_gss,
    init_h3,
    init_linear_attention,
    init_rwkv,
)
from hyena_np.ops.aft_conv import AFTConvConfig, aft_conv, aft_conv_backward, aft_conv_shapes
from hyena_np.ops.attention import AttentionConfig, attention, attention_backward, attention_shapes
from hyena_np.ops.bidirectional_hyena import bidirectional_hyena, bidirectional_hyena_backward
from hyena_np.ops.config import HyenaConfig, operator_shapes
from hyena_np.ops.gss_layer import GSSConfig, gss_layer, gss_layer_backward, gss_shapes
from hyena_np.ops.h3_layer import H3Config, h3_layer, h3_layer_backward, h3_shapes
from hyena_np.ops.hyena2d import hyena2d, hyena2d_backward
from hyena_np.ops.linear_attention_layer import (
    LinearAttentionConfig,
    linear_attention,
    linear_attention_backward,
    linear_attention_shapes,
)
from hyena_np.ops.noncausal_config import (
    BidirectionalHyenaConfig,
    Hyena2DConfig,
    bidirectional_hyena_shapes,
    hyena2d_shapes,
)
from hyena_np.ops.rwkv import RWKVConfig, rwkv, rwkv_backward, rwkv_shapes

MixerConfig = (
    HyenaConfig
    | AttentionConfig
    | H3Config
    | GSSConfig
    | AFTConvConfig
    | RWKVConfig
    | LinearAttentionConfig
    | BidirectionalHyenaConfig
    | Hyena2DConfig
)


class Mixer(NamedTuple):
    """What a model needs of a mixer."""

    init: Callable  # (config, rng, backend, n_layer) -> params
    shapes: Callable  # config -> {dotted name: shape}
    forward: Callable  # (u (B, L, D), params, config) -> (y (B, L, D), cache)
    backward: Callable  # (dy, cache) -> (du, dparams)
    causal: bool = True  # whether an output depends on no later input


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
    return init_mixer(attention_shapes(config), {}, "gpt2", rng, backend, n_layer)


MIXERS: dict[type[Any], Mixer] = {
    HyenaConfig: Mixer(init_hyena, operator_shapes, hyena, hyena_backward),
    AttentionConfig: Mixer(init_attention, attention_shapes, attention, attention_backward),
    H3Config: Mixer(init_h3, h3_shapes, h3_layer, h3_layer_backward),
    GSSConfig: Mixer(init_gss, gss_shapes, gss_layer, gss_layer_backward),
    AFTConvConfig: Mixer(init_aft_conv, aft_conv_shapes, aft_conv, aft_conv_backward),
    RWKVConfig: Mixer(init_rwkv, rwkv_shapes, rwkv, rwkv_backward),
    LinearAttentionConfig: Mixer(
        init_linear_attention, linear_attention_shapes, linear_attention, linear_attention_backward
    ),
    BidirectionalHyenaConfig: Mixer(
        init_bidirectional_hyena,
        bidirectional_hyena_shapes,
        bidirectional_hyena,
        bidirectional_hyena_backward,
        causal=False,
    ),
    Hyena2DConfig: Mixer(init_hyena2d, hyena2d_shapes, hyena2d, hyena2d_backward, causal=False),
}


def mixer_of(config: MixerConfig) -> Mixer:
    """The functions of the mixer that a config belongs to.

    Parameters
    ----------
    config : MixerConfig
        For example HyenaConfig or AttentionConfig.

    Returns
    -------
    Mixer
        Functions on arrays (B, L, D).

    Raises
    ------
    ConfigError
        The config is that of no mixer.

    Notes
    -----
    Source: official code: the ``layer`` and ``attn_layer_idx`` options of its language model.
    """
    if type(config) not in MIXERS:
        allowed = ", ".join(kind.__name__ for kind in MIXERS)
        raise ConfigError(f"mixer: got {type(config).__name__}, allowed are {allowed}")
    return MIXERS[type(config)]
