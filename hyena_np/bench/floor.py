r"""The floor: the bare matrix products and the bare FFTs of a case, that no implementation can do without.

Of an operator of order N (F = N-1 long filters, C = F D outputs of the filter network, M its width, E its
features, n the length of the transforms, at least 2L-1), with BL = B L rows:

=====================  =====================================  ==========================================
part                   forward                                backward, in addition
=====================  =====================================  ==========================================
input projection       ((N+1)D, D) (D, BL)                    by weight: ((N+1)D, BL) (BL, D);
                                                              by input: (BL, (N+1)D) ((N+1)D, D)
filter network, first  (M, E) (E, L)                          (M, L) (L, E); (E, M) (M, L)
filter network, inner  (M, M) (M, L), 2 times                 (M, L) (L, M); (M, M) (M, L), 2 times each
filter network, last   (C, M) (M, L)                          (C, L) (L, M); (M, C) (C, L)
FFT of signals         B D real of length n, F times          of gradients: B D real, F times
FFT of filters         D real of length n, F times            (kept from the forward)
inverse FFTs           B D of length n, F times               by signal: B D, F times;
                                                              by filter: D, F times
output projection      (D, D) (D, BL)                         by weight: (D, BL) (BL, D);
                                                              by input: (D, D) (D, BL)
=====================  =====================================  ==========================================

A training step has all of it once a layer, and as products with a weight the two dense layers of each MLP and
the head. Everything else that a step must do (gates, norms, sines, copies) is not in the floor.

Each part is timed alone, on contiguous inputs and outputs that exist already; transforms read signals that
are padded already. Of the libraries that are there, each part counts with the quickest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.fft

from hyena_np.backend import Backend, fft_length
from hyena_np.bench.cases import FORWARD, STEP, Case
from hyena_np.bench.timing import Spread, host_clock, spread
from hyena_np.demo.recipe import RecallRecipe
from hyena_np.ops.config import HyenaConfig

Call = Callable[[], Any]


@dataclass(frozen=True)
class Product:
    """A matrix product (m, k) (k, n), `count` times."""

    m: int
    k: int
    n: int
    count: int = 1

    @property
    def flops(self) -> float:
        """Multiplications and additions."""
        return 2.0 * self.m * self.k * self.n * self.count

    @property
    def sizes(self) -> tuple[int, int]:
        """Floats of what it reads and writes."""
        return self.m * self.k + self.k * self.n, self.m * self.n


@dataclass(frozen=True)
class Transform:
    """`rows` real FFTs of length n, or inverse ones, `count` times."""

    rows: int
    n: int
    inverse: bool = False
    count: int = 1

    @property
    def frequencies(self) -> int:
        """Complex numbers that hold the spectrum of one real signal."""
        return self.n // 2 + 1

    @property
    def flops(self) -> float:
        """Of a radix-2 algorithm, the customary unit: 2.5 n log2 n."""
        return 2.5 * self.n * math.log2(self.n) * self.rows * self.count if self.n > 1 else 0.0

    @property
    def sizes(self) -> tuple[int, int]:
        """Floats of what it reads and writes."""
        signal, spectrum = self.rows * self.n, 2 * self.rows * self.frequencies
        return (spectrum, signal) if self.inverse else (signal, spectrum)


Part = Product | Transform


def parts(case: Case) -> list[Part]:
    """Everything that the floor of a case consists of; see the table at the head of this file.

    Parameters
    ----------
    case : Case

    Returns
    -------
    list of Product or Transform

    Notes
    -----
    Source: Hyena paper, Prop. 3.2 (cost of the operator), counted in full.
    """
    backward = case.kind != FORWARD
    if case.kind != STEP:
        return list(_operator(case.config, case.B, case.L, backward))
    model = RecallRecipe().model
    assert isinstance(model.mixer, HyenaConfig)
    rows, D, layers = case.B * case.L, model.d_model, model.n_layer
    found = list(_operator(model.mixer, case.B, case.L, backward, layers))
    for out, features, count in (
        (model.mlp_width, D, layers),
        (D, model.mlp_width, layers),
        (model.vocab_size, D, 1),
    ):
        found += _dense(out, features, rows, backward, count)
    return found


def _operator(config: HyenaConfig, B: int, L: int, backward: bool, count: int = 1) -> Iterator[Part]:
    D, M, E = config.d_model, config.filter_order, config.emb_dim
    F, C, n = config.num_filters, config.filter_channels, fft_length(2 * L - 1)
    yield from _dense((config.order + 1) * D, D, B * L, backward, count)
    yield from _dense(M, E, L, backward, count)
    if config.num_inner_mlps:
        yield from _dense(M, M, L, backward, count * config.num_inner_mlps)
    yield from _dense(C, M, L, backward, count)
    yield from _dense(D, D, B * L, backward, count)
    # Signals and, where there is a backward, the gradients that go back through the same convolutions.
    passes = 2 if backward else 1
    yield Transform(B * D, n, count=count * F * passes)
    yield Transform(D, n, count=count * F)
    yield Transform(B * D, n, inverse=True, count=count * F * passes)
    if backward:
        yield Transform(D, n, inverse=True, count=count * F)


def _dense(out: int, features: int, rows: int, backward: bool, count: int) -> Iterator[Product]:
    """Y = W X with W (out, features) and X (features, rows), and its two gradients."""
    yield Product(out, features, rows, count)
    if backward:
        yield Product(out, rows, features, count)
        yield Product(features, out, rows, count)


class Library(NamedTuple):
    """A library that can do the parts; each function takes arrays and returns a call without arguments."""

    name: str
    array: Callable[[np.ndarray], Any]  # of this library, from a host array that may be shared
    product: Callable[[Any, Any, Any], Call]  # a (m, k), b (k, n), out (m, n)
    rfft: Callable[[Any, int, Any], Call]  # x (rows, n), n, out (rows, n//2 + 1)
    irfft: Callable[[Any, int, Any], Call]  # x (rows, n//2 + 1), n, out (rows, n)
    clock: Callable[[Call], float] = host_clock


def scipy_library(workers: int) -> Library:
    """NumPy's products and SciPy's transforms, which allocate what they return."""
    return Library(
        f"scipy, {workers} workers" if workers > 1 else "scipy",
        lambda host: host,
        lambda a, b, out: lambda: np.matmul(a, b, out=out),
        lambda x, n, out: lambda: scipy.fft.rfft(x, n, workers=workers),
        lambda x, n, out: lambda: scipy.fft.irfft(x, n, workers=workers),
    )


def cupy_library(backend: Backend, clock: Callable[[Call], float]) -> Library:
    """CuPy's products and transforms, which allocate from its pool."""
    xp = backend.xp
    return Library(
        "cupy",
        xp.asarray,
        lambda a, b, out: lambda: xp.matmul(a, b, out=out),
        lambda x, n, out: lambda: xp.fft.rfft(x, n=n),
        lambda x, n, out: lambda: xp.fft.irfft(x, n=n),
        clock,
    )


