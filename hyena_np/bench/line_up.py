"""From a word on the command line to a contender, and the threads that all of them are given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType

from hyena_np.backend import get_backend, threads
from hyena_np.bench.cases import Case
from hyena_np.bench.contenders import FLOOR, OURS, Contender, cupy_clock, ours
from hyena_np.bench.floor import Floor, cupy_library, scipy_library
from hyena_np.bench.inputs import Inputs

DEVICES = {"numpy": "cpu", "cupy": "cuda"}  # where PyTorch runs beside each of our libraries


def build(
    key: str, case: Case, inputs: Inputs, outside: ModuleType | None = None, backend: str = "numpy"
) -> Contender:
    """A contender by its word.

    Parameters
    ----------
    key : str
        One of ``KEYS``, but not "floor".
    case : Case
    inputs : OperatorInputs or TrainingInputs
        Arrays (B, L, D), or ids (B, L).
    outside : module, optional
        ``torch_contenders``.
    backend : {"numpy", "cupy"}

    Returns
    -------
    Contender

    Raises
    ------
    UnavailableError
        It turns out that it cannot take part, as where nothing compiles.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    if key == OURS:
        return ours(case, inputs, backend)
    assert outside is not None, why_not(key, case, outside, backend)
    return outside.build(key, case, inputs, DEVICES[backend])


def why_not(key: str, case: Case, outside: ModuleType | None = None, backend: str = "numpy") -> str | None:
    """Why a contender cannot take part in a case, or None if it can; nothing is built to find out."""
    if key in (OURS, FLOOR):
        return None
    if outside is None:
        return f"{key}: needs the folder benchmarks/ and PyTorch"
    return outside.why_not(key, case, DEVICES[backend])


def build_floor(case: Case, count: int, outside: ModuleType | None = None, backend: str = "numpy") -> Floor:
    """The floor of a case, of every library that is there, with `count` threads."""
    if backend == "cupy":
        found = get_backend("cupy")
        libraries = [cupy_library(found, cupy_clock(found))]
    else:
        libraries = [scipy_library(workers) for workers in sorted({1, count})]
    if outside is not None:
        libraries.append(outside.floor_library(DEVICES[backend]))
    return Floor(case, libraries)


@contextmanager
def equal_threads(count: int, outside: ModuleType | None = None) -> Iterator[None]:
    """Give every contender `count` threads: BLAS, OpenMP, our own, and PyTorch's."""
    with ExitStack() as stack:
        stack.enter_context(threads(count))
        if outside is not None:
            stack.enter_context(outside.threads(count))
        yield
