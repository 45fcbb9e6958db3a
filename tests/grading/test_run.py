"""A class from the folder to the scores: points, hidden parts, resuming, stopping."""

import contextlib
import csv
import json
import os
import re
import signal
import threading
import time
from types import SimpleNamespace

import nbformat
import pytest

from grading import hostile
from grading.classes import SOLUTIONS, graded, hand_in, page_of
from hyena_np.errors import BackendError, ConfigError, DataError, OutputError
from hyena_np.exercises import EXERCISES
from hyena_np.files import exclusive
from hyena_np.grading import limits, run
from hyena_np.grading.judging import Outcome, PartOutcome
from hyena_np.grading.records import TOTAL
from hyena_np.grading.student import Graded
from notebooks.exercises import build
from support.command import assert_one_line, command, finish, start

pytestmark = pytest.mark.skipif(os.name != "posix", reason="this system cannot limit a process")
# Right where the check looks, wrong elsewhere: it knows the sizes of the public inputs. And it tells.
SPECIAL = hostile.RIGHT.replace(
    "    return", "    print('asked for', h.shape)\n    if h.shape[-1] in (5, 6, 7, 9): h = h + 1\n    return"
)
# Its dtype is wrong, which costs one part.
DOUBLE = hostile.RIGHT.replace("h[..., lags]", "h[..., lags].astype('float64')")


