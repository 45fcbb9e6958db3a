"""What every contender from PyTorch needs: weights in, gradients out, a call, and the clocks of a device."""

import torch

from hyena_np import flatten, unflatten
from hyena_np.bench.cases import BOTH
from hyena_np.bench.timing import host_clock


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


def load(module, params):
    """Put a parameter tree of ours into a module."""
    module.load_state_dict({name: torch.tensor(leaf) for name, leaf in flatten(params).items()}, strict=True)


def gradients(module):
    """The gradients of a module as a tree of ours."""
    flat = {name: p.grad.float() for name, p in module.named_parameters() if p.grad is not None}
    return unflatten(flat)


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
