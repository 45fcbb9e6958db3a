"""Configs as plain dictionaries and back, for checkpoints and files; an unknown key is an error."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from hyena_np.errors import ConfigError
from hyena_np.ops.aft_conv import AFTConvConfig
from hyena_np.ops.attention import AttentionConfig
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.filter_configs import FILTER_CONFIGS
from hyena_np.ops.gss_layer import GSSConfig
from hyena_np.ops.h3_layer import H3Config
from hyena_np.ops.linear_attention_layer import LinearAttentionConfig
from hyena_np.ops.noncausal_config import BidirectionalHyenaConfig, Hyena2DConfig
from hyena_np.ops.rwkv import RWKVConfig

C = TypeVar("C")
MIXERS = {
    "hyena": HyenaConfig,
    "attention": AttentionConfig,
    "h3": H3Config,
    "gss": GSSConfig,
    "aft_conv": AFTConvConfig,
    "rwkv": RWKVConfig,
    "linear_attention": LinearAttentionConfig,
    "bidirectional_hyena": BidirectionalHyenaConfig,
    "hyena2d": Hyena2DConfig,
}


def config_to_dict(config: Any) -> dict[str, Any]:
    """A frozen config as a dictionary that JSON can hold.

    Parameters
    ----------
    config : dataclass instance
        For example HyenaConfig or LanguageModelConfig; a mixer or a filter is tagged with its type.

    Returns
    -------
    dict
        Numbers, strings and dictionaries only.

    Raises
    ------
    ConfigError
        `config` is no config.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise ConfigError(f"config: got {type(config).__name__}, allowed is a config of this package")
    result: dict[str, Any] = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            tag = {name for name, cls in (MIXERS | FILTER_CONFIGS).items() if type(value) is cls}
            result[field.name] = (
                {"type": tag.pop(), **config_to_dict(value)} if tag else config_to_dict(value)
            )
        else:
            result[field.name] = list(value) if isinstance(value, tuple) else value
    return result


def config_from_dict(cls: type[C], values: dict[str, Any]) -> C:
    """The inverse of `config_to_dict`.

    Parameters
    ----------
    cls : type
        For example HyenaConfig, LanguageModelConfig or TrainConfig.
    values : dict

    Returns
    -------
    cls

    Raises
    ------
    ConfigError
        A key is unknown or missing, or a value is not allowed.

    Notes
    -----
    Source: no counterpart in the paper; the official code ignores unknown keys. No arrays, so no shapes.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{cls.__name__}: got {type(values).__name__}, allowed is a dictionary")
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"{cls.__name__}: unknown key {unknown[0]!r}, allowed are {', '.join(known)}")
    required = [n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise ConfigError(f"{cls.__name__}: missing key {missing[0]!r}, required are {', '.join(required)}")
    hints = get_type_hints(cls)
    return cls(**{name: _value(name, value, hints[name]) for name, value in values.items()})


def _value(name: str, value: Any, hint: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    if isinstance(hint, type) and is_dataclass(hint):  # one type of config only, so no tag
        return config_from_dict(hint, value)
    kind = value.get("type")
    tagged = {tag: cls for tag, cls in (MIXERS | FILTER_CONFIGS).items() if cls in get_args(hint)}
    if not isinstance(kind, str) or kind not in tagged:
        raise ConfigError(f"{name}: got type {kind!r}, allowed are {', '.join(tagged)}")
    return config_from_dict(tagged[kind], {k: v for k, v in value.items() if k != "type"})
