"""Given the same weights, output and every gradient agree with the official operator."""

import numpy as np
import pytest

from hyena_np import HyenaConfig, flatten, hyena, hyena_backward, init_hyena, unflatten
from support.gradients import assert_close, relative_error

official = pytest.importorskip("support.official_torch", reason="the official operator needs PyTorch")

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def operators(dtype="float64", **options):
    """The same weights in both: a configuration, the official module, and our tree of its state dict."""
    defaults = {"d_model": 6, "l_max": 21, "filter_order": 8, "emb_dim": 5, "shift": 0.05, "w": 2.0}
    config = HyenaConfig(**defaults | options)
    module = official.make_official(config, np.random.default_rng(7), dtype)
    return config, module, unflatten(official.state_arrays(module))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("L", [21, 16, 13, 1])
@pytest.mark.parametrize("layout", ["od", "do"])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_output_and_every_gradient(order, layout, L, dtype, rng):
    config, module, params = operators(dtype, order=order, filter_layout=layout)
    u, dy = rng.standard_normal((2, 2, L, 6)).astype(dtype)
    their_y, their_du, their_grads = official.forward_and_gradients(module, u, dy)
    y, cache = hyena(u, params, config)
    du, dparams = hyena_backward(dy, cache)
    grads = flatten(dparams)
    assert y.dtype == du.dtype == dtype
    assert_close(y, their_y, TOLERANCE[dtype], "output")
    assert_close(du, their_du, TOLERANCE[dtype], "gradient of u")
    assert "filter_fn.pos_emb.z" in their_grads
    for name, theirs in their_grads.items():
        assert grads[name].dtype == dtype
        assert_close(grads[name], theirs, TOLERANCE[dtype], f"gradient of {name}")


@pytest.mark.parametrize(
    "options",
    [
        {"emb_dim": 3},
        {"emb_dim": 9},
        {"num_inner_mlps": 0},
        {"num_inner_mlps": 3},
        {"w": 14.0},
        {"shift": 0.0},
        {"fast_decay_pct": 0.1, "slow_decay_pct": 3.0, "target": 1e-3},
        {"d_model": 1, "filter_order": 1},
        {"l_max": 1},
    ],
    ids=str,
)
def test_every_option_of_the_filter_means_the_same(options, rng):
    config, module, params = operators(order=3, **options)
    u, dy = rng.standard_normal((2, 2, config.l_max, config.d_model))
    their_y, their_du, their_grads = official.forward_and_gradients(module, u, dy)
    y, cache = hyena(u, params, config)
    du, dparams = hyena_backward(dy, cache)
    assert_close(y, their_y, 1e-12, "output")
    assert_close(du, their_du, 1e-12, "gradient of u")
    grads = flatten(dparams)
    for name, theirs in their_grads.items():
        assert_close(grads[name], theirs, 1e-12, f"gradient of {name}")


def test_the_two_layouts_differ_from_three_filters_on(rng):
    """A test of the test: with equal weights, reading them in the other layout must be noticed."""
    u = rng.standard_normal((1, 9, 6))
    for order, same in ((2, True), (3, False)):
        _, module, params = operators(order=order)
        other = HyenaConfig(
            d_model=6, l_max=21, filter_order=8, emb_dim=5, shift=0.05, order=order, filter_layout="do"
        )
        error = relative_error(hyena(u, params, other)[0], module(official.torch.tensor(u)).detach().numpy())
        assert (error < 1e-12) == same, error


@pytest.mark.parametrize("order", [2, 3])
def test_names_and_shapes_are_those_of_the_state_dict(order):
    config, module, params = operators(order=order)
    state = official.state_arrays(module)
    assert {name: x.shape for name, x in flatten(params).items()} == {
        name: x.shape for name, x in state.items()
    }
    assert {name: x.shape for name, x in flatten(init_hyena(config, np.random.default_rng(0))).items()} == {
        name: x.shape for name, x in state.items()
    }
    for name, value in flatten(params).items():
        np.testing.assert_array_equal(value, state[name])


def test_our_weights_drop_into_the_official_operator(rng):
    config = HyenaConfig(d_model=6, l_max=21, order=3, filter_order=8, emb_dim=5)
    params = init_hyena(config, np.random.default_rng(3))
    module = official.OfficialHyena(config).float()
    module.load_state_dict(
        {name: official.torch.tensor(x) for name, x in flatten(params).items()}, strict=True
    )
    u = rng.standard_normal((2, 15, 6)).astype(np.float32)
    theirs = module(official.torch.tensor(u)).detach().numpy()
    assert_close(hyena(u, params, config)[0], theirs, 1e-5)


def test_tables_are_recomputed_exactly_where_the_state_dict_has_none(rng):
    config, module, _ = operators(order=3)
    module = official.OfficialHyena(config).double()  # untouched tables
    state = official.state_arrays(module)
    tables = ("filter_fn.pos_emb.z", "filter_fn.pos_emb.t", "filter_fn.modulation.deltas")
    shared = ("filter_fn.implicit_filter.3.freq", "filter_fn.implicit_filter.5.freq")
    short = unflatten({name: x for name, x in state.items() if name not in tables + shared})
    u = rng.standard_normal((2, 13, 6))
    assert_close(hyena(u, short, config)[0], module(official.torch.tensor(u)).detach().numpy(), 1e-12)
    assert_close(hyena(u, short, config)[0], hyena(u, unflatten(state), config)[0], 1e-13)
