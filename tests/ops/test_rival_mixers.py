"""The layers that the paper compares with: H3, GSS, AFT-conv, RWKV, linear attention."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from hyena_np.errors import ConfigError, DTypeError, LibraryMismatchError, ParameterError, ShapeError
from hyena_np.ops.aft_conv import AFTConvConfig, aft_conv, aft_conv_backward, aft_conv_shapes
from hyena_np.ops.filter_configs import FIRConfig, S4DConfig
from hyena_np.ops.fir import fir_filter
from hyena_np.ops.gss_layer import GSSConfig, gss_layer, gss_layer_backward, gss_shapes
from hyena_np.ops.h3_layer import H3Config, h3_layer, h3_layer_backward, h3_shapes
from hyena_np.ops.layers import gelu
from hyena_np.ops.linear_attention import linear_attention_matrix
from hyena_np.ops.linear_attention_layer import (
    LinearAttentionConfig,
    linear_attention,
    linear_attention_backward,
    linear_attention_shapes,
)
from hyena_np.ops.matrices import h3_attention_matrix
from hyena_np.ops.rwkv import RWKVConfig, rwkv, rwkv_backward, rwkv_shapes
from hyena_np.ops.s4d import s4d_filter
from hyena_np.ops.toeplitz import toeplitz
from support.contract import Case, LinearContract
from support.gradients import assert_close
from support.trees import replace_leaf

OPS = {
    H3Config: (h3_layer, h3_layer_backward, h3_shapes),
    GSSConfig: (gss_layer, gss_layer_backward, gss_shapes),
    AFTConvConfig: (aft_conv, aft_conv_backward, aft_conv_shapes),
    RWKVConfig: (rwkv, rwkv_backward, rwkv_shapes),
    LinearAttentionConfig: (linear_attention, linear_attention_backward, linear_attention_shapes),
}
CONFIGS = (
    H3Config(d_model=3, l_max=8, state=4, shift_taps=3),
    GSSConfig(d_model=3, l_max=8, state=4),
    AFTConvConfig(d_model=3, l_max=8, window=2),
    RWKVConfig(d_model=3, l_max=8),
    LinearAttentionConfig(d_model=4, l_max=8, num_heads=2),
)
every_mixer = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)


def tree_of(config, rng):
    """Parameters of ordinary size, drawn without the package's own initialisation."""
    tree = {}
    for name, shape in OPS[type(config)][2](config).items():
        leaf = rng.standard_normal(shape) / (math.sqrt(shape[1]) if len(shape) == 2 else 1)
        *path, last = name.split(".")
        branch = tree
        for key in path:
            branch = branch.setdefault(key, {})
        branch[last] = leaf - 1 if last == "log_dt" else leaf
    return tree


def layer_case(config, B=2, L=7):
    forward, backward, _ = OPS[type(config)]
    return Case(
        f"{type(config).__name__}-{B}-{L}-{config.d_model}",
        lambda u, params: forward(u, params, config),
        backward,
        lambda rng: (rng.standard_normal((B, L, config.d_model)), tree_of(config, rng)),
        linear_in=("1.out_proj.weight",),
    )


class TestLayers(LinearContract):
    cases = (
        *map(layer_case, CONFIGS),
        layer_case(H3Config(d_model=1, l_max=1, state=2, shift_taps=2), 1, 1),
        layer_case(AFTConvConfig(d_model=1, l_max=1), 1, 1),
        layer_case(RWKVConfig(d_model=1, l_max=2), 1, 2),  # nothing has decayed before the second position
        layer_case(LinearAttentionConfig(d_model=1, l_max=1), 1, 1),
    )


