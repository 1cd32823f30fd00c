"""The suite's own alarm receiver: a small threaded HTTP server that records every alarm and answers at once."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

#: Longer bodies are cut off: an alarm has about 1.4 KB.
_LIMIT: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Arrival:
    """One POST as it arrived at the URL of ``project``; ``at`` is monotonic seconds."""

    project: str
    at: float
    when: datetime
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Listens on ``host`` and hands each arrival to ``deliver`` before it answers 200.

    ``deliver`` is called in the thread of the request and must be quick: the server under test waits for the answer.
    """

    def __init__(self, deliver: Callable[[Arrival], None], host: str = "127.0.0.1") -> None:
        self._deliver = deliver
        self._paths: dict[str, str] = {}
        self._server = _Server((host, 0), _Handler)
        self._server.receiver = self
        address, port = self._server.server_address[:2]
        self._root = f"http://{address!s}:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="receiver")
        self._thread.start()

    def url_for(self, project: str) -> str:
        """A URL of that project's own: what arrives there was addressed to it."""
        path = f"/alarms/{len(self._paths)}-{secrets.token_hex(4)}"
        self._paths[path] = project
        return self._root + path

    def url_of(self, arrival: Arrival) -> str:
        """The whole URL at which it arrived."""
        return self._root + arrival.path

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Hand an arrival on; False when the path is nobody's."""
        project = self._paths.get(path)
        if project is None:
            return False
        self._deliver(Arrival(project, time.monotonic(), datetime.now(UTC), path, headers, body))
        return True

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    receiver: Receiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that breaks off is its own affair; no traceback on stderr."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def do_POST(self) -> None:
        body = self._chunked() if "chunked" in self.headers.get("transfer-encoding", "").lower() else self._sized()
        known = self.server.receiver.take(self.path, dict(self.headers.items()), body)
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def _sized(self) -> bytes:
        length = self.headers.get("content-length", "0")
        return self.rfile.read(min(int(length) if length.isdigit() else 0, _LIMIT))

    def _chunked(self) -> bytes:
        body = bytearray()
        while len(body) < _LIMIT:
            size = int(self.rfile.readline(64).split(b";")[0].strip() or b"0", 16)
            body += self.rfile.read(size)
            self.rfile.readline(64)
            if size == 0:
                break
        return bytes(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Alarms are recorded, not logged."""
