"""The contenders from PyTorch compute what ours computes, and can be told how many threads to use."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the contenders of the benchmark need PyTorch")

from benchmarks import torch_attention, torch_contenders  # noqa: E402
from benchmarks.torch_model import TorchLanguageModel, optimizer  # noqa: E402
from hyena_np.bench.cases import BOTH, FORWARD, Case, training_case  # noqa: E402
from hyena_np.bench.compare import DisagreementError, max_error, reference  # noqa: E402
from hyena_np.bench.contenders import UnavailableError  # noqa: E402
from hyena_np.bench.inputs import make_inputs  # noqa: E402
from hyena_np.bench.line_up import build, build_floor, equal_threads, why_not  # noqa: E402
from hyena_np.models.params import tree_leaves, unflatten  # noqa: E402
from hyena_np.training.loop import TrainState, train_step  # noqa: E402
from hyena_np.training.optim import adamw_init, parameter_groups  # noqa: E402

OPERATORS = [Case(kind, 2, 40, 64, order) for kind in (FORWARD, BOTH) for order in (2, 3)]
LONG = Case(BOTH, 1, 1100, 64)  # longer than what attention is compared on


def proved(key, case):
    inputs = make_inputs(case)
    contender = build(key, case, inputs, torch_contenders)
    expected = reference(case, inputs) if contender.expected is None else contender.expected()
    return contender, max_error(key, case, contender.results(), expected, contender.tolerance)


@pytest.mark.parametrize("case", [*OPERATORS, training_case()], ids=lambda case: case.label)
def test_eager_agrees_with_ours(case):
    contender, error = proved("eager", case)
    assert 0 < error < 1e-5
    assert contender.sample() > 0


@pytest.mark.parametrize("case", [*OPERATORS, LONG], ids=lambda case: case.label)
def test_attention_agrees_with_ours(case):
    contender, error = proved("attention", case)
    assert 0 < error < 1e-5
    assert contender.sample() > 0


def test_attention_in_bfloat16_agrees_as_far_as_it_can():
    _, error = proved("attention-bf16", OPERATORS[-1])
    assert 1e-3 < error < 0.1


def test_attention_that_looks_ahead_is_found(monkeypatch):
    attend = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch_attention.F,
        "scaled_dot_product_attention",
        lambda q, k, v, is_causal: attend(q, k, v, is_causal=False),
    )
    with pytest.raises(DisagreementError, match="attention"):
        proved("attention", OPERATORS[0])


@pytest.mark.parametrize("fault", ["filter reversed", "gates swapped", "skip left out"])
def test_a_wrong_operator_is_found(monkeypatch, fault):
    from benchmarks import torch_operator

    conv, operator = torch_operator.causal_conv, torch_operator.OfficialHyena
    if fault == "filter reversed":
        monkeypatch.setattr(torch_operator, "causal_conv", lambda v, h: conv(v, h.flip(-1)))
    elif fault == "gates swapped":
        split = operator.split_orders
        monkeypatch.setattr(operator, "split_orders", lambda self, x: split(self, x).flip(0))
    else:
        monkeypatch.setattr(torch_operator, "causal_conv", lambda v, h: conv(v, h) - 0.01 * v)
    with pytest.raises(DisagreementError, match="eager"):
        proved("eager", OPERATORS[1])


def test_a_step_changes_the_weights_as_ours_does():
    case = training_case()
    inputs = make_inputs(case)
    contender = torch_contenders.training_contender(case, inputs, "cpu", compiled=False)
    ours, batch = TrainState(0, inputs.params, adamw_init(inputs.params), {}, 0.0), inputs[:2]
    for _ in range(2):
        ours, loss, _ = train_step(ours, *batch, inputs.config, inputs.training)
    first, second = (float(contender.call().detach()) for _ in range(2))
    assert second < 0.95 * first
    assert second == pytest.approx(float(loss), rel=1e-3)


def test_the_same_arrays_decay_and_the_same_are_trained():
    inputs = make_inputs(training_case())
    module = TorchLanguageModel(inputs.config)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not name.endswith("pos_emb.z"))
    groups = optimizer(module, inputs.training, 1.0).param_groups
    decaying = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    ours = {}
    for name, group in parameter_groups(inputs.params, inputs.training.weight_decay).items():
        if group.lr_scale:
            ours[name] = group.weight_decay
    named = {name: torch.tensor(decaying.get(id(p), -1.0)) for name, p in module.named_parameters()}
    theirs = {name: float(value) for name, value in tree_leaves(unflatten(named)).items()}
    assert {name: decay for name, decay in theirs.items() if decay >= 0} == pytest.approx(ours)
    assert {name for name, decay in theirs.items() if decay < 0} == {
        f"layers.{i}.mixer.filter.positional.z" for i in range(2)
    }


def test_a_forward_alone_keeps_nothing_for_a_backward():
    contender, _ = proved("eager", OPERATORS[0])
    (y,) = contender.call()
    assert not y.requires_grad


def test_repeated_calls_give_the_same_gradients():
    contender, _ = proved("eager", OPERATORS[-1])
    first, again = contender.results(), contender.results()
    assert first.keys() == again.keys()
    for name, value in first.items():
        np.testing.assert_allclose(again[name], value, rtol=1e-5, atol=1e-6)


def test_who_cannot_take_part():
    assert why_not("eager", training_case(), torch_contenders) is None
    assert "training step" in why_not("attention", training_case(), torch_contenders)
    assert "width 48" in why_not("attention", Case(FORWARD, 1, 8, 48), torch_contenders)
    assert "L = 65536" in why_not("attention", Case(FORWARD, 1, 65537, 64), torch_contenders)
    assert why_not("attention", Case(FORWARD, 1, 65537, 64), torch_contenders, "cupy") is None
    assert "needs" in why_not("eager", training_case())
    assert why_not("ours", training_case()) is why_not("floor", training_case()) is None


def test_threads_are_set_for_pytorch_too_and_then_as_before():
    before = torch.get_num_threads()
    for count in (1, 2):
        with equal_threads(count, torch_contenders):
            assert torch.get_num_threads() == count
    assert torch.get_num_threads() == before


def test_the_floor_counts_pytorch_too():
    floor = build_floor(Case(BOTH, 1, 16, 4), 2, torch_contenders)
    assert [library.name for library in floor.libraries] == ["scipy", "scipy, 2 workers", "torch"]
    floor.sample()
    assert floor.sample() > 0


def test_without_a_compiler_the_reason_is_given(monkeypatch):
    def broken(module, **options):
        def call(*args):
            raise torch._dynamo.exc.TorchDynamoException("no compiler\nat all")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    case = OPERATORS[0]
    with pytest.raises(UnavailableError, match=r"^torch\.compile: TorchDynamoException: no compiler$"):
        build("compile", case, make_inputs(case), torch_contenders)


def test_a_mistake_of_ours_is_not_taken_for_a_missing_compiler(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda module, **options: lambda *args: 1 / 0)
    case = OPERATORS[0]
    with pytest.raises(ZeroDivisionError):
        build("compile", case, make_inputs(case), torch_contenders)


@pytest.mark.slow
@pytest.mark.parametrize("case", [OPERATORS[0], OPERATORS[2], training_case()], ids=lambda case: case.label)
def test_compiled_agrees_with_ours_and_is_compiled_before_it_is_called(case):
    try:
        contender, error = proved("compile", case)
    except UnavailableError as reason:
        pytest.skip(str(reason))
    assert 0 < error < 1e-5
    assert contender.sample() < 1.0  # compiling takes many seconds
