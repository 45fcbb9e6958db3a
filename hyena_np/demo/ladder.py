"""The ladder: every rung computes what the one below it does, in another way, and says how far off it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hyena_np.backend import Array, Backend, get_backend, to_numpy
from hyena_np.fast.hyena import hyena, hyena_backward
from hyena_np.models.init import init_hyena
from hyena_np.models.params import tree_leaves, tree_map
from hyena_np.ops.config import HyenaConfig
from hyena_np.ops.fftconv import fftconv
from hyena_np.ops.hyena import (
    hyena_branches,
    hyena_recurrence,
    hyena_recurrence_backward,
    hyena_reference,
    hyena_reference_backward,
)
from hyena_np.ops.matrices import hyena_matrix
from hyena_np.ops.toeplitz import causal_conv_loop, causal_conv_matrix

EXACT = 1e-12
BY_DIFFERENCES = 1e-7

_CONFIG = HyenaConfig(d_model=4, l_max=40, order=3, emb_dim=5, filter_order=16, w=2.0, shift=0.1)
_BATCH, _LENGTH = 2, 33  # odd, and shorter than l_max


class Rung(NamedTuple):
    """One rung of the ladder."""

    name: str
    compared: str  # what with what
    error: float  # relative
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the error is within the tolerance; an error that is no number is not."""
        return self.error <= self.tolerance


def climb(seed: int = 0, backend: Backend | None = None) -> Iterator[Rung]:
    """Climb the ladder on random data, in float64.

    Parameters
    ----------
    seed : int
        Of the data and the weights.
    backend : Backend, optional
        Library and device; its dtype is not used. NumPy by default.

    Yields
    ------
    Rung
        loop, toeplitz, fft, operator, hyena_matrix, adjoint, gradient, fast. Arrays (2, 4, 33), order 3.

    Notes
    -----
    Source: Hyena paper, Sec. 2 to 3.2. The first rung is held against ``numpy.convolve``.
    """
    backend = get_backend(backend.name if backend else "numpy", "float64")
    rng = np.random.default_rng(seed)
    D = _CONFIG.d_model
    signal = rng.standard_normal((_BATCH, D, _LENGTH))
    taps = rng.standard_normal((D, _LENGTH))
    u, h = backend.asarray(signal), backend.asarray(taps)

    textbook = [[np.convolve(channel, taps[d])[:_LENGTH] for d, channel in enumerate(one)] for one in signal]
    loop = causal_conv_loop(u, h)
    yield Rung("loop", "double loop against numpy.convolve", _error(loop, np.asarray(textbook)), EXACT)
    matrix = causal_conv_matrix(u, h)
    yield Rung("toeplitz", "Toeplitz matrix against the loop", _error(matrix, loop), EXACT)
    fft, _ = fftconv(u, h)
    yield Rung("fft", "FFT against the Toeplitz matrix", _error(fft, matrix), EXACT)
    yield from _climb_operator(backend, rng)


def _climb_operator(backend: Backend, rng: np.random.Generator) -> Iterator[Rung]:
    params = init_hyena(_CONFIG, rng, backend)
    u = backend.asarray(rng.standard_normal((_BATCH, _LENGTH, _CONFIG.d_model)))
    xp = backend.xp
    v, x, filters, skip, _ = hyena_branches(u, params, _CONFIG)
    slow = v
    for o, gate in enumerate(x[:0:-1]):
        slow = gate * slow
        slow = causal_conv_loop(slow, filters[o, :, :]) + skip[o, :][:, None] * slow
    slow = x[0] * slow
    recurrence, cache = hyena_recurrence(v, x, filters, skip)
    yield Rung("operator", "order-3 recurrence by FFT against loops", _error(recurrence, slow), EXACT)

    H = hyena_matrix(u, params, _CONFIG)
    whole = xp.matmul(H, v[..., None])[..., 0]
    yield Rung("hyena_matrix", "H(u) v against the operator", _error(whole, recurrence), EXACT)

    dy = backend.asarray(rng.standard_normal(tuple(recurrence.shape)))
    dv, *_ = hyena_recurrence_backward(dy, cache)
    adjoint = xp.matmul(xp.matrix_transpose(H), dy[..., None])[..., 0]
    yield Rung("adjoint", "gradient by v against the transpose of H(u)", _error(dv, adjoint), EXACT)

    error = _error_by_differences(u, params, backend, rng)
    yield Rung("gradient", "all gradients against central differences", error, BY_DIFFERENCES)

    error = _error_of_the_fast_form(u, params, backend, rng)
    yield Rung("fast", "operator as it runs, gradients too, against this", error, EXACT)


def _error_of_the_fast_form(u: Array, params: dict, backend: Backend, rng: np.random.Generator) -> float:
    """Largest relative error of the output and of all gradients; one form runs everywhere but on NumPy."""
    y, cache = hyena(u, params, _CONFIG)
    readable, readable_cache = hyena_reference(u, params, _CONFIG)
    dy = backend.asarray(rng.standard_normal(tuple(y.shape)))
    (du, dparams), (du_readable, readable_dparams) = (
        hyena_backward(dy, cache),
        hyena_reference_backward(dy, readable_cache),
    )
    errors = tree_leaves(tree_map(_error, dparams, readable_dparams)).values()
    return max(_error(y, readable), _error(du, du_readable), *errors)


def _error_by_differences(u: Array, params: dict, backend: Backend, rng: np.random.Generator) -> float:
    """Relative error of the derivative along one random direction of the input and every parameter."""

    def random_like(leaf: Array) -> Array:
        return backend.asarray(rng.standard_normal(tuple(leaf.shape)))

    along_u, along = random_like(u), tree_map(random_like, params)
    y, cache = hyena_reference(u, params, _CONFIG)
    dy = random_like(y)
    du, dparams = hyena_reference_backward(dy, cache)

    def loss(amount: float) -> float:
        moved = tree_map(lambda leaf, direction: leaf + amount * direction, params, along)
        y, _ = hyena_reference(u + amount * along_u, moved, _CONFIG)
        return float(backend.xp.sum(dy * y))

    products = tree_leaves(
        tree_map(lambda gradient, direction: backend.xp.sum(gradient * direction), dparams, along)
    )
    predicted = float(backend.xp.sum(du * along_u)) + sum(float(product) for product in products.values())
    # Two central differences, combined so that the error of second order cancels.
    step = 1e-4
    near, far = ((loss(amount) - loss(-amount)) / (2 * amount) for amount in (step, 2 * step))
    measured = (4 * near - far) / 3
    return abs(predicted - measured) / abs(measured)


def _error(ours: Array, reference: Array) -> float:
    """Largest difference over largest entry."""
    ours, reference = to_numpy(ours), to_numpy(reference)
    return float(np.max(np.abs(ours - reference)) / np.max(np.abs(reference)))
