"""One run of an experiment, done wherever it was sent: in this process, in another, or on a cluster."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hyena_np.backend import Backend, get_backend, keep_freed_memory, threads
from hyena_np.experiments.experiment import Run, experiment_in
from hyena_np.experiments.store import Row, as_json
from hyena_np.fast.choose import device_name
from hyena_np.files import make_folder, write_json
from hyena_np.machine import processor, versions_with

CLOCK_NAME = "seconds.json"


class Work(NamedTuple):
    """A run, and all that a process elsewhere has to know to do it."""

    module: str  # has the experiment as EXPERIMENT
    run: Run
    runs_folder: str  # of all runs; where it is out of reach, a temporary folder takes its place
    backend: str
    dtype: str
    threads: int


def do_work(work: Work, should_stop: Callable[[], bool]) -> Row:
    """Do a run, or the rest of it.

    Raises
    ------
    KeyboardInterrupt
        `should_stop` answered yes; a checkpoint is written.
    HyenaError
        Of the run.
    """
    backend = get_backend(work.backend, work.dtype)
    keep_freed_memory()

    def on_progress() -> None:
        if should_stop():
            raise KeyboardInterrupt

    with _folder_of(work) as folder, threads(work.threads):
        clock = _Clock(folder / CLOCK_NAME)
        try:
            experiment = experiment_in(work.module)
            measures = experiment.execute(as_json(work.run.settings), folder, backend, on_progress)
        finally:
            clock.stop()
    return Row(
        work.run.name,
        dict(work.run.factors),
        measures,
        round(clock.seconds, 3),
        backend.name,
        backend.dtype_name,
        device_of(backend),
        versions_with(backend.name),
        as_json(work.run.settings),
    )


def folder_of(runs_folder: Path, run: Run) -> Path:
    """Where a run keeps its checkpoint and its metrics."""
    return runs_folder / run.name


def device_of(backend: Backend) -> str:
    """Name of the processor or of the GPU that a backend computes on."""
    name = device_name(backend.asarray(np.zeros(1)))
    return processor() if name == "cpu" else name


@contextmanager
def _folder_of(work: Work) -> Iterator[Path]:
    shared = Path(work.runs_folder)
    if shared.is_dir():
        yield make_folder(folder_of(shared, work.run))
        return
    temporary = Path(tempfile.mkdtemp(prefix="hyena-np-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Clock:
    """Wall time of a run over all its attempts; what a killed attempt took is lost."""

    def __init__(self, path: Path) -> None:
        self._path, self._began, self._before = path, time.perf_counter(), 0.0
        try:
            self._before = float(path.read_text())
        except (OSError, ValueError):
            pass
        self.seconds = self._before

    def stop(self) -> None:
        self.seconds = self._before + time.perf_counter() - self._began
        write_json(self._path, self.seconds)
