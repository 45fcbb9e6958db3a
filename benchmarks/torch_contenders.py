"""The contenders of ``hyena-np bench`` that need PyTorch: eager, compiled, and attention in Hyena's place."""

import contextlib
import warnings

import numpy as np
import torch
from torch.nn import functional as F

from hyena_np import AttentionConfig, attention, attention_backward, flatten, tree_leaves, tree_map, unflatten
from hyena_np.bench.cases import BOTH, STEP
from hyena_np.bench.compare import operator_results
from hyena_np.bench.contenders import Contender, UnavailableError
from hyena_np.bench.floor import Library
from hyena_np.bench.timing import host_clock
from hyena_np.training.schedule import learning_rate

from .torch_model import TorchLanguageModel, loss_of, optimizer
from .torch_operator import OfficialHyena

HEAD_WIDTH = 64
LONGEST_ATTENTION = 65536  # one call at four times this length takes longer than all the rest together
COMPARED = 1024  # positions on which attention is compared: our own keeps its whole matrix


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
    if not key.startswith("attention"):
        return None
    if case.kind == STEP:
        return "attention: has no training step here, only operators"
    if case.D % HEAD_WIDTH:
        return f"attention: left out at width {case.D}, which is no multiple of the head's {HEAD_WIDTH}"
    if case.L > LONGEST_ATTENTION and device == "cpu":
        return f"attention: left out above L = {LONGEST_ATTENTION}, where it takes minutes a call"
    return None


def build(key, case, inputs, device="cpu"):
    """A contender by its word: eager, compile, attention, attention-bf16."""
    if key.startswith("attention"):
        return attention_contender(case, inputs, device, torch.bfloat16 if "bf16" in key else torch.float32)
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


def operator_call(function, module, u, dy, case):
    """From tensors in memory to an output, or to an output and every gradient."""
    if case.kind != BOTH:

        def forward():
            with torch.no_grad():
                return (function(u),)

        return forward
    u.requires_grad_(True)

    def forward_backward():
        module.zero_grad(set_to_none=True)
        u.grad = None
        y = function(u)
        y.backward(dy)
        return y, u.grad

    return forward_backward


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


def attention_contender(case, inputs, device, dtype):
    """Causal attention between the same two projections, D -> 3D and D -> D, with heads of width 64."""
    D, heads = case.D, case.D // HEAD_WIDTH
    rng = np.random.default_rng(0)
    bound = 1 / np.sqrt(D)
    tree = {
        "in_proj": {
            "weight": rng.uniform(-bound, bound, (3 * D, D)),
            "bias": rng.uniform(-bound, bound, 3 * D),
        },
        "out_proj": {"weight": rng.uniform(-bound, bound, (D, D)), "bias": rng.uniform(-bound, bound, D)},
    }
    module = Attention(D, heads).to(device)
    load(module, tree)
    module.to(dtype)
    u, dy = (torch.tensor(array, device=device, dtype=dtype) for array in (inputs.u, inputs.dy))
    beginning = (u[:, :COMPARED].clone(), dy[:, :COMPARED].clone())

    def results():
        outputs = operator_call(module, module, *beginning, case)()
        return operator_results(
            *(x.float() for x in outputs), *([gradients(module)] if case.kind == BOTH else [])
        )

    def expected():
        u64, dy64 = (x.detach().double().cpu().numpy() for x in beginning)
        params = tree_map(lambda leaf: leaf.astype(np.float32).astype(np.float64), tree)
        y, cache = attention(u64, params, AttentionConfig(D, case.L, heads))
        return operator_results(y, *attention_backward(dy64, cache)) if case.kind == BOTH else {"y": y}

    call = operator_call(module, module, u, dy, case)
    tolerance = {} if dtype == torch.float32 else {"tolerance": 0.1}
    return Contender(call, results, expected=expected, **tolerance, **clocks(device))


class Attention(torch.nn.Module):
    """PyTorch's fused attention with its projections."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.in_proj, self.out_proj = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)

    def forward(self, u):
        B, L, D = u.shape
        q, k, v = (
            self.in_proj(u)
            .view(B, L, 3, self.heads, D // self.heads)
            .permute(2, 0, 3, 1, 4)  # (3, B, H, L, K)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(y.transpose(1, 2).reshape(B, L, D))


# --- compiling ----------------------------------------------------------------------------------------------


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


# --- small things -------------------------------------------------------------------------------------------


def load(module, params):
    """Put a parameter tree of ours into a module."""
    module.load_state_dict({name: torch.tensor(leaf) for name, leaf in flatten(params).items()}, strict=True)


def gradients(module):
    """The gradients of a module as a tree of ours."""
    flat = {name: p.grad.float() for name, p in module.named_parameters() if p.grad is not None}
    return unflatten(flat)


def floor_library(device):
    """PyTorch's products and transforms, all into memory that exists."""
    return Library(
        "torch",
        lambda host: torch.from_numpy(host).to(device),
        lambda a, b, out: lambda: torch.mm(a, b, out=out),
        lambda x, n, out: lambda: torch.fft.rfft(x, n, out=out),
        lambda x, n, out: lambda: torch.fft.irfft(x, n, out=out),
        **{name: clock for name, clock in clocks(device).items() if name == "clock"},
    )


def clocks(device):
    """How time and memory are measured where the tensors are; on the host, as for everybody."""
    return {"clock": cuda_clock, "peak": cuda_peak} if device == "cuda" else {"clock": host_clock}


def cuda_clock(call):
    """Seconds on the device, between two events."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3  # from milliseconds


def cuda_peak(call):
    """Bytes of PyTorch's allocator at their highest, above what was there."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    result = call()
    torch.cuda.synchronize()
    del result
    return torch.cuda.max_memory_allocated() - before
