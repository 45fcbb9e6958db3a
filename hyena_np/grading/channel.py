"""Talking to a submission's process: with a time limit, whatever it does or fails to do."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Callable

from hyena_np.exercises.exercise import Value
from hyena_np.grading.codec import PREFIX, MessageError, lengths, pack, unpack

KEPT, MOST_PRINTED = 1 << 16, 1 << 24  # bytes of a process's output: shown, and suffered
_CHUNK = 1 << 16
_LOOK = 0.2  # seconds between two looks at whether the run is to stop


class Silence(Exception):
    """No answer will come; the text says why."""


class Stopped(Exception):
    """The whole grading run is to stop."""


class Channel:
    """Pipes to one process: requests go in, replies come out, and what it prints is kept in part.

    Parameters
    ----------
    requests, replies, printed : int
        File descriptors, which the channel closes.
    on_used : callable
        Told each forbidden name that the process says was called.
    stop : Event
        Set when the run is to stop.
    """

    def __init__(
        self,
        requests: int,
        replies: int,
        printed: int,
        on_used: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self._requests, self._replies, self._printed = requests, replies, printed
        self._on_used, self._stop = on_used, stop
        self._received, self._count = bytearray(), 0
        self.output = bytearray()
        for handle in (requests, replies, printed):
            os.set_blocking(handle, False)

    def exchange(self, message: dict[str, Value], until: float) -> dict[str, Value]:
        """Send a message, and wait for the reply.

        Parameters
        ----------
        message : dict
        until : float
            When to give up, on the clock of `time.monotonic`.

        Raises
        ------
        Silence
            There is no reply: the time is over, the process has ended, prints too much, or sends nonsense.
        Stopped
            The run is to stop.
        """
        try:
            return self._exchange(memoryview(pack(message)), until)
        except MessageError as error:
            raise Silence(f"what came from its process was no answer: {error}") from None

    def _exchange(self, pending: memoryview, until: float) -> dict[str, Value]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._requests, selectors.EVENT_WRITE)
            selector.register(self._replies, selectors.EVENT_READ)
            if self._printed >= 0:
                selector.register(self._printed, selectors.EVENT_READ)
            while (left := until - time.monotonic()) > 0:
                if self._stop.is_set():
                    raise Stopped
                for key, _ in selector.select(min(left, _LOOK)):
                    if key.fd == self._requests:
                        pending = self._write(pending)
                        if not pending:
                            selector.unregister(self._requests)
                    elif key.fd == self._printed:
                        if not self._drain():
                            selector.unregister(self._printed)
                            self._close_printed()
                    else:
                        self._read()
                if (reply := self._reply()) is not None:
                    return reply
        raise Silence("it took too long; is there a loop that does not end?")

    def _write(self, pending: memoryview) -> memoryview:
        try:
            return pending[os.write(self._requests, pending[:_CHUNK]) :]
        except BlockingIOError:
            return pending
        except OSError:
            raise Silence("") from None  # the process has ended; who knows how says so

    def _read(self) -> None:
        part = os.read(self._replies, 1 << 20)
        if not part:
            raise Silence("")
        self._received += part

    def _reply(self) -> dict[str, Value] | None:
        """The next message that is whole, if there is one; notes on the way are passed on."""
        while len(self._received) >= PREFIX.size:
            header, body = lengths(bytes(self._received[: PREFIX.size]))
            end = PREFIX.size + header + body
            if len(self._received) < end:
                return None
            content = bytes(self._received[PREFIX.size : end])
            del self._received[:end]
            message = unpack(content[:header], content[header:])
            if message.get("kind") != "used":
                return message
            self._on_used(str(message.get("name")))
        return None

    def drain(self) -> None:
        """Take what has been printed so far."""
        while self._printed >= 0 and self._drain(wait=False):
            pass

    def _drain(self, wait: bool = True) -> bool:
        try:
            part = os.read(self._printed, _CHUNK)
        except BlockingIOError:
            return wait
        self._count += len(part)
        self.output += part[: KEPT - len(self.output)]
        if self._count > MOST_PRINTED:
            raise Silence(f"it printed more than {MOST_PRINTED >> 20} MiB")
        return bool(part)

    def _close_printed(self) -> None:
        os.close(self._printed)
        self._printed = -1

    def close(self) -> None:
        """Close the pipes."""
        for handle in (self._requests, self._replies):
            os.close(handle)
        if self._printed >= 0:
            self._close_printed()
