"""AdamW with parameter groups, and clipping: pure functions, the same as PyTorch's."""

import math

import numpy as np
import pytest

from hyena_np import (
    AttentionConfig,
    GSSConfig,
    H3Config,
    HyenaConfig,
    LanguageModelConfig,
    init_language_model,
)
from hyena_np.errors import (
    ConfigError,
    DTypeError,
    HyenaError,
    LibraryMismatchError,
    ParameterError,
    ShapeError,
)
from hyena_np.training.optim import (
    FROZEN,
    AdamWState,
    Group,
    adamw,
    adamw_init,
    clip_by_global_norm,
    parameter_groups,
)
from support.contract import read_only
from support.filters import RIVALS
from support.gradients import assert_close, assert_trees_close
from support.trees import leaves, tree_map

SHAPES = {"weight": (3, 4), "bias": (3,), "inner": {"freq": (1, 5), "table": (2, 2)}}
GROUPS = {
    "weight": Group(1.0, 0.1),
    "bias": Group(1.0, 0.0),
    "inner.freq": Group(0.25, 0.3),
    "inner.table": FROZEN,
}


def random_tree(rng, scale=1.0):
    def draw(shapes):
        return {
            name: draw(shape) if isinstance(shape, dict) else scale * rng.standard_normal(shape)
            for name, shape in shapes.items()
        }

    return draw(SHAPES)


def several_steps(params, all_grads, groups=GROUPS, lr=lambda step: 0.01 / (1 + step), **options):
    state = adamw_init(params)
    for step, grads in enumerate(all_grads):
        params, state = adamw(params, grads, state, lr(step), groups, **options)
    return params, state


