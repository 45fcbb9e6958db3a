"""The right answers of the exercises on the operator: the package's recurrence, without a batch axis."""

from __future__ import annotations

import numpy as np

from hyena_np.exercises.exercise import Sizes
from hyena_np.exercises.kinds import draw
from hyena_np.ops.hyena import hyena_recurrence, hyena_recurrence_backward


def inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """Value v (D, L), gates x (N, D, L), filters h (N, D, L)."""
    N, D, L = sizes["N"], sizes.get("D", 1), sizes["L"]
    return tuple(draw(rng, *shape, dtype=dtype) for shape in ((D, L), (N, D, L), (N, D, L)))


def code_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """The same with one filter less."""
    v, x, h = inputs(rng, sizes, dtype)
    return v, x, h[:-1]


def backward_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """The gradient dy (D, L) before them."""
    return draw(rng, sizes.get("D", 1), sizes["L"], dtype=dtype), *inputs(rng, sizes, dtype)


def code_backward_inputs(rng: np.random.Generator, sizes: Sizes, dtype: str) -> tuple:
    """The same with one filter less."""
    dy, v, x, h = backward_inputs(rng, sizes, dtype)
    return dy, v, x, h[:-1]


def paper(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Convolve, then gate, N times."""
    return hyena_recurrence(v[None], tuple(x[:, None]), h, variant="paper")[0][0]


def code(v: np.ndarray, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Gate, then convolve, N - 1 times; then the last gate."""
    return hyena_recurrence(v[None], tuple(x[:, None]), h, variant="code")[0][0]


def paper_backward(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    """Gradients of v, x, h."""
    return _backward("paper", dy, v, x, h)


def code_backward(dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    """Gradients of v, x, h."""
    return _backward("code", dy, v, x, h)


def _backward(variant: str, dy: np.ndarray, v: np.ndarray, x: np.ndarray, h: np.ndarray) -> tuple:
    _, cache = hyena_recurrence(v[None], tuple(x[:, None]), h, variant=variant)
    dv, dx, dh, _ = hyena_recurrence_backward(dy[None], cache)
    return dv[0], np.concatenate(dx), dh
