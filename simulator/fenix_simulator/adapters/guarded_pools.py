"""Kept-open connections to alarm targets: each one dialled by the target guard, each answer bounded in time."""

from __future__ import annotations

import math
import socket
import ssl
import sys
import time
from collections.abc import Callable
from functools import cached_property
from http.client import RemoteDisconnected
from typing import Any, ClassVar

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse

from fenix_simulator.adapters.spoiled_posts import SpoiledBody
from fenix_simulator.adapters.target_guard import TargetGuard

#: Seconds after which a kept-open connection is not used again. Servers close idle ones after 2 s (gunicorn) to 5 s
#: (node, uvicorn), and an alarm sent into that moment would be lost.
KEEP_OPEN = 1.0

#: Targets (scheme, host, port) whose connections are kept open.
_TARGETS = 256


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


class _GuardedConnection(HTTPConnection):
    """Connects through the guard."""

    guard: ClassVar[TargetGuard]
    trusted: ClassVar[bool]

    _answered_at: float | None = None

    @property
    def is_connected(self) -> bool:
        """False also when it has been idle too long, which makes the pool open a new one."""
        if self._answered_at is not None and time.monotonic() - self._answered_at > KEEP_OPEN:
            return False
        return super().is_connected

    def connect(self) -> None:
        self._answered_at = None
        super().connect()

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send the request; a kept-open socket still has what the last answer left of its time-out."""
        if self.sock is not None:
            self.sock.settimeout(_seconds(self.timeout))
        body = options.get("body")
        if isinstance(body, SpoiledBody):
            body.socket = lambda: self.sock
        super().request(*arguments, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3's own
        """Read the status line and header fields; ``timeout`` is for them and the body together."""
        seconds = _seconds(self.timeout)
        if isinstance(self.sock, _DeadlineSocket | _DeadlineTLSSocket):
            self.sock.deadline = math.inf if seconds is None else time.monotonic() + seconds
        reused = self._answered_at is not None
        try:
            response = super().getresponse()
        except ConnectionResetError:  # RemoteDisconnected is one, too
            if reused:
                raise StaleConnection("the kept-open connection was closed") from None
            raise
        self._answered_at = time.monotonic()
        return response

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


class _GuardedTLSConnection(_GuardedConnection, HTTPSConnection):
    """The same over TLS: the certificate is checked against the name, the connection goes to the checked address."""

    context: ClassVar[Callable[[], ssl.SSLContext]]

    def connect(self) -> None:
        if self.ssl_context is None:
            self.ssl_context = type(self).context()
        try:
            super().connect()
        except TimeoutError as error:  # of the handshake; urllib3 would call it a read that timed out
            raise ConnectTimeoutError(self, "no TLS connection in time") from error


class GuardedPools(PoolManager):
    """urllib3's pools over guarded connections: no retries, no redirects, no proxy.

    Trusted and other targets must use two of these: a connection made for a trusted one may not serve another.
    """

    def __init__(self, guard: TargetGuard, *, trusted: bool, connections: int) -> None:
        """``connections`` are kept open to a target at most."""
        super().__init__(num_pools=_TARGETS, maxsize=connections, retries=False)
        self._guard = guard
        self._trusted = trusted

    @cached_property
    def _classes(self) -> dict[str, Any]:
        members = {"guard": self._guard, "trusted": self._trusted}
        return {
            "http": type("GuardedHTTPConnection", (_GuardedConnection,), members),
            "https": type("GuardedHTTPSConnection", (_GuardedTLSConnection,), {**members, "context": self._context}),
        }

    def _context(self) -> ssl.SSLContext:
        return self._tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made when the first https target is met: reading the system's certificates takes a while."""
        context = ssl.create_default_context()
        context.sslsocket_class = _DeadlineTLSSocket
        return context

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.ConnectionCls = self._classes[scheme]
        return pool


def _seconds(timeout: Any) -> float | None:
    """A connection's time-out; the pools always set a number."""
    return None if timeout is None else float(timeout)
