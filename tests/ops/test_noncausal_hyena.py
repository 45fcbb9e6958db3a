"""The operators that are not causal: in both directions of a sequence, and over an image."""

import dataclasses
import math

import numpy as np
import pytest

from hyena_np import (
    BidirectionalHyenaConfig,
    Hyena2DConfig,
    bidirectional_hyena,
    bidirectional_hyena_backward,
    bidirectional_hyena_shapes,
    conv2d_loop,
    hyena2d,
    hyena2d_backward,
    hyena2d_shapes,
    hyena_filter,
    hyena_filter2d,
    hyena_filter2d_backward,
    positional_features,
    positional_features_2d,
    toeplitz_two_sided,
)
from hyena_np.errors import ConfigError, DTypeError, ParameterError, ShapeError
from hyena_np.ops.filters import split_orders
from support.contract import Case, LinearContract, OpContract
from support.gradients import assert_close
from support.trees import replace_leaf

TABLES = ("positional", "window")


def random_tree(shapes, rng, tables=True):
    """Numbers of the order of 1 in every array; positive times, so that the window does not grow."""
    tree: dict = {}
    for name, shape in shapes.items():
        *path, last = name.split(".")
        if not tables and set(path) & set(TABLES):
            continue
        node = tree
        for key in path:
            node = node.setdefault(key, {})
        draw = rng.uniform(0.0, 1.0, shape) if last == "t" else rng.standard_normal(shape)
        node[last] = draw / math.sqrt(shape[1]) if last == "weight" else draw
    return tree


def sequence_config(**options):
    return BidirectionalHyenaConfig(**{"d_model": 3, "l_max": 6, "filter_order": 4, "shift": 0.1} | options)


def image_config(**options):
    defaults = {"d_model": 3, "height": 2, "width": 3, "filter_order": 4, "shift": 0.1}
    return Hyena2DConfig(**defaults | options)


def sequence_case(id, L=6, B=2, tables=True, **options):
    config = sequence_config(**options)
    return Case(
        id,
        lambda u, params: bidirectional_hyena(u, params, config),
        bidirectional_hyena_backward,
        lambda rng: (
            rng.standard_normal((B, L, config.d_model)),
            random_tree(bidirectional_hyena_shapes(config), rng, tables),
        ),
        linear_in=("1.out_proj.weight", "1.out_proj.bias"),
    )


def image_case(id, B=2, tables=True, **options):
    config = image_config(**options)
    return Case(
        id,
        lambda u, params: hyena2d(u, params, config),
        hyena2d_backward,
        lambda rng: (
            rng.standard_normal((B, config.l_max, config.d_model)),
            random_tree(hyena2d_shapes(config), rng, tables),
        ),
        linear_in=("1.out_proj.weight", "1.out_proj.bias"),
    )


def gated(z, x, convolve):
    """The recurrence written out: x_0 is the last gate."""
    for n, gate in enumerate(reversed(x[1:])):
        z = convolve(n, gate * z)
    return x[0] * z