def rows(out):
    with open(out / "scores.csv", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def class_of_two(tmp_path_factory):
    """One student with two files, and one whose function knows the public sizes."""
    folder = tmp_path_factory.mktemp("class")
    hand_in(folder / "class", {"special": SPECIAL})
    hand_in(folder / "class" / "honest", {"first": DOUBLE, "second": hostile.RIGHT})
    return folder / "class", folder / "graded", graded(folder / "class", folder / "graded")


def test_points_of_a_class(class_of_two):
    _, out, records = class_of_two
    assert {name: row["toeplitz"] for name, row in rows(out).items()} == {"honest": "5", "special": "0"}
    assert records["honest"].total == 5
    assert rows(out)["honest"]["percent"] == f"{500 / TOTAL:.1f}"
    assert all(row["flags"] == row["error"] == "" for row in rows(out).values())
    assert {path.name for path in out.iterdir()} >= {"overview.html", "overview.png"}


def test_the_better_of_two_files_counts(class_of_two):
    assert "(in honest/second.py)" in page_of(class_of_two[1], "honest")


def test_what_is_right_on_public_inputs_alone_earns_nothing(class_of_two):
    page = page_of(class_of_two[1], "special")
    assert page.count("passed with the inputs of the check, not with others") == 4


def test_what_is_printed_for_hidden_inputs_is_not_shown(class_of_two):
    page = page_of(class_of_two[1], "special")
    shapes = set(re.findall(r"asked for \(([\d, ]+)\)", page))
    assert {"1,", "5, 17"} <= shapes
    assert not shapes & {"5,", "9,", "3, 6", "7,", "6,"}


def test_resuming_grades_nothing_again(class_of_two, monkeypatch):
    folder, out, first = class_of_two
    before = (out / "scores.csv").read_bytes()
    with pytest.raises(OutputError, match=r"^out: .* holds results already; --resume"):
        graded(folder, out)
    monkeypatch.setattr(run, "surroundings", lambda: pytest.fail("a process is started"))
    assert graded(folder, out, resume=True) == first
    assert (out / "scores.csv").read_bytes() == before


@pytest.fixture
def asked(monkeypatch):
    """Students who are graded, without a process: each passes as many parts as the file says."""
    students = []

    def fake(entry, *rest):
        students.append(entry.student)
        points = int(entry.files[0].read_text())
        parts = tuple(PartOutcome(part, written=n < points) for n, part in enumerate(EXERCISES[0].parts))
        return Graded(entry, {EXERCISES[0].name: Outcome(EXERCISES[0], "a.py", parts)}, {}, ())

    monkeypatch.setattr(run, "grade_student", fake)
    around = SimpleNamespace(stop=threading.Event())
    monkeypatch.setattr(run, "surroundings", lambda: contextlib.nullcontext(around))
    monkeypatch.setattr(run, "write_overview", lambda *arguments: None)
    monkeypatch.setattr(run, "_tell_limits", lambda *arguments: None)
    return students


def test_what_has_changed_is_graded_again_and_nothing_else(tmp_path, asked):
    folder, out = hand_in(tmp_path / "class", {"a": "1", "b": "1", "c": "1"}), tmp_path / "out"
    assert [record.total for record in graded(folder, out).values()] == [2, 2, 2]
    hand_in(folder, {"b": "4", "d": "2"})
    (folder / "c.py").unlink()
    (out / "results" / "a.json").write_text("{")
    asked.clear()
    assert {name: r.total for name, r in graded(folder, out, resume=True).items()} == {"a": 2, "b": 5, "d": 3}
    assert sorted(asked) == ["a", "b", "d"]
    assert sorted(rows(out)) == ["a", "b", "d"]
    asked.clear()
    graded(folder, out, resume=True)
    assert asked == []
    graded(folder, out, seconds=30, resume=True)
    assert sorted(asked) == ["a", "b", "d"]  # under other limits everything
    graded(folder, out, seconds=30, overwrite=True)
    assert len(asked) == 6
    assert sorted(path.stem for path in (out / "feedback").iterdir()) == ["a", "b", "d"]


def test_a_student_who_finds_a_mistake_of_the_grader_costs_nobody_else(tmp_path, asked):
    folder, out = hand_in(tmp_path / "class", {"a": "1", "b": "no number", "c": "1"}), tmp_path / "out"
    records = graded(folder, out)
    assert [record.total for record in records.values()] == [2, 0, 2]
    assert "a mistake of the grader's: ValueError" in rows(out)["b"]["error"]
    assert "not graded" in page_of(out, "b")
    hand_in(folder, {"b": "2"})
    asked.clear()
    assert [record.total for record in graded(folder, out, resume=True).values()] == [2, 3, 2]
    assert asked == ["b"]


def test_what_stops_the_run_loses_nothing_that_is_done(tmp_path, asked, monkeypatch):
    folder, out = hand_in(tmp_path / "class", {"a": "1", "b": "1", "c": "1"}), tmp_path / "out"
    save = run.save_record
    with monkeypatch.context() as patch:
        patch.setattr(run, "save_record", lambda *a: save(*a) if a[1].student == "a" else interrupt())
        with pytest.raises(KeyboardInterrupt):
            graded(folder, out, jobs=1)
    assert [path.stem for path in (out / "results").glob("*.json")] == ["a"]
    asked.clear()
    assert [record.total for record in graded(folder, out, resume=True).values()] == [2, 2, 2]
    assert sorted(asked) == ["b", "c"]


def interrupt():
    raise KeyboardInterrupt


def test_two_runs_cannot_share_a_folder(tmp_path, asked):
    folder, out = hand_in(tmp_path / "class", {"a": "1"}), tmp_path / "out"
    out.mkdir()
    with exclusive(out), pytest.raises(OutputError, match="another process is at work"):
        graded(folder, out)


# --- what is not as it must be ------------------------------------------------------------------------------


def test_mistakes_of_the_teacher_are_one_line(capsys, tmp_path):
    folder, out = hand_in(tmp_path / "class", {"a": ""}), tmp_path / "out"
    assert_one_line(command(capsys, "grade", tmp_path / "nowhere", "--out", out), 2, "submissions", "nowhere")
    no_hidden = command(capsys, "grade", folder, "--out", out, "--hidden", tmp_path / "no")
    assert_one_line(no_hidden, 2, "hidden", "--public-only")
    both = command(capsys, "grade", folder, "--out", out, "--hidden", folder, "--public-only")
    assert_one_line(both, 2, "hidden, public_only")
    (tmp_path / "file").write_text("")
    assert_one_line(command(capsys, "grade", folder, "--out", tmp_path / "file"), 2, "file")
    twice = command(capsys, "grade", folder, "--out", out, "--resume", "--overwrite")
    assert_one_line(twice, 2, "resume, overwrite")
    assert not out.exists()


def test_a_system_without_limits_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "resource", None)
    with pytest.raises(BackendError, match=r"^grade: this system cannot limit a process"):
        graded(tmp_path, tmp_path / "out")


