"""``hyena-np experiment``."""

import re
from pathlib import Path

import pytest

from hyena_np import cli
from hyena_np.experiments import experiment as catalogue, show
from hyena_np.experiments.store import RESULTS_NAME
from support import fake_experiment as fake
from support.command import assert_one_line, command


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The fake experiment, with three runs, as the only one."""
    monkeypatch.setattr(catalogue, "CATALOGUE", {"fake": fake.MODULE})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log").mkdir()
    monkeypatch.setattr(fake, "RUNS", [fake.run(tmp_path / "log", level) for level in (1, 2, 3)])
    return tmp_path / "log"


def test_list_names_every_experiment(capsys, log):
    ended = command(capsys, "experiment", "list")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.split() == ["fake", "Squares", "(none)"]


def test_run_then_show(capsys, log, tmp_path):
    ended = command(capsys, "experiment", "run", "fake", "--jobs", "1")
    assert ended.status == 0
    assert "level=3_seed=0: square 9" in ended.out
    assert "Written to hyena-experiments/fake-laptop/: report.md" in ended.out
    folder = tmp_path / "hyena-experiments" / "fake-laptop"
    report = (folder / "report.md").read_text()
    assert "| level | square |\n| --- | --- |\n| 1 | 1 |" in report and "- 3 squares." in report
    shown = command(capsys, "experiment", "show", "fake")
    assert (shown.status, shown.err) == (0, "")
    assert "level  square\n-----  ------\n1           1" in shown.out
    assert "Different from the paper: everything" in shown.out
    assert f"Results: hyena-experiments/fake-laptop/{RESULTS_NAME}" in shown.out
    assert_one_line(command(capsys, "experiment", "run", "fake"), 2, "--resume", "--overwrite")
    again = command(capsys, "experiment", "run", "fake", "--resume", "--quiet")
    assert (again.status, again.out, again.err) == (0, "", "")
    assert all(fake.executions(log, f"level={level}_seed=0") == 1 for level in (1, 2, 3))


def test_show_without_results_of_ones_own_shows_those_of_the_package(capsys, log, tmp_path, monkeypatch):
    assert_one_line(
        command(capsys, "experiment", "show", "fake"), 2, "there are no results of fake", "makes them"
    )
    command(capsys, "experiment", "run", "fake", "--out", "elsewhere", "--jobs", "1")
    monkeypatch.setattr(show, "_COMMITTED", tmp_path / "committed")
    (tmp_path / "committed").mkdir()
    (tmp_path / "elsewhere" / RESULTS_NAME).rename(tmp_path / "committed" / "fake-laptop.csv")
    shown = command(capsys, "experiment", "show", "fake")
    assert shown.status == 0 and "committed/fake-laptop.csv" in shown.out


def test_a_damaged_file_is_not_shown(capsys, log):
    command(capsys, "experiment", "run", "fake", "--out", "out", "--jobs", "1")
    path = Path("out", RESULTS_NAME)
    path.write_text(path.read_text()[:-5])
    assert_one_line(command(capsys, "experiment", "show", "fake", "--out", "out"), 2, "row 3: is not whole")
    path.write_text("something else\n")
    assert_one_line(
        command(capsys, "experiment", "show", "fake", "--out", "out"), 2, "holds no results of the"
    )


@pytest.mark.parametrize(
    ("arguments", "mentioned"),
    [
        (("run", "fakr"), "experiment: got 'fakr', allowed are fake"),
        (("show", "fakr"), "experiment: got 'fakr', allowed are fake"),
        (("run", "fake", "--preset", "huge"), "preset: got 'huge', allowed are laptop, paper"),
        (("show", "fake", "--preset", "huge"), "preset: got 'huge', allowed are laptop, paper"),
        (("run", "fake", "--jobs", "0"), "--jobs"),
        (("run", "fake", "--backend", "abacus"), "abacus"),
        (("run", "fake", "--resume", "--overwrite"), "one of them"),
        (("run",), "NAME"),
        (("fly",), "fly"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_cost_one_line(capsys, log, arguments, mentioned):
    assert_one_line(command(capsys, "experiment", *arguments), 2, mentioned)
    assert not list(log.parent.glob("hyena-experiments/*/results.csv"))


def test_a_failed_run_is_a_failure_of_the_command(capsys, log, monkeypatch):
    monkeypatch.setattr(fake, "RUNS", [fake.run(log, 1, does="fail")])
    ended = command(capsys, "experiment", "run", "fake", "--jobs", "1", "--quiet")
    assert_one_line(ended, 1, "1 runs failed", "level: 1 is too much")


def test_the_experiments_that_help_names_exist():
    named = re.findall(r"experiment (?:run|show) ([a-z][a-z-]+)", cli.experiment.help)
    assert named and set(named) <= set(catalogue.CATALOGUE)
