"""PyTorch's fused attention in Hyena's place, between the same two projections."""

import numpy as np
import torch
from torch.nn import functional as F

from hyena_np import AttentionConfig, attention, attention_backward, tree_map
from hyena_np.bench.cases import BOTH, STEP
from hyena_np.bench.compare import operator_results
from hyena_np.bench.contenders import Contender

from .torch_tools import clocks, gradients, load, operator_call

HEAD_WIDTH = 64
LONGEST = 65536  # one call at four times this length takes longer than all the rest together
COMPARED = 1024  # positions on which it is compared: our own attention keeps its whole matrix


def why_not(case, device):
    """Why attention cannot take part in a case, or None if it can."""
    if case.kind == STEP:
        return "attention: has no training step here, only operators"
    if case.D % HEAD_WIDTH:
        return f"attention: left out at width {case.D}, which is no multiple of the head's {HEAD_WIDTH}"
    if case.L > LONGEST and device == "cpu":
        return f"attention: left out above L = {LONGEST}, where it takes minutes a call"
    return None


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
