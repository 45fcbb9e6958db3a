"""The exports to nbgrader and otter: nothing leaks, and every answer earns what it earns from us."""

import ast
import importlib
import re
import sys
import tomllib
from functools import cache

import nbformat
import pytest
import yaml
from click.testing import CliRunner

from exercises.planted import fftconv as wrong_fftconv
from hyena_np.errors import ConfigError
from hyena_np.exercises import EXERCISES, check, check_part, exercise_named
from hyena_np.exercises.checking import judged
from hyena_np.exercises.submissions import run_cells
from notebooks.exercises import build, export_nbgrader, export_otter, exporting

BETWEEN = re.compile(r"^([ \t]*)### BEGIN (SOLUTION|HIDDEN TESTS)\n.*?### END \2$", re.DOTALL | re.MULTILINE)
TEST = re.compile(r'^""" # BEGIN TEST CONFIG\n(.*?)\n""" # END TEST CONFIG\n(.*)', re.DOTALL)
FEW = [exercise_named(name) for name in ("toeplitz", "fftconv", "short_conv")]  # all would take too long
every = pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name) for e in EXERCISES])
some = pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name) for e in FEW])


@cache
def sheet_named(name):
    (found,) = exporting.sheets((name,), None)
    return found


def sheet(exercise):
    return sheet_named(exercise.name)


def hidden(exercise):
    return tomllib.loads((build.FOLDER / "hidden" / f"{exercise.name}.toml").read_text())


def solution(exercise):
    """The functions of the solution, by name."""
    notebook = build.solved_version(build.SOURCES / f"{exercise.stem}.py")
    cells = ["import numpy as np"] + [c.source for c in notebook.cells if exporting.tagged(c, "answer")]
    return {question.name: run_cells(cells, "").namespace[question.name] for question in exercise.questions}


def answers(exercise):
    """The solution; the planted mistakes that earn least and most; an answer for the public sizes alone."""
    right = solution(exercise)
    wrong = sorted(
        importlib.import_module(f"exercises.planted.{exercise.name}").WRONG, key=lambda w: w.points
    )
    first = exercise.questions[0].name
    yield right
    for one in (wrong[0], wrong[-1]):
        yield {**right, **one.others, one.name or first: one.function}
    yield {**right, first: only_what_it_has_seen(exercise, right, first)}


def only_what_it_has_seen(exercise, functions, name):
    """Right for inputs of the public sizes alone."""
    seen = set()

    def shapes(arguments):
        return str([getattr(argument, "shape", argument) for argument in arguments])

    def watch(*arguments):
        seen.add(shapes(arguments))
        return functions[name](*arguments)

    judged(exercise, {**functions, name: watch})
    return lambda *arguments: functions[name](*arguments) * (shapes(arguments) in seen)


def ours(exercise, functions):
    """What the grader of this package gives: for each part that is passed with both inputs."""
    both = zip(judged(exercise, functions), judged(exercise, functions, hidden(exercise)), strict=True)
    return sum(public.part.points for public, secret in both if public.passed and secret.passed)


def value_of(source, namespace):
    """Run a cell, and return the value of its last expression."""
    *statements, last = ast.parse(source).body
    exec(compile(ast.Module(statements, []), "cell", "exec"), namespace)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


# --- nbgrader -----------------------------------------------------------------------------------------------


def graded_cell(notebook):
    (cell,) = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return cell


@every
def test_nbgrader_knows_the_answers_and_the_cell_that_earns_points(exercise):
    notebook = export_nbgrader.nbgrader_notebook(sheet(exercise))
    nbformat.validate(notebook)
    marked = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert {meta["schema_version"] for meta in marked} == {3}
    assert [meta["grade_id"] for meta in marked if meta["solution"]] == [q.name for q in exercise.questions]
    assert len({meta["grade_id"] for meta in marked}) == len(exercise.questions) + 1
    meta = graded_cell(notebook).metadata["nbgrader"]
    assert (meta["points"], meta["locked"], meta["solution"]) == (exercise.points, True, False)


@every
def test_without_what_nbgrader_cuts_out_a_student_has_no_solution_and_no_hidden_input(exercise):
    notebook = export_nbgrader.nbgrader_notebook(sheet(exercise))
    left = {}
    for cell in notebook.cells:
        left[cell["id"]] = BETWEEN.sub(r"\1pass", cell.source)
    assert str(hidden(exercise)["seed"]) in graded_cell(notebook).source
    assert str(hidden(exercise)["seed"]) not in "".join(left.values())
    student = build.student_version(build.SOURCES / f"{exercise.stem}.py")
    for cell in student.cells:
        expected = cell.source.replace('raise NotImplementedError("your turn")', "pass")
        if exporting.tagged(cell, "check"):
            assert left[cell["id"]].endswith(expected)
        else:
            assert left[cell["id"]] == expected


@some
def test_nbgraders_cell_has_the_value_that_we_give(exercise, capsys):
    source = graded_cell(export_nbgrader.nbgrader_notebook(sheet(exercise))).source
    points = []
    for functions in answers(exercise):
        points.append(value_of(source, dict(functions)))
        assert points[-1] == ours(exercise, functions)
    assert points[0] == exercise.points
    assert max(points[1:]) < exercise.points
    assert capsys.readouterr().err == ""


