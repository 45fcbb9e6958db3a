"""Every exercise: its solution has all points, its empty stub none, and its planted mistakes are named."""

import importlib
import tomllib

import pytest

from hyena_np.exercises import EXERCISES
from hyena_np.exercises.checking import judged
from hyena_np.exercises.report import report
from hyena_np.exercises.submissions import run_cells
from notebooks.exercises import build

HIDDEN = build.FOLDER / "hidden"


def marks(exercise, judged=False):
    """By its name, so that ``pytest -m fftconv`` picks it."""
    own = getattr(pytest.mark, exercise.name)
    return (own, pytest.mark.slow) if judged and exercise.slow else own


def planted(exercise):
    return importlib.import_module(f"exercises.planted.{exercise.name}").WRONG


every = pytest.mark.parametrize("exercise", [pytest.param(e, id=e.name, marks=marks(e)) for e in EXERCISES])
every_judged = pytest.mark.parametrize(
    "exercise", [pytest.param(e, id=e.name, marks=marks(e, judged=True)) for e in EXERCISES]
)
every_mistake = pytest.mark.parametrize(
    ("exercise", "wrong"),
    [
        pytest.param(e, wrong, id=f"{e.name}-{wrong.function.__name__}", marks=marks(e, judged=True))
        for e in EXERCISES
        for wrong in planted(e)
    ],
)


def cells(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def source_of(exercise):
    return build.SOURCES / f"{exercise.stem}.py"


def solved(exercise):
    """The functions of the solution, from the source that the notebooks are built from."""
    submission = run_cells(cells(build.solved_version(source_of(exercise))), exercise.name)
    assert submission.errors == []
    functions = submission.functions(exercise)
    assert list(functions) == [question.name for question in exercise.questions]
    return functions


def hidden(exercise):
    return tomllib.loads((HIDDEN / f"{exercise.name}.toml").read_text())


@every_judged
def test_the_solution_gets_all_points(exercise):
    functions = solved(exercise)
    for sizes in (None, hidden(exercise)):
        results = judged(exercise, functions, sizes)
        assert sum(result.points for result in results) == exercise.points, report(exercise, results)


@every
def test_the_empty_stub_gets_none(exercise, capsys):
    submission = run_cells(cells(build.student_version(source_of(exercise))), exercise.name)
    assert submission.errors == []
    results = judged(exercise, submission.functions(exercise))
    assert [result.written for result in results] == [False] * len(exercise.parts)
    assert sum(result.points for result in results) == 0


@every_mistake
def test_a_planted_mistake_is_rejected_and_named(exercise, wrong):
    name = wrong.name or exercise.questions[0].name
    functions = {**wrong.others, name: wrong.function}
    results = judged(exercise, functions)
    said = report(exercise, results)
    failures = [result.failure for result in results if result.failure]
    assert failures, "it is not rejected"
    assert any(wrong.says in f"{failure.says} {failure.likely}" for failure in failures), said
    assert sum(result.points for result in results) == wrong.points, said
    if not exercise.slow:
        results = judged(exercise, functions, hidden(exercise))
        assert sum(result.points for result in results) < exercise.points


@every
def test_at_least_five_mistakes_are_planted(exercise):
    wrong = planted(exercise)
    assert len({w.function.__name__ for w in wrong}) == len(wrong) >= 5
    assert len({w.says for w in wrong}) >= 5


@every
def test_the_hidden_parts_are_the_same_at_other_sizes(exercise):
    others = hidden(exercise)
    assert others["parts"].keys() == {part.name for part in exercise.parts}
    assert others["seed"] != exercise.seed
    for part in exercise.parts:
        if part.sizes != ({},):
            assert not [size for size in others["parts"][part.name] if size in part.sizes], part.name


@every
def test_the_sheet_is_complete(exercise):
    assert 10 <= exercise.minutes <= 40
    assert all(part.points >= 1 for part in exercise.parts)
    assert exercise.paper
    assert len(set(exercise.hints)) == 3
    assert set(exercise.needs) <= {e.name for e in EXERCISES if e.number < exercise.number}
    assert len({part.name for part in exercise.parts}) == len(exercise.parts)


@every
def test_its_notebook_says_what_a_student_needs(exercise):
    notebook = build.student_version(source_of(exercise))
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert text.startswith(f"# Exercise {exercise.number}: ")
    assert "**You will**" in text
    assert "**You will learn**" in text
    assert "**You need**" in text
    assert f"About {exercise.minutes} minutes, {exercise.points} points" in " ".join(text.split())
    assert [line for line in text.splitlines() if line.startswith("## ")][-1] == "## Go further"
    assert "| result |" in text
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", ())]
    assert tags == ["answer"] * len(exercise.questions) + ["check"]
    names = ", ".join(question.name for question in exercise.questions)
    assert f'check("{exercise.name}", {names})' in "\n".join(cells(notebook))
    assert max(cell.count("\n") + 1 for cell in cells(notebook)) <= 25
    assert max(len(line) for cell in cells(notebook) for line in cell.splitlines()) <= 110


def test_numbers_and_names():
    assert [e.number for e in EXERCISES] == list(range(1, len(EXERCISES) + 1))
    assert len(EXERCISES) >= 14
    names = [question.name for e in EXERCISES for question in e.questions]
    assert len(set(names)) == len(names)
    assert {path.stem for path in build.SOURCES.glob("*.py")} == {e.stem for e in EXERCISES}
    assert {path.stem for path in HIDDEN.glob("*.toml")} == {e.name for e in EXERCISES}


def test_no_notebook_gives_a_name_away_that_another_one_asks_for():
    asked = {question.name: e.stem for e in EXERCISES for question in e.questions}
    for source in sorted(build.SOURCES.glob("*.py")):
        defined = set(run_cells(cells(build.student_version(source)), source.stem).namespace) & asked.keys()
        assert {asked[name] for name in defined} == {source.stem}
