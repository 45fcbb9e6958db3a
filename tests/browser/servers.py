"""Two servers on this machine: one has the lab's pages, the other catches whatever asks for another host."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def _running(handler) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.block_on_close = True, False  # a browser keeps connections open
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a plain web server for a folder."""
    with _running(functools.partial(_Quiet, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def catching() -> Iterator[tuple[int, list[str]]]:
    """The port of a proxy that refuses everything, and the list of what it was asked for."""
    asked: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def _refuse(self):
            asked.append(f"{self.command} {self.path}")
            self.send_error(403)

        do_GET = do_POST = do_HEAD = do_CONNECT = do_OPTIONS = do_PUT = _refuse

        def log_message(self, *_):
            pass

    with _running(Refusing) as port:
        yield port, asked
