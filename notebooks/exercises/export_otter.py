"""Export the exercises to otter-grader: ``python notebooks/exercises/export_otter.py DIR [NAMES]``.

Writes ``DIR/NAME/NAME.ipynb``, an assignment for each exercise, in the form that ``otter assign`` reads. Each
part is two tests: a public one without points, which students see, and a hidden one with the part's points,
which asks the hidden inputs as well as the public ones. Then, in DIR/NAME::

    otter assign NAME.ipynb dist                                     the student's version, and the autograder
    otter run -a dist/autograder/*.zip STUDENT.ipynb                 the points of a student, in results.json
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from notebooks.exercises.exporting import Sheet, command, literal, tagged

_BEGIN = re.compile(r"^([ \t]*)### BEGIN SOLUTION$", re.MULTILINE)
_END = re.compile(r"^([ \t]*)### END SOLUTION$", re.MULTILINE)
# Otter puts the prompt, a text that is never used in the solution, in the place of the solution.
_PROMPT = (
    r'\1# END SOLUTION\n\1""" # BEGIN PROMPT\n\1raise NotImplementedError("your turn")\n\1""" # END PROMPT'
)
_ASSIGNMENT = """# ASSIGNMENT CONFIG
name: {name}
export_cell: false
"""
_TEST = '''""" # BEGIN TEST CONFIG
points: {points}
hidden: {hidden}
""" # END TEST CONFIG
from hyena_np.exercises import check_part
check_part({arguments})'''


def otter_notebook(sheet: Sheet) -> NotebookNode:
    """The instructor's version of an exercise."""
    notebook = nbformat.v4.new_notebook(metadata=sheet.notebook.metadata)
    notebook.cells = list(_cells(sheet))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # the same in every export
    return notebook


def _cells(sheet: Sheet) -> Iterator[NotebookNode]:
    """The source's cells, and those that tell otter what they are."""
    name = sheet.exercise.name
    yield nbformat.v4.new_raw_cell(_ASSIGNMENT.format(name=name).rstrip())
    began = False
    for cell in sheet.notebook.cells:
        if tagged(cell, "answer"):
            if not began:
                yield nbformat.v4.new_raw_cell(f"# BEGIN QUESTION\nname: {name}")
            began = True
            yield nbformat.v4.new_raw_cell("# BEGIN SOLUTION")
            yield nbformat.v4.new_code_cell(_in_otters_words(cell.source))
            yield nbformat.v4.new_raw_cell("# END SOLUTION")
        elif tagged(cell, "check"):
            yield cell
            yield nbformat.v4.new_raw_cell("# BEGIN TESTS")
            yield from _tests(sheet)
            yield nbformat.v4.new_raw_cell("# END TESTS")
            yield nbformat.v4.new_raw_cell("# END QUESTION")
        else:
            yield cell


def _in_otters_words(source: str) -> str:
    """An answer with otter's marks around its solution, and the prompt that takes its place."""
    return _END.sub(_PROMPT, _BEGIN.sub(r"\1# BEGIN SOLUTION NO PROMPT", source))


def _tests(sheet: Sheet) -> Iterator[NotebookNode]:
    exercise = sheet.exercise
    functions = [question.name for question in exercise.questions]
    for part in exercise.parts:
        public = ", ".join([repr(exercise.name), repr(part.name), *functions])
        hidden = f"{public}, hidden={literal(sheet.hidden, part.name)}"
        for arguments, points in ((public, 0), (hidden, part.points)):
            source = _TEST.format(points=points, hidden=str(points > 0).lower(), arguments=arguments)
            yield nbformat.v4.new_code_cell(source)


def otter_files(sheets: list[Sheet]) -> dict[str, NotebookNode | bytes]:
    """An assignment for each exercise, by path."""
    files: dict[str, NotebookNode | bytes] = {}
    for sheet in sheets:
        name = sheet.exercise.name
        files[f"{name}/{name}.ipynb"] = otter_notebook(sheet)
    return files


main = command(
    otter_files,
    "Write DIR/NAME/NAME.ipynb, an assignment for 'otter assign', for each exercise, or for those of these "
    "NAMES, such as fftconv.",
)

if __name__ == "__main__":
    sys.exit(main())
