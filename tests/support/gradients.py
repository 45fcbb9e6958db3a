"""Four ways to check a hand-written gradient; each is independent of the code that it checks.

Each takes ``forward(*args) -> (y, cache)`` and ``backward(dy, cache)``, with NumPy float64 trees as
arguments, and checks leaf by leaf, so that a small wrong gradient cannot hide behind a large right one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from support.trees import leaves, replace_leaf, tree_map

Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[[Any, Any], Any]


def relative_error(actual: Any, expected: Any) -> float:
    """max |actual - expected| / max |expected|; the shapes must agree exactly."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    if expected.size == 0:
        return 0.0
    difference, scale = np.max(np.abs(actual - expected)), np.max(np.abs(expected))
    assert np.isfinite(difference), "not finite"
    return float(difference if scale == 0 else difference / scale)


def assert_close(actual: Any, expected: Any, rtol: float, what: str = "") -> None:
    """Relative error, in the largest-entry norm, at most ``rtol``."""
    error = relative_error(actual, expected)
    assert error <= rtol, f"{what}: relative error {error:.2e} > {rtol:.0e}"


def assert_trees_close(actual: Any, expected: Any, rtol: float, what: str = "") -> None:
    """The same leaves under the same names, each within ``rtol``."""
    actual, expected = leaves(actual), leaves(expected)
    assert actual.keys() == expected.keys(), (
        f"{what}: {sorted(actual.keys() ^ expected.keys())} on one side only"
    )
    for name, value in expected.items():
        assert_close(actual[name], value, rtol, f"{what} {name}")


def as_arguments(grads: Any, n_args: int) -> tuple:
    """What a backward returned, as one gradient per argument."""
    if n_args == 1 and not (isinstance(grads, tuple) and len(grads) == 1):
        return (grads,)
    assert isinstance(grads, tuple), f"backward returned {type(grads).__name__}, expected a tuple"
    assert len(grads) == n_args, f"backward returned {len(grads)} gradients for {n_args} arguments"
    return grads


def inner(a: Any, b: Any) -> float:
    """<a, b>, summed in float64."""
    return float(np.sum(np.asarray(a) * np.asarray(b)))


def _gradients(
    forward: Forward, backward: Backward, args: tuple, rng: np.random.Generator
) -> tuple[Any, dict]:
    """A random cotangent for the output, and the hand-written gradient of <dy, forward(args)> by leaf."""
    y, cache = forward(*args)
    dy = np.asarray(rng.standard_normal(np.shape(y)))
    return dy, leaves(as_arguments(backward(dy, cache), len(args)))


def check_adjoint(
    forward: Forward, backward: Backward, args: tuple, rng: np.random.Generator, linear_in: tuple[str, ...]
) -> None:
    r"""Where ``forward`` is affine: :math:`\langle T d, dy\rangle = \langle d, T^* dy\rangle`, to rounding.

    ``T d`` is ``forward`` at ``d`` minus ``forward`` at 0, the other leaves fixed. No step size, no
    truncation error.
    """
    dy, grads = _gradients(forward, backward, args, rng)
    for path in linear_in:
        leaf = leaves(args)[path]
        direction = rng.standard_normal(leaf.shape)
        at_direction = forward(*replace_leaf(args, path, direction))[0]
        at_zero = forward(*replace_leaf(args, path, np.zeros_like(leaf)))[0]
        moved = at_direction - at_zero
        scale = np.linalg.norm(dy) * (np.linalg.norm(at_direction) + np.linalg.norm(at_zero))
        gap = abs(inner(moved, dy) - inner(direction, grads[path]))
        assert gap <= 1e-14 * scale, f"adjoint of argument {path}: {gap / scale:.1e} of |y||dy|"


def check_direction(
    forward: Forward,
    backward: Backward,
    args: tuple,
    rng: np.random.Generator,
    rtol: float = 1e-7,
    step: float = 3e-4,
    constant: tuple[str, ...] = (),
) -> None:
    """One random direction per leaf by central differences of fourth order.

    For a random normal direction d, <gradient, d> has the size of |gradient|, which is therefore the scale.
    """
    dy, grads = _gradients(forward, backward, args, rng)

    def moved(path, change):
        return inner(forward(*replace_leaf(args, path, leaves(args)[path] + change))[0], dy)

    for path, leaf in leaves(args).items():
        if path in constant:
            continue
        direction = rng.standard_normal(leaf.shape)
        near, far = (moved(path, s * direction) - moved(path, -s * direction) for s in (step, 2 * step))
        numeric, analytic = (8 * near - far) / (12 * step), inner(grads[path], direction)
        scale = np.linalg.norm(grads[path]) + 1e-3 * abs(numeric)
        assert abs(numeric - analytic) <= rtol * scale, (
            f"gradient of argument {path}: {analytic:.12g} along one direction, {numeric:.12g} by differences"
        )


def check_complex_step(
    forward: Forward,
    backward: Backward,
    args: tuple,
    rng: np.random.Generator,
    constant: tuple[str, ...] = (),
) -> None:
    r"""One direction per leaf by :math:`\operatorname{Im} f(x + i\epsilon d)/\epsilon`, exact to rounding.

    Needs a forward that is analytic and accepts complex arrays. Nothing is subtracted, so epsilon can be
    1e-30.
    """
    dy, grads = _gradients(forward, backward, args, rng)
    for path, leaf in leaves(args).items():
        if path in constant:
            continue
        direction = rng.standard_normal(leaf.shape)
        as_complex = tree_map(lambda x: x.astype(np.complex128), args)
        y = forward(*replace_leaf(as_complex, path, leaf + 1e-30j * direction))[0]
        assert np.iscomplexobj(y), "the forward dropped the imaginary part"
        numeric, analytic = inner(y.imag, dy) / 1e-30, inner(grads[path], direction)
        scale = np.linalg.norm(grads[path]) + 1e-3 * abs(numeric)
        assert abs(numeric - analytic) <= 1e-12 * scale, (
            f"gradient of argument {path}: {analytic:.15g} along one direction, {numeric:.15g} by it"
        )


def check_autograd(
    forward: Forward,
    backward: Backward,
    args: tuple,
    rng: np.random.Generator,
    rtol: float = 1e-12,
    constant: tuple[str, ...] = (),
) -> None:
    """The same forward fed with torch tensors, PyTorch's autograd as the judge of every gradient entry."""
    torch = pytest.importorskip("torch", reason="PyTorch judges the gradients; install the extra 'torch'")
    dy, grads = _gradients(forward, backward, args, rng)
    tensors = tree_map(lambda x: torch.tensor(x, requires_grad=np.issubdtype(x.dtype, np.floating)), args)
    y = forward(*tensors)[0]
    y.backward(torch.tensor(dy))
    for path, tensor in leaves(tensors).items():
        if path in constant or not tensor.requires_grad:
            continue
        assert tensor.grad is not None, f"PyTorch sees no path from argument {path} to the output"
        assert_close(grads[path], tensor.grad.numpy(), rtol, f"gradient of argument {path} against autograd")