class TestBidirectionalHyena(LinearContract):
    cases = (
        sequence_case("order 2, tables from the configuration", tables=False),
        sequence_case("order 3, short input", L=5, B=1, order=3, emb_dim=5, num_inner_mlps=0),
        sequence_case("ones", L=1, B=1, d_model=1, l_max=1),
    )

    def test_is_written_out_with_full_toeplitz_matrices(self, rng):
        config = sequence_config(order=3)
        u, params = rng.standard_normal((2, 5, 3)), random_tree(bidirectional_hyena_shapes(config), rng)
        z = u @ params["in_proj"]["weight"].T + params["in_proj"]["bias"]  # (B,L,4D)
        taps, padded = params["short_filter"]["weight"][:, 0], np.pad(z, ((0, 0), (1, 1), (0, 0)))
        z = sum(taps[:, j] * padded[:, j : j + 5] for j in range(3)) + params["short_filter"]["bias"]
        *x, v = np.split(np.swapaxes(z, 1, 2), 4, axis=1)
        tree = {name: branch for name, branch in params["filter"].items() if name != "skip"}
        h, _ = hyena_filter({"filter": tree}, 5, config.network)
        assert h.shape == (4, 3, 5)
        skip = params["filter"]["skip"].reshape(2, 3, 1)

        def convolve(n, z):
            S = toeplitz_two_sided(h[n], h[2 + n])
            return (S @ z[..., None])[..., 0] + skip[n] * z

        y = np.swapaxes(gated(v, x, convolve), 1, 2)
        expected = y @ params["out_proj"]["weight"].T + params["out_proj"]["bias"]
        assert_close(bidirectional_hyena(u, params, config)[0], expected, 1e-12)

    def test_every_position_sees_every_other(self, rng):
        case = self.cases[0]
        u, params = case.make(rng)
        y, _ = case.forward(u, params)
        for s in range(6):
            changed = u.copy()
            changed[:, s] += 1.0
            assert np.all(np.max(np.abs(case.forward(changed, params)[0] - y), axis=(0, 2)) > 1e-9)

    def test_both_filters_of_a_channel_decay_alike(self):
        """The decay rates of a channel's filters are neighbours, whichever way the filters look."""
        config = sequence_config(d_model=8, order=3)
        tree = random_tree(bidirectional_hyena_shapes(config), np.random.default_rng(0), tables=False)
        network = {"filter": {"ffn": tree["filter"]["ffn"]}}
        _, cache = hyena_filter(network, 6, config.network)
        rates = np.abs(split_orders(cache.window_cache.deltas, config.network))  # (filters,D)
        assert rates.shape == (4, 8)
        assert np.all(np.ptp(rates, axis=0) < np.ptp(rates) / 8)
        assert np.all(np.diff(rates, axis=1) > 0)

    @pytest.mark.parametrize("shape", [(2, 7, 3), (2, 0, 3), (2, 6, 4)])
    def test_inputs_that_do_not_fit(self, rng, shape):
        config = sequence_config()
        with pytest.raises(ShapeError, match=r"^u: got shape .*, allowed is \(B, L <= 6, 3\)"):
            bidirectional_hyena(np.ones(shape), random_tree(bidirectional_hyena_shapes(config), rng), config)

    def test_parameters_that_do_not_fit(self, rng):
        config = sequence_config()
        params = random_tree(bidirectional_hyena_shapes(config), rng)
        with pytest.raises(ParameterError, match=r"^params: filter\.skip has shape \(6,\), .* \(3,\)"):
            bidirectional_hyena(np.ones((1, 6, 3)), replace_leaf(params, "filter.skip", np.ones(6)), config)
        with pytest.raises(DTypeError, match=r"^in_proj\.weight: got float64, but u is float32"):
            bidirectional_hyena(np.ones((1, 6, 3), dtype=np.float32), params, config)


class TestPositionalFeatures2D:
    def test_rows_follow_the_definition(self):
        H, W = 3, 2
        z, t = positional_features_2d(H, W, 5, np.ones(1))
        assert z.shape == (1, 15, 10)
        assert t.shape == (1, 15, 1)
        rows, _ = positional_features(5, 5, np.ones(1))
        columns, _ = positional_features(3, 5, np.ones(1))
        for i in range(-2, 3):
            for j in range(-1, 2):
                number = (i + 2) * 3 + j + 1
                np.testing.assert_array_equal(z[0, number], [*rows[0, i + 2], *columns[0, j + 1]])
                assert t[0, number, 0] == abs(i) / 2 + abs(j)

    def test_one_pixel(self):
        z, t = positional_features_2d(1, 1, 3, np.ones(1))
        np.testing.assert_array_equal(z, [[[0.0, 1.0, 0.0, 0.0, 1.0, 0.0]]])
        np.testing.assert_array_equal(t, [[[0.0]]])

    def test_every_library_has_the_same_bits(self, library):
        for ours, theirs in zip(
            positional_features_2d(3, 2, 5, np.ones(1)),
            positional_features_2d(3, 2, 5, library.asarray([1.0])),
            strict=True,
        ):
            assert library.owns(theirs)
            np.testing.assert_array_equal(library.to_numpy(theirs), ours.astype(library.dtype))

    def test_sides_that_are_no_positive_integers(self):
        with pytest.raises(ConfigError, match=r"^height: got 0"):
            positional_features_2d(0, 2, 3, np.ones(1))
        with pytest.raises(ConfigError, match=r"^width: got 2\.5"):
            positional_features_2d(2, 2.5, 3, np.ones(1))