class TestAdamW:
    @pytest.mark.parametrize("options", [{}, {"betas": (0.9, 0.999)}, {"betas": (0.0, 0.5), "eps": 1e-3}])
    def test_is_that_of_pytorch_over_several_steps(self, options, rng):
        torch = pytest.importorskip(
            "torch", reason="compares with torch.optim.AdamW; install the extra 'torch'"
        )
        params = random_tree(rng)
        # gradients of very different sizes, one of them zero: the running means matter, and so does eps
        all_grads = [random_tree(rng, scale) for scale in (1.0, 1e-3, 10.0, 0.0, 1.0, 1e-8, 2.0)]
        theirs = {name: torch.tensor(x, requires_grad=True) for name, x in leaves(params).items()}
        optimizer = torch.optim.AdamW(
            [
                {"params": [theirs[name]], "weight_decay": group.weight_decay, "scale": group.lr_scale}
                for name, group in GROUPS.items()
                if group is not FROZEN
            ],
            betas=options.get("betas", (0.9, 0.98)),
            eps=options.get("eps", 1e-8),
        )
        for step, grads in enumerate(all_grads):
            for group in optimizer.param_groups:
                group["lr"] = 0.01 / (1 + step) * group["scale"]
            for name, g in leaves(grads).items():
                theirs[name].grad = torch.tensor(g)
            optimizer.step()
            ours, state = several_steps(params, all_grads[: step + 1], **options)
            for name, x in leaves(ours).items():
                assert_close(x, theirs[name].detach().numpy(), 1e-12, f"step {step}, {name}")
        for name in ("weight", "bias", "inner.freq"):
            saved = optimizer.state[theirs[name]]
            assert saved["step"] == state.step == len(all_grads)
            assert_close(leaves(state.mean)[name], saved["exp_avg"].numpy(), 1e-12, name)
            assert_close(leaves(state.square)[name], saved["exp_avg_sq"].numpy(), 1e-12, name)

    def test_the_first_step_has_the_size_of_the_learning_rate(self, rng):
        params, grads = random_tree(rng), random_tree(rng, 100.0)
        groups = dict.fromkeys(GROUPS, Group(1.0, 0.0))
        moved, _ = several_steps(params, [grads], groups)
        for name, x in leaves(moved).items():
            expected = leaves(params)[name] - 0.01 * np.sign(leaves(grads)[name])
            np.testing.assert_allclose(x, expected, rtol=1e-9)

    def test_without_a_gradient_only_decay_remains(self, rng):
        params, nothing = random_tree(rng), random_tree(rng, 0.0)
        moved, _ = several_steps(params, [nothing] * 3, lr=lambda step: 0.01)
        assert_close(moved["weight"], params["weight"] * (1 - 0.01 * 0.1) ** 3, 1e-15)
        assert_close(moved["inner"]["freq"], params["inner"]["freq"] * (1 - 0.01 * 0.25 * 0.3) ** 3, 1e-15)
        np.testing.assert_array_equal(moved["bias"], params["bias"])

    def test_decay_does_not_depend_on_the_gradient(self, rng):
        """Decoupled: the difference between two decays is exactly the decay."""
        params, grads = random_tree(rng), random_tree(rng)
        with_decay, _ = several_steps(params, [grads], dict.fromkeys(GROUPS, Group(1.0, 0.5)))
        without, _ = several_steps(params, [grads], dict.fromkeys(GROUPS, Group(1.0, 0.0)))
        for name, x in leaves(params).items():
            assert_close(leaves(without)[name] - leaves(with_decay)[name], 0.01 * 0.5 * x, 1e-12)

    def test_a_frozen_array_is_handed_on_and_nothing_is_remembered_of_it(self, rng):
        params = random_tree(rng)
        moved, state = several_steps(params, [random_tree(rng)] * 3)
        assert moved["inner"]["table"] is params["inner"]["table"]
        np.testing.assert_array_equal(state.mean["inner"]["table"], 0.0)
        np.testing.assert_array_equal(state.square["inner"]["table"], 0.0)
        assert moved["weight"] is not params["weight"]

    def test_changes_nothing_that_it_was_given(self, rng):
        params, grads = read_only(random_tree(rng)), read_only(random_tree(rng))
        _, state = several_steps(params, [grads])
        locked = AdamWState(state.step, read_only(state.mean), read_only(state.square))
        before = tree_map(np.array, (params, grads, locked.mean, locked.square))
        adamw(params, grads, locked, 0.01, GROUPS)
        assert_trees_close((params, grads, locked.mean, locked.square), before, 0.0)
        assert locked.step == 1

    def test_the_same_arguments_give_the_same_bits(self, rng):
        params, all_grads = random_tree(rng), [random_tree(rng) for _ in range(3)]
        (a, first), (b, second) = several_steps(params, all_grads), several_steps(params, all_grads)
        assert_trees_close((a, first.mean, first.square), (b, second.mean, second.square), 0.0)

    def test_every_library_gives_the_same_numbers_in_its_dtype(self, library, rng):
        params, all_grads = random_tree(rng), [random_tree(rng) for _ in range(3)]
        expected, expected_state = several_steps(params, all_grads)
        moved, state = several_steps(library.tree(params), [library.tree(g) for g in all_grads])
        for ours, reference in (
            (moved, expected),
            (state.mean, expected_state.mean),
            (state.square, expected_state.square),
        ):
            assert all(library.owns(x) for x in leaves(ours).values())
            assert_trees_close(tree_map(library.to_numpy, ours), reference, library.rtol)

    def test_begins_with_zeros_of_the_shapes_of_the_parameters(self, library, rng):
        params = library.tree(random_tree(rng))
        state = adamw_init(params)
        assert state.step == 0
        for tree in (state.mean, state.square):
            assert {n: tuple(x.shape) for n, x in leaves(tree).items()} == {
                n: tuple(x.shape) for n, x in leaves(params).items()
            }
            assert all(library.owns(x) and not library.to_numpy(x).any() for x in leaves(tree).values())


class TestAdamWBadInput:
    def call(self, rng, **change):
        params = random_tree(rng)
        arguments = {
            "params": params,
            "grads": random_tree(rng),
            "state": adamw_init(params),
            "lr": 0.01,
            "groups": GROUPS,
        }
        return adamw(**arguments | {name: f(arguments[name]) for name, f in change.items()})

    def test_trees_that_differ(self, rng):
        message = r"^tree: got the keys \['bias', 'weight'\], allowed are .*'inner'"

        def less(tree):
            return {name: x for name, x in tree.items() if name != "inner"}

        with pytest.raises(ParameterError, match=message):
            self.call(rng, grads=less)
        with pytest.raises(ParameterError, match=message):
            self.call(rng, state=lambda s: s._replace(mean=less(s.mean)))
        with pytest.raises(ParameterError, match=message):
            self.call(rng, state=lambda s: s._replace(square=less(s.square)))

    def test_an_array_without_a_group(self, rng):
        with pytest.raises(ParameterError, match=r"^groups: got none for inner\.table"):
            self.call(rng, groups=lambda g: {name: x for name, x in g.items() if name != "inner.table"})

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda g: g[:, :1], ShapeError, r"^grads: weight: got shape \(3, 1\), allowed is \(3, 4\)"),
            (lambda g: g.astype(np.float32), DTypeError, r"^grads: got float32, but params is float64"),
            (lambda g: g.tolist(), LibraryMismatchError, r"^grads: got list"),
        ],
    )
    def test_a_gradient_that_does_not_fit_is_not_broadcast(self, change, error, message, rng):
        with pytest.raises(error, match=message):
            self.call(rng, grads=lambda tree: tree | {"weight": change(tree["weight"])})

    def test_parameters_that_are_no_float_arrays(self, rng):
        with pytest.raises(DTypeError, match=r"^params: got dtype int64"):
            adamw_init({"weight": np.ones(3, dtype=int)})
        with pytest.raises(LibraryMismatchError, match=r"^params: got float"):
            adamw_init({"weight": 1.0})


