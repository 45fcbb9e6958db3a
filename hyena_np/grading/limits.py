"""What a submission's process may use, set by the process itself before it reads the submission."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

try:
    import resource
except ImportError:  # Windows, or a browser
    resource = None  # type: ignore[assignment]

FILE_BYTES = 16 << 20  # of one file that a submission writes
MORE_TASKS = 64  # processes and threads beside those that the user has already; root is not held to it
_PR_SET_DUMPABLE, _PR_SET_PDEATHSIG = 4, 1


def possible() -> bool:
    """Does this system have limits at all?"""
    return resource is not None


def set_limits(memory: int, seconds: int) -> list[str]:
    """Limit this process, for good; returns the names of limits that the system refused."""
    refused = []
    wanted = {
        "RLIMIT_AS": memory,
        "RLIMIT_CPU": seconds,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_NPROC": _tasks() + MORE_TASKS,
    }
    for name, most in wanted.items():
        try:
            kind = getattr(resource, name)
            _, hard = resource.getrlimit(kind)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))
        except (AttributeError, ValueError, OSError):
            refused.append(name)
    return refused


def end_with_parent(parent: int) -> None:
    """On Linux: be killed when the process that started this one is gone."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was gone already
        os._exit(1)


def _tasks() -> int:
    """How many processes and threads this user has; where nobody counts them, a generous guess."""
    count = 0
    try:
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and _owner(entry.path) == os.getuid():
                count += _threads(f"{entry.path}/task")
    except OSError:
        return 1024
    return count


def _owner(path: str) -> int:
    try:
        return os.stat(path).st_uid
    except OSError:  # it ended meanwhile
        return -1


def _threads(path: str) -> int:
    try:
        return len(os.listdir(path))
    except OSError:
        return 0
