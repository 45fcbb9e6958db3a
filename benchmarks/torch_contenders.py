"""The contenders of ``hyena-np bench`` that need PyTorch: eager, compiled, and attention in Hyena's place."""

import contextlib
import warnings

import torch

from hyena_np import tree_leaves
from hyena_np.bench.cases import BOTH, STEP
from hyena_np.bench.compare import operator_results
from hyena_np.bench.contenders import Contender, UnavailableError
from hyena_np.bench.floor import Library
from hyena_np.training.schedule import learning_rate

from . import torch_attention
from .torch_model import TorchLanguageModel, loss_of, optimizer
from .torch_operator import OfficialHyena
from .torch_tools import clocks, gradients, load, operator_call


@contextlib.contextmanager
def threads(count):
    """Give PyTorch `count` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def why_not(key, case, device="cpu"):
    """Why a contender cannot take part in a case, or None if it can."""
    return torch_attention.why_not(case, device) if key.startswith("attention") else None


def build(key, case, inputs, device="cpu"):
    """A contender by its word: eager, compile, attention, attention-bf16."""
    if key.startswith("attention"):
        dtype = torch.bfloat16 if key.endswith("bf16") else torch.float32
        return torch_attention.attention_contender(case, inputs, device, dtype)
    make = training_contender if case.kind == STEP else operator_contender
    return make(case, inputs, device, compiled=key == "compile")


def operator_contender(case, inputs, device, compiled):
    """The operator as ``torch_operator.py`` has it; without a backward under ``no_grad``, its quicker way."""
    module = OfficialHyena(inputs.config).float().to(device)
    load(module, inputs.params)
    u, dy = (torch.tensor(array, device=device) for array in (inputs.u, inputs.dy))
    function = module
    if compiled:
        function = compiling(module, lambda compiled: operator_call(compiled, module, u, dy, case)())
        module.zero_grad(set_to_none=True)
        u.grad = None
    call = operator_call(function, module, u, dy, case)

    def results():
        outputs = call()
        if case.kind != BOTH:
            return operator_results(*outputs)
        y, du = outputs
        return operator_results(y, du, gradients(module))

    return Contender(call, results, **clocks(device))


def training_contender(case, inputs, device, compiled):
    """A step of the two-layer model: forward, loss, backward, clip, AdamW. It goes on from step to step."""
    module = TorchLanguageModel(inputs.config).float().to(device)
    load(module, inputs.params)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not name.endswith("pos_emb.z"))  # as in the recipe
    ids, labels = (torch.tensor(array, device=device) for array in (inputs.ids, inputs.labels))
    adamw = optimizer(module, inputs.training, rate=0.0)

    def backward(model):
        module.zero_grad(set_to_none=True)
        loss = loss_of(model, ids, labels)
        loss.backward()
        return loss

    model = compiling(module, backward) if compiled else module

    def step():
        loss = backward(model)
        torch.nn.utils.clip_grad_norm_(module.parameters(), inputs.training.clip)
        adamw.step()
        return loss

    # The optimiser makes its state in its first step. That step is taken here, at a rate of 0.
    step()
    for group in adamw.param_groups:
        group["lr"] = learning_rate(0, inputs.training.schedule)
    module.zero_grad(set_to_none=True)

    def results():
        loss = backward(model).detach().cpu().numpy()
        return {"loss": loss} | {
            name: leaf.cpu().numpy() for name, leaf in tree_leaves(gradients(module)).items()
        }

    return Contender(step, results, **clocks(device))


def compiling(module, use):
    """Compile for one shape and call once, which no later call pays for; where no compiler works, say so."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that complex numbers stay with the uncompiled kernels
            torch._dynamo.reset()
            function = torch.compile(module, dynamic=False)
            use(function)
    except Exception as error:
        if not type(error).__module__.startswith("torch."):
            raise
        raise UnavailableError(f"torch.compile: {type(error).__name__}: {error}".splitlines()[0]) from error
    return function


def floor_library(device):
    """PyTorch's products and transforms, all into memory that exists."""
    return Library(
        "torch",
        lambda host: torch.from_numpy(host).to(device),
        lambda a, b, out: lambda: torch.mm(a, b, out=out),
        lambda x, n, out: lambda: torch.fft.rfft(x, n, out=out),
        lambda x, n, out: lambda: torch.fft.irfft(x, n, out=out),
        clocks(device)["clock"],
    )
