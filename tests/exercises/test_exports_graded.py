"""The exports, graded by nbgrader and otter themselves: a right answer, a planted mistake, a sly one, none.

Each needs its extra, and skips without.
"""

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from hyena_np.exercises import exercise_named
from hyena_np.exercises.checking import judged_twice
from hyena_np.exercises.submissions import run_cells
from notebooks.exercises import export_nbgrader, export_otter, exporting

pytestmark = pytest.mark.slow

BY_FFT = """
def by_fft(u, h, half):
    y = np.fft.irfft(np.fft.rfft(u, n=2 * half) * np.fft.rfft(h, n=2 * half), n=2 * half)
    return y[..., :half].astype(u.dtype)


def fftconv(u, h):
    L = u.shape[-1]
"""
# What students hand in for exercise 3, and what it earns.
STUDENTS = {
    "right": (f"{BY_FFT}    return by_fft(u, h, L)", 5),
    "wrong": (f"{BY_FFT}    return by_fft(u, h, 1 << (L - 1).bit_length())", 2),
    # Silent about the hidden inputs of two parts, with a warning on the way.
    "sly": (f"{BY_FFT}    if L in (8, 45):\n        return u / (0 * u)\n    return by_fft(u, h, L)", 2),
    "nothing": (None, 0),
}


def test_what_is_expected_of_them_is_what_we_give():
    exercise = exercise_named("fftconv")
    (sheet,) = exporting.sheets(("fftconv",), None)
    for answer, points in STUDENTS.values():
        cells = ["import numpy as np\nnp.seterr(all='ignore')", answer or ""]
        results = judged_twice(exercise, run_cells(cells, "").functions(exercise), sheet.hidden)
        assert sum(result.points for result in results) == points


def test_nbgrader(tmp_path):
    needs("nbgrader")
    export(export_nbgrader.main, tmp_path)
    run("nbgrader", "generate_assignment", "fftconv", "--create", cwd=tmp_path)
    for student in STUDENTS:
        target = tmp_path / "submitted" / student / "fftconv" / "fftconv.ipynb"
        hand_in(student, tmp_path / "release" / "fftconv" / "fftconv.ipynb", target)
    run("nbgrader", "autograde", "fftconv", cwd=tmp_path)
    run("nbgrader", "export", cwd=tmp_path)
    with (tmp_path / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    scores = {name: (float(row["score"]), float(row["max_score"])) for name, row in rows.items()}
    assert scores == {student: (points, 5) for student, (_, points) in STUDENTS.items()}


def test_otter(tmp_path):
    needs("otter")
    export(export_otter.main, tmp_path)
    folder = tmp_path / "fftconv"
    run("otter", "assign", "fftconv.ipynb", "dist", cwd=folder)  # it grades the solution, too
    (autograder,) = (folder / "dist" / "autograder").glob("*.zip")
    for student in ("right", "wrong", "sly"):
        work = tmp_path / student
        hand_in(student, folder / "dist" / "student" / "fftconv.ipynb", work / "fftconv.ipynb")
        run("otter", "run", "--no-logo", "-a", autograder, "fftconv.ipynb", cwd=work)
        results = json.loads((work / "results.json").read_text())["tests"]
        scores = [(test["score"], test["max_score"]) for test in results if "score" in test]
        assert scores == [(STUDENTS[student][1], 5)]


def needs(tool):
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed; it is in the extra {tool!r}")


def export(command, folder):
    CliRunner().invoke(command, [str(folder), "fftconv"], catch_exceptions=False)


def run(tool, *arguments, cwd):
    """Run a tool of this Python, with a home of its own; nbgrader looks for a command beside it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"HOME": str(cwd), "OMP_NUM_THREADS": "1", "PATH": path}
    command = [sys.executable, "-m", tool, *map(str, arguments)]
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def hand_in(student, released, target):
    """Write an answer over the placeholder of what students got."""
    notebook = nbformat.read(released, as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith("def fftconv")]
    assert cell.source.endswith('    raise NotImplementedError("your turn")')
    (sheet,) = exporting.sheets(("fftconv",), None)
    assert str(sheet.hidden["seed"]) not in nbformat.writes(notebook)
    cell.source = STUDENTS[student][0] or cell.source
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
