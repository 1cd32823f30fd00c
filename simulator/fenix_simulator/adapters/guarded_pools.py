"""Kept-open connections to alarm targets: each one dialled by the target guard, each answer bounded in time."""

from __future__ import annotations

import math
import socket
import ssl
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPResponse, RemoteDisconnected
from typing import Any, ClassVar

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from fenix_simulator.adapters import plain_answers
from fenix_simulator.adapters.spoiled_posts import SpoiledBody
from fenix_simulator.adapters.target_guard import TargetGuard

#: Seconds after which a kept-open connection is not used again. Servers close idle ones after 2 s (gunicorn) to 5 s
#: (node, uvicorn), and an alarm sent into that moment would be lost.
KEEP_OPEN = 1.0

#: Targets (scheme, host, port) whose connections are kept open.
_TARGETS = 256

#: Scheme, host (an IPv6 address without brackets) and port.
Target = tuple[str, str, int]


class StaleConnection(RemoteDisconnected):
    """A connection that had served before was closed by the other side without one byte of an answer.

    It was most likely closed while it was idle, so the alarm was not read; on a new connection this cannot be raised.
    """


class _DeadlineSocket(socket.socket):
    """A socket whose reads all end by one deadline, so that an answer that comes in drips cannot hold a sender."""

    #: ``time.monotonic`` of the end of the answer that is being read.
    deadline: float = math.inf

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        _bound(self, self.deadline)
        return super().recv_into(*arguments, **options)


class _DeadlineTLSSocket(ssl.SSLSocket):
    """The same under TLS; made by ``SSLContext.sslsocket_class``."""

    deadline: float = math.inf

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        _bound(self, self.deadline)
        return super().recv_into(*arguments, **options)


def _bound(connection: socket.socket, deadline: float) -> None:
    if deadline is not math.inf:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status, and what is still to be read of it; None where it has come whole and its connection can be
    used again."""

    status: int
    rest: HTTPResponse | None = None


class GuardedConnection(HTTPConnection):
    """A connection to one target, dialled by the guard. At most one thread uses it at a time."""

    guard: ClassVar[TargetGuard]
    trusted: ClassVar[bool]

    _answered_at: float | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it may be used once more: it has not been idle for too long, and the other side has not closed it."""
        if self._answered_at is None or time.monotonic() - self._answered_at > KEEP_OPEN:
            return False
        return self.is_connected

    def exchange(self, request: bytes, seconds: float) -> Answer:
        """Send the request, as it is, and read the answer's status line and header fields. ``seconds`` are for all of
        the answer, its body too. Errors: those of connecting (urllib3's), OSError, http.client's."""
        if self.sock is None:
            self.connect()
        if self.sock.gettimeout() != seconds:
            self.sock.settimeout(seconds)
        # Who refuses a request may answer before it was read, and close.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(request)
        return self.answer(seconds)

    def answer(self, seconds: float) -> Answer:
        """Read the answer to what was sent, as ``exchange`` does."""
        if isinstance(self.sock, _DeadlineSocket | _DeadlineTLSSocket):
            self.sock.deadline = time.monotonic() + seconds
        try:
            if self.sock.gettimeout() != seconds:
                self.sock.settimeout(seconds)
            answer = self._read_answer(self.sock.recv(plain_answers.READ))
        except ConnectionResetError:  # RemoteDisconnected is one, too
            if self._answered_at is not None:
                raise StaleConnection("the kept-open connection was closed") from None
            raise
        self._answered_at = time.monotonic()
        return answer

    def _read_answer(self, begun: bytes) -> Answer:
        status = plain_answers.status(begun)
        if status is not None:
            return Answer(status)
        response = HTTPResponse(plain_answers.Begun(self.sock, begun), method="POST")  # type: ignore[arg-type]
        try:
            response.begin()
        except BaseException:
            response.close()
            raise
        return Answer(response.status, response)

    def spoil(self, target: str, body: SpoiledBody, fields: Mapping[str, str]) -> None:
        """Send a POST that goes wrong as its body wants it; the connection can be used for nothing after that."""
        if self.sock is None:
            self.connect()
        body.socket = lambda: self.sock
        with suppress(BrokenPipeError, ConnectionResetError):
            self.request("POST", target, body=body, headers=fields)

    def _new_conn(self) -> socket.socket:
        seconds = _seconds(self.timeout)
        try:
            dialled = self.guard.connect(
                self._dns_host,
                self.port,
                trusted=self.trusted,
                timeout=seconds,
                options=self.socket_options or (),
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection within {seconds} s") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        sys.audit("http.client.connect", self, self.host, self.port)
        bounded = _DeadlineSocket(fileno=dialled.detach())
        bounded.settimeout(seconds)
        return bounded


class _GuardedTLSConnection(GuardedConnection, HTTPSConnection):
    """The same over TLS: the certificate is checked against the name, the connection goes to the checked address."""

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:  # of the handshake; urllib3 would call it a read that timed out
            raise ConnectTimeoutError(self, "no TLS connection in time") from error


class GuardedPools:
    """Connections that are kept open, by target. Any number of threads may use it at once.

    Trusted and other targets must use two of these: a connection made for a trusted one may not serve another.
    """

    def __init__(self, guard: TargetGuard, *, trusted: bool, connections: int, connect_seconds: float) -> None:
        """``connections`` are kept open to a target at most; ``connect_seconds`` are for connecting, and again for
        TLS."""
        self._connections = connections
        self._connect_seconds = connect_seconds
        members = {"guard": guard, "trusted": trusted}
        self._plain: type[GuardedConnection] = type("GuardedHTTPConnection", (GuardedConnection,), members)
        self._secure: type[_GuardedTLSConnection] = type("GuardedHTTPSConnection", (_GuardedTLSConnection,), members)
        self._lock = threading.Lock()
        self._idle: OrderedDict[Target, list[GuardedConnection]] = OrderedDict()
        self._closed = False

    def take(self, target: Target) -> GuardedConnection:
        """A connection to the target, for the caller alone: one that was kept open, or a new one that connects when it
        is used."""
        while True:
            with self._lock:
                kept = self._idle.get(target)
                connection = kept.pop() if kept else None
            if connection is None:
                return self._new(target)
            if connection.is_fresh:
                return connection
            connection.close()

    def give_back(self, target: Target, connection: GuardedConnection) -> None:
        """Keep the connection, whose answer was read to its end, for another alarm."""
        dropped = [connection]
        with self._lock:
            kept = self._idle.setdefault(target, [])
            self._idle.move_to_end(target)
            if not self._closed and len(kept) < self._connections:
                kept.append(connection)
                dropped = []
            if len(self._idle) > _TARGETS:
                dropped += self._idle.popitem(last=False)[1]
        for one in dropped:
            one.close()

    def clear(self) -> None:
        """Close the connections that are not in use, and keep none from now on."""
        with self._lock:
            self._closed = True
            dropped = [connection for kept in self._idle.values() for connection in kept]
            self._idle.clear()
        for connection in dropped:
            connection.close()

    def _new(self, target: Target) -> GuardedConnection:
        scheme, host, port = target
        if scheme == "http":
            return self._plain(host, port, timeout=self._connect_seconds)
        return self._secure(host, port, timeout=self._connect_seconds, ssl_context=self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made when the first https target is met: reading the system's certificates takes a while."""
        context = ssl.create_default_context()
        context.sslsocket_class = _DeadlineTLSSocket
        return context


def _seconds(timeout: Any) -> float | None:
    """A connection's time-out; the pools always set a number."""
    return None if timeout is None else float(timeout)
