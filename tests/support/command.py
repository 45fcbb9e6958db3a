"""The command line as a user meets it: in this process where that is enough, in its own where not."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hyena_np.cli import main

ROOT = Path(__file__).resolve().parents[2]
TINY = ("--vocab", 8, "--length", 16)
"""A task whose steps take milliseconds, and still large enough to hold examples out."""


class Ended(NamedTuple):
    status: int
    out: str
    err: str


def command(capsys: Any, *arguments: Any) -> Ended:
    """Run ``hyena-np`` with these arguments in this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return Ended(stop.value.code, *capsys.readouterr())


def start(
    *arguments: Any, cwd: Path, code: str = "from hyena_np.cli import main; main()", **environment: str
) -> subprocess.Popen:
    """Start ``hyena-np`` in a process of its own; ``code`` may change the package first."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *(str(argument) for argument in arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen) -> Ended:
    """Wait for a process. Carriage returns, with which a bar is drawn, stay as they are."""
    try:
        out, err = (text.decode(errors="replace") for text in process.communicate(timeout=120))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()  # closes its pipes
        raise
    return Ended(process.returncode, out, err)


def assert_one_line(ended: Ended, status: int, *mentioned: str) -> None:
    """The command ended with this status and one line on standard error that says what is wrong."""
    assert ended.status == status, ended
    assert ended.err.startswith("hyena-np: ")
    assert ended.err.count("\n") == 1
    assert ended.err.endswith("\n")
    for word in mentioned:
        assert word in ended.err
