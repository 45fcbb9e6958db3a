"""What each part of the fast form is worth: leave one out, and see how much longer a call takes.

    python benchmarks/ablation.py

Prints the tables of docs/performance.md. All variants of a row are measured in turns, in one process, as
``hyena-np bench`` does it; a number is a time divided by that of the fast form as it is.
"""

import contextlib
import json
import subprocess
import sys
from unittest.mock import patch

import numpy as np

from hyena_np import HyenaConfig, Workspace, get_backend, hyena, hyena_backward, init_hyena, threads
from hyena_np.backend import keep_freed_memory, thread_count
from hyena_np.bench.timing import host_clock, interleave, spread
from hyena_np.demo.recipe import RecallData, RecallRecipe
from hyena_np.fast import layout, parallel
from hyena_np.ops.hyena import hyena_reference, hyena_reference_backward
from hyena_np.training.loop import initial_state, train_step

SHAPES = ((32, 64, 64), (1, 256, 256), (1, 1024, 256), (8, 1024, 128), (1, 16384, 256), (1, 65536, 256))
BUDGET = 0.5  # seconds a variant
AS_IT_IS = "as it is"
VARIANTS = {
    AS_IT_IS: contextlib.nullcontext,
    "readable form": contextlib.nullcontext,
    "one thread": lambda: threads(1),
    "everything as one block": lambda: patch.object(layout, "_BLOCK_SIZE", 1 << 60),
    "blocks an eighth as large": lambda: patch.object(layout, "_BLOCK_SIZE", 1 << 14),
    "NumPy's own buffer size": lambda: patch.object(parallel, "_BUFFER_SIZE", 8192),
    "FFT for short sequences too": lambda: patch.object(layout, "_MATRIX_LENGTH", 0),
    "without a workspace": contextlib.nullcontext,
    "spectra computed twice": contextlib.nullcontext,
}


def operator_call(variant, u, dy, params, config):
    """Forward and backward of one variant."""
    workspace = Workspace()

    def call():
        if variant == "readable form":
            _, cache = hyena_reference(u, params, config)
            return hyena_reference_backward(dy, cache)
        workspace.reset()
        memory = None if variant == "without a workspace" else workspace
        _, cache = hyena(u, params, config, memory, recompute=variant == "spectra computed twice")
        return hyena_backward(dy, cache)

    def sample():
        with VARIANTS[variant]():
            return host_clock(call)

    return sample


def operators():
    """One row a variant, one column a shape."""
    columns = []
    for B, L, D in SHAPES:
        rng = np.random.default_rng(0)
        config = HyenaConfig(D, L)
        u, dy = (rng.standard_normal((B, L, D), dtype=np.float32) for _ in range(2))
        params = init_hyena(config, rng)
        samples = {variant: operator_call(variant, u, dy, params, config) for variant in VARIANTS}
        seconds = interleave(samples, BUDGET)
        columns.append({variant: spread(taken).median for variant, taken in seconds.items()})
    print(f"| forward + backward, {thread_count()} threads | " + " | ".join(map(str, SHAPES)) + " |")
    print("|---" * (len(SHAPES) + 1) + "|")
    for variant in VARIANTS:
        ratios = (f"{column[variant] / column[AS_IT_IS]:.2f}" for column in columns)
        print(f"| {variant} | " + " | ".join(ratios) + " |")


def training_step(kept):
    """Median seconds of the demo's training step."""
    if kept and not keep_freed_memory():
        return None
    recipe = RecallRecipe()
    state = initial_state(recipe.model, recipe.training, get_backend("numpy"))
    batch = RecallData(recipe).sample(np.random.default_rng(0), 0)

    def step():
        return host_clock(lambda: train_step(state, *batch, recipe.model, recipe.training))

    def one_thread():
        with threads(1):
            return step()

    samples = {f"{thread_count()} threads": step, "1 thread": one_thread}
    return {name: spread(taken).median for name, taken in interleave(samples, BUDGET).items()}


def training():
    """The C library's setting lasts, so each half has a process of its own."""
    halves = {}
    for kept in (False, True):
        done = subprocess.run(
            [sys.executable, __file__, "--training", str(int(kept))],
            capture_output=True,
            text=True,
            check=True,
        )
        halves[kept] = json.loads(done.stdout)
    if halves[True] is None:
        print("keep_freed_memory has no effect with this C library")
        return
    base = halves[True]["1 thread"]
    print("\n| training step | freed memory kept | given back |\n|---|---|---|")
    for name in halves[True]:
        print(f"| {name} | {halves[True][name] / base:.2f} | {halves[False][name] / base:.2f} |")


if __name__ == "__main__":
    if "--training" in sys.argv:
        print(json.dumps(training_step(bool(int(sys.argv[-1])))))
    else:
        operators()
        training()
