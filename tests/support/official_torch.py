"""The official operator as a judge of ours: the benchmark's own module, and what tests need besides."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the official operator needs PyTorch; install the extra 'torch'")

from benchmarks.torch_operator import OfficialHyena, make_official  # noqa: E402

__all__ = ["OfficialHyena", "forward_and_gradients", "make_official", "state_arrays", "torch"]


def state_arrays(model: OfficialHyena) -> dict[str, np.ndarray]:
    """The state dict as NumPy arrays, the shared frequency under each of its names."""
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


def forward_and_gradients(model: OfficialHyena, u: np.ndarray, dy: np.ndarray):
    """Output, and gradients of <dy, output> by the input and by every parameter's official name."""
    model.zero_grad()
    u = torch.tensor(u, requires_grad=True)
    y = model(u)
    y.backward(torch.tensor(dy))
    grads = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
    return y.detach().numpy(), u.grad.numpy(), grads
