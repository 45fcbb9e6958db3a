"""The process of one submission: it reads the file, then answers calls until its grader has had enough.

It knows no exercise, no right answer and no hidden input: only what the grader sends. Whatever a submission
does to this process, it can only change the answers that it sends, and those are judged elsewhere.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from hyena_np.exercises.ask import call
from hyena_np.exercises.exercise import Failure, NotWritten, Value
from hyena_np.exercises.submissions import run_cells
from hyena_np.grading.codec import PREFIX, MessageError, lengths, pack, unpack
from hyena_np.grading.fence import Yard, close_fence
from hyena_np.grading.limits import end_with_parent, set_limits
from hyena_np.grading.taken_away import take_away, watch
from hyena_np.grading.walls import build_walls


def main(requests: int, replies: int, parent: int) -> None:
    """Serve one grader, who writes to one pipe and reads from another, then end."""
    end_with_parent(parent)
    link = Link(requests, replies)
    begin = link.receive()

    def report(name: str) -> None:
        link.send({"kind": "used", "name": name})

    taken = take_away(begin["forbidden"], report)
    refused = set_limits(begin["memory"], begin["seconds"])
    walls = build_walls(begin["write"], begin["read"])
    yard = Yard(begin["write"], begin["read"], (*taken, *begin["closed"]))
    close_fence(yard, watch(taken, report))
    link.send({"kind": "ready", "refused": tuple(refused), "walls": walls})
    functions = _load(link, link.receive())
    while (request := link.receive()) is not None:
        link.send(_answer(functions, request))
    os._exit(0)  # threads that the submission left behind are not waited for


def _load(link: Link, request: dict[str, Value]) -> dict[str, Any]:
    submission = run_cells(list(request["cells"]), request["name"])
    found = {name: submission.namespace.get(name) for name in request["functions"]}
    found = {name: function for name, function in found.items() if callable(function)}
    link.send({"kind": "loaded", "errors": tuple(submission.errors[:20]), "functions": tuple(found)})
    return found


def _answer(functions: dict[str, Any], request: dict[str, Value]) -> dict[str, Value]:
    """Call a function, and tell what came of it, whatever it was."""
    number = {"number": request["number"]}
    try:
        answer = call(functions[request["name"]], request["arguments"], request["count"])
        reply = {
            "kind": "answer",
            "value": answer.value,
            "overwritten": answer.overwritten,
            "lines": answer.lines,
        }
        pack(reply)
    except NotWritten:
        reply = {"kind": "unwritten"}
    except Failure as failure:
        reply = {"kind": "failure", "says": failure.says}
    except MessageError as error:
        reply = {"kind": "failure", "says": f"returned {error}"}
    except BaseException as error:  # SystemExit among them
        reply = {"kind": "failure", "says": f"raised {type(error).__name__}"}
    return reply | number


class Link:
    """The two pipes to the grader."""

    def __init__(self, requests: int, replies: int) -> None:
        self._requests, self._replies, self._lock = requests, replies, threading.Lock()

    def send(self, message: dict[str, Value]) -> None:
        """Write a message whole."""
        content = memoryview(pack(message))
        with self._lock:
            while content:
                content = content[os.write(self._replies, content) :]

    def receive(self) -> Any:
        """The next message, or None when the grader has gone."""
        prefix = self._read(PREFIX.size)
        if prefix is None:
            return None
        header, body = lengths(prefix)
        return unpack(self._read(header) or b"", self._read(body) or b"")

    def _read(self, size: int) -> bytes | None:
        parts = []
        while size:
            part = os.read(self._requests, min(size, 1 << 20))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
