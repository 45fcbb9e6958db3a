"""The multi-head layer around causal linear attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hyena_np.backend import Array, check_shape, namespace
from hyena_np.errors import ConfigError
from hyena_np.ops.branches import branches, branches_backward
from hyena_np.ops.checks import check_integer
from hyena_np.ops.layers import LinearCache, linear, linear_backward
from hyena_np.ops.linear_attention import (
    LinearAttentionCoreCache,
    causal_linear_attention,
    causal_linear_attention_backward,
)
from hyena_np.ops.mixer_arguments import check_mixer, check_mixer_config


@dataclass(frozen=True)
class LinearAttentionConfig:
    """Configuration of multi-head causal linear attention.

    Parameters
    ----------
    d_model : int
        Width D, a multiple of `num_heads`.
    l_max : int
        Longest sequence (also the number of learned positions, which the model adds).
    num_heads : int
        Heads H of width D/H.
    init : {"torch", "gpt2"}
        Of the projections.

    Raises
    ------
    ConfigError
        A value is not allowed.

    Notes
    -----
    Source: Katharopoulos et al. 2020, "Transformers are RNNs".
    """

    d_model: int
    l_max: int
    num_heads: int = 1
    init: str = "torch"

    def __post_init__(self) -> None:
        check_mixer_config(self)
        check_integer("num_heads", self.num_heads, 1)
        if self.d_model % self.num_heads:
            raise ConfigError(
                f"num_heads: got {self.num_heads}, allowed are divisors of d_model = {self.d_model}"
            )


def linear_attention_shapes(config: LinearAttentionConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the layer's parameter tree, by dotted name.

    Parameters
    ----------
    config : LinearAttentionConfig

    Returns
    -------
    dict

    Notes
    -----
    Source: as `attention_shapes`.
    """
    D = config.d_model
    return {
        "in_proj.weight": (3 * D, D),
        "in_proj.bias": (3 * D,),
        "out_proj.weight": (D, D),
        "out_proj.bias": (D,),
    }


class LinearAttentionCache(NamedTuple):
    """What `linear_attention_backward` needs."""

    in_proj: tuple  # LinearCache of q, k and v
    attention: LinearAttentionCoreCache
    out_proj: LinearCache


def linear_attention(
    u: Array, params: dict, config: LinearAttentionConfig
) -> tuple[Array, LinearAttentionCache]:
    r"""Multi-head causal linear attention with its projections: the same interface as `hyena`.

    .. math:: (q, k, v) = \mathrm{Linear}(u), \qquad y = \mathrm{Linear}\big(A(q, k)\, v\big)

    with A the matrix of `linear_attention_matrix`.

    Parameters
    ----------
    u : array (B, L, D), float32 or float64
    params : dict
        Tree of `linear_attention_shapes`; the blocks of ``in_proj`` are q, k, v.
    config : LinearAttentionConfig

    Returns
    -------
    y : array (B, L, D)
        Same dtype.
    cache : LinearAttentionCache

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError, ParameterError
        The arguments do not fit.

    Notes
    -----
    Source: Katharopoulos et al. 2020, Sec. 3; Hyena paper, Table 4.3.
    """
    check_mixer(u, params, linear_attention_shapes(config), config)
    qkv, in_proj = branches(u, params["in_proj"], 3)
    q, k, v = (_heads(z, config.num_heads) for z in qkv)
    y, cache = causal_linear_attention(q, k, v)
    out, out_proj = linear(_joined(y), params["out_proj"]["weight"], params["out_proj"]["bias"])
    return out, LinearAttentionCache(in_proj, cache, out_proj)


def linear_attention_backward(dy: Array, cache: LinearAttentionCache) -> tuple[Array, dict]:
    r"""Gradients of `linear_attention`.

    Parameters
    ----------
    dy : array (B, L, D)
    cache : LinearAttentionCache

    Returns
    -------
    du : array (B, L, D)
    dparams : dict
        Keys and shapes of `params`.

    Raises
    ------
    ShapeError, DTypeError, LibraryMismatchError
        `dy` does not fit.

    Notes
    -----
    Source: Katharopoulos et al. 2020, Sec. 3, differentiated.
    """
    namespace(dy=dy, y=cache.out_proj.x)
    check_shape("dy", dy, tuple(cache.out_proj.x.shape))
    # out = linear(joined heads)
    djoined, dweight, dbias = linear_backward(dy, cache.out_proj)
    dheads = _heads(djoined, cache.attention.y.shape[1])
    dqkv = tuple(_joined(d) for d in causal_linear_attention_backward(dheads, cache.attention))
    # q, k, v = in_proj(u)
    du, din_proj = branches_backward(dqkv, cache.in_proj)
    return du, {"in_proj": din_proj, "out_proj": {"weight": dweight, "bias": dbias}}


def _heads(x: Array, H: int) -> Array:
    """(B, L, D) -> (B, H, L, D/H)."""
    xp = namespace(x=x)
    B, L, D = x.shape
    return xp.permute_dims(xp.reshape(x, (B, L, H, D // H)), (0, 2, 1, 3))


def _joined(x: Array) -> Array:
    """(B, H, L, K) -> (B, L, H K)."""
    xp = namespace(x=x)
    B, H, L, K = x.shape
    return xp.reshape(xp.permute_dims(x, (0, 2, 1, 3)), (B, L, H * K))