def filter_case(id, tables=True, **options):
    config = image_config(**options)
    shapes = {name: shape for name, shape in hyena2d_shapes(config).items() if name.startswith("filter.")}
    del shapes["filter.skip"]
    return Case(
        id,
        lambda params: hyena_filter2d(params, config),
        hyena_filter2d_backward,
        lambda rng: (random_tree(shapes, rng, tables),),
    )


class TestHyenaFilter2D(OpContract):
    cases = (filter_case("order 3", order=3), filter_case("no tables", tables=False, height=1))

    def test_is_the_network_at_a_pair_of_lags_times_a_window_that_falls_along_both_axes(self, rng):
        config = image_config(order=3, num_inner_mlps=0)
        tree = random_tree(hyena2d_shapes(config), rng, tables=False)["filter"]
        h, _ = hyena_filter2d({"filter": tree}, config)
        assert h.shape == (2, 3, 3, 5)
        ffn = tree["ffn"]
        z, _ = positional_features_2d(2, 3, 3, np.ones(1))
        slow, fast = math.log(1e-2) / 1.5, math.log(1e-2) / 0.3
        for i in (-1, 0, 1):
            for j in (-2, 0, 1):
                features = z[0, (i + 1) * 5 + j + 2]
                a = np.sin(ffn["freq"][0] * (ffn["linear_0"]["weight"] @ features + ffn["linear_0"]["bias"]))
                raw = (ffn["linear_1"]["weight"] @ a).reshape(2, 3)
                rates = np.abs(np.linspace(slow, fast, 6)).reshape(2, 3)
                window = np.exp(-abs(i) * rates) * np.exp(-abs(j) / 2 * rates) + 0.1
                assert_close(h[:, :, i + 1, j + 2], window * raw, 1e-13)


class TestHyena2D(LinearContract):
    cases = (
        image_case("order 2, tables from the configuration", tables=False),
        image_case("order 3, upright", B=1, order=3, height=3, width=2, emb_dim=5, num_inner_mlps=0),
        image_case("ones", B=1, d_model=1, height=1, width=1),
    )

    def test_is_written_out_with_the_double_sum(self, rng):
        config = image_config(order=3, height=3, width=2)
        u, params = rng.standard_normal((2, 6, 3)), random_tree(hyena2d_shapes(config), rng)
        z = (u @ params["in_proj"]["weight"].T + params["in_proj"]["bias"]).reshape(2, 3, 2, 12)
        taps, padded = params["short_filter"]["weight"][:, 0], np.pad(z, ((0, 0), (1, 1), (1, 1), (0, 0)))
        z = params["short_filter"]["bias"] + sum(
            taps[:, i, j] * padded[:, i : i + 3, j : j + 2] for i in range(3) for j in range(3)
        )
        *x, v = np.split(np.moveaxis(z, 3, 1), 4, axis=1)
        h, _ = hyena_filter2d(params, config)
        skip = params["filter"]["skip"].reshape(2, 3, 1, 1)
        y = gated(v, x, lambda n, z: conv2d_loop(z, h[n]) + skip[n] * z)
        y = np.moveaxis(y, 1, 3).reshape(2, 6, 3)
        expected = y @ params["out_proj"]["weight"].T + params["out_proj"]["bias"]
        assert_close(hyena2d(u, params, config)[0], expected, 1e-12)

    def test_an_image_of_one_row_is_a_sequence(self, rng):
        """With the same taps in both operators: those of the row, and a table of the same filter."""
        config = image_config(height=1, width=5)
        u, params = rng.standard_normal((2, 5, 3)), random_tree(hyena2d_shapes(config), rng)
        y, _ = hyena2d(u, params, config)
        h, _ = hyena_filter2d(params, config)
        past, future = h[0, :, 0, 4:], h[0, :, 0, 4::-1].copy()
        future[:, 0] = 0.0  # lag 0 counts once
        z = u @ params["in_proj"]["weight"].T + params["in_proj"]["bias"]
        taps, padded = params["short_filter"]["weight"][:, 0, 1], np.pad(z, ((0, 0), (1, 1), (0, 0)))
        z = sum(taps[:, j] * padded[:, j : j + 5] for j in range(3)) + params["short_filter"]["bias"]
        *x, v = np.split(np.swapaxes(z, 1, 2), 3, axis=1)
        S = toeplitz_two_sided(past, future) + params["filter"]["skip"][:, None, None] * np.eye(5)
        out = np.swapaxes(gated(v, x, lambda n, z: (S @ z[..., None])[..., 0]), 1, 2)
        assert_close(y, out @ params["out_proj"]["weight"].T + params["out_proj"]["bias"], 1e-12)

    def test_every_pixel_sees_every_other(self, rng):
        case = self.cases[0]
        u, params = case.make(rng)
        y, _ = case.forward(u, params)
        for s in range(6):
            changed = u.copy()
            changed[:, s] += 1.0
            assert np.all(np.max(np.abs(case.forward(changed, params)[0] - y), axis=(0, 2)) > 1e-9)

    @pytest.mark.parametrize("shape", [(2, 5, 3), (2, 7, 3), (2, 6, 4)])
    def test_inputs_that_do_not_fit(self, rng, shape):
        config = image_config()
        with pytest.raises(ShapeError, match=r"^u: got shape .*, allowed is \(B, 2 \* 3 = 6, 3\)"):
            hyena2d(np.ones(shape), random_tree(hyena2d_shapes(config), rng), config)

    def test_parameters_that_do_not_fit(self, rng):
        config = image_config()
        params = random_tree(hyena2d_shapes(config), rng)
        with pytest.raises(
            ParameterError, match=r"^params: filter\.ffn\.linear_0\.weight has shape \(4, 3\)"
        ):
            hyena2d(
                np.ones((1, 6, 3)),
                replace_leaf(params, "filter.ffn.linear_0.weight", np.ones((4, 3))),
                config,
            )
        with pytest.raises(DTypeError, match=r"^in_proj\.weight: got float64, but u is float32"):
            hyena2d(np.ones((1, 6, 3), dtype=np.float32), params, config)


