"""Export the exercises to nbgrader: ``python notebooks/exercises/export_nbgrader.py COURSE [NAMES]``.

Writes ``COURSE/source/NAME/NAME.ipynb``, an assignment for each exercise, and a configuration where there
is none. The answers are solution cells. The check is the cell that earns the points: its last value is a
number, which nbgrader takes for partial credit. The hidden inputs stand in it too, between marks: nbgrader
cuts them out of what students get. Then, in COURSE::

    nbgrader generate_assignment NAME     the student's version, in release/
    nbgrader autograde NAME               of submitted/STUDENT/NAME/NAME.ipynb
    nbgrader generate_feedback NAME       a page for each student, in feedback/
    nbgrader export                       grades.csv
"""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from notebooks.exercises.exporting import Sheet, command, literal, tagged

SCHEMA = 3  # of nbgrader's metadata
_CONFIG = b"""# Settings of nbgrader for this course.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "hyena_np"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("your turn")'}
# Seconds that a cell may take; exercise 13 trains a small model several times.
c.Execute.timeout = 300
"""
_GRADE = """from hyena_np.exercises import check, hint

### BEGIN HIDDEN TESTS
from functools import partial

check = partial(check, hidden={hidden})
### END HIDDEN TESTS
{source}"""


def nbgrader_notebook(sheet: Sheet) -> NotebookNode:
    """The instructor's version of an exercise."""
    notebook = copy.deepcopy(sheet.notebook)
    questions = iter(sheet.exercise.questions)
    for cell in notebook.cells:
        if tagged(cell, "answer"):
            cell.metadata["nbgrader"] = _metadata(next(questions).name, solution=True)
        elif tagged(cell, "check"):
            cell.source = _GRADE.format(hidden=literal(sheet.hidden), source=cell.source)
            points = sheet.exercise.points
            name = f"check_{sheet.exercise.name}"
            cell.metadata["nbgrader"] = _metadata(name, grade=True, locked=True, points=points)
    return notebook


def _metadata(name: str, **others: Any) -> dict[str, Any]:
    plain = {"grade": False, "locked": False, "solution": False, "task": False}
    return {"grade_id": name, "schema_version": SCHEMA, **plain, **others}


def nbgrader_files(sheets: list[Sheet]) -> dict[str, NotebookNode | bytes]:
    """What a course's folder needs, by path."""
    files: dict[str, NotebookNode | bytes] = {}
    for sheet in sheets:
        name = sheet.exercise.name
        files[f"source/{name}/{name}.ipynb"] = nbgrader_notebook(sheet)
    return files


main = command(
    nbgrader_files,
    "Write the folder of an nbgrader course into DIR: source/NAME/NAME.ipynb for each exercise, or for those "
    "of these NAMES, such as fftconv; and nbgrader_config.py, where there is none.",
    settings={"nbgrader_config.py": _CONFIG},
)

if __name__ == "__main__":
    sys.exit(main())
