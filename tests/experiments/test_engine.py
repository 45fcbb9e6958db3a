"""A run is done once, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hyena_np.errors import BackendError, ConfigError, OutputError, RunError
from hyena_np.experiments import schedulers
from hyena_np.experiments.engine import Plan, run_experiment
from hyena_np.experiments.experiment import CATALOGUE, module_of
from hyena_np.experiments.store import RESULTS_NAME, read_results
from support import fake_experiment as fake


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


@pytest.fixture
def planned(monkeypatch):
    """A function that says which runs the experiment plans."""
    return lambda *runs: monkeypatch.setattr(fake, "RUNS", list(runs))


def go(tmp_path, jobs=1, said=None, scheduler=None, **options):
    plan = Plan(fake.MODULE, "laptop", tmp_path / "out", "numpy", jobs, scheduler)
    return run_experiment(plan, echo=(said if said is not None else []).append, bar=False, **options)


def squares(rows):
    return sorted((row.factors["level"], row.measures["square"]) for row in rows)


def written(tmp_path):
    return read_results(tmp_path / "out" / RESULTS_NAME, fake.EXPERIMENT).rows


def test_every_run_has_a_row_with_all_that_it_depends_on(tmp_path, log, planned):
    planned(fake.run(log, 2), fake.run(log, 3, seed=7))
    rows = go(tmp_path)
    assert squares(rows) == [(2, 4), (3, 9)]
    assert written(tmp_path) == rows
    row = rows[1]
    assert (row.run, row.seed, row.backend, row.dtype) == ("level=3_seed=7", 7, "numpy", "float32")
    assert row.settings == {"seed": 7, "level": 3, "log": str(log)}
    assert row.measures["note"] == 'a, "quoted"\nnote level=3_seed=7'
    assert row.versions["hyena_np"] and row.device and row.seconds >= 0


def test_a_finished_run_is_never_repeated(tmp_path, log, planned):
    planned(fake.run(log, 2))
    go(tmp_path)
    planned(fake.run(log, 2), fake.run(log, 3))
    assert squares(go(tmp_path, resume=True)) == [(2, 4), (3, 9)]
    assert [fake.executions(log, f"level={level}_seed=0") for level in (2, 3)] == [1, 1]


def test_runs_that_depend_on_others_come_after_them(tmp_path, log, planned):
    planned(fake.run(log, 3, after="level=2_seed=0"), fake.run(log, 2))
    assert [row.factors["level"] for row in go(tmp_path)] == [2, 3]


@pytest.mark.parametrize("damage", ["cut", "edited", "a cell less"])
def test_a_row_that_is_not_whole_is_noticed_and_done_again(tmp_path, log, planned, damage):
    planned(fake.run(log, 2), fake.run(log, 3))
    rows = go(tmp_path)
    path = tmp_path / "out" / RESULTS_NAME
    text = path.read_text()
    path.write_text(
        {
            "cut": text[:-20],
            "edited": text.replace(",9,", ",10,", 1),
            "a cell less": text.replace("numpy,float32", "numpy", 2).replace("numpy,", "numpy,float32,", 1),
        }[damage]
    )
    said = []
    assert squares(go(tmp_path, resume=True, said=said)) == squares(rows)
    assert "row 2: is not whole, or was edited; its run is done again" in said[0]
    assert fake.executions(log, "level=2_seed=0") == 1
    assert fake.executions(log, "level=3_seed=0") == 2
    assert squares(written(tmp_path)) == squares(rows)


def test_results_are_not_replaced_unasked(tmp_path, log, planned):
    planned(fake.run(log, 2))
    go(tmp_path)
    with pytest.raises(OutputError, match=r"--resume goes on with them, --overwrite replaces them"):
        go(tmp_path)
    go(tmp_path, overwrite=True)
    assert fake.executions(log, "level=2_seed=0") == 2


def test_results_of_other_settings_are_refused(tmp_path, log, planned):
    planned(fake.run(log, 2, steps=10))
    go(tmp_path)
    planned(fake.run(log, 2, steps=11))
    with pytest.raises(ConfigError, match=r"level=2_seed=0' with steps = 10, now 11 is asked for"):
        go(tmp_path, resume=True)


def test_a_failing_run_does_not_take_the_others_with_it(tmp_path, log, planned):
    planned(fake.run(log, 1, does="fail"), fake.run(log, 2))
    with pytest.raises(RunError, match=r"^1 runs failed: level=1_seed=0: level: 1 is too much"):
        go(tmp_path)
    assert squares(written(tmp_path)) == [(2, 4)]


def test_two_processes_do_not_share_a_folder(tmp_path, log, planned):
    planned(fake.run(log, 2, does="wait"))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(go, tmp_path)
        while not fake.executions(log, "level=2_seed=0"):
            time.sleep(0.01)
        with pytest.raises(OutputError, match=r"^out: another process is at work in "):
            go(tmp_path, resume=True)
        (log / "go").touch()
        assert squares(first.result()) == [(2, 4)]


def test_a_run_whose_process_was_killed_is_done_again(tmp_path, log, planned):
    planned(fake.run(log, 2, does="die"), fake.run(log, 3), fake.run(log, 4))
    rows = go(tmp_path, jobs=2)
    assert squares(rows) == squares(written(tmp_path)) == [(2, 4), (3, 9), (4, 16)]
    assert fake.executions(log, "level=2_seed=0") == 2


def test_a_run_that_kills_every_process_is_given_up(tmp_path, log, planned):
    planned(fake.run(log, 2, does="always die"))
    with pytest.raises(RunError, match=r"level=2_seed=0: its process, or one beside it, died 3 times"):
        go(tmp_path, jobs=2)
    assert fake.executions(log, "level=2_seed=0") == schedulers.ATTEMPTS


def test_stopping_tells_the_processes_and_keeps_what_is_finished(tmp_path, log, planned):
    planned(fake.run(log, 2), fake.run(log, 3, does="wait"))

    def stop():
        while not (fake.executions(log, "level=3_seed=0") and len(written(tmp_path)) == 1):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=stop)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, jobs=2)
    watcher.join()
    assert squares(written(tmp_path)) == [(2, 4)]
    (log / "go").touch()
    assert squares(go(tmp_path, jobs=2, resume=True)) == [(2, 4), (3, 9)]
    assert fake.executions(log, "level=2_seed=0") == 1


def test_processes_end_when_the_one_that_sends_the_runs_is_killed(tmp_path, log):
    code = f"""
