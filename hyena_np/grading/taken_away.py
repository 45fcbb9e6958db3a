"""What an exercise forbids is taken away before the submission is read, however it will be called."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from hyena_np.exercises.forbidden import resolve

Report = Callable[[str], None]  # told the name of what was called
# Compiled functions that do the same as the one of this name, which only calls them.
_BENEATH = {
    "numpy.convolve": ("numpy._core.multiarray.correlate",),
    "numpy.correlate": ("numpy._core.multiarray.correlate", "numpy._core.multiarray.correlate2"),
}


class NotAvailableError(Exception):
    """The submission called what its exercise forbids."""


class Gone:
    """Stands where something was: whoever calls it is told, and reported."""

    def __init__(self, name: str, report: Report) -> None:
        self._name, self._report = name, report

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self._report(self._name)
        raise NotAvailableError(f"{self._name} may not be used in this exercise")

    def __getattr__(self, name: str) -> Gone:
        if name.startswith("__"):
            raise AttributeError(name)
        return Gone(f"{self._name}.{name}", self._report)


class GoneModule(ModuleType):
    """The same for a module: it can be imported, so that other exercises in the file go on."""

    def __init__(self, name: str, report: Report) -> None:
        super().__init__(name)
        self.__dict__["_gone"] = Gone(name, report)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_gone"], name)


class GoneFinder(MetaPathFinder, Loader):
    """Finds the modules within one that is gone, which are gone too."""

    def __init__(self, name: str, report: Report) -> None:
        self._name, self._report = name, report

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name.startswith(f"{self._name}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return GoneModule(spec.name, self._report)

    def exec_module(self, module: ModuleType) -> None:
        return


def take_away(names: tuple[str, ...], report: Report) -> dict[str, str]:
    """Take these functions and modules away from this process.

    A Python function gets another body, so every reference to it is dead, and every function that calls it.

    Parameters
    ----------
    names : tuple of str
        Dotted names; those of libraries that are not installed are passed over.
    report : callable
        Called with the name when a submission calls it.

    Returns
    -------
    dict
        Files and folders from which the submission could load it again, and the first name that each holds.
    """
    taken: dict[str, str] = {}
    for name in dict.fromkeys(names):
        for source in _take(name, report):
            for path in sources_of(source):
                taken.setdefault(path, name)
    return taken


def watch(taken: dict[str, str], report: Report) -> Callable[[str, str], None]:
    """For the fence: reports that a submission loads again what was taken away.

    Only Python itself reads compiled files. A source may be read to show a traceback, which is no offence.
    """

    def watching(place: str, path: str) -> None:
        if place in taken and path.endswith(".pyc"):
            report(taken[place])

    return watching


def _take(name: str, report: Report) -> Iterator[str]:
    parents = (name[:end] for end, letter in enumerate(name + ".") if letter == ".")
    if any(isinstance(sys.modules.get(parent), GoneModule) for parent in parents):
        return  # it has gone with its module
    try:
        if (module := importlib.util.find_spec(name)) is not None:
            yield from _take_module(module, report)
            return
        thing = resolve(name)
    except (ImportError, AttributeError):
        return
    functions = list(_functions(thing))
    for function in functions:
        if isinstance(function.__code__, CodeType):
            yield function.__code__.co_filename
        _kill(function, Gone(name, report))
    if not functions:
        _replace(thing, Gone(name, report))
    for beneath in _BENEATH.get(name, ()):
        _replace(resolve(beneath), Gone(name, report))


def _functions(thing: Any) -> Iterator[FunctionType]:
    """The Python functions that a callable consists of: itself, and what a decorator has wrapped."""
    seen: set[int] = set()
    while thing is not None and id(thing) not in seen:
        seen.add(id(thing))
        if isinstance(thing, FunctionType):
            yield thing
        thing = getattr(thing, "__wrapped__", None)


def _kill(function: FunctionType, gone: Gone) -> None:
    """Exchange the body of a function; the closure's names must stay the same."""
    free = "".join(f"        {name}\n" for name in function.__code__.co_freevars)
    made = "".join(f"    {name} = None\n" for name in function.__code__.co_freevars)
    source = (
        f"def outer():\n{made}    def dead(*_arguments, **_options):\n{free}"
        "        call = '@'\n        return call(*_arguments, **_options)\n    return dead\n"
    )
    scope: dict[str, Any] = {}
    exec(compile(source, "<taken away>", "exec"), scope)
    code = scope["outer"]().__code__
    function.__code__ = code.replace(co_consts=tuple(gone if c == "@" else c for c in code.co_consts))
    function.__defaults__ = function.__kwdefaults__ = None


def _replace(thing: Any, substitute: Any) -> None:
    """Put something else into every loaded module that names a thing."""
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            scope = vars(module)
            for name in [name for name, value in scope.items() if value is thing]:
                scope[name] = substitute


def _take_module(found: ModuleSpec, report: Report) -> Iterator[str]:
    """A module is not loaded only to be taken away, which could take a second."""
    name = found.name
    yield from found.submodule_search_locations or ([found.origin] if found.origin else [])
    substitute = GoneModule(name, report)
    for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        module = sys.modules.pop(loaded)
        for function in [value for value in vars(module).values() if isinstance(value, FunctionType)]:
            if function.__module__ == loaded:
                _kill(function, Gone(f"{name}.{function.__name__}", report))
        _replace(module, substitute)
    sys.modules[name] = substitute
    sys.meta_path.insert(0, GoneFinder(name, report))
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, substitute)


def sources_of(path: str) -> tuple[str, ...]:
    """A file with what was compiled from it."""
    source = Path(path)
    return (path, *(str(compiled) for compiled in source.parent.glob(f"__pycache__/{source.stem}.*")))
