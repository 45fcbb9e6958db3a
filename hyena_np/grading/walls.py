"""What Linux adds to the fence: Landlock, by which a process gives up files and signals for good.

No Python, and no memory that a submission writes into, can undo it. Kernels from 5.13 on have it for files,
from 6.7 for connections, from 6.12 for signals; elsewhere there is the fence alone.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # numbers of system calls, on every processor
_PR_SET_NO_NEW_PRIVS = 38
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_OLDEST = (1 << 13) - 1  # rights that the first version handles
_REFER, _TRUNCATE, _DEVICES = 1 << 13, 1 << 14, 1 << 15  # of versions 2, 3, 5
_CONNECTIONS = 0b11  # bind and connect by TCP, version 4
_SCOPES = 0b11  # abstract sockets and signals of others, version 6


def build_walls(write: tuple[str, ...], read: tuple[str, ...]) -> int:
    """Give up everything but these folders; returns the version of Landlock, 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return 0
    rights = _OLDEST | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    rights |= _DEVICES if version >= 5 else 0
    attributes = struct.pack("QQQ", rights, _CONNECTIONS, _SCOPES)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return 0
    reading = _EXECUTE | _READ_FILE | _READ_FOLDER
    for folder in write:
        _allow(libc, ruleset, folder, rights & ~_EXECUTE & ~_DEVICES)
    for folder in read:
        _allow(libc, ruleset, folder, reading)
    _allow(libc, ruleset, "/dev/null", _READ_FILE | _WRITE_FILE)
    _allow(libc, ruleset, "/dev/urandom", _READ_FILE)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    refused = libc.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return 0 if refused else version


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is not there: nothing to allow
    if not os.path.isdir(path):
        rights &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
    rule = struct.pack("=Qi", rights, handle)
    libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    os.close(handle)
