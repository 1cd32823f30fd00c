"""The HTTP server: waitress, with ends that belong to whoever starts it.

Requests are read by one thread that waits for nobody, so clients that send slowly or not at all cost a connection and
no thread; those that have not sent a whole request in time are closed, and when there are too many connections the
idlest go first. The socket is bound and listening when the server is made: connections wait until it serves.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import ClientDisconnected
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from fenix_simulator.adapters import drips
from fenix_simulator.adapters.pauses import Pauses
from fenix_simulator.adapters.wsgi_channel import CHANNEL, Channel, Lane

#: A WSGI application.
App = Callable[..., Iterable[bytes]]

#: In each request's environment: an Event that is set when the server stops (``http.control_journal`` looks at it).
STOPPING = "fenix_simulator.stopping"

#: In each request's environment: a call that waits for a number of seconds (``http.faults`` uses it).
PAUSE = "fenix_simulator.pause"

#: Set in a request's environment by the application: how the answer goes wrong on its connection, ``{"end": …,
#: "drip": seconds}``. The connection ends without an answer (``close``; ``reset`` with a RST), or behind what the
#: application answered, however much more it promised (``cut``); the answer's body is spread over the ``drip``.
MISHAP = "fenix_simulator.mishap"

_MAX_HEADER_BYTES = 64 * 1024

#: So many plain requests are answered together at most: the first of them waits for the last.
_TOGETHER = 32

#: How long the reading thread sleeps at most before it looks after its connections, in seconds.
_TICK = 1.0


class Server:
    """Serves ``app`` on ``host`` and ``port`` (0: any that is free)."""

    def __init__(
        self,
        app: App,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        threads: int = 16,
        ident: str = "fenix-simulator",
        max_body_bytes: int = 64 * 1024 * 1024,
        max_connections: int = 800,
        request_timeout: float = 30.0,
        idle_timeout: float = 120.0,
        lane: Lane | None = None,
    ) -> None:
        """Bind and listen. Errors: OSError where the address cannot be had.

        ``request_timeout`` is how many seconds a client has to send a whole request, and how long an answer may wait
        for a client that reads nothing of it; ``idle_timeout`` is how long a connection is kept between requests.
        ``lane`` is asked before ``app``, where it has something to say.
        """
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._deadline = float("inf")
        self._serving: threading.Thread | None = None
        self._request_timeout = request_timeout
        self._idle_timeout = idle_timeout
        self._next_look = 0.0
        self._max_connections = max_connections
        # Waitress tells of every queued request, which under load is no news.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        listening = _bind(host, port)
        try:
            settings = Adjustments(
                sockets=[listening],
                threads=threads,
                ident=ident,
                # Waitress refuses what is as long as its limit.
                max_request_body_size=max_body_bytes + 1,
                max_request_header_size=_MAX_HEADER_BYTES,
                # Beside the connections waitress counts the listening socket and a pipe of its own.
                connection_limit=max_connections + 2,
                log_socket_errors=False,
                clear_untrusted_proxy_headers=False,
            )
            self._dispatcher = ThreadedTaskDispatcher()
            self._dispatcher.set_thread_count(threads)
            self._pauses = Pauses(self._dispatcher, threads, self._stopping)
            self._map: dict[int, Any] = {}
            self._waitress = _Listener(
                self._told(app),
                self._map,
                _sock=listening,
                dispatcher=self._dispatcher,
                adj=settings,
                sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
                bind_socket=False,
            )
            self._waitress.lane = lane
        except BaseException:
            listening.close()
            raise
        name = listening.getsockname()
        #: Where the server listens: host (as a number) and port.
        self.address: tuple[str, int] = (name[0], name[1])

    @property
    def url(self) -> str:
        """The server's URL, without a slash at its end; of an unspecified address, the loopback one."""
        host, port = self.address
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Serve in a thread of its own until ``stop``."""
        self._serving = threading.Thread(target=self.serve, name="http-server", daemon=True)
        self._serving.start()

    def serve(self) -> None:
        """Serve in this thread until ``stop``, then finish what was begun."""
        self._serving = threading.current_thread()
        if self._stopped.is_set():
            return
        try:
            while not self._stopping.is_set():
                self._turn(_TICK)
                self._look_after(time.time())
            self._drain()
        finally:
            self._close()

    def stop(self, timeout: float = 5.0) -> None:
        """Take no more connections, let requests that were received whole be answered for up to ``timeout`` seconds,
        and close. Returns when that is done; called by the serving thread itself (a signal's handler), at once."""
        self._deadline = min(self._deadline, time.monotonic() + timeout)
        self._stopping.set()
        if self._stopped.is_set():
            return
        if self._serving is None:
            self._close()
            return
        self._waitress.pull_trigger()
        if self._serving is not threading.current_thread():
            self._stopped.wait(timeout + 2 * _TICK)

    def _turn(self, timeout: float) -> None:
        """Wait until something comes, for up to ``timeout`` seconds, and read all that has come."""
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)
        self._waitress.answer_gathered()

    def _told(self, app: App) -> App:
        """``app`` with the server's own powers in each request's environment."""

        def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            environ[STOPPING] = self._stopping
            environ[PAUSE] = self._pauses.pause
            answer = app(environ, start_response)
            mishap = environ.get(MISHAP)
            return answer if mishap is None else self._spoiled(answer, environ[CHANNEL], **mishap)

        return application

    def _spoiled(
        self, answer: Iterable[bytes], channel: Channel, end: str | None = None, drip: float | None = None
    ) -> Iterable[bytes]:
        """The answer as a fault wants it to arrive. ``ClientDisconnected`` is what waitress raises when the client
        has gone: it closes the connection behind what was sent."""
        if end in ("close", "reset"):
            if end == "reset":
                channel.reset_on_close()
            raise ClientDisconnected
        body = b"".join(answer)
        if drip is None:
            yield body
        else:
            with self._pauses.waiting() as wait:
                yield from drips.drip(body, drip, wait)
        if end is not None:
            raise ClientDisconnected

    def _channels(self) -> list[Channel]:
        return [channel for channel in self._map.values() if isinstance(channel, Channel)]

    def _look_after(self, now: float) -> None:
        """Close connections whose client keeps the server waiting, and the idlest where there are too many."""
        # Beside the connections the map has the listening socket and the pipe that wakes the loop.
        too_many = len(self._map) - 2 - self._max_connections + 1
        if now < self._next_look and too_many <= 0:
            return
        self._next_look = now + _TICK
        channels = self._channels()
        idlest = sorted((channel for channel in channels if channel.is_waiting()), key=_waiting_since)
        overdue = [channel for channel in channels if channel.overdue(now, self._request_timeout, self._idle_timeout)]
        for channel in {*idlest[: max(0, too_many)], *overdue}:
            channel.handle_close()

    def _drain(self) -> None:
        """Stop listening, close what waits, and carry on until nothing is under way or the time is up."""
        wasyncore.dispatcher.close(self._waitress)  # not its own close, which would close the pipe as well
        while time.monotonic() < self._deadline:
            for channel in self._channels():
                if channel.is_waiting():
                    channel.handle_close()
            if not self._channels():
                return
            self._turn(0.05)

    def _close(self) -> None:
        self._pauses.close()
        try:
            self._dispatcher.shutdown(timeout=1)
            self._waitress.close_pipe()
            wasyncore.close_all(self._map, ignore_all=True)
        finally:
            self._stopped.set()


