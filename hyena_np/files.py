"""Writing files whole: to a temporary file beside the old one, then a rename. No kill leaves half a file."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hyena_np.errors import ConfigError, OutputError

_LOCK_NAME = ".lock"  # of `exclusive`; it stays when its process has ended


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path`, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Its folder must exist.
    content : bytes

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OutputError
        The folder is absent or cannot be written; what stood at `path` is untouched.
    """
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)
    return path


def remove_parts(path: str | Path) -> None:
    """Remove the temporary files that killed processes left beside `path`, whose only writer must ask."""
    path = Path(path)
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        part.unlink(missing_ok=True)


def write_json(path: str | Path, value: Any) -> Path:
    """Write `value` as indented JSON, whole or not at all; `OutputError` as in `write_bytes`."""
    return write_bytes(path, (json.dumps(value, indent=2) + "\n").encode())


def make_folder(path: str | Path) -> Path:
    """Make a folder (and its parents) that can be written; `OutputError` names the folder if that fails."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files that may be there; `OutputError` names one that cannot be removed."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be removed ({error.strerror or error})") from error


def names_in(folder: Path) -> set[str]:
    """The names in a folder, none where it does not exist; `OutputError` where it cannot be read."""
    try:
        return {path.name for path in folder.iterdir()} - {_LOCK_NAME}
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise OutputError(
            f"out: {folder} cannot be opened as a folder ({error.strerror or error})"
        ) from error


def check_one_of(resume: bool, overwrite: bool) -> None:
    """Raise ConfigError where a run is to be gone on with and replaced."""
    if resume and overwrite:
        raise ConfigError(
            "resume, overwrite: one goes on with a run, the other replaces it; allowed is one of them"
        )


def check_free(path: Path, resume: bool, overwrite: bool) -> None:
    """Raise where results would be replaced unasked; nothing is written."""
    check_one_of(resume, overwrite)
    if path.exists() and not (resume or overwrite):
        raise OutputError(
            f"out: {path.parent} holds results already; --resume goes on with them, --overwrite replaces them"
        )


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep a folder for this process; OutputError where another one has it.

    The operating system gives it back when the process ends, however it ends.
    """
    try:
        import fcntl
    except ImportError:  # Windows, or a browser
        yield
        return
    try:
        handle = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise OutputError(f"out: another process is at work in {folder}") from error
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
