"""How the parameters of the rival mixers begin: each as in the work that it comes from."""

from __future__ import annotations

import math

import numpy as np

from hyena_np.backend import Backend
from hyena_np.models.draws import check_init, init_mixer
from hyena_np.models.filter_init import init_filter
from hyena_np.ops.aft_conv import AFTConvConfig, aft_conv_shapes
from hyena_np.ops.filter_configs import S4DConfig
from hyena_np.ops.gss_layer import GSSConfig, gss_shapes
from hyena_np.ops.h3_layer import H3Config, h3_shapes
from hyena_np.ops.linear_attention_layer import LinearAttentionConfig, linear_attention_shapes
from hyena_np.ops.rwkv import RWKVConfig, rwkv_shapes


def init_h3(
    config: H3Config, rng: np.random.Generator, backend: Backend | None = None, n_layer: int | None = None
) -> dict:
    r"""Initial parameters of an H3 layer.

    The taps of the shift are :math:`U(\pm 1/\sqrt{\mathrm{taps}})`, the diagonal model is S4D's
    (`init_filter`), both skip terms :math:`N(0, 1)`, dense layers as ``config.init`` says.

    Parameters
    ----------
    config : H3Config
    rng : numpy.random.Generator
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with "gpt2" it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `h3_shapes`: ``in_proj.weight`` (3 D, D) and so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` no number of layers.

    Notes
    -----
    Source: Fu et al. 2023, "Hungry hungry hippos", and its code.
    """
    check_init(rng, n_layer)
    D = config.d_model
    shift = init_filter(config.shift, D, config.l_max, rng)
    drawn = {f"shift.{name}": leaf for name, leaf in shift.items()}
    drawn["shift.skip"] = rng.standard_normal(D)
    drawn |= _state_space_init(config.ssm, D, config.l_max, rng)
    return init_mixer(h3_shapes(config), drawn, config.init, rng, backend, n_layer)


def init_gss(
    config: GSSConfig, rng: np.random.Generator, backend: Backend | None = None, n_layer: int | None = None
) -> dict:
    r"""Initial parameters of a gated state-space layer.

    The diagonal model is S4D's (`init_filter`), its skip term :math:`N(0, 1)`, dense layers as
    ``config.init`` says.

    Parameters
    ----------
    config : GSSConfig
    rng : numpy.random.Generator
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with "gpt2" it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `gss_shapes`: ``in_proj.weight`` (2 D, D) and so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` no number of layers.

    Notes
    -----
    The GSS paper draws its (DSS) models by other rules; S4D's make the layers here comparable. Source: Mehta
    et al. 2022; Gu et al. 2022.
    """
    check_init(rng, n_layer)
    drawn = _state_space_init(config.ssm, config.d_model, config.l_max, rng)
    return init_mixer(gss_shapes(config), drawn, config.init, rng, backend, n_layer)


def init_aft_conv(
    config: AFTConvConfig,
    rng: np.random.Generator,
    backend: Backend | None = None,
    n_layer: int | None = None,
) -> dict:
    r"""Initial parameters of an AFT-conv layer: position biases 0, dense layers as ``config.init`` says.

    Parameters
    ----------
    config : AFTConvConfig
    rng : numpy.random.Generator
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with "gpt2" it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `aft_conv_shapes`: ``in_proj.weight`` (3 D, D) and so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` no number of layers.

    Notes
    -----
    Source: Zhai et al. 2021, whose biases begin near 0.
    """
    check_init(rng, n_layer)
    shapes = aft_conv_shapes(config)
    drawn = {"position_bias": np.zeros(shapes["position_bias"])}
    return init_mixer(shapes, drawn, config.init, rng, backend, n_layer)


def init_rwkv(
    config: RWKVConfig, rng: np.random.Generator, backend: Backend | None = None, n_layer: int | None = None
) -> dict:
    r"""Initial parameters of RWKV's time mixing.

    With :math:`c = d / (D - 1)` from 0 to 1 over the channels, the logarithm of the decay is :math:`-5 + 8 c`
    (memories from 148 positions to less than one), the bonus :math:`\ln 0.3 + (0, 0.5, -0.5)` in turn, the
    share of the present :math:`d/D` in key and value and its square root in the receptance. The matrices of
    receptance and key are 0, value and output as ``config.init`` says.

    Parameters
    ----------
    config : RWKVConfig
    rng : numpy.random.Generator
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with "gpt2" it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `rwkv_shapes`: ``key.weight`` (D, D) and so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` no number of layers.

    Notes
    -----
    In its code the spread changes from layer to layer and the output matrix too begins at 0; here all layers
    begin as its first one, but for the decay, whose exponent of c is 1 in the place of 0.7 to 2. Source: Peng
    et al. 2023, "RWKV", App. E, and its code.
    """
    check_init(rng, n_layer)
    D = config.d_model
    channel = np.arange(D)
    share = channel / D
    drawn = {
        "mix.receptance": np.sqrt(share),
        "mix.key": share,
        "mix.value": share,
        "log_decay": -5 + 8 * channel / max(D - 1, 1),
        "bonus": math.log(0.3) + 0.5 * ((channel + 1) % 3 - 1),
        "receptance.weight": np.zeros((D, D)),
        "key.weight": np.zeros((D, D)),
    }
    return init_mixer(rwkv_shapes(config), drawn, config.init, rng, backend, n_layer)


def init_linear_attention(
    config: LinearAttentionConfig,
    rng: np.random.Generator,
    backend: Backend | None = None,
    n_layer: int | None = None,
) -> dict:
    """Initial parameters of linear attention: dense layers as ``config.init`` says.

    Parameters
    ----------
    config : LinearAttentionConfig
    rng : numpy.random.Generator
    backend : Backend, optional
        Where the arrays live; NumPy in float32 by default.
    n_layer : int, optional
        Depth of the model; with "gpt2" it scales the output projection.

    Returns
    -------
    dict
        Tree with the names and shapes of `linear_attention_shapes`: ``in_proj.weight`` (3 D, D) and so on.

    Raises
    ------
    ConfigError
        `rng` is no generator, or `n_layer` no number of layers.

    Notes
    -----
    Source: as `init_attention`.
    """
    check_init(rng, n_layer)
    return init_mixer(linear_attention_shapes(config), {}, config.init, rng, backend, n_layer)


def _state_space_init(
    config: S4DConfig, D: int, l_max: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    leaves = init_filter(config, D, l_max, rng) | {"skip": rng.standard_normal(D)}
    return {f"ssm.{name}": leaf for name, leaf in leaves.items()}