def _waiting_since(channel: Channel) -> float:
    return channel.waiting_since


class _Listener(TcpWSGIServer):
    channel_class = Channel
    lane: Lane | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Reentrant: a signal's handler may stop the server while the same thread is closing it.
        self._pipe_lock = threading.RLock()
        self._pipe_closed = False
        #: Connections whose plain request came in this turn.
        self.gathered: list[Channel] = []
        super().__init__(*args, **kwargs)

    def answer_gathered(self) -> None:
        """Answer the plain requests that came at once, together: what they have in common is done once."""
        while self.gathered and self.lane is not None:
            some, self.gathered = self.gathered[:_TOGETHER], self.gathered[_TOGETHER:]
            for channel, body in zip(some, self.lane.answers([one.requests[0] for one in some]), strict=True):
                channel.answer_at_once(body)

    def pull_trigger(self) -> None:
        """Wake the loop. Once the pipe is closed its number may be another file's, which must not be written to."""
        with self._pipe_lock:
            if not self._pipe_closed:
                super().pull_trigger()

    def close_pipe(self) -> None:
        """Close the pipe that wakes the loop; the loop has ended."""
        with self._pipe_lock:
            self._pipe_closed = True
            pipe: Any = self.trigger  # the stub calls it a number
            pipe.close()

    def maintenance(self, now: float) -> None:
        """The server looks after its connections itself, by another measure than waitress's."""


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket on the first address that ``host`` has. Errors: OSError that names both."""
    try:
        return _listen(host, port)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {host}, port {port}: {error.strerror or error}") from error


def _listen(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
        0
    ]
    listening = socket.socket(family, kind, proto)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
