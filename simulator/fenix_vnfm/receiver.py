"""The alarm receiver: an HTTP server on loopback that takes POSTs, records each alarm and hands it to its project.

One receiver serves many projects: each has a path of its own. By default an alarm is answered 200 before any work is
done; a route that is ``inline`` is answered after the work, as OPNFV Doctor's managers do. Every connection has a
thread of its own, so one that is slow, half open or inline stops no other.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from fenix_contract.alarm import AlarmError, AlarmMessage, decode
from fenix_vnfm.record import Record
from fenix_vnfm.wire import HttpConnection, Limits, Request, RequestRefused

_log = logging.getLogger("fenix_vnfm.receiver")


def utc_now() -> datetime:
    """The instant, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ReceivedAlarm:
    """One POST as it arrived: ``number`` counts from 1, ``at`` is the arrival (aware UTC), header names are lower case.

    ``message`` is the decoded alarm, or None where ``error`` says why the body is not one. The properties read it;
    what is not there is "".
    """

    number: int
    at: datetime
    path: str
    headers: Mapping[str, str]
    body: bytes
    message: AlarmMessage | None
    error: str | None = None

    @property
    def state(self) -> str:
        """The ``state`` trait."""
        return self.message.state if self.message is not None else ""

    @property
    def session_id(self) -> str:
        """The ``session_id`` trait."""
        return self.message.session_id if self.message is not None else ""

    @property
    def project_id(self) -> str:
        """The ``project_id`` trait."""
        return self.message.project_id if self.message is not None else ""


#: Takes an alarm; the status it returns is the answer of an inline route (None: 200).
Handler = Callable[[ReceivedAlarm], int | None]


@dataclass(frozen=True, slots=True)
class _Route:
    handler: Handler | None
    inline: bool