def test_two_ways_to_the_hidden_parts_exclude_each_other(tmp_path):
    plan = run.Plan(tmp_path, tmp_path / "out", hidden=tmp_path, public_only=True)
    with pytest.raises(ConfigError):
        run.grade(plan)
    with pytest.raises(DataError):
        run.grade(run.Plan(tmp_path / "nowhere", tmp_path / "out"))


# --- all exercises ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_solutions_get_all_points(tmp_path):
    """In one folder, as a student would hand it in: a notebook an exercise."""
    folder = tmp_path / "class" / "alice"
    folder.mkdir(parents=True)
    for exercise in (e for e in EXERCISES if not e.slow):
        notebook = build.solved_version(SOLUTIONS / f"{exercise.stem}.py")
        (folder / f"{exercise.stem}.ipynb").write_text(nbformat.writes(notebook))
    (record,) = graded(tmp_path / "class", tmp_path / "out", seconds=60).values()
    assert {name: record.exercise(name) for name in record.points} == {
        e.name: e.points for e in EXERCISES if not e.slow
    }
    assert (record.flags, record.error) == ((), "")


# --- stopped in the middle ----------------------------------------------------------------------------------


def begin(tmp_path, *more):
    """A run of four students, one at a time, of whom the third takes a while; returns when one is graded."""
    slow = hostile.RIGHT + "\nimport time\ntime.sleep(600)\n"
    students = {"a": hostile.RIGHT, "b": hostile.RIGHT, "c": slow, "d": hostile.RIGHT}
    folder, out, scratch = hand_in(tmp_path / "class", students), tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    options = ("--jobs", 1, "--timeout", 3, "--memory", 2, *more)
    process = start("grade", folder, "--out", out, *options, cwd=tmp_path, TMPDIR=str(scratch))
    until = time.monotonic() + 60
    while not (out / "results" / "b.json").exists():
        assert process.poll() is None, finish(process)
        assert time.monotonic() < until
        time.sleep(0.02)
    return process, folder, out, scratch, options


def go_on(process_before, folder, out, scratch, options, tmp_path):
    """Resume; what was graded before is kept, and everybody is counted once."""
    kept = {path.name: path.stat().st_mtime_ns for path in (out / "results").glob("[!.]*.json")}
    assert {"a.json", "b.json"} <= set(kept)
    assert len(kept) < 4
    ended = finish(
        start("grade", folder, "--out", out, *options, "--resume", cwd=tmp_path, TMPDIR=str(scratch))
    )
    assert ended.status == 0, ended
    assert {name: (out / "results" / name).stat().st_mtime_ns for name in kept} == kept
    assert {name: row["toeplitz"] for name, row in rows(out).items()} == {
        "a": "5",
        "b": "5",
        "c": "0",
        "d": "5",
    }
    assert list(scratch.iterdir()) == []  # of the killed run neither
    for path in (out / "results").glob("*.json"):
        assert json.loads(path.read_bytes())["student"] == path.stem


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    process, *rest = begin(tmp_path)
    process.kill()
    finish(process)
    assert not (rest[1] / "scores.csv").exists()
    deadline = time.monotonic() + 20
    while left := working_in(rest[2]):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    go_on(process, *rest, tmp_path)


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path):
    process, *rest = begin(tmp_path, "--quiet")
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert_one_line(ended, 130, "stopped; 'hyena-np grade", "--resume' goes on")
    assert list(rest[2].iterdir()) == []
    assert working_in(rest[2]) == []
    go_on(process, *rest, tmp_path)


def working_in(folder):
    """Processes that are still at work in a folder; none where the system does not tell."""
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            where = os.readlink(f"/proc/{entry}/cwd")
        except OSError:
            continue
        if where.startswith(str(folder)):
            found.append(entry)
    return found
