"""The package where there are no threads, no processes, no native checkpoints and 32-bit indices."""

import os
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from hyena_np.backend import arange_like, token_ids
from hyena_np.errors import CheckpointError
from hyena_np.exercises.exercise import Failure
from hyena_np.exercises.picture import picture
from hyena_np.plots import Figure

ROOT = Path(__file__).resolve().parents[2]
# A browser's Python lacks these modules, or nothing of them works.
ABSENT = ("safetensors", "fcntl", "resource", "_multiprocessing", "_posixshmem")
NAMES = {
    "hyena_np.exercises",
    "hyena_np.experiments.experiment",
    "hyena_np.experiments.show",
    "hyena_np.experiments.token_data",
    "hyena_np.plots",
    "hyena_np.training.loop",
    "hyena_np.writing.generate",
}
PROGRAM = """
import sys, threading
for name in {absent!r}:
    sys.modules[name] = None
import numpy, scipy.fft, array_api_compat, matplotlib.figure, threadpoolctl, importlib
sys.platform = "emscripten"
def start(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
for name in {names!r}:
    importlib.import_module(name)

import numpy as np
from hyena_np import HyenaConfig, hyena, hyena_backward, init_hyena, threads
config = HyenaConfig(d_model=64, l_max=4096)
u = np.random.default_rng(0).standard_normal((2, 4096, 64), dtype=np.float32)
params = init_hyena(config, np.random.default_rng(1))
with threads(1):
    hyena(u, params, config)
y, cache = hyena(u, params, config)
du, _ = hyena_backward(np.ones_like(y), cache)
print(y.shape == du.shape == u.shape)
"""


def test_what_notebooks_import_and_run_needs_no_threads_processes_or_missing_modules():
    program = PROGRAM.format(absent=ABSENT, names=sorted(NAMES))
    environment = os.environ | {"OMP_NUM_THREADS": "2"}  # what would start a second thread elsewhere
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "True\n"


def test_indices_have_the_width_that_take_asks_for(monkeypatch):
    x = np.ones(3, dtype=np.float32)
    assert arange_like(3, x).dtype == np.intp
    monkeypatch.setattr(np, "intp", np.int32)  # as it is on a machine of 32 bits
    assert arange_like(3, x).dtype == np.int32
    assert token_ids("ids", np.array([0, 2]), 3, x).dtype == np.int32


def test_without_safetensors_a_checkpoint_says_so(monkeypatch, tmp_path):
    from hyena_np.backend import get_backend
    from hyena_np.training.checkpoint import load_checkpoint

    (tmp_path / "a.safetensors").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(CheckpointError, match="safetensors is not installed"):
        load_checkpoint(tmp_path / "a.safetensors", get_backend("numpy"))


def test_the_picture_of_a_failure_shows_itself_without_pyplot():
    """A plain matplotlib figure is a line of text in a kernel that has not loaded pyplot."""
    figure = picture(Failure("wrong", expected=np.eye(3), got=np.eye(3)[::-1]))
    assert isinstance(figure, Figure)
    assert b64decode(figure._repr_png_()[0]).startswith(b"\x89PNG")
