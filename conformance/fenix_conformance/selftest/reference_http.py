"""The reference server on a socket: standard library only, a thread for each connection.

``with running(mutant="nack-counts-as-ack") as server: server.url`` starts one on a free port of the loopback address
and takes everything away again at the end.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fenix_conformance.selftest.cloud import Cloud
from fenix_conformance.selftest.mutants import mutant_named
from fenix_conformance.selftest.reference_api import Answer, Api, Request
from fenix_conformance.selftest.subject import Subject
from fenix_conformance.selftest.variants import variant_named

_IDLE_SECONDS = 30.0
_MOST_BYTES = 8 << 20


class Handler(BaseHTTPRequestHandler):
    """Reads a request, hands it to the Api, writes the answer in one piece."""

    server: Listener
    timeout = _IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is the Api's to answer: http.server itself would say 501 to the ones that it has no name for."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def setup(self) -> None:
        self.protocol_version = "HTTP/1.1" if self.server.api.manners.keep_alive else "HTTP/1.0"
        super().setup()

    def answer(self) -> None:
        body = self.read_body()
        if body is None:
            self.close_connection = True
            self.write(Answer(411 if "Transfer-Encoding" in self.headers else 400))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.write(self.server.api.handle(Request(self.command, self.path, headers, body)))

    def read_body(self) -> bytes | None:
        """The whole body; None when its length is not told or not to be believed."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > _MOST_BYTES:
            return None
        return self.rfile.read(int(length))

    def write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the suite records every request itself."""


class Listener(ThreadingHTTPServer):
    """Closes its open connections when it is stopped, so that no thread waits for an idle client."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), Handler)
        self.api: Api
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no news."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Running:
    """A started server; ``window`` is its reply window in seconds."""

    url: str
    projects: tuple[str, ...]
    window: float
    subject: Subject
    cloud: Cloud

    @property
    def unmanaged(self) -> str:
        """The project to leave without a manager where a check needs one; it is missing on one host."""
        return self.projects[-1]


@contextlib.contextmanager
def running(
    mutant: str | None = None,
    variant: str | None = None,
    *,
    subject: Subject | None = None,
    window: float = 3.0,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Running]:
    """The reference server, or a mutant or variant of it, in this process.

    ``mutant`` and ``variant`` are names (KeyError when there is none); ``subject`` is one that the caller has made.
    ``window`` is the reply window in seconds; a variant that answers slowly raises it to what it needs.
    """
    if mutant:
        subject = mutant_named(mutant)
    elif variant:
        subject = variant_named(variant)
    subject = subject or Subject("reference")
    window = max(window, subject.least_window)
    cloud = Cloud(subject.manners, subject.courier(subject.manners), subject.session, window)
    listener = Listener(host, port)
    listener.api = subject.api(cloud)
    cloud.url = f"http://{host}:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield Running(cloud.url, cloud.projects, window, subject, cloud)
    finally:
        cloud.stop()
        listener.stop()
        thread.join()
