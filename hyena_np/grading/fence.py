"""A fence around a submission: Python itself refuses it the files of others, other processes, the network.

An audit hook sees every such call, and cannot be removed. It is a fence and no prison: code that breaks
Python from within, by writing into memory for instance, gets past it. `walls` are what the system adds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

# Events that are refused, with all that begin like these.
_REFUSED = (
    *("subprocess.", "socket.", "ctypes.", "os.fork", "os.exec", "os.spawn", "os.posix_spawn", "os.system"),
    *("os.kill", "os.link", "os.symlink", "os.chown", "os.setxattr", "signal.pthread_kill", "pty.spawn"),
    *("gc.get_", "sys.addaudithook", "cpython.remote_debugger", "fcntl.", "resource.", "mmap."),
)
_READ = frozenset(("open", "os.listdir", "os.scandir", "os.chdir", "os.getxattr", "os.listxattr"))
_WRITE = frozenset(("os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.truncate", "os.utime", "os.chmod"))
_MODULES = frozenset(("_posixsubprocess", "_ctypes", "_multiprocessing", "_posixshmem", "_testcapi"))
# Ways to other processes that no audit event announces.
_SILENT = (("_posixsubprocess", "fork_exec"), ("os", "pidfd_open"), ("posix", "pidfd_open"))
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITES = 200  # files and folders that a submission may write


class Yard(NamedTuple):
    """What is inside the fence: folders to write in, folders to read in, and what of these is closed."""

    write: tuple[str, ...]
    read: tuple[str, ...]
    closed: tuple[str, ...]


OnClosed = Callable[[str, str], None]  # told of an attempt: what is closed, and the path within it


def close_fence(yard: Yard, on_closed: OnClosed = lambda place, path: None) -> None:
    """Put up the fence for the rest of this process's life."""
    for module, name in _SILENT:
        if module in sys.modules:
            vars(sys.modules[module]).pop(name, None)
    sys.addaudithook(_hook(yard, on_closed))


def _hook(yard: Yard, on_closed: OnClosed) -> Callable[[str, tuple], None]:
    # Names of its own: a submission may put other functions in the places of these.
    error, is_a, normal, here, stat = PermissionError, isinstance, os.path.normpath, os.getcwd, os.stat
    refused, reading, changing, modules = _REFUSED, _READ, _WRITE, _MODULES
    (write, read, closed), left = yard, [None] * WRITES

    def inside(path: str, folders: tuple[str, ...]) -> str:
        for folder in folders:
            if path == folder or path.startswith(f"{folder}/"):
                return folder
        return ""

    def is_folder(path: str) -> bool:
        try:
            return stat(path).st_mode & 0o170000 == 0o040000
        except OSError:
            return False

    def check_path(event: str, path: Any, writes: bool) -> None:
        if is_a(path, int):
            return  # what is open already
        path = "." if path is None else path.decode("utf-8", "replace") if is_a(path, bytes) else path
        if not is_a(path, str):
            raise error(f"{event}: a path is a text while a submission is graded")
        # By its letters alone: there are no links inside, and none can be made.
        whole = normal(path if path.startswith("/") else f"{here()}/{path}")
        allowed = write if writes or ".." in path else write + read
        if whole == "/dev/null":
            return
        barred = inside(whole, closed)
        if barred:
            on_closed(barred, whole)
        if barred or not inside(whole, allowed):
            raise error(f"{event}: {whole} is outside what a submission may use")
        if event == "open" and is_folder(whole):  # paths could go on from there
            raise error("open: a folder cannot be opened while a submission is graded")
        if writes and not left:
            raise error(f"a submission may write {WRITES} files")
        if writes:
            left.pop()

    def hook(event: str, arguments: tuple) -> None:
        if event.startswith(refused):
            raise error(f"{event} is not allowed while a submission is graded")
        if event == "import":
            name, file = arguments[:2]
            if name in modules:
                raise error(f"import {name} is not allowed while a submission is graded")
            if file:
                check_path("import", file, False)
        elif event == "open":
            path, _, flags = arguments
            writes = bool(flags and flags & _WRITING) if is_a(flags, int) else True
            check_path(event, path, writes)
        elif event in reading:
            check_path(event, arguments[0], False)
        elif event in changing:
            check_path(event, arguments[0], True)
            if event == "os.rename":
                check_path(event, arguments[1], True)

    return hook
