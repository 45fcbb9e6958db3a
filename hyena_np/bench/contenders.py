"""Who is measured: each contender is a call, the results that prove it right, and a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hyena_np.backend import Array, Backend, get_backend
from hyena_np.bench.cases import BOTH, Case
from hyena_np.bench.compare import TOLERANCE, Results, operator_results, training_results
from hyena_np.bench.inputs import Inputs, OperatorInputs
from hyena_np.bench.timing import host_clock
from hyena_np.fast.hyena import hyena, hyena_backward
from hyena_np.fast.workspace import Workspace
from hyena_np.models.params import tree_map
from hyena_np.training.loop import TrainState, train_step
from hyena_np.training.optim import adamw_init

OURS, FLOOR = "ours", "floor"
# By the word on the command line, in the order of the table. Those of PyTorch live outside the package.
NAMES = {
    OURS: "hyena_np",
    FLOOR: "floor",
    "eager": "PyTorch eager",
    "compile": "PyTorch compiled",
    "attention": "attention",
    "attention-bf16": "attention bfloat16",
}


def default_keys(preset: str, backend: str = "numpy") -> tuple[str, ...]:
    """Who takes part unless a user says otherwise: compiling takes long, and bfloat16 is for GPUs."""
    left_out = {"compile"} if preset == "quick" else set()
    if backend == "numpy":
        left_out.add("attention-bf16")
    return tuple(key for key in NAMES if key not in left_out)


def name_of(key: str, backend: str = "numpy") -> str:
    """What the table calls a contender; on a GPU it says so."""
    return NAMES[key] + {"numpy": "", "cupy": " (cupy)" if key == OURS else " (cuda)"}[backend]


class UnavailableError(Exception):
    """A contender cannot take part in a case; the message says why. The others go on without it."""


@dataclass(frozen=True)
class Contender:
    """One contender of one case.

    Parameters
    ----------
    call : callable
        What is timed: from inputs in memory to results in memory, for the kind of the case.
    results : callable
        The same computation's output and gradients on the host, by the names of `reference`.
    clock : callable
        Takes a call and returns its seconds.
    peak : callable, optional
        Takes a call and returns the bytes that it needed at its peak, where a device can say so; on the host
        this is measured in a process of its own.
    expected : callable, optional
        What to compare `results` with, for a contender that is another function than the operator.
    tolerance : float
        Largest relative error that `results` may have.

    Notes
    -----
    Source: no counterpart in the paper.
    """

    call: Callable[[], Any]
    results: Callable[[], Results]
    clock: Callable[[Callable[[], Any]], float] = host_clock
    peak: Callable[[Callable[[], Any]], int] | None = None
    expected: Callable[[], Results] | None = None
    tolerance: float = TOLERANCE

    def sample(self) -> float:
        """Call once; the seconds."""
        return self.clock(self.call)


def ours(case: Case, inputs: Inputs, backend_name: str = "numpy") -> Contender:
    """This package, on NumPy or on CuPy.

    Parameters
    ----------
    case : Case
    inputs : OperatorInputs or TrainingInputs
    backend_name : {"numpy", "cupy"}

    Returns
    -------
    Contender
        Its arrays have the shapes of `inputs`.

    Raises
    ------
    BackendError
        The library or its GPU is not there.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    backend = get_backend(backend_name)
    params = tree_map(backend.asarray, inputs.params)
    on_gpu = backend_name == "cupy"
    clocks: dict[str, Any] = {"clock": cupy_clock(backend), "peak": cupy_peak(backend)} if on_gpu else {}
    if not isinstance(inputs, OperatorInputs):
        state = TrainState(0, params, adamw_init(params), {}, 0.0)

        def step() -> tuple:
            return train_step(state, inputs.ids, inputs.labels, inputs.config, inputs.training)

        return Contender(step, lambda: training_results(inputs, params), **clocks)
    u, dy = backend.asarray(inputs.u), backend.asarray(inputs.dy)
    config, workspace = inputs.config, Workspace()

    def forward() -> tuple[Array]:
        workspace.reset()
        y, _ = hyena(u, params, config, workspace)
        return (y,)

    def forward_backward() -> tuple[Array, Array, dict]:
        workspace.reset()
        y, cache = hyena(u, params, config, workspace)
        return y, *hyena_backward(dy, cache)

    call = forward_backward if case.kind == BOTH else forward
    return Contender(call, lambda: operator_results(*call()), **clocks)


def cupy_clock(backend: Backend) -> Callable[[Callable[[], Any]], float]:
    """A clock that runs on the device: from an event before the call to one after its last kernel."""
    cuda = backend.xp.cuda

    def clock(call: Callable[[], Any]) -> float:
        start, end = cuda.Event(), cuda.Event()
        cuda.get_current_stream().synchronize()
        start.record()
        call()
        end.record()
        end.synchronize()
        return cuda.get_elapsed_time(start, end) / 1e3  # from milliseconds

    return clock


def cupy_peak(backend: Backend) -> Callable[[Callable[[], Any]], int]:
    """What CuPy's memory pool had to ask the device for: a little more than the arrays themselves."""
    pool = backend.xp.get_default_memory_pool()

    def peak(call: Callable[[], Any]) -> int:
        backend.xp.cuda.get_current_stream().synchronize()
        pool.free_all_blocks()
        before = pool.total_bytes()
        call()
        backend.xp.cuda.get_current_stream().synchronize()
        return pool.total_bytes() - before

    return peak
