"""Who handed in what: one entry a student, a file or a folder of files."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from hyena_np.errors import DataError
from hyena_np.exercises.exercise import Exercise
from hyena_np.exercises.submissions import SUFFIXES, read_cells
from hyena_np.grading.judging import Source

LARGEST = 20 << 20  # bytes of a file
MOST_FILES = 100  # of a student
_PASSED_OVER = ("__pycache__",)
_NOT_ANSWERS = ("test_", "conftest")  # what `hyena-np exercises start` puts beside the exercises


@dataclass(frozen=True)
class Entry:
    """What one student handed in.

    Parameters
    ----------
    student : str
        Name of the file without its ending, or of the folder.
    folder : Path
        Of all submissions.
    files : tuple of Path
    problems : tuple of str
        What of it cannot be graded, and why.
    """

    student: str
    folder: Path
    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()

    def digest(self) -> str:
        """Changes with every byte of the files."""
        whole = hashlib.sha256(repr(self.problems).encode())
        for path in self.files:
            try:
                content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
            except OSError:
                content = b""
            whole.update(
                hashlib.sha256(os.fsencode(path.relative_to(self.folder)) + b"\0" + content).digest()
            )
        return whole.hexdigest()

    def sources(self) -> tuple[list[Source], list[str]]:
        """The code of the files, and what is wrong with those that cannot be read."""
        sources, problems = [], [*self.problems]
        for path in self.files:
            name = shown(str(path.relative_to(self.folder)))
            try:
                if path.stat().st_size > LARGEST:
                    raise DataError(f"{path}: is larger than {LARGEST >> 20} MiB")
                sources.append(Source(name, tuple(read_cells(path))))
            except OSError as error:
                problems.append(f"{name}: cannot be read ({error.strerror or 'no access'})")
            except DataError as error:
                problems.append(f"{name}{str(error).removeprefix(str(path))}")
        return sources, problems


def entries(folder: Path, besides: Path) -> list[Entry]:
    """One entry a student, in the order of their names.

    Parameters
    ----------
    folder : Path
        Of files, ``alice.ipynb`` or ``bob.py``, and folders, ``carol/``. Where a student has several, all of
        them count as one.
    besides : Path
        Where the results go: not an entry, should it be in there.

    Raises
    ------
    DataError
        There is no such folder, or nothing in it.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(f"submissions: {folder} cannot be read ({error.strerror or error})") from error
    found: dict[str, list[Entry]] = {}
    for path in paths:
        if path.name.startswith(".") or path.name in _PASSED_OVER or path.absolute() == besides.absolute():
            continue
        entry = _entry(path, folder)
        found.setdefault(entry.student, []).append(entry)
    if not found:
        raise DataError(f"submissions: {folder} is empty; it holds a notebook, module or folder a student")
    return [_together(student, folder, parts) for student, parts in sorted(found.items())]


def _entry(path: Path, root: Path) -> Entry:
    if path.is_dir() and _within(path, root):
        return _of_folder(path, root)
    name = shown(path.stem)
    if problem := _problem(path, root):
        return Entry(name, root, (), (f"{shown(path.name)}: {problem}",))
    return Entry(name, root, (path,))


def _of_folder(path: Path, root: Path) -> Entry:
    files: list[Path] = []
    problems = []
    for where, folders, names in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _PASSED_OVER)
        for inner in (Path(where, name) for name in sorted(names)):
            if inner.suffix not in SUFFIXES or inner.name.startswith((".", *_NOT_ANSWERS)):
                continue
            if problem := _problem(inner, root):
                problems.append(f"{shown(inner.name)}: {problem}")
            elif len(files) < MOST_FILES:
                files.append(inner)
    if len(files) == MOST_FILES:
        problems.append(f"the first {MOST_FILES} files are graded")
    if not files and not problems:
        problems.append("has no notebook and no module")
    return Entry(shown(path.name), root, tuple(files), tuple(problems))


def _problem(path: Path, root: Path) -> str:
    if not _within(path, root):
        return "is a link that leads out of the submissions"
    if not path.is_file():
        return "is no file"
    if path.suffix not in SUFFIXES:
        return "allowed are notebooks (.ipynb) and modules (.py)"
    return ""


def _within(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a link to nothing, or in a circle
        return False


def _together(student: str, folder: Path, parts: list[Entry]) -> Entry:
    files = tuple(file for part in parts for file in part.files)
    return Entry(student, folder, files, tuple(problem for part in parts for problem in part.problems))


def shown(name: str) -> str:
    """A file's name as text that can be written everywhere, whatever bytes it is made of."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def attempts(exercise: Exercise, source: Source) -> bool:
    """Does the code name a function of the exercise at all?"""
    names = "|".join(re.escape(question.name) for question in exercise.questions)
    written = re.compile(rf"\b({names})\b")
    return any(written.search(cell) for cell in source.cells)
