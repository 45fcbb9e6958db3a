"""A student's folder: what is in it, and how far it has come."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from hyena_np.errors import ConfigError, DataError
from hyena_np.exercises import checking
from hyena_np.exercises.catalogue import EXERCISES
from hyena_np.exercises.exercise import Exercise, Result
from hyena_np.exercises.submissions import SUFFIXES, Submission, read_cells, run_cells
from hyena_np.files import make_folder, write_bytes

START = Path(__file__).parent / "start"
FORMATS = {"notebooks": (".ipynb",), "modules": (".py",), "both": SUFFIXES}

# Shows pytest the parts of the exercises in the folder that it stands in.
_TESTS = '''"""The exercises of this folder as tests: ``pytest -m fftconv`` runs the parts of one."""

from hyena_np.exercises.as_tests import pytest_generate_tests, test_part
'''
_CONFTEST = '''"""Tells pytest the names of the exercises."""

from hyena_np.exercises.as_tests import pytest_configure
'''


def start(folder: str | Path, form: str = "notebooks") -> tuple[list[str], list[str]]:
    """Put every exercise into a folder, and leave what is there already as it is.

    Parameters
    ----------
    folder : str or Path
        Made where it does not exist.
    form : str
        ``"notebooks"``, ``"modules"`` for those who prefer an editor, or ``"both"``.

    Returns
    -------
    written, kept : list of str
        Names of files.

    Raises
    ------
    ConfigError
        `form` is another word.
    OutputError
        The folder cannot be written.

    Notes
    -----
    Source: our own; no counterpart in the paper. No arrays, so no shapes.
    """
    if form not in FORMATS:
        raise ConfigError(f"form: got {form!r}, allowed are {', '.join(FORMATS)}")
    folder = make_folder(folder)
    files = {path.name: path for path in sorted(START.iterdir()) if path.suffix in FORMATS[form]}
    contents = {name: path.read_bytes() for name, path in files.items()}
    contents |= {"test_exercises.py": _TESTS.encode(), "conftest.py": _CONFTEST.encode()}
    written, kept = [], []
    for name, content in contents.items():
        if (folder / name).exists():
            kept.append(name)
        else:
            write_bytes(folder / name, content)
            written.append(name)
    return written, kept


def check_file(path: str | Path) -> dict[str, list[Result]]:
    """Results of every exercise that a notebook or module attempts, by its name.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    submission = run_quietly(Path(path))
    return {e.name: checking.judged(e, submission.functions(e)) for e in submission.attempted()}


def run_quietly(path: Path) -> Submission:
    """Run the cells of a file; what they print or check is not shown."""
    cells = read_cells(path)
    with checking.silent(), redirect_stdout(StringIO()):
        return run_cells(cells, path.name)


def best_results(exercise: Exercise, folder: Path) -> list[Result] | None:
    """Results of the file in a folder that answers an exercise best; None where none tries.

    Raises
    ------
    DataError
        There is no such folder, or a file that cannot be read.
    """
    names = "|".join(question.name for question in exercise.questions)
    written = re.compile(rf"^\s*(def\s+)?({names})\s*(\(|=)", re.MULTILINE)
    found = []
    for path in files_in(folder):
        if any(written.search(cell) for cell in read_cells(path)):
            functions = run_quietly(path).functions(exercise)
            found.append(checking.judged(exercise, functions))
    return max(found, key=_points, default=None)


def files_in(folder: Path) -> list[Path]:
    """The notebooks and modules of a folder."""
    if not folder.is_dir():
        raise DataError(f"folder: {folder} is no folder")
    names = sorted(folder.iterdir())
    tests = ("test_", "conftest")
    return [p for p in names if p.suffix in SUFFIXES and p.is_file() and not p.name.startswith(tests)]


def progress(folder: str | Path = ".") -> float:
    """Check every notebook and module of a folder, print a table, and return the points.

    Parameters
    ----------
    folder : str or Path
        Where the exercises are, as saved.

    Returns
    -------
    float
        Points of all exercises; where a notebook and a module answer the same one, the better counts.

    Raises
    ------
    DataError
        There is no such folder, no exercise in it, or a file that cannot be read.

    Notes
    -----
    The cells of every file are run. Source: our own; no counterpart in the paper. No arrays, so no shapes.
    """
    folder, total, started = Path(folder), 0, False
    for exercise in EXERCISES:
        results = best_results(exercise, folder)
        started = started or results is not None
        points = _points(results or [])
        total += points
        bar = "#" * round(10 * points / exercise.points)
        print(f"{exercise.number:>3}  {exercise.name:<20}  {bar:<10}  {points:>3} of {exercise.points}")
    if not started:
        raise DataError(f"folder: {folder} has no exercises; 'hyena-np exercises start DIR' makes some")
    print(f"     {'together':<20}  {'':<10}  {total:>3} of {sum(e.points for e in EXERCISES)}")
    return float(total)


def _points(results: list[Result]) -> int:
    return sum(result.points for result in results)