@every_mixer
class TestEveryMixer:
    def test_nothing_before_a_change_moves(self, config, rng):
        forward, params = OPS[type(config)][0], tree_of(config, rng)
        u = rng.standard_normal((2, 8, config.d_model))
        changed = u.copy()
        changed[:, 5] += 1.0
        moved = np.abs(forward(changed, params, config)[0] - forward(u, params, config)[0])
        assert np.max(moved[:, :5]) <= 1e-14  # the transforms of H3 and GSS round
        assert np.all(np.max(moved[:, 5:], axis=-1) > 1e-6), "the far past is heard"

    def test_inputs_that_do_not_fit(self, config, rng):
        forward, params, D = OPS[type(config)][0], tree_of(config, rng), config.d_model
        for u, error, message in (
            (np.ones((1, 9, D)), ShapeError, rf"^u: got shape \(1, 9, {D}\), allowed is \(B, L <= 8, {D}\)"),
            (np.ones((1, 5, D + 1)), ShapeError, rf"^u: got shape \(1, 5, {D + 1}\)"),
            (np.ones((1, 0, D)), ShapeError, rf"^u: got shape \(1, 0, {D}\)"),
            (np.ones((5, D)), ShapeError, rf"^u: got shape \(5, {D}\), allowed is \(B, L, D\)"),
            (np.ones((1, 5, D), dtype=int), DTypeError, r"^u: got dtype int64"),
            (np.ones((1, 5, D), dtype=np.float32), DTypeError, r"^[a-z_.]+: got float64, but u is float32"),
            ([[[1.0] * D]], LibraryMismatchError, r"^u: got list"),
        ):
            with pytest.raises(error, match=message):
                forward(u, params, config)

    def test_parameters_that_do_not_fit(self, config, rng):
        forward, params, D = OPS[type(config)][0], tree_of(config, rng), config.d_model
        u = np.ones((1, 5, D))
        wrong = replace_leaf(params, "out_proj.weight", np.ones((D, D + 1)))
        with pytest.raises(ParameterError, match=rf"^params: out_proj\.weight has shape \({D}, {D + 1}\)"):
            forward(u, wrong, config)
        with pytest.raises(ParameterError, match=r"^params: out_proj\.weight is missing"):
            forward(u, {name: leaf for name, leaf in params.items() if name != "out_proj"}, config)
        with pytest.raises(ParameterError, match=r"^params: filter is unknown"):
            forward(u, params | {"filter": np.ones(1)}, config)

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"d_model": 0}, r"^d_model: got 0, allowed are integers >= 1"),
            ({"l_max": 2.0}, r"^l_max: got 2\.0, allowed are integers >= 1"),
            ({"init": "zeros"}, r"^init: got 'zeros', allowed are 'torch', 'gpt2'"),
        ],
    )
    def test_common_options_that_are_not_allowed(self, config, option, message):
        with pytest.raises(ConfigError, match=message):
            type(config)(**({"d_model": 4, "l_max": 8} | option))


@pytest.mark.parametrize(
    ("kind", "option", "message"),
    [
        (H3Config, {"shift_taps": 0}, r"^taps: got 0, allowed are integers >= 1"),
        (H3Config, {"state": 3}, r"^state: got 3, allowed are even integers"),
        (GSSConfig, {"state": 0}, r"^state: got 0"),
        (GSSConfig, {"dt_min": 0.2}, r"^dt_max: got 0\.1, allowed are numbers >= dt_min = 0\.2"),
        (AFTConvConfig, {"window": 0}, r"^window: got 0, allowed are integers >= 1"),
        (LinearAttentionConfig, {"num_heads": 3}, r"^num_heads: got 3, allowed are divisors of d_model = 4"),
        (LinearAttentionConfig, {"num_heads": 0}, r"^num_heads: got 0, allowed are integers >= 1"),
    ],
)
def test_options_that_are_not_allowed(kind, option, message):
    with pytest.raises(ConfigError, match=message):
        kind(d_model=4, l_max=8, **option)


# --- each layer against its equation ------------------------------------------------------------------------


def split(u, p, count):
    """Branches (B, L, D) of a dense layer."""
    return np.split(u @ p["weight"].T + p["bias"], count, axis=-1)


def out(z, params):
    return z @ params["out_proj"]["weight"].T + params["out_proj"].get("bias", 0.0)


