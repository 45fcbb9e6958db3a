"""The marks that the equation ledger is made of, read from the sources without importing them.

- In a docstring, the line ``Source:``. Of its parts, a semicolon apart, those that say "Hyena paper" count.
- In a module of data, a constant's text that begins with "Hyena paper", or the keyword ``paper=`` of a call.
- In the tests, ``@pytest.mark.paper("Def. 3.1", "eq. (4)")`` on a function or a class.
- In a notebook, any Markdown cell that names the place, and the first code cell that calls its function.
- In an exercise, its ``paper=``.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from making.places import NOTEBOOKS, PACKAGE, ROOT, TESTS
from making.places_in_paper import places

READ_FIRST = {"ops": 0, "fast": 1, "models": 2}  # layers of the package; the others follow by name


@dataclass(frozen=True)
class Mark:
    """That something stands for a place of the paper."""

    place: str  # "Def. 3.1"
    name: str  # "hyena_np.ops.hyena.hyena_recurrence", "tests/ops/test_hyena.py::test_x", a heading
    file: str  # from the root of the repository


def source_line(docstring: str) -> str:
    """The paragraph of a docstring that begins with ``Source:``, on one line; empty where there is none."""
    found = re.search(r"Source: (.*?)(?:\n\s*\n|\Z)", docstring, re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def cited(source: str) -> list[str]:
    """Places of the Hyena paper in a ``Source:`` line; those of other papers do not count."""
    parts = [part.partition("Hyena paper")[2] for part in source.split(";")]
    return places(" ; ".join(part for part in parts if part))


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def of_code(folder: Path = PACKAGE) -> Iterator[Mark]:
    """Of functions, classes and data of the package, the mathematics first."""
    files = [path for path in folder.rglob("*.py") if "exercises" not in path.parts]
    for path in sorted(files, key=lambda path: (READ_FIRST.get(path.parent.name, 9), path)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found = cited(source_line(inspect.cleandoc(ast.get_docstring(node) or "")))
                name = node.name
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found, name = _of_data(node.value), node.targets[0].id
            else:
                continue
            if not name.startswith("_"):
                yield from (Mark(place, f"{_module(path)}.{name}", _relative(path)) for place in found)


def _of_data(value: ast.expr) -> list[str]:
    """Places in the texts of a call that makes a constant."""
    if not isinstance(value, ast.Call):
        return []
    texts = [
        node.value for node in value.args if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    found = [place for text in texts for place in cited(text) if text.startswith("Hyena paper")]
    for keyword in value.keywords:
        if keyword.arg == "paper" and isinstance(keyword.value, ast.Constant):
            found += places(str(keyword.value.value).split("Zoology")[0])
    return found


def written_marks(decorators: list[ast.expr]) -> Iterator[str]:
    """Arguments of ``@pytest.mark.paper``, as they are written."""
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.paper":
            yield from (str(ast.literal_eval(argument)) for argument in decorator.args)


def of_tests(folder: Path = TESTS) -> Iterator[Mark]:
    """Of tests, and of classes of tests."""
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            for name, inner in with_methods(node):
                for place in written_marks(inner.decorator_list):
                    yield Mark(place, f"{_relative(path)}::{name}", _relative(path))


def with_methods(node: ast.stmt) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """A function or class at the top of a file, and the methods of the class, by their names for pytest."""
    if isinstance(node, ast.FunctionDef):
        yield node.name, node
    elif isinstance(node, ast.ClassDef):
        yield node.name, node
        for inner in node.body:
            if isinstance(inner, ast.FunctionDef):
                yield f"{node.name}::{inner.name}", inner


def cells(source: str) -> Iterator[tuple[str, str, str]]:
    """Cells of a percent source, Markdown cut at its headings: kind, heading that it stands under, text."""
    heading = ""
    for cell in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        head, _, body = cell.partition("\n")
        if "[markdown]" not in head:
            yield "code", heading, body
            continue
        text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
        for part in re.split(r"^(?=#)", text, flags=re.MULTILINE):
            if found := re.match(r"#+ (.+)", part):
                heading = found[1].strip()
            yield "markdown", heading, part


def of_notebooks(code: Iterable[Mark], folder: Path = NOTEBOOKS / "src") -> Iterator[Mark]:
    """Of Markdown cells that name a place, and of the first code cell that calls what stands for it."""
    names: dict[str, list[str]] = {}
    for mark in code:
        names.setdefault(mark.name.rpartition(".")[2], []).append(mark.place)
    for path in sorted(folder.glob("[0-9][0-9]_*.py")):
        seen: set[str] = set()
        for kind, heading, text in cells(path.read_text(encoding="utf-8")):
            if kind == "markdown":
                found = places(text)
            else:
                called = set(re.findall(r"\b(\w+)\(", text)) & names.keys()
                found = [place for name in sorted(called) for place in names[name] if place not in seen]
            seen.update(found)
            yield from (Mark(place, heading, _relative(path)) for place in found)


def of_exercises() -> Iterator[Mark]:
    """Of exercises; places that are sections are left to the sheets."""
    from hyena_np.exercises import EXERCISES

    for exercise in EXERCISES:
        for text in exercise.paper:
            for place in places(text):
                yield Mark(place, exercise.name, f"notebooks/exercises/src/{exercise.stem}.py")
