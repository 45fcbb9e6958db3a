"""An experiment that trains nothing, and does on request what goes wrong in real ones.

Every execution leaves a file in ``settings["log"]``, so that a test can count them. `RUNS` is what the plan
plans; a test sets it in its own process, and what runs elsewhere only reads its settings.
"""

import os
import signal
import time
import uuid
from pathlib import Path

from hyena_np.errors import ConfigError
from hyena_np.experiments.experiment import Experiment, Report, Run, Table

RUNS: list[Run] = []
MODULE = "support.fake_experiment"


def run(log, level, seed=0, **settings):
    """A run; ``does`` is "die" (the first time), "fail" or "wait"."""
    return Run({"level": level, "seed": seed}, {"seed": seed, "level": level, "log": str(log), **settings})


def executions(log, name):
    """How often a run was begun."""
    return len(list(Path(log).glob(f"{name}.*")))


def execute(settings, folder, backend, on_progress):
    name = run("", settings["level"], settings["seed"]).name
    log = Path(settings["log"])
    (log / f"{name}.{uuid.uuid4().hex}").touch()
    does = settings.get("does")
    if does == "die" and executions(log, name) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "always die":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "fail":
        raise ConfigError(f"level: {settings['level']} is too much")
    if does == "wait":
        began = time.monotonic()
        while not (log / "go").exists():
            on_progress()
            time.sleep(0.01)
            assert time.monotonic() - began < 60
    return {"square": settings["level"] ** 2, "note": f'a, "quoted"\nnote {folder.name}'}


def plan(preset, rows):
    """What a test asked for; a run with ``after`` is known when that one is finished."""
    done = {row.run for row in rows}
    return [run for run in RUNS if run.settings.get("after", run.name) in done | {run.name}]


def report(rows):
    table = Table(
        "Squares", ["level", "square"], [[str(r.factors["level"]), str(r.measures["square"])] for r in rows]
    )
    return Report([table], [f"{len(rows)} squares."], {})


EXPERIMENT = Experiment(
    name="fake",
    title="Squares",
    paper="none",
    question="What are squares?",
    differs="everything",
    factors=("level", "seed"),
    measures=("square", "note"),
    plan=plan,
    execute=execute,
    report=report,
)
