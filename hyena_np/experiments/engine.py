"""Run an experiment: what is finished is never repeated, what is not goes on where it stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hyena_np.backend import cores, get_backend
from hyena_np.errors import RunError
from hyena_np.experiments.experiment import Experiment, Run, check_preset, experiment_in
from hyena_np.experiments.progress import Progress
from hyena_np.experiments.schedulers import Scheduler, chosen
from hyena_np.experiments.store import RESULTS_NAME, Row, check_same_plan, read_results, write_results
from hyena_np.experiments.work import Work, folder_of
from hyena_np.files import check_free, exclusive, make_folder, remove_files, remove_parts
from hyena_np.ops.checks import check_integer
from hyena_np.training.loop import CHECKPOINT_NAME

RUNS_NAME = "runs"
Echo = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How an experiment is run.

    Parameters
    ----------
    module : str
        Has the experiment as EXPERIMENT.
    preset : {"laptop", "paper"}
    out : Path
        Folder for the results.
    backend : str
        Array library; every run computes in float32.
    jobs : int, optional
        Runs at a time; every core one by default, and one on a GPU.
    scheduler : str, optional
        Address of a Dask scheduler, which then has the say about where and how many.

    Raises
    ------
    ConfigError
        A value is not allowed.
    """

    module: str
    preset: str
    out: Path
    backend: str = "numpy"
    jobs: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        check_preset(self.preset)
        if self.jobs is not None:
            check_integer("jobs", self.jobs, 1)

    @property
    def at_a_time(self) -> int:
        """Runs at a time."""
        return (cores() if self.backend == "numpy" else 1) if self.jobs is None else self.jobs


def run_experiment(
    plan: Plan, resume: bool = False, overwrite: bool = False, echo: Echo = print, bar: bool = True
) -> list[Row]:
    """Do all runs of an experiment that are not done yet.

    Parameters
    ----------
    plan : Plan
    resume : bool
        Go on with the results in the folder.
    overwrite : bool
        Replace them.
    echo : callable
        Takes a line.
    bar : bool
        Show a progress bar.

    Returns
    -------
    list of Row
        All that are finished, earlier ones included.

    Raises
    ------
    RunError
        Runs failed; all others are done and kept.
    HyenaError
        The folder, the backend or the scheduler is not as it must be; nothing was run.
    KeyboardInterrupt
        Ctrl-C; every run that was under way has a checkpoint.
    """
    experiment = experiment_in(plan.module)
    if plan.scheduler is None:
        get_backend(plan.backend)
    path = plan.out / RESULTS_NAME
    check_free(path, resume, overwrite)
    make_folder(plan.out)
    with exclusive(plan.out):
        if not resume:
            _remove(plan.out)
        make_folder(plan.out / RUNS_NAME)
        remove_parts(path)
        rows, damaged = read_results(path, experiment)
        for line in damaged:
            echo(f"{line}; its run is done again")
        scheduler = chosen(plan.at_a_time, plan.scheduler)
        with Progress(plan.out / RUNS_NAME, bar) as progress:
            failed = _do_stages(plan, experiment, rows, scheduler, progress, echo)
    if failed:
        raise RunError(f"{len(failed)} runs failed: {'; '.join(failed)}")
    return rows


def _do_stages(
    plan: Plan,
    experiment: Experiment,
    rows: list[Row],
    scheduler: Scheduler,
    progress: Progress,
    echo: Echo,
) -> list[str]:
    """Do runs until the experiment knows of no more; `rows` grows. Returns what failed, a line each."""
    path = plan.out / RESULTS_NAME
    while True:
        runs = experiment.plan(plan.preset, rows)
        check_same_plan(path, rows, runs)
        done = {row.run for row in rows}
        missing = [run for run in runs if run.name not in done]
        if not missing:
            return []
        failed = []
        progress.begin(missing)
        for finished in scheduler([_work(plan, run) for run in missing]):
            run = finished.work.run
            if finished.row is None:
                failed.append(f"{run.name}: {finished.error}")
                progress.finish(run)
                continue
            rows.append(finished.row)
            write_results(path, experiment, rows)
            # The row is on disk: what is left of the run is its curve, in metrics.csv.
            (folder_of(plan.out / RUNS_NAME, run) / CHECKPOINT_NAME).unlink(missing_ok=True)
            progress.finish(run)
            echo(_line(experiment, finished.row))
        if failed:  # what comes next may depend on what is missing
            return failed


def _work(plan: Plan, run: Run) -> Work:
    # One run a core: the products of these models are small, and threads would wait for one another.
    alone = plan.at_a_time == 1 and plan.scheduler is None
    runs = str((plan.out / RUNS_NAME).resolve())
    return Work(plan.module, run, runs, plan.backend, "float32", cores() if alone else 1)


def _line(experiment: Experiment, row: Row) -> str:
    measured = ", ".join(f"{name} {_short(row.measures[name])}" for name in experiment.measures)
    return f"{row.run}: {measured} ({row.seconds:.1f} s)"


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."


def _remove(out: Path) -> None:
    """Remove what an earlier run left in a folder."""
    remove_files([out / RESULTS_NAME])
    shutil.rmtree(out / RUNS_NAME, ignore_errors=True)
