"""A student's folder: start, check a file, progress, pytest; and what must not be in it."""

import json
import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest

from hyena_np.errors import ConfigError, DataError, OutputError
from hyena_np.exercises import EXERCISES, progress
from hyena_np.exercises.folder import START, start
from hyena_np.exercises.submissions import read_cells, run_cells
from notebooks.exercises import build
from support.command import ROOT, assert_one_line, command

FILES = build.student_files()


def solve(folder, name="toeplitz"):
    """Put the solution of an exercise into a folder, as a notebook."""
    (source,) = build.SOURCES.glob(f"*_{name}.py")
    (folder / f"{source.stem}.ipynb").write_bytes(build.as_notebook(build.solved_version(source)))


# --- the builder --------------------------------------------------------------------------------------------


def test_the_students_files_are_up_to_date():
    assert build.disagreements(FILES, START) == [], "run python notebooks/exercises/build.py"


def test_a_change_is_seen(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    assert build.disagreements(FILES, tmp_path) == []
    (tmp_path / "01_toeplitz.py").write_text("")
    (tmp_path / "99_more.py").write_text("")
    (tmp_path / "03_fftconv.ipynb").unlink()
    assert build.disagreements(FILES, tmp_path) == ["01_toeplitz.py", "03_fftconv.ipynb", "99_more.py"]


@pytest.mark.parametrize(
    "text", ["def f():\n    ### BEGIN SOLUTION\n    return 1\n", "def f():\n    return 1\n"]
)
def test_a_source_whose_solution_would_be_handed_out_is_refused(tmp_path, text):
    source = tmp_path / "01_leak.py"
    source.write_text(f"# %%\ndef f():\n{text}")
    with pytest.raises(build.NotebookError, match=r"01_leak.py"):
        build.student_version(source)


# --- no solution leaves the house ---------------------------------------------------------------------------


def squeezed(text):
    return re.sub(r"\s", "", text)


def solutions():
    """The bodies of all solutions, with the names of their sources."""
    for source in build.SOURCES.glob("*.py"):
        for body in re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source.read_text(), re.DOTALL):
            yield source.stem, body


def solution_lines():
    """Lines of the solutions that say something, each without its spaces."""
    for stem, body in solutions():
        for line in body.splitlines():
            if len(line.strip()) > 30 and not line.strip().startswith(("#", '"""')):
                yield stem, squeezed(line)


def assert_no_solution(name, content):
    text = content.decode().replace('\\"', '"')
    assert "SOLUTION" not in text, name
    assert "hidden/" not in text, name
    for stem, line in solution_lines():
        if name.split("/")[-1].startswith(stem[:3]):
            assert line not in squeezed(text), (name, line)


def test_no_solution_is_in_a_students_folder(tmp_path):
    assert len(list(solution_lines())) >= len(EXERCISES)
    start(tmp_path / "mine", "both")
    paths = sorted((tmp_path / "mine").iterdir())
    assert len(paths) == 2 * len(EXERCISES) + 2
    for path in paths:
        assert_no_solution(path.name, path.read_bytes())


def test_a_solution_would_be_seen():
    (source,) = build.SOURCES.glob("01_*.py")
    with pytest.raises(AssertionError):
        assert_no_solution("01_toeplitz.ipynb", build.as_notebook(build.solved_version(source)))


@pytest.mark.slow
def test_no_solution_and_no_hidden_part_is_in_the_wheel(tmp_path):
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    seeds = [re.search(r"seed = (\d+)", path.read_text())[1] for path in (build.FOLDER / "hidden").iterdir()]
    assert len(seeds) == len(EXERCISES)
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("hyena_np/exercises/")]
        assert {f"hyena_np/exercises/start/{e.stem}.ipynb" for e in EXERCISES} <= set(names)
        for name in names:
            assert not name.endswith(".toml")
            content = archive.read(name)
            whole = squeezed(content.decode())
            assert not [stem for stem, body in solutions() if squeezed(body) in whole], name
            assert not [seed for seed in seeds if re.search(rf"\b{seed}\b", content.decode())], name
            if "/start/" in name:
                assert_no_solution(name, content)


# --- start, check, progress ---------------------------------------------------------------------------------


