"""The folder ``benchmarks/``, beside the package in a clone: contenders that the package must not import."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from hyena_np.errors import ConfigError

MODULE = "torch_contenders"


def find_folder(given: Path | None = None) -> Path | None:
    """The folder that was given, or the one in the clone that the package is run from; None if there is none.

    Parameters
    ----------
    given : Path, optional

    Returns
    -------
    Path or None

    Raises
    ------
    ConfigError
        The folder that was given does not hold ``torch_contenders.py``.

    Notes
    -----
    Source: no counterpart in the paper. No arrays, so no shapes.
    """
    folder = Path(__file__).resolve().parents[2] / "benchmarks" if given is None else given
    if (folder / f"{MODULE}.py").is_file():
        return folder.resolve()
    if given is not None:
        raise ConfigError(f"benchmarks: got {given}, allowed is a folder that holds {MODULE}.py")
    return None


def default_out(folder: Path | None, preset: str, backend: str) -> Path:
    """Where results go unless a user says otherwise: beside the contenders, or into the working directory."""
    name = preset if backend == "numpy" else f"{preset}-{backend}"
    return Path("hyena-bench") / name if folder is None else folder / "results" / name


def why_missing(folder: Path | None) -> str | None:
    """Why there are no contenders from outside, in one line; None where there are."""
    if folder is None:
        return "no folder benchmarks/ beside the package: its own rows and the floor only (--benchmarks DIR)"
    if importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed: the package's own rows and the floor only (pip install torch)"
    return None


def load_outside(folder: Path) -> ModuleType:
    """The module of the contenders that need PyTorch, from the folder, under the folder's own name."""
    if str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
    return importlib.import_module(f"{folder.name}.{MODULE}")
