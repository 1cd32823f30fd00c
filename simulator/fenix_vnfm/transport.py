"""HTTP requests over kept connections, with the standard library's client.

It costs about half of what urllib3 does for the small requests of this API, and is loaded sooner. What it
leaves out is left out on purpose: proxies from the environment, redirects, cookies, decompression.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection, IncompleteRead, RemoteDisconnected
from urllib.parse import SplitResult

_MAX_ANSWER = 64 * 1024 * 1024
_MAX_IDLE = 64


class TransportError(Exception):
    """No answer came; the message says why. ``sent`` is False where the request itself could not be made."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Keeps connections for the next request to the same place; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[str, str, int | None], HTTPConnection]] = []
        self._tls: ssl.SSLContext | None = None

    def send(self, method: str, url: SplitResult, headers: Mapping[str, str], body: bytes, timeout: float) -> Answer:
        """Send one request to an absolute http or https URL; ``timeout`` (seconds) bounds connecting and each wait for
        bytes. Raises TransportError."""
        place = (url.scheme, url.hostname or "", url.port)
        connection = self._take(place, timeout)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
            content = response.read(_MAX_ANSWER + 1)
            if len(content) <= _MAX_ANSWER and response.length:
                raise IncompleteRead(content, response.length)
        except TimeoutError:
            connection.close()
            raise TransportError("no answer in time") from None
        except RemoteDisconnected:
            connection.close()
            raise TransportError("the connection was closed without an answer") from None
        except (HTTPException, OSError) as error:
            connection.close()
            raise TransportError(f"no proper answer ({type(error).__name__})") from None
        except ValueError as error:
            connection.close()
            raise TransportError(f"it cannot be sent: {error}", sent=False) from None
        if len(content) > _MAX_ANSWER:
            connection.close()
            raise TransportError(f"the answer is longer than {_MAX_ANSWER} bytes")
        if not response.will_close:
            self._give_back(place, connection)
        else:
            connection.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _take(self, place: tuple[str, str, int | None], timeout: float) -> HTTPConnection:
        """A connection to that place: a kept one that is still open, or a new one."""
        while (connection := self._pop(place)) is not None:
            if _is_open(connection.sock):
                connection.sock.settimeout(timeout)
                return connection
            connection.close()
        scheme, host, port = place
        if scheme == "https":
            connection = HTTPSConnection(host, port, timeout=timeout, context=self._tls_context())
        else:
            connection = HTTPConnection(host, port, timeout=timeout)
        try:
            connection.connect()
        except TimeoutError:
            raise TransportError("no connection in time") from None
        except ssl.SSLError as error:
            raise TransportError(f"no secure connection ({error.reason})") from None
        except OSError:
            raise TransportError("no connection") from None
        except ValueError as error:  # a host name that cannot be encoded
            raise TransportError(f"it cannot be sent: {error}", sent=False) from None
        return connection

    def _pop(self, place: tuple[str, str, int | None]) -> HTTPConnection | None:
        with self._lock:
            for index in range(len(self._idle) - 1, -1, -1):
                if self._idle[index][0] == place:
                    return self._idle.pop(index)[1]
        return None

    def _give_back(self, place: tuple[str, str, int | None], connection: HTTPConnection) -> None:
        with self._lock:
            self._idle.append((place, connection))
            surplus = self._idle.pop(0)[1] if len(self._idle) > _MAX_IDLE else None
        if surplus is not None:
            surplus.close()

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _is_open(sock: socket.socket) -> bool:
    """Whether nothing has arrived on an idle connection: what arrives there can only be its end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)
