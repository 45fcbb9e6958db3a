"""One process for one submission and one exercise: started, asked, and ended with all that it left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hyena_np.errors import RunError
from hyena_np.exercises.exercise import Exercise, Value
from hyena_np.grading.channel import Channel, Silence
from hyena_np.grading.surroundings import Surroundings

_STARTING = 120.0  # seconds until the process must be ready: the grader's time, not the submission's
_MOST_USED = 50  # names that a process may say were called
_CODE = "import sys; sys.path[:0] = {path!r}; from hyena_np.grading.worker import main; main({}, {}, {})"


@dataclass(frozen=True)
class Limits:
    """Of one submission and one exercise.

    Parameters
    ----------
    seconds : float
        Wall time that it may take, from reading the file to the last answer.
    memory : int
        Bytes of address space.
    """

    seconds: float = 60.0
    memory: int = 4 << 30


class Process:
    """A submission's process, as a context manager. It is ready to read the file on entry.

    Parameters
    ----------
    around : Surroundings
    limits : Limits
    exercise : Exercise
        What it forbids is taken away.
    """

    def __init__(self, around: Surroundings, limits: Limits, exercise: Exercise) -> None:
        self._around, self._limits, self._exercise = around, limits, exercise
        self._left = limits.seconds
        self._stack = ExitStack()
        self.used: set[str] = set()
        self.ended = ""  # why there are no answers any more
        self.refused: tuple[str, ...] = ()
        self.walls = 0

    def __enter__(self) -> Process:
        with ExitStack() as stack:
            self._folder = stack.enter_context(self._around.own_folder())
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        printed, theirs_printed = os.pipe()
        code = _CODE.format(theirs_in, theirs_out, os.getpid(), path=list(self._around.path))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-u", "-X", "utf8", "-c", code],
                cwd=self._folder,
                env=self._around.environment(self._folder),
                stdin=subprocess.DEVNULL,
                stdout=theirs_printed,
                stderr=theirs_printed,
                pass_fds=(theirs_in, theirs_out),
                start_new_session=True,
            )
        finally:
            for handle in (theirs_in, theirs_out, theirs_printed):
                os.close(handle)
        self._channel = Channel(ours_out, ours_in, printed, self._note, self._around.stop)
        stack.callback(self._channel.close)
        stack.callback(end, self._process, self._folder)
        self._begin()

    def _begin(self) -> None:
        message = {
            "forbidden": self._exercise.forbidden,
            "memory": self._limits.memory,
            "seconds": int(2 * self._limits.seconds) + 10,
            "write": (str(self._folder),),
            "read": self._around.read,
            "closed": self._around.closed,
        }
        try:
            reply = self._channel.exchange(message, time.monotonic() + _STARTING)
        except Silence as silence:
            said = self._channel.output.decode(errors="replace").strip().splitlines()
            why = said[-1] if said else str(silence)
            raise RunError(f"a process for a submission does not start ({why})") from None
        self.refused, self.walls = reply["refused"], reply["walls"]

    def ask(self, message: dict[str, Value]) -> dict[str, Value]:
        """The reply to a message.

        Raises
        ------
        Silence
            There is none, and there will be none.
        """
        if self.ended:
            raise Silence(self.ended)
        start = time.monotonic()
        try:
            return self._channel.exchange(message, start + self._left)
        except Silence as silence:
            self.ended = str(silence) or _how_it_ended(self._process)
            end(self._process, self._folder)
            raise Silence(self.ended) from None
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - start))

    def _note(self, used: str) -> None:
        if len(self.used) < _MOST_USED:
            self.used.add(used)

    def printed(self) -> str:
        """What it has printed so far."""
        try:
            self._channel.drain()
        except Silence:
            pass
        return self._channel.output.decode(errors="replace")


def _how_it_ended(process: subprocess.Popen) -> str:
    try:
        status = process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        return "its process stopped answering"
    if status >= 0:
        return "its process ended by itself"
    if -status in (signal.SIGXCPU, signal.SIGKILL):
        return "its process used up its processor time, or was killed"
    return f"its process crashed ({signal.Signals(-status).name})"


def end(process: subprocess.Popen, folder: Path) -> None:
    """Kill a process and everything that it started, wherever it is still to be found."""
    if process.poll() is None:
        _kill(os.killpg, process.pid)  # it leads a group of its own
        process.kill()
    for pid in _left_behind(process.pid, folder):
        _kill(os.kill, pid)
    process.wait()


def _kill(how: Callable[[int, int], None], pid: int) -> None:
    try:
        how(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _left_behind(session: int, folder: Path) -> list[int]:
    """On Linux: processes of a session, and those that work in its folder."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _belongs(entry, session, folder)]


def _belongs(entry: Path, session: int, folder: Path) -> bool:
    try:
        fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        if int(fields[3]) == session:
            return True
        return Path(os.readlink(entry / "cwd").removesuffix(" (deleted)")).is_relative_to(folder)
    except OSError:  # it has ended, or is another user's
        return False