def test_start_never_overwrites(tmp_path):
    written, kept = start(tmp_path)
    assert len(written) == len(EXERCISES) + 2
    assert kept == []
    mine = tmp_path / "01_toeplitz.ipynb"
    mine.write_text("mine")
    (tmp_path / "conftest.py").unlink()
    written, kept = start(tmp_path)
    assert (written, mine.read_text()) == (["conftest.py"], "mine")
    assert "01_toeplitz.ipynb" in kept


def test_start_says_what_it_cannot_do(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        start(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"^form: got 'pdf', allowed are notebooks, modules, both$"):
        start(tmp_path, "pdf")
    assert_one_line(command(capsys, "exercises", "start", tmp_path / "file"), 2, "file")


def test_progress_counts_the_better_of_two_files(capsys, tmp_path):
    start(tmp_path, "both")
    assert progress(tmp_path) == 0.0
    solve(tmp_path)
    capsys.readouterr()
    assert progress(tmp_path) == 5.0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["1", "toeplitz", "##########", "5", "of", "5"]
    assert len(lines) == len(EXERCISES) + 1


def test_check_a_file(capsys, tmp_path):
    solve(tmp_path)
    ended = command(capsys, "exercises", "check", tmp_path / "01_toeplitz.ipynb")
    assert (ended.status, ended.out.splitlines()[0]) == (0, "Exercise 1, toeplitz: 5 of 5 points")
    assert ended.out.count("Exercise 1") == 1  # the file's own check is silent
    module = tmp_path / "mine.py"
    module.write_text("def toeplitz(h):\n    return h\n")
    ended = command(capsys, "exercises", "check", module)
    assert (ended.status, ended.err) == (1, "")
    assert "0 of 5 points" in ended.out
    module.write_text("x = 1\n")
    assert command(capsys, "exercises", "check", module).status == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.ipynb", None),
        ("notes.txt", b""),
        ("broken.ipynb", b"{"),
        ("list.ipynb", b"[]"),
        ("no_cells.ipynb", b'{"cells": 3}'),
        ("binary.py", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(capsys, tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert_one_line(command(capsys, "exercises", "check", tmp_path / name), 2, name)


def test_an_empty_or_absent_folder(capsys, tmp_path):
    assert_one_line(command(capsys, "exercises", "progress", tmp_path / "nowhere"), 2, "is no folder")
    with pytest.raises(DataError, match="has no exercises"):
        progress(tmp_path)


def test_list_and_hint(capsys):
    listed = command(capsys, "exercises", "list").out.splitlines()
    assert [line.split()[1] for line in listed[:-1]] == [e.name for e in EXERCISES]
    assert command(capsys, "exercises", "hint", "toeplitz", "--level", 2).out.startswith("Hint 2 of 3: ")
    assert_one_line(command(capsys, "exercises", "hint", "nothing"), 2, "allowed are toeplitz")


# --- reading what students write ----------------------------------------------------------------------------


def test_cells_go_on_after_one_that_raises(tmp_path):
    cells = [
        nbformat.v4.new_code_cell(text)
        for text in ("1 / 0", "%matplotlib inline\n!ls\nx = 2", "def", "y = x")
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(
        json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# t"), *cells]))
    )
    submission = run_cells(read_cells(path), path.name)
    assert submission.namespace["y"] == 2
    assert [error.split(":")[1].strip() for error in submission.errors] == [
        "ZeroDivisionError",
        "SyntaxError",
    ]


def test_a_module_is_read_by_its_cells_or_whole(tmp_path):
    path = tmp_path / "a.py"
    lines = ("# -*- coding: latin-1 -*-", "a = '\xe9'", "# %% [markdown]", "# t", "# %% tags=['x']", "b = a")
    path.write_bytes("\r\n".join(lines).encode("latin-1"))
    assert run_cells(read_cells(path), path.name).namespace["b"] == "\xe9"


def test_pytest_in_a_students_folder_runs_the_parts_of_one_exercise(tmp_path):
    start(tmp_path)
    solve(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "toeplitz or fftconv"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "4 failed, 4 passed" in ended.stdout
    assert "not written yet: 2 points" in ended.stdout
