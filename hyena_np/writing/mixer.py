"""A mixer by its name, at the size that a user asks for."""

from __future__ import annotations

from hyena_np.errors import ConfigError
from hyena_np.models.mixers import MixerConfig
from hyena_np.models.serialise import MIXERS
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.checks import check_choice
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.linear_attention_layer import LinearAttentionConfig

# Causal ones only: a mixer that sees the next character need not predict it.
CAUSAL_MIXERS = ("hyena", "attention", "h3", "gss", "aft_conv", "rwkv", "linear_attention")

_HEAD = 32  # channels of an attention head


def mixer_config(name: str, width: int, length: int, order: int | None = None) -> MixerConfig:
    """The configuration of a causal mixer by its name.

    Parameters
    ----------
    name : {"hyena", "attention", "h3", "gss", "aft_conv", "rwkv", "linear_attention"}
    width : int
        D.
    length : int
        L, the longest input.
    order : int, optional
        N, of Hyena alone; 2 by default.

    Returns
    -------
    MixerConfig

    Raises
    ------
    ConfigError
        A value is not allowed, or an order is given to a mixer that has none.

    Notes
    -----
    Source: Hyena paper, Sec. 4.2 for the comparison; the sizes are ours. No arrays, so no shapes.
    """
    check_choice("mixer", name, tuple(known for known in CAUSAL_MIXERS if known in MIXERS))
    if name == "hyena":
        # No shift of the window, unlike the demo's recall: in text what is near counts more.
        return HyenaConfig(width, length, order=2 if order is None else order, emb_dim=5)
    if order is not None:
        raise ConfigError(f"order: got {order} for the mixer {name!r}, allowed only for 'hyena'")
    if name in ("attention", "linear_attention"):
        return MIXERS[name](width, length, num_heads=_heads(width))
    return MIXERS[name](width, length)


def needs_positions(mixer: MixerConfig) -> bool:
    """Whether the model has to add learned positions: attention alone, softmax or linear, sees no order."""
    return isinstance(mixer, AttentionConfig | LinearAttentionConfig)


def _heads(width: int) -> int:
    """Heads of about 32 channels; a narrow model, or one of an odd width, has fewer."""
    return next(heads for heads in range(max(1, width // _HEAD), 0, -1) if width % heads == 0)