class Floor:
    """Times every part with every library.

    Parameters
    ----------
    case : Case
    libraries : sequence of Library
        Each part counts with the one that is quickest at it.

    Notes
    -----
    Source: no counterpart in the paper.
    """

    name = "floor"

    def __init__(self, case: Case, libraries: Sequence[Library]) -> None:
        self.parts, self.libraries = parts(case), tuple(libraries)
        read, written = (max(part.sizes[i] for part in self.parts) for i in (0, 1))
        # All parts share two buffers: they run one after the other, and their results are not wanted.
        source = np.random.default_rng(0).standard_normal(read, dtype=np.float32)
        target = np.zeros(written, np.float32)
        self._calls = [
            [_call(part, library, source, target) for library in self.libraries] for part in self.parts
        ]
        self.seconds: list[list[list[float]]] = [[[] for _ in self.libraries] for _ in self.parts]

    def sample(self) -> float:
        """Run every part once with every library; the seconds of all that, which are no floor yet."""
        total = 0.0
        for calls, seconds in zip(self._calls, self.seconds, strict=True):
            for call, library, taken in zip(calls, self.libraries, seconds, strict=True):
                taken.append(library.clock(call))
                total += taken[-1]
        return total

    def spread(self) -> Spread:
        """The sum over the parts, each with its quickest library; the first sample was the warm-up."""
        best = [
            min((spread(taken[1:]) for taken in seconds), key=lambda found: found.median)
            for seconds in self.seconds
        ]
        median, low, high = (
            sum(part.count * found[i] for part, found in zip(self.parts, best, strict=True)) for i in range(3)
        )
        return Spread(median, low, high, min(found.repeats for found in best))


def _call(part: Part, library: Library, source: np.ndarray, target: np.ndarray) -> Call:
    """A part on views of the two buffers."""
    if isinstance(part, Product):
        edge, size = part.m * part.k, part.sizes[0]
        a, b = source[:edge].reshape(part.m, part.k), source[edge:size].reshape(part.k, part.n)
        out = target[: part.m * part.n].reshape(part.m, part.n)
        return library.product(library.array(a), library.array(b), library.array(out))
    read, written = part.sizes
    x, out = source[:read].reshape(part.rows, -1), target[:written].reshape(part.rows, -1)
    if part.inverse:
        return library.irfft(library.array(x.view(np.complex64)), part.n, library.array(out))
    return library.rfft(library.array(x), part.n, library.array(out.view(np.complex64)))
