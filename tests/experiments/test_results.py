"""The results that come with the package: whole, complete, and of the runs that the code plans now."""

import subprocess
import sys
from pathlib import Path

import pytest

from hyena_np.experiments.experiment import CATALOGUE, PRESETS, experiment_in
from hyena_np.experiments.show import as_text, committed_results
from hyena_np.experiments.store import check_same_plan, read_results

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = [
    pytest.param(experiment, preset, path, id=path.stem)
    for experiment in map(experiment_in, CATALOGUE.values())
    for preset in PRESETS
    if (path := committed_results(experiment, preset)).exists()
]


def test_every_experiment_has_results_of_the_laptop():
    assert all(committed_results(experiment_in(module), "laptop").exists() for module in CATALOGUE.values())


@pytest.mark.parametrize(("experiment", "preset", "path"), COMMITTED)
def test_the_rows_are_whole_and_those_of_the_plan(experiment, preset, path):
    rows, damaged = read_results(path, experiment)
    assert not damaged
    corpora = {row.settings["corpus"]["name"] for row in rows if "corpus" in row.settings}
    runs = experiment.plan(preset, rows)
    if corpora and {run.settings["corpus"]["name"] for run in runs} != corpora:
        pytest.skip(f"the results are of {corpora}, which another version of Python brings along")
    assert {row.run for row in rows} == {run.name for run in runs}
    check_same_plan(path, rows, runs)


@pytest.mark.parametrize(("experiment", "preset", "path"), COMMITTED)
def test_every_report_has_a_table_a_figure_and_a_conclusion(experiment, preset, path):
    rows, _ = read_results(path, experiment)
    report = experiment.report(rows)
    assert report.tables and report.figures and report.conclusions
    assert "Different from the paper: " in as_text(experiment, preset, rows)


def test_the_page_of_results_is_what_the_command_makes_of_them():
    command = [sys.executable, "docs/build_results.py", "--check"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