@pytest.mark.parametrize("config", [sequence_config, image_config])
class TestConfigs:
    @pytest.mark.parametrize(
        ("option", "message"),
        [
            ({"order": 1}, r"^order: got 1, allowed are integers >= 2"),
            ({"d_model": 0}, r"^d_model: got 0"),
            ({"emb_dim": 4}, r"^emb_dim: got 4"),
            ({"w": -1.0}, r"^w: got -1\.0"),
            ({"target": 2.0}, r"^target: got 2\.0"),
            ({"init": "xavier"}, r"^init: got 'xavier'"),
        ],
    )
    def test_a_value_that_is_not_allowed(self, config, option, message):
        with pytest.raises(ConfigError, match=message):
            config(**option)

    def test_are_frozen_and_swallow_nothing(self, config):
        with pytest.raises(dataclasses.FrozenInstanceError):
            config().order = 3
        with pytest.raises(TypeError, match="variant"):
            config(variant="paper")


def test_sides_and_lengths_that_are_not_allowed():
    with pytest.raises(ConfigError, match=r"^l_max: got 0"):
        sequence_config(l_max=0)
    with pytest.raises(ConfigError, match=r"^height: got 0"):
        image_config(height=0)
    with pytest.raises(ConfigError, match=r"^width: got 2\.0"):
        image_config(width=2.0)


def test_the_network_takes_every_knob_of_the_config():
    """A field that were forgotten would keep the default of HyenaConfig."""
    changed = {
        "filter_order": 5,
        "emb_dim": 7,
        "num_inner_mlps": 1,
        "w": 2.5,
        "shift": 0.2,
        "fast_decay_pct": 0.2,
        "slow_decay_pct": 1.1,
        "target": 0.05,
        "init": "gpt2",
    }
    for config in (sequence_config(**changed), image_config(**changed)):
        network = dataclasses.asdict(config.network)
        assert {name: network[name] for name in changed} == changed
        assert set(changed) | {"d_model", "l_max", "height", "width", "order"} >= {
            field.name for field in dataclasses.fields(config)
        }
