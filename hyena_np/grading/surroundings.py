"""What the submissions of one grading run see: a copy of the package without answers, and little else."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.font_manager  # which makes the list of fonts
import numpy as np

PACKAGE = Path(__file__).resolve().parents[1]
PREFIX = "hyena-np-grade-"
# Not in the copy: the exercises' right answers, and what could reach the grader's own files.
_LEFT_OUT = ("sheets", "start", "experiments", "bench")
# In the place of hyena_np.exercises: a submission's own checks say nothing here.
_QUIET = '''"""Checks that say nothing, while a submission is graded."""


def check(name, *functions):
    return 0.0


def hint(name, level=None):
    return None


def progress(folder="."):
    return 0.0
'''
_NO_EXERCISES = '"""No exercise is known here."""\n\nEXERCISES = ()\n'


@dataclass(frozen=True)
class Surroundings:
    """Folders of one grading run.

    Parameters
    ----------
    folder : Path
        Of the run; a folder for each submission's process is made within it.
    path : tuple of str
        Where a submission imports from: the copy of the package, and installed libraries.
    read : tuple of str
        Folders that a submission may read.
    closed : tuple of str
        What of these it may not.
    stop : Event
        Set when the run is to stop.
    """

    folder: Path
    path: tuple[str, ...]
    read: tuple[str, ...]
    closed: tuple[str, ...]
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def own_folder(self) -> Iterator[Path]:
        """An empty folder for one process, removed afterwards with all that was put into it."""
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="work-"))
        settings = folder / ".matplotlib"
        settings.mkdir()
        for cache in self.folder.glob("fontlist-*.json"):  # looking for fonts takes seconds
            shutil.copy(cache, settings)
        try:
            yield folder
        finally:
            remove(folder)

    def environment(self, folder: Path) -> dict[str, str]:
        """All that a process knows of the grader's environment: nothing."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(folder / ".matplotlib"),
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        }


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Make them for one grading run, and remove them afterwards."""
    _remove_what_killed_runs_left()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")).resolve()
    try:
        copy = folder / "package"
        _copy_package(copy / PACKAGE.name)
        for cache in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
            shutil.copy(cache, folder)
        libraries = _libraries()
        standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
        standard |= {str(Path(path).resolve()) for path in standard}
        standard |= {str(Path(path).parent) for path in standard}  # libraries that extensions need
        system = ("/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/share/fonts", "/usr/share/zoneinfo")
        read = (str(copy), *libraries, *sorted(standard), *system)
        yield Surroundings(folder, (str(copy), *libraries), read, (str(PACKAGE),))
    finally:
        remove(folder)


def _remove_what_killed_runs_left() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and folder.stat().st_uid == os.getuid() and not _alive(int(pid)):
            remove(folder)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _copy_package(target: Path) -> None:
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (target / "exercises" / "__init__.py").write_text(_QUIET)
    (target / "exercises" / "catalogue.py").write_text(_NO_EXERCISES)


def _libraries() -> tuple[str, ...]:
    """Folders of installed libraries, without those that a checkout has put on the path."""
    folders = [str(Path(np.__file__).parents[1]), *sys.path]
    return tuple(
        dict.fromkeys(path for path in folders if Path(path).name in ("site-packages", "dist-packages"))
    )


def remove(folder: Path) -> None:
    """Remove a folder that a submission wrote into, whatever it made of the permissions."""
    for where, folders, _ in os.walk(folder):
        for path in (os.path.join(where, name) for name in folders):
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