def test_what_a_function_says_on_the_error_stream_costs_nothing(capsys):
    """nbgrader gives no points to a cell that writes there."""

    def loud(u, h):
        print("a warning", file=sys.stderr)
        return wrong_fftconv.double(u, h)

    assert check("fftconv", loud, hidden=hidden(exercise_named("fftconv"))) == 4.0
    said = capsys.readouterr()
    assert "a warning" in said.out
    assert said.err == ""


# --- otter --------------------------------------------------------------------------------------------------


def otter_tests(notebook):
    """Settings and code of the test cells."""
    found = [TEST.match(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return [(yaml.safe_load(match[1]), match[2]) for match in found if match]


@every
def test_otter_has_two_tests_for_each_part(exercise):
    notebook = export_otter.otter_notebook(sheet(exercise))
    nbformat.validate(notebook)
    settings = [settings for settings, _ in otter_tests(notebook)]
    assert settings[0::2] == [{"points": 0, "hidden": False}] * len(exercise.parts)
    assert settings[1::2] == [{"points": part.points, "hidden": True} for part in exercise.parts]
    first_lines = [cell.source.split("\n")[0] for cell in notebook.cells if cell.cell_type == "raw"]
    answer = ["# BEGIN SOLUTION", "# END SOLUTION"] * len(exercise.questions)
    tests = ["# BEGIN TESTS", "# END TESTS", "# END QUESTION"]
    assert first_lines == ["# ASSIGNMENT CONFIG", "# BEGIN QUESTION", *answer, *tests]


@every
def test_hidden_inputs_stand_in_otters_hidden_tests_alone(exercise):
    notebook = export_otter.otter_notebook(sheet(exercise))
    seed = str(hidden(exercise)["seed"])
    where = [cell.source for cell in notebook.cells if seed in cell.source]
    assert len(where) == len(exercise.parts)
    assert all("\nhidden: true\n" in source for source in where)
    assert "### " not in "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


@some
def test_otters_tests_together_give_the_points_that_we_give(exercise):
    tests = otter_tests(export_otter.otter_notebook(sheet(exercise)))
    for functions in answers(exercise):
        points = 0
        for settings, source in tests:
            try:
                exec(source, dict(functions))
                points += settings["points"]
            except AssertionError:
                pass
        assert points == ours(exercise, functions)


def test_a_part_that_fails_says_what_check_says():
    with pytest.raises(AssertionError, match=r"(?s)^wrong     y: has wrong values.*likely    wrapped around"):
        check_part("fftconv", "every length", wrong_fftconv.wraps)
    with pytest.raises(AssertionError, match=r"^not written yet$"):
        check_part("fftconv", "every length")
    with pytest.raises(ConfigError, match=r"^part: got 'speed', allowed are 'powers of two', .*$"):
        check_part("fftconv", "speed", wrong_fftconv.wraps)


def test_right_with_the_hidden_inputs_alone_earns_nothing():
    exercise = exercise_named("fftconv")
    right = solution(exercise)["fftconv"]
    public = {size["L"] for part in exercise.parts for size in part.sizes}
    only_hidden = {"fftconv": lambda u, h: right(u, h) * (u.shape[-1] not in public)}
    assert all(result.passed for result in judged(exercise, only_hidden, hidden(exercise)))
    assert check("fftconv", only_hidden["fftconv"], hidden=hidden(exercise)) == 0.0


def test_a_failure_with_hidden_inputs_does_not_show_them():
    exercise = exercise_named("fftconv")
    sly = only_what_it_has_seen(exercise, solution(exercise), "fftconv")
    with pytest.raises(AssertionError) as raised:
        check_part("fftconv", "every length", sly, hidden=hidden(exercise))
    assert (
        str(raised.value).splitlines()[0] == "wrong     right with the inputs of the check, not with others"
    )
    assert "input " not in str(raised.value)


# --- the commands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "file"),
    [(export_nbgrader.main, "source/fftconv/fftconv.ipynb"), (export_otter.main, "fftconv/fftconv.ipynb")],
    ids=["nbgrader", "otter"],
)
def test_an_export_replaces_nothing_unasked_and_is_the_same_each_time(command, file, tmp_path):
    def run(*options):
        return CliRunner().invoke(command, [str(tmp_path), "fftconv", *options])

    assert run().exit_code == 0
    first = (tmp_path / file).read_bytes()
    (tmp_path / file).write_text("the teacher's own changes")
    ended = run()
    assert ended.exit_code == 1
    assert "is there already; --overwrite replaces it" in ended.output
    assert (tmp_path / file).read_text() == "the teacher's own changes"
    assert run("--overwrite").exit_code == 0
    assert (tmp_path / file).read_bytes() == first


def test_an_unknown_name_costs_one_line(tmp_path):
    ended = CliRunner().invoke(export_nbgrader.main, [str(tmp_path), "fft"])
    assert ended.exit_code == 1
    assert ended.output.startswith("Error: exercise: got 'fft', allowed are toeplitz, ")
    assert list(tmp_path.iterdir()) == []