class TestParameterGroups:
    """By name, from a table written by hand."""

    decays = (
        "embeddings.word_embeddings.weight",
        "embeddings.position_embeddings.weight",
        "layers.0.mixer.in_proj.weight",
        "layers.0.mixer.short_filter.weight",
        "layers.0.mixer.out_proj.weight",
        "layers.0.mlp.fc1.weight",
        "layers.0.mlp.fc2.weight",
    )
    trained = (
        "layers.0.norm1.weight",
        "layers.0.norm1.bias",
        "layers.0.mixer.in_proj.bias",
        "layers.0.mixer.short_filter.bias",
        "layers.0.mixer.filter.ffn.linear_0.weight",
        "layers.0.mixer.filter.ffn.linear_0.bias",
        "layers.0.mixer.filter.ffn.linear_1.weight",
        "layers.0.mixer.filter.ffn.linear_1.bias",
        "layers.0.mixer.filter.ffn.linear_2.weight",
        "layers.0.mixer.filter.ffn.freq",
        "layers.0.mixer.filter.skip",
        "layers.0.mixer.out_proj.bias",
        "layers.0.norm2.weight",
        "layers.0.norm2.bias",
        "layers.0.mlp.fc1.bias",
        "layers.0.mlp.fc2.bias",
        "ln_f.weight",
        "ln_f.bias",
    )
    constant = ("layers.0.mixer.filter.positional.t", "layers.0.mixer.filter.window.deltas")
    features = "layers.0.mixer.filter.positional.z"

    def params(self, mixer=None, **options):
        mixer = mixer or HyenaConfig(d_model=4, l_max=5, filter_order=3, num_inner_mlps=1)
        config = LanguageModelConfig(7, 1, mixer, max_position_embeddings=5)
        return init_language_model(config, np.random.default_rng(0))

    @pytest.mark.parametrize("train_positions", [False, True])
    def test_of_a_model_of_hyena(self, train_positions):
        expected = dict.fromkeys(self.decays, Group(1.0, 0.1))
        expected |= dict.fromkeys(self.trained, Group(1.0, 0.0))
        expected |= dict.fromkeys(self.constant, Group(0.0, 0.0))
        expected[self.features] = Group(1.0 if train_positions else 0.0, 0.0)
        assert parameter_groups(self.params(), 0.1, train_positions) == expected

    def test_positions_are_constant_unless_asked(self):
        assert parameter_groups(self.params(), 0.1)[self.features] == FROZEN

    @pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: rival.name)
    def test_of_a_model_of_hyena_with_a_rival_filter(self, rival):
        slow = {f"layers.0.mixer.filter.s4d.{name}" for name in ("log_dt", "log_decay", "frequency")}
        groups = parameter_groups(self.params(HyenaConfig(d_model=4, l_max=5, filter=rival)), 0.1)
        inside = {name for name in groups if ".mixer.filter." in name}
        assert len(inside) == 1 + len(rival.shapes(4, 5))
        for name in inside:
            assert groups[name] == Group(0.1 if name in slow else 1.0, 0.0), name
        assert all(groups[name] == Group(1.0, 0.1) for name in self.decays)

    def test_of_a_model_of_attention(self):
        groups = parameter_groups(self.params(AttentionConfig(d_model=4, l_max=5)), 0.3)
        names = (*self.decays, *self.trained)
        names = {name for name in names if ".filter." not in name and "short_filter" not in name}
        assert groups.keys() == names
        assert all(group == Group(1.0, 0.3 if name in self.decays else 0.0) for name, group in groups.items())

    @pytest.mark.parametrize("config", [H3Config(4, 5, state=4, shift_taps=2), GSSConfig(4, 5, state=4)])
    def test_of_a_layer_with_a_state_space(self, config):
        groups = parameter_groups(self.params(config), 0.1)
        slow = {f"layers.0.mixer.ssm.{name}" for name in ("log_dt", "log_decay", "frequency")}
        assert slow <= groups.keys()
        for name, group in groups.items():
            assert group.lr_scale == (0.1 if name in slow else 1.0), name
        filters = {name for name in groups if ".ssm." in name or ".shift." in name}
        assert len(filters) > 3 and all(groups[name].weight_decay == 0.0 for name in filters)

    def test_of_an_operator_alone(self):
        """Names at the top of a tree are the same names."""
        operator = self.params()["layers"]["0"]["mixer"]
        inside = parameter_groups(self.params(), 0.1)
        for name, group in parameter_groups(operator, 0.1).items():
            assert group == inside[f"layers.0.mixer.{name}"], name

    def test_no_decay_is_no_decay(self):
        assert {g.weight_decay for g in parameter_groups(self.params(), 0.0).values()} == {0.0}

    @pytest.mark.parametrize("bad", [-0.1, float("nan"), "0.1", None])
    def test_a_decay_that_is_none(self, bad):
        with pytest.raises(ConfigError, match=rf"^weight_decay: got {bad!r}"):
            parameter_groups(self.params(), bad)


