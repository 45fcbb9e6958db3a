"""The progress of many runs at once: one bar of training steps, and the latest numbers of a run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from hyena_np.errors import HyenaError
from hyena_np.experiments.experiment import Run
from hyena_np.experiments.work import folder_of
from hyena_np.training.loop import METRICS_NAME
from hyena_np.training.metrics import Record, last_record

_INTERVAL = 0.5  # seconds between two looks at the runs' metrics


class Progress:
    """A bar over the steps of all runs, which reads how far each is from its metrics file.

    The files are where the runs write them anyway, so the bar shows runs in other processes, and on a cluster
    that shares the disk. Elsewhere it moves on when a run is finished.

    Parameters
    ----------
    runs_folder : Path
        Of all runs.
    shown : bool
    """

    def __init__(self, runs_folder: Path, shown: bool) -> None:
        self._folder, self._running = runs_folder, dict[str, Run]()
        self._done, self._latest = 0, ""
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._bar: Any = tqdm(total=0, unit="step", disable=not shown, dynamic_ncols=True, mininterval=0.2)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._total, self._finished = 0, 0

    def __enter__(self) -> Progress:
        if not self._bar.disable:
            self._watcher.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._bar.close()

    def begin(self, runs: Sequence[Run]) -> None:
        """Runs that are to be done now."""
        with self._lock:
            self._running |= {run.name: run for run in runs}
            self._bar.total += sum(run.steps for run in runs)
            self._total += len(runs)
            self._bar.refresh()

    def finish(self, run: Run) -> None:
        """A run has come to its end."""
        with self._lock:
            self._running.pop(run.name, None)
            self._done += run.steps
            self._finished += 1
            self._show()

    def _watch(self) -> None:
        while not self._ended.wait(_INTERVAL):
            with self._lock:
                self._show()

    def _show(self) -> None:
        steps = 0
        for run in self._running.values():
            record = _last_record(folder_of(self._folder, run) / METRICS_NAME)
            if record is not None:
                steps += record.step
                self._latest = f"{run.name}: {_numbers(record)}"
        self._bar.set_description_str(f"{self._finished}/{self._total} runs", refresh=False)
        self._bar.set_postfix_str(self._latest, refresh=False)
        self._bar.n = max(self._bar.n, self._done + steps)
        self._bar.refresh()


def _last_record(path: Path) -> Record | None:
    try:
        return last_record(path)
    except HyenaError:  # caught while it is replaced
        return None


def _numbers(record: Record) -> str:
    accuracy = "" if record.accuracy is None else f", accuracy {record.accuracy:.1%}"
    return f"step {record.step}, loss {record.loss:.3f}{accuracy}"