from pathlib import Path
from support import fake_experiment as fake
from hyena_np.experiments.engine import Plan, run_experiment
if __name__ == "__main__":
    fake.RUNS.append(fake.run({str(log)!r}, 2, does="wait"))
    run_experiment(Plan(fake.MODULE, "laptop", Path({str(tmp_path / "out")!r}), jobs=2), bar=False)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
    while not fake.executions(log, "level=2_seed=0"):
        assert parent.poll() is None
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while in_session(parent.pid):
        assert time.monotonic() < deadline, in_session(parent.pid)
        time.sleep(0.05)


def in_session(leader):
    """Processes that a process of its own session left behind, where the system lists them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(stat.parent.name)
    return found


class TestDask:
    @pytest.mark.slow
    def test_a_worker_that_is_killed_loses_no_run_and_doubles_none(self, tmp_path, log, planned):
        distributed = pytest.importorskip("distributed", reason="Dask is not installed; extra 'dask'")
        planned(
            *(fake.run(log, level, does="die" if level == 3 else None) for level in range(1, 7)),
            fake.run(log, 7, after="level=3_seed=0"),
        )
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs="CRITICAL"
        ) as cluster:
            rows = go(tmp_path, scheduler=cluster.scheduler_address)
        assert squares(rows) == squares(written(tmp_path)) == [(n, n * n) for n in range(1, 8)]
        assert fake.executions(log, "level=3_seed=0") == 2

    def test_a_scheduler_that_does_not_answer(self, tmp_path, monkeypatch):
        pytest.importorskip("distributed", reason="Dask is not installed; extra 'dask'")
        with pytest.raises(BackendError, match=r"^scheduler: nothing answers at 'tcp://127.0.0.1:9'"):
            schedulers.dask_cluster("tcp://127.0.0.1:9", timeout=0.5)
        with pytest.raises(BackendError, match=r"^scheduler: nothing answers at 'nonsense'"):
            schedulers.dask_cluster("nonsense", timeout=0.5)


class TestNames:
    def test_an_unknown_experiment_lists_all(self):
        with pytest.raises(ConfigError, match=r"^experiment: got 'recal', allowed are recall-by-param"):
            module_of("recal")
        assert all(module_of(name) == module for name, module in CATALOGUE.items())

    def test_an_unknown_preset_and_a_wrong_number_of_jobs(self, tmp_path):
        with pytest.raises(ConfigError, match=r"^preset: got 'huge', allowed are laptop, paper"):
            Plan(fake.MODULE, "huge", tmp_path)
        with pytest.raises(ConfigError, match=r"^jobs: got 0, allowed are integers >= 1"):
            Plan(fake.MODULE, "laptop", tmp_path, jobs=0)