class AlarmReceiver:
    """Listens from its creation until ``close``; usable as a context manager.

    ``port`` 0 takes any free one. ``advertise`` is the host name in the URLs given out where it differs from ``host``.
    ``keep`` alarms are remembered (the oldest go first), ``count`` counts all. ``request_timeout`` and
    ``idle_timeout`` are in seconds, ``max_body`` in bytes. Raises OSError when the address cannot be had.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        advertise: str | None = None,
        keep: int = 2_000,
        max_body: int = 1024 * 1024,
        max_connections: int = 512,
        request_timeout: float = 30.0,
        idle_timeout: float = 300.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._limits = Limits(max_body, request_timeout, idle_timeout)
        self._max_connections = max_connections
        self._now = now
        self._routes: dict[str, _Route] = {}
        self._record: Record[ReceivedAlarm] = Record(keep, lambda alarm: alarm.state or "not an alarm")
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=256)
        name = advertise or host
        self.url = f"http://{f'[{name}]' if ':' in name else name}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, name=f"alarms {self.url}", daemon=True).start()

    # -- routes ------------------------------------------------------------------------------------------------------

    def route(self, path: str = "/maintenance", handler: Handler | None = None, *, inline: bool = False) -> str:
        """Take alarms on ``path`` from now on and give its URL. Without a handler they are recorded only.

        The handler runs on the connection's thread, after the answer, or before it where ``inline``: hand long work to
        a thread of your own unless it is inline. Raises ValueError when the path is taken.
        """
        key = _normal(path)
        with self._lock:
            if key in self._routes:
                raise ValueError(f"the path {path} has a handler already")
            self._routes[key] = _Route(handler, inline)
        return self.url + path

    def unroute(self, path: str) -> None:
        """Answer 404 on ``path`` from now on."""
        with self._lock:
            self._routes.pop(_normal(path), None)

    # -- the record --------------------------------------------------------------------------------------------------

    @property
    def alarms(self) -> tuple[ReceivedAlarm, ...]:
        """The alarms remembered, oldest first."""
        return self._record.items

    @property
    def count(self) -> int:
        """How many alarms arrived."""
        return self._record.count

    def wait_for(
        self, predicate: Callable[[ReceivedAlarm], bool], timeout: float = 5.0, *, after: int = 0
    ) -> ReceivedAlarm:
        """The first alarm with a number greater than ``after`` for which ``predicate`` holds, as soon as it is there.

        ``timeout`` is in seconds. Raises TimeoutError that says what did arrive.
        """
        return self._record.wait_for(predicate, timeout, after)

    # -- life --------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop listening and drop every connection. Handlers that run are not waited for."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            connections = list(self._connections)
        for sock in (self._listener, *connections):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> AlarmReceiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- serving -----------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                # Out of file descriptors, or the client left already: let others go on before trying again.
                if self._closed.wait(0.05):
                    return
                _log.warning("cannot accept a connection: %s", error)
                continue
            with self._lock:
                takes = not self._closed.is_set() and len(self._connections) < self._max_connections
                if takes:
                    self._connections.add(sock)
            if not takes or not self._start_serving(sock):
                self._forget(sock)

    def _start_serving(self, sock: socket.socket) -> bool:
        try:
            threading.Thread(target=self._serve, args=(sock,), name="alarm connection", daemon=True).start()
        except RuntimeError as error:
            _log.warning("cannot serve a connection: %s", error)
            return False
        return True

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._connections.discard(sock)
        sock.close()

    def _serve(self, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = HttpConnection(sock, self._limits)
            while self._serve_one(connection):
                pass
        except OSError:
            return  # the client is gone, and with it whoever could be told
        finally:
            self._forget(sock)

    def _serve_one(self, connection: HttpConnection) -> bool:
        """Serve one request; whether the connection goes on."""
        try:
            request = connection.read_request()
        except RequestRefused as refused:
            connection.answer(refused.status, _problem(refused.status, refused.message), close=True)
            connection.drain()
            return False
        if request is None:
            return False
        route = self._routes.get(_normal(request.path))
        if route is None:
            return self._refuse(connection, request, 404, f"there is no alarm URL {request.path}")
        if request.method != "POST":
            return self._refuse(connection, request, 405, "an alarm is a POST", {"Allow": "POST"})
        if not _is_json(request.headers.get("content-type", "")):
            return self._refuse(connection, request, 415, "an alarm is application/json")
        alarm = self._take(request)
        if alarm.error is not None:
            return self._refuse(connection, request, 400, alarm.error)
        if route.inline:
            status = _run(route.handler, alarm) or 200
            connection.answer(status, close=not request.keep_alive)
        else:
            connection.answer(200, close=not request.keep_alive)
            _run(route.handler, alarm)
        return request.keep_alive

    def _refuse(
        self,
        connection: HttpConnection,
        request: Request,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        body = b"" if request.method == "HEAD" else _problem(status, detail)
        connection.answer(status, body, headers, close=not request.keep_alive)
        return request.keep_alive

    def _take(self, request: Request) -> ReceivedAlarm:
        at = self._now()
        message, error = _decode(request.body)
        return self._record.add(
            lambda number: ReceivedAlarm(number, at, request.path, request.headers, request.body, message, error)
        )


def _run(handler: Handler | None, alarm: ReceivedAlarm) -> int | None:
    if handler is None:
        return None
    try:
        return handler(alarm)
    except Exception:
        _log.exception("alarm %s could not be handled", alarm.number)
        return 500


def _decode(body: bytes) -> tuple[AlarmMessage | None, str | None]:
    """The decoded alarm, or why it is none. Traits may be missing: that is for whoever handles it to judge."""
    try:
        return decode(body, partial=True), None
    except AlarmError as error:
        return None, str(error)


def _normal(path: str) -> str:
    return unquote(path).rstrip("/") or "/"


def _is_json(content_type: str) -> bool:
    """Whether a body of that type may be JSON; one that is not named may."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("", "application/json") or kind.endswith("+json")


def _problem(status: int, detail: str) -> bytes:
    problem: dict[str, Any] = {"status": status, "detail": detail}
    return json.dumps(problem).encode()