class TestClipping:
    @pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 1e4])
    def test_is_that_of_pytorch(self, scale, rng):
        """Up to PyTorch's 1e-6 beside the norm, which keeps its result a little below the bound."""
        torch = pytest.importorskip("torch", reason="compares with torch.nn.utils; install the extra 'torch'")
        grads = random_tree(rng, scale)
        theirs = {name: torch.nn.Parameter(torch.tensor(g)) for name, g in leaves(grads).items()}
        for parameter in theirs.values():
            parameter.grad = parameter.detach().clone()
        expected = torch.nn.utils.clip_grad_norm_(list(theirs.values()), 1.0).item()
        clipped, norm = clip_by_global_norm(grads, 1.0)
        assert math.isclose(norm, expected, rel_tol=1e-14)
        theirs_at_the_bound = (expected + 1e-6) / expected if expected + 1e-6 > 1.0 else 1.0
        for name, g in leaves(clipped).items():
            assert_close(g, theirs[name].grad.numpy() * theirs_at_the_bound, 1e-12, name)

    def test_below_the_bound_nothing_changes_to_the_last_bit(self, library, rng):
        grads = library.tree(random_tree(rng))
        host = tree_map(library.to_numpy, grads)
        largest = math.sqrt(sum(float(np.sum(g.astype(float) ** 2)) for g in leaves(host).values()))
        clipped, norm = clip_by_global_norm(grads, 1.001 * largest)
        assert_trees_close(tree_map(library.to_numpy, clipped), host, 0.0)
        assert math.isclose(library.to_numpy(norm), largest, rel_tol=library.rtol)

    def test_above_the_bound_the_norm_is_the_bound_and_the_direction_is_kept(self, library, rng):
        grads = random_tree(rng, 3.0)
        clipped, norm = clip_by_global_norm(library.tree(grads), 0.5)
        assert library.owns(norm)
        assert all(library.owns(g) for g in leaves(clipped).values())
        clipped, norm = tree_map(library.to_numpy, clipped), float(library.to_numpy(norm))
        assert_trees_close(clipped, tree_map(lambda g: g * (0.5 / norm), grads), library.rtol)
        size = math.sqrt(sum(float(np.sum(g.astype(float) ** 2)) for g in leaves(clipped).values()))
        assert math.isclose(size, 0.5, rel_tol=library.rtol)

    def test_no_gradient_at_all(self, rng):
        clipped, norm = clip_by_global_norm(random_tree(rng, 0.0), 1.0)
        assert norm == 0.0
        assert not any(g.any() for g in leaves(clipped).values())

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_a_gradient_that_is_not_finite_shows_in_the_norm(self, bad, rng):
        grads = random_tree(rng)
        grads["bias"][1] = bad
        with np.errstate(invalid="ignore"):
            _, norm = clip_by_global_norm(grads, 1.0)
        assert not math.isfinite(norm)

    def test_changes_nothing_that_it_was_given(self, rng):
        grads = read_only(random_tree(rng, 10.0))
        before = tree_map(np.array, grads)
        clip_by_global_norm(grads, 1.0)
        assert_trees_close(grads, before, 0.0)

    @pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, None])
    def test_a_bound_that_is_none(self, bad, rng):
        with pytest.raises(ConfigError, match=rf"^max_norm: got {bad}, allowed are finite numbers above 0"):
            clip_by_global_norm(random_tree(rng), bad)

    def test_an_empty_tree(self):
        for empty in ({}, {"layers": {}}):
            with pytest.raises(ParameterError, match=r"^grads: got a tree without arrays"):
                clip_by_global_norm(empty, 1.0)

    def test_integers_and_numbers(self):
        for bad in (np.ones(3, dtype=int), 1.0):
            with pytest.raises(HyenaError, match=r"^grads: got"):
                clip_by_global_norm({"x": bad}, 1.0)
