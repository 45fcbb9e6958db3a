"""The reference of the package: one page a module, from the docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from making.places import PACKAGE, ROOT, TESTS

# From the operator outwards, as one reads the package.
LAYERS = {
    "ops": "The mathematics",
    "fast": "The operator again, for speed",
    "models": "Models",
    "training": "Training",
    "tasks": "Data",
    "plots": "Figures",
    "experiments": "Experiments",
    "exercises": "Exercises",
    "grading": "Grading",
    "demo": "The demonstration",
    "writing": "A model of your own text",
    "bench": "The benchmark",
    "": "Underneath",
}
HIDDEN = {"cli"}  # the page of the command line shows it
DATA_FOLDERS = {"start", "sheets"}  # of exercises: what students get, and what judges them


@dataclass(frozen=True)
class Module:
    """A module: its dotted name, what it says of itself, its public classes and functions."""

    name: str
    docstring: str
    functions: tuple[str, ...]
    classes: dict[str, tuple[str, ...]]  # with the methods and properties that say what they are

    @property
    def layer(self) -> str:
        """``ops``, ``models``, ...; empty for a module directly below the package."""
        return self.name.split(".")[1] if self.name.count(".") > 1 else ""

    @property
    def page(self) -> str:
        """Name of its page, below ``reference/api/``."""
        return self.name.removeprefix("hyena_np.").replace(".", "-")

    @property
    def members(self) -> tuple[str, ...]:
        return (*self.functions, *self.classes)


def read_module(path: Path) -> Module:
    """Only reads the file: nothing is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    functions, classes = [], {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and is_public(node):
            functions.append(node.name)
        elif isinstance(node, ast.ClassDef) and is_public(node):
            inner = [each for each in node.body if isinstance(each, ast.FunctionDef) and is_public(each)]
            classes[node.name] = tuple(each.name for each in inner)
    return Module(name, ast.get_docstring(tree) or "", tuple(functions), classes)


def is_public(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether it has a page: a name without underscore, and a docstring."""
    return not node.name.startswith("_") and bool(ast.get_docstring(node))


@cache
def _order_of_ops() -> dict[str, int]:
    """The order in which one reads ops/, as tests/test_project.py states and enforces it."""
    tree = ast.parse((TESTS / "test_project.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OPS":
            return {name: place for place, name in enumerate(ast.literal_eval(node.value))}
    raise LookupError("tests/test_project.py has no OPS")


def reading_order(path: Path) -> tuple[int, str]:
    """Sorts the files of a layer: those of ops/ as they are read, others by name."""
    place = _order_of_ops().get(path.stem, 0) if path.parent.name == "ops" else 0
    return place, path.as_posix()


@cache
def modules() -> tuple[Module, ...]:
    """All modules with a page, layer by layer."""
    return tuple(_modules())


def _modules() -> Iterator[Module]:
    for layer in LAYERS:
        folder = PACKAGE / layer if layer else PACKAGE
        if not folder.exists():
            continue
        for path in sorted(folder.rglob("*.py") if layer else folder.glob("*.py"), key=reading_order):
            if DATA_FOLDERS & set(path.parts[len(PACKAGE.parts) : -1]) or path.stem == "__init__":
                continue
            module = read_module(path)
            if module.members:
                yield module


def exported() -> dict[str, str]:
    """Public names of the package -> the module that defines them, as ``__init__.pyi`` says."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.name: f"hyena_np.{node.module}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def public_name(module: Module, member: str, public: dict[str, str]) -> str:
    """How one imports it: from the package where that exports it, else from its module."""
    return f"hyena_np.{member}" if public.get(member) == module.name else f"{module.name}.{member}"


def module_page(module: Module, public: dict[str, str]) -> str:
    """The page of one module, in reStructuredText: what the package exports first."""
    short = module.name.removeprefix("hyena_np.")
    lines = [short, "=" * len(short), "", module.docstring, ""]
    ordered = sorted(module.members, key=lambda member: public.get(member) != module.name)
    for member in ordered:
        name = public_name(module, member, public)
        lines += [f".. py:currentmodule:: {name.rpartition('.')[0]}", ""]
        if member in module.functions:
            lines += [f".. autofunction:: {name}", ""]
        else:
            inner = ", ".join(module.classes[member])
            lines += [f".. autoclass:: {name}", f"   :members: {inner}" if inner else "", ""]
    return "\n".join(lines)


def summary(docstring: str) -> str:
    """The first sentence of a docstring, on one line."""
    return " ".join(docstring.split("\n\n")[0].split())


INDEX_HEAD = """Python
======

One page a module, in the order in which the package is read. What has a gradient returns ``(y, cache)``; its
``_backward`` takes ``(dy, cache)``. The names in these tables are imported from the package, ``from hyena_np
import fftconv``; what is only on the page of a module is imported from there.
"""


def index_page(every: Sequence[Module], public: dict[str, str]) -> str:
    """The list of all pages, by layer, with the names that the package exports."""
    lines = [INDEX_HEAD]
    for layer, title in LAYERS.items():
        inside = [module for module in every if module.layer == layer]
        if not inside:
            continue
        # What a reader looks for comes first, then what only the package itself calls.
        inside.sort(key=lambda module: module.name not in public.values())
        lines += [title, "-" * len(title), "", ".. toctree::", "   :hidden:", ""]
        lines += [f"   api/{module.page}" for module in inside] + [""]
        lines += [".. list-table::", "   :widths: 25 75", ""]
        for module in inside:
            lines += [f"   * - :doc:`{module.name.removeprefix('hyena_np.')} <api/{module.page}>`"]
            lines += [f"     - {names_of(module, public) or summary(module.docstring)}"]
        lines.append("")
    return "\n".join(lines)


def names_of(module: Module, public: dict[str, str]) -> str:
    """Links to what the package exports of a module; of a pair, to the forward alone."""
    names = [name for name in module.members if public.get(name) == module.name]
    shown = [name for name in names if name.removesuffix("_backward") not in names or "_backward" not in name]
    return ", ".join(f":py:obj:`~hyena_np.{name}`" for name in shown)


def write_pages(folder: Path) -> None:
    """``reference/python.rst`` and ``reference/api/*.rst``."""
    every, public = modules(), exported()
    (folder / "api").mkdir(parents=True, exist_ok=True)
    for module in every:
        (folder / "api" / f"{module.page}.rst").write_text(module_page(module, public), encoding="utf-8")
    (folder / "python.rst").write_text(index_page(every, public), encoding="utf-8")
