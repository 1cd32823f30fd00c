"""One connection to the server: waitress's channel and parser, where theirs would wait, or answer nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Protocol

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, build_http_date

from fenix_simulator.adapters import plain_requests
from fenix_simulator.adapters.plain_requests import PlainRequest
from fenix_simulator.adapters.spoiled_posts import reset_on_close

#: In each request's environment: the channel that it came over.
CHANNEL = "fenix_simulator.channel"

#: Of the line before a chunk, and of the lines behind the last one.
_MAX_LINE_BYTES = 16 * 1024


class Lane(Protocol):
    """Answers plain requests before the application is asked (``http.fast_lane``): the body of a 200 in JSON, or None
    where the application shall answer."""

    def answers(self, asked: Sequence[PlainRequest]) -> Sequence[bytes | None]:
        """Of those that came at once; None also where it would have to wait."""
        ...

    def answer(self, asked: PlainRequest) -> bytes | None:
        """Of one that may wait."""
        ...


class _Parser(HTTPRequestParser):
    """Waitress's parser; what makes it fail makes it answer 400 instead of closing without a word."""

    def received(self, data: bytes) -> int:
        read = int(super().received(data))
        body = self.body_rcv
        # Waitress looks at a line from its begin with each piece of it that comes: one without an end takes all its
        # time.
        if isinstance(body, ChunkedReceiver) and max(len(body.control_line), len(body.trailer)) > _MAX_LINE_BYTES:
            self.error = BadRequest("a chunk's size, or what follows the last chunk, is too long")
            self.completed = True
        return read

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a number of 5,000 digits as Content-Length, "http://[" as the URL
            raise ParsingError("the request line or a header cannot be read") from error


class _ProblemTask(ErrorTask):
    """An answer to what is no HTTP or too large to be taken, as a problem document."""

    def execute(self) -> None:
        error: Any = self.request.error  # type: ignore[attr-defined]  # the stub takes the request for its error
        document = {"type": "about:blank", "title": error.reason, "status": error.code, "detail": error.body}
        body = json.dumps(document).encode() + b"\n"
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [*self.response_headers, ("Content-Type", "application/problem+json")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Task(WSGITask):
    """A request on its way through the application, which may do something to its connection."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[CHANNEL] = self.channel
        return environ


class Channel(HTTPChannel):
    """One connection; it knows since when it waits for its client."""

    task_class = _Task
    error_task_class = _ProblemTask
    parser_class = _Parser
    server: Any
    requests: list[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting_since: float = time.time()
        #: The begin of a plain request, while its rest is waited for.
        self._begun = b""

    def is_waiting(self) -> bool:
        """Whether nothing is being answered: the connection is idle, or a request has come in part."""
        return not self.requests and not self.total_outbufs_len

    def overdue(self, now: float, request_timeout: float, idle_timeout: float) -> bool:
        """Whether the client has kept the server waiting for too long: for a request's rest, for the next request, or
        by not reading an answer."""
        if self.total_outbufs_len:
            return now - self.last_activity > request_timeout
        if self.requests:
            return False
        is_idle = self.request is None and not self._begun
        return now - self.waiting_since > (idle_timeout if is_idle else request_timeout)

    def received(self, data: bytes) -> bool:
        # A request is timed from its first byte on; further bytes, however few at a time, buy no more time.
        if self.request is None and not self._begun:
            self.waiting_since = time.time()
        if self.server.lane is not None and self._is_free():
            begun, self._begun = self._begun, b""
            data = begun + data
            plain = plain_requests.read(data)
            if isinstance(plain, PlainRequest):
                with self.requests_lock:  # type: ignore[attr-defined]  # the stub forgets it
                    self.requests.append(plain)
                self.server.gathered.append(self)
                return True
            if plain is not None and not begun:
                # Clients send head and body one after the other; what comes in more pieces is waitress's to collect.
                self._begun = data
                return True
        return bool(super().received(data))

    def _is_free(self) -> bool:
        """Whether nothing of this connection is with waitress: no request, and no answer that it is to send or to
        close behind. Asked by the reading thread."""
        return (
            not (self.requests or self.request is not None or self.close_when_flushed or self.will_close)
            and not self.total_outbufs_len
        )

    def answer_at_once(self, body: bytes | None) -> None:
        """Answer the plain request that is first with that JSON; None: have it answered by a thread that may wait."""
        if body is None:
            self.server.add_task(self)
            return
        with self.requests_lock:  # type: ignore[attr-defined]  # the stub forgets it
            self.requests.pop(0)
        if self.connected:
            self._answer(body)
        self.waiting_since = time.time()

    def reset_on_close(self) -> None:
        """Let the client see a reset and no orderly end when the connection is closed."""
        with suppress(OSError):  # closed already
            reset_on_close(self.socket)

    def send_continue(self) -> None:
        # Waitress would wait for the body of a request that has none, or that is refused for its headers.
        if self.request is not None and self.request.completed:
            self.request.expect_continue = False
        else:
            super().send_continue()

    def service(self) -> None:
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            self._answer_no_more()
        elif not (isinstance(self.requests[0], PlainRequest) and self._serve(self.requests[0])):
            super().service()
        self.waiting_since = time.time()

    def _serve(self, plain: PlainRequest) -> bool:
        """Answer the request, which is the only one; False where it now is what waitress makes of it."""
        lane: Lane = self.server.lane
        body = lane.answer(plain) if self.connected else None
        if body is None:
            parsed = self.parser_class(self.adj)
            data = plain.data
            while data:
                data = data[parsed.received(data) :]
            self.requests[0] = parsed
            return False
        self._answer(body)
        with self.requests_lock:  # type: ignore[attr-defined]  # the stub forgets it
            self.requests.pop(0)
        if self.connected:
            self.server.pull_trigger()
        self.last_activity = time.time()
        return True

    def _answer(self, body: bytes) -> None:
        """200 with that JSON; what the client does not take at once is waitress's to send."""
        data = _answer_head(len(body), int(time.time()), self.adj.ident) + body
        try:
            sent = self.send(data, do_close=False)
            if sent < len(data):
                self.write_soon(data[sent:])
        except (OSError, ClientDisconnected):
            self.will_close = True

    def _flush_outbufs_below_high_watermark(self) -> None:
        """No thread waits for a client to read: what it has not read yet is kept in a file."""

    def _answer_no_more(self) -> None:
        """The client asks on and on and leaves the answers unread: it gets those that there are, and is closed."""
        with self.requests_lock:  # type: ignore[attr-defined]  # the stub forgets it
            self.close_when_flushed = True
            for request in self.requests:
                request.close()
            self.requests = []
        self.server.pull_trigger()


@lru_cache(256)
def _answer_head(length: int, second: int, ident: str) -> bytes:
    """The head of an answer as waitress makes it, its fields in order."""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Type: application/json\r\n"
        f"Date: {build_http_date(second)}\r\nServer: {ident}\r\n\r\n"
    ).encode("latin-1")
