"""Bytes: the peak of one call above what was there before it, in a process that does nothing else."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hyena_np.bench.cases import BOTH, STEP, Case
from hyena_np.fast.layout import peak_floats

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_WARM_LENGTH = 4096
# The GNU allocator learns from freed blocks to keep larger ones. Told where to stop, it gives every block of
# 64 KiB or more back at once, so that what an earlier call left behind hides nothing of the next one.
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def method() -> str:
    """How peaks are measured on this system."""
    return "VmHWM, reset before the call" if _can_reset() else "getrusage, never reset: a lower bound"


def peak_of(call: Callable[[], Any]) -> int:
    """Bytes of resident memory that a call needed at its peak, above the level just before it.

    Parameters
    ----------
    call : callable
        What it returns counts, whatever is alive already does not.

    Returns
    -------
    int
        On Linux exact to some hundred KiB. Elsewhere a lower bound: an earlier, higher peak hides it.

    Notes
    -----
    Source: Linux, proc(5): ``clear_refs``, ``VmHWM``; no counterpart in the paper. No arrays, so no shapes.
    """
    gc.collect()
    if _can_reset():
        _CLEAR.write_text("5")
        before, peak = _status("VmRSS"), lambda: _status("VmHWM")
    else:
        before, peak = _highest(), _highest
    result = call()
    after = peak()
    del result
    return max(0, after - before)


def _can_reset() -> bool:
    try:
        _CLEAR.write_text("5")
        return _STATUS.exists()
    except OSError:
        return False


def _status(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def available() -> int | None:
    """Bytes that programs can still have without swapping; None on a system that does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [int(text.split()[1]) * 1024 for text in lines if text.startswith("MemAvailable:")]
    return found[0] if found else None


def _highest() -> int:
    """The highest level of this process so far; 0 on a system that does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure_peak(key: str, case: Case, threads: int, benchmarks: Path | None = None) -> int | None:
    """Peak bytes of a contender's first call, in a process of its own.

    Parameters
    ----------
    key : str
        Of the contender.
    case : Case
        Shapes (B, L, D).
    threads : int
    benchmarks : Path, optional
        The folder with the contenders that are not part of the package.

    Returns
    -------
    int or None
        None where the process failed: too little memory, most likely.

    Notes
    -----
    Source: no counterpart in the paper.
    """
    task = {"key": key, "case": asdict(case), "threads": threads, "benchmarks": str(benchmarks or "")}
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-m", "hyena_np.bench.memory", json.dumps(task)],
        env=os.environ | _ALLOCATOR | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return None
    return json.loads(done.stdout.splitlines()[-1])["peak_bytes"]


def predicted_multiple(case: Case, threads: int) -> float | None:
    """Peak of our own call in float32 (B, L, D) arrays, from the shapes alone; None for a training step."""
    if case.kind == STEP:
        return None
    return peak_floats(case.config, case.B, case.L, threads, case.kind == BOTH) / case.size


def _child(task: dict) -> None:
    """What the process does: a call that loads libraries and starts threads, then the one that counts."""
    from hyena_np.bench.inputs import make_inputs
    from hyena_np.bench.line_up import build, equal_threads
    from hyena_np.bench.outside import load_outside

    outside = load_outside(Path(task["benchmarks"])) if task["benchmarks"] else None
    case = Case(**task["case"])
    small = case if case.kind == STEP else replace(case, L=min(case.L, _WARM_LENGTH))
    with equal_threads(task["threads"], outside):
        if task["key"] != "compile":  # which has been called once when it is built
            build(task["key"], small, make_inputs(small), outside).call()
        contender = build(task["key"], case, make_inputs(case), outside)
        print(json.dumps({"peak_bytes": peak_of(contender.call)}))


if __name__ == "__main__":
    _child(json.loads(sys.argv[1]))
