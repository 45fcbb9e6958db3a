"""Reading what a student handed in: a notebook, or a module with or without ``# %%`` cells."""

from __future__ import annotations

import json
import re
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from hyena_np.errors import DataError
from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.exercises.exercise import Exercise

SUFFIXES = (".ipynb", ".py")
_MAGIC = re.compile(r"^\s*[%!?]|^\s*[\w.]+\?{1,2}\s*$")


@dataclass
class Submission:
    """The names that a file defines, and what its cells raised on the way."""

    namespace: dict[str, Any]
    errors: list[str] = field(default_factory=list)

    def functions(self, exercise: Exercise) -> dict[str, Callable]:
        """Those of an exercise that are there; what is imported from the package is not the student's."""
        found = {question.name: self.namespace.get(question.name) for question in exercise.questions}
        return {name: f for name, f in found.items() if callable(f) and not _of_the_package(f)}

    def attempted(self) -> list[Exercise]:
        """The exercises of which at least one function is there."""
        return [exercise for exercise in EXERCISES if self.functions(exercise)]


def _of_the_package(function: Callable) -> bool:
    return str(getattr(function, "__module__", "")).split(".")[0] == "hyena_np"


def read_cells(path: Path) -> list[str]:
    """The code of a file, cell by cell; lines that only IPython understands are left out.

    Raises
    ------
    DataError
        The file cannot be read, or is no notebook and no module.
    """
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: allowed are notebooks (.ipynb) and modules (.py)")
    try:
        content = path.read_bytes()
        cells = _notebook_cells(content) if path.suffix == ".ipynb" else _module_cells(content)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path}: is no notebook or module that can be read ({type(error).__name__})"
        ) from error
    return ["\n".join("" if _MAGIC.match(line) else line for line in cell.split("\n")) for cell in cells]


def _notebook_cells(content: bytes) -> list[str]:
    cells = json.loads(content)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _module_cells(content: bytes) -> list[str]:
    encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
    text = content.decode(encoding).replace("\r\n", "\n")
    marks = re.split(r"^# %%(.*)$", text, flags=re.MULTILINE)
    cells = [marks[0]]
    cells += [body for mark, body in zip(marks[1::2], marks[2::2], strict=True) if "[markdown]" not in mark]
    return cells


def run_cells(cells: list[str], name: str) -> Submission:
    """Run cells in order, as a notebook would: one that raises does not stop those after it."""
    submission = Submission({"__name__": "submission", "__file__": name})
    for number, cell in enumerate(cells, 1):
        try:
            exec(compile(cell, f"{name}, cell {number}", "exec"), submission.namespace)
        except Exception as error:
            submission.errors.append(
                f"cell {number}: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            )
    return submission
