"""A web server on this machine for tests of downloads, which counts what it is asked and can misbehave."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serve `files`, bytes by path; `requests` lists the paths asked for.

    A path in `cut` promises its whole content and breaks off in the middle.
    """

    def __init__(self):
        self.files, self.cut, self.requests = {}, set(), []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Close the port; what asks from now on gets no connection."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _handler(served):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                served.requests.append(self.path)
                content = served.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if self.path in served.cut else content)

            def log_message(self, *_):
                pass

        return Handler
