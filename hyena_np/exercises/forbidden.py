"""Does a function call what its exercise forbids: the package's own answer, or another library's?"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any


def uses_forbidden(functions: Iterable[Callable], forbidden: tuple[str, ...]) -> tuple[str, ...]:
    """The forbidden names that these functions reach, themselves or through helpers beside them.

    The code is read, not run: an honest student who took a shortcut is told so. A submission that hides what
    it calls is the grader's business, which takes the forbidden functions away.
    """
    targets = dict(_resolved(forbidden))
    found = {name for function in functions for name in _reached(function, targets, set())}
    return tuple(name for name in forbidden if name in found)


def _resolved(forbidden: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name in forbidden:
        try:
            yield name, resolve(name)
        except (ImportError, AttributeError):
            continue  # of a library that is not installed


def resolve(name: str) -> Any:
    """The object of a dotted name."""
    module, _, attribute = name.rpartition(".")
    try:
        return (
            getattr(importlib.import_module(module), attribute) if module else importlib.import_module(name)
        )
    except AttributeError:
        return importlib.import_module(name)


def _reached(function: Any, targets: dict[str, Any], seen: set[int]) -> Iterator[str]:
    if not isinstance(function, FunctionType) or id(function) in seen:
        return
    seen.add(id(function))
    for code in _codes(function.__code__):
        for thing in _mentioned(code, function):
            for name, target in targets.items():
                if thing is target or (isinstance(target, ModuleType) and _inside(thing, target)):
                    yield name
            if isinstance(thing, FunctionType) and thing.__globals__ is function.__globals__:
                yield from _reached(thing, targets, seen)


def _inside(thing: Any, module: ModuleType) -> bool:
    home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    return isinstance(home, str) and (home == module.__name__ or home.startswith(f"{module.__name__}."))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _mentioned(code: CodeType, function: FunctionType) -> Iterator[Any]:
    """Objects that the names of this code may mean: globals, closures, imports, and attributes of modules."""
    scope = {**vars(builtins), **function.__globals__}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    scope |= {name: cell.cell_contents for name, cell in cells if _filled(cell)}
    names = (*code.co_names, *code.co_freevars)
    modules = []
    for name in names:
        thing = scope.get(name)
        if thing is None:
            thing = _imported(name)
        if thing is not None:
            yield thing
        modules += [thing] if isinstance(thing, ModuleType) else []
    while modules:
        module = modules.pop()
        for name in names:
            inner = vars(module).get(name)
            if inner is None and module.__name__.startswith("hyena_np"):
                inner = getattr(module, name, None)  # the package loads its names on first use
            if inner is not None:
                yield inner
            if isinstance(inner, ModuleType) and inner.__name__.startswith(f"{module.__name__}."):
                modules.append(inner)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _imported(name: str) -> ModuleType | None:
    """The module of an ``import`` inside a function, where it is loaded anyway."""
    return sys.modules.get(name)