@pytest.fixture
def drawn(config, rng):
    return SimpleNamespace(u=rng.standard_normal((2, 8, config.d_model)), params=tree_of(config, rng))


def response(p, config):
    """The state-space filter with its skip term, (D, 8)."""
    ssm = S4DConfig(config.state, config.dt_min, config.dt_max)
    h, _ = s4d_filter({name: leaf for name, leaf in p.items() if name != "skip"}, 8, 8, ssm)
    return h + np.outer(p["skip"], np.eye(8)[0])


@pytest.mark.parametrize("config", CONFIGS[:1])
def test_h3_is_its_surrogate_attention_matrix(config, drawn):
    p = drawn.params
    q, k, v = (x.swapaxes(1, 2) for x in split(drawn.u, p["in_proj"], 3))
    phi, _ = fir_filter({"weight": p["shift"]["weight"]}, 8, 8, FIRConfig(3))
    phi = phi + np.outer(p["shift"]["skip"], np.eye(8)[0])
    z = h3_attention_matrix(q, k, phi, response(p["ssm"], config)) @ v[..., None]
    assert_close(h3_layer(drawn.u, p, config)[0], out(z[..., 0].swapaxes(1, 2), p), 1e-12)


@pytest.mark.parametrize("config", CONFIGS[1:2])
def test_gss_is_a_gated_toeplitz_matrix(config, drawn):
    p = drawn.params
    x, v = (gelu(z)[0].swapaxes(1, 2) for z in split(drawn.u, p["in_proj"], 2))
    z = x * (toeplitz(response(p["ssm"], config)) @ v[..., None])[..., 0]
    assert_close(gss_layer(drawn.u, p, config)[0], out(z.swapaxes(1, 2), p), 1e-12)


@pytest.mark.parametrize("config", CONFIGS[2:3])
def test_aft_conv_is_the_sum_of_its_definition(config, drawn):
    p = drawn.params
    q, k, v = split(drawn.u, p["in_proj"], 3)
    z = np.empty_like(q)
    for t in range(8):
        bias = np.zeros((t + 1, 3))
        for s in range(max(0, t - 1), t + 1):
            bias[s] = p["position_bias"][:, t - s]
        weight = np.exp(k[:, : t + 1] + bias)
        z[:, t] = np.sum(weight * v[:, : t + 1], axis=1) / np.sum(weight, axis=1) / (1 + np.exp(-q[:, t]))
    assert_close(aft_conv(drawn.u, p, config)[0], out(z, p), 1e-13)


@pytest.mark.parametrize("config", CONFIGS[3:4])
def test_rwkv_is_the_recurrence_of_its_definition(config, drawn):
    """Position by position, as it generates."""
    p, u = drawn.params, drawn.u
    w, bonus = np.exp(p["log_decay"]), p["bonus"]
    before, a, b = np.zeros_like(u[:, 0]), np.zeros_like(u[:, 0]), np.zeros_like(u[:, 0])
    z = np.empty_like(u)
    for t in range(8):
        mixed = {name: m * u[:, t] + (1 - m) * before for name, m in p["mix"].items()}
        r, k, v = (mixed[name] @ p[name]["weight"].T for name in ("receptance", "key", "value"))
        z[:, t] = (a + np.exp(bonus + k) * v) / (b + np.exp(bonus + k)) / (1 + np.exp(-r))
        a, b, before = np.exp(-w) * a + np.exp(k) * v, np.exp(-w) * b + np.exp(k), u[:, t]
    assert_close(rwkv(u, p, config)[0], out(z, p), 1e-13)


@pytest.mark.parametrize("config", CONFIGS[4:])
def test_linear_attention_is_its_matrix_in_each_head(config, drawn):
    p = drawn.params
    heads = [np.split(x, 2, axis=-1) for x in split(drawn.u, p["in_proj"], 3)]
    z = [linear_attention_matrix(q[:, None], k[:, None])[:, 0] @ v for q, k, v in zip(*heads, strict=True)]
    assert_close(linear_attention(drawn.u, p, config)[0], out(np.concatenate(z, axis=-1), p), 1e-12)
