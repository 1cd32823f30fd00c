"""One client's HTTP/1.1 connection, read with limits.

Alarms are small POSTs that come by the hundred over kept connections. Reading them here costs a third of the
processor time of ``http.server`` and a fifth of waitress's, and bounds what those leave open: the size of the head and
of the body, the time a whole request may take (a client that drips bytes included), chunked bodies.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD = 16 * 1024
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_READ_AT_ONCE = 64 * 1024
_DRAIN_LIMIT = 4 * 1024 * 1024
_DRAIN_SECONDS = 1.0


class RequestRefused(Exception):
    """What arrived cannot be taken as a request; ``status`` is the answer, after which the connection is closed."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request; header names are in lower case, ``path`` has no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """``max_body`` is in bytes; ``request_timeout`` is for a whole request from its first byte, ``idle_timeout`` for
    the wait until that byte, both in seconds."""

    max_body: int
    request_timeout: float
    idle_timeout: float


class HttpConnection:
    """Reads requests from a connected socket and writes answers to it; used by one thread."""

    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        self._sock = sock
        self._limits = limits
        self._buffer = bytearray()
        self._deadline = 0.0

    def read_request(self) -> Request | None:
        """The next request, or None when the client is gone or was idle for too long.

        Raises RequestRefused (400, 408, 413, 431, 501, 505) and OSError.
        """
        if not self._await_first_byte():
            return None
        self._deadline = time.monotonic() + self._limits.request_timeout
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise RequestRefused(431, f"the request's head is longer than {MAX_HEAD} bytes")
            self._fill()
        if end > MAX_HEAD:
            raise RequestRefused(431, f"the request's head is longer than {MAX_HEAD} bytes")
        head = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        method, path, version, headers = _parse_head(head)
        body = self._read_body(headers)
        connection = headers.get("connection", "").lower()
        keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
        return Request(method, path, headers, body, keep_alive)

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, *, close: bool) -> None:
        """Send an answer; ``body`` is JSON where there is one. Raises OSError when the client is gone."""
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
        if status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(body)}")
        if body:
            lines.append("Content-Type: application/json")
        if close:
            lines.append("Connection: close")
        lines.extend(f"{name}: {value}" for name, value in (headers or {}).items())
        self._sock.settimeout(self._limits.request_timeout)
        self._sock.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def drain(self) -> None:
        """Let the client read an answer given before its request was read to the end, instead of resetting it."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        taken = 0
        try:
            self._sock.shutdown(socket.SHUT_WR)
            while taken < _DRAIN_LIMIT and (left := deadline - time.monotonic()) > 0:
                self._sock.settimeout(left)
                data = self._sock.recv(_READ_AT_ONCE)
                if not data:
                    return
                taken += len(data)
        except OSError:
            return

    def _await_first_byte(self) -> bool:
        while True:
            while self._buffer[:2] == b"\r\n":  # RFC 9112, 2.2: an empty line before a request is to be ignored
                del self._buffer[:2]
            if self._buffer and self._buffer != b"\r":
                return True
            self._sock.settimeout(self._limits.idle_timeout)
            try:
                data = self._sock.recv(_READ_AT_ONCE)
            except TimeoutError:
                return False
            if not data:
                return False
            self._buffer += data

    def _fill(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise RequestRefused(408, f"the request did not arrive within {self._limits.request_timeout:g} s")
        self._sock.settimeout(left)
        try:
            data = self._sock.recv(_READ_AT_ONCE)
        except TimeoutError:
            raise RequestRefused(408, f"the request did not arrive within {self._limits.request_timeout:g} s") from None
        if not data:
            raise ConnectionResetError("the client left in the middle of a request")
        self._buffer += data

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        coding = headers.get("transfer-encoding")
        length = headers.get("content-length")
        if coding is not None and length is not None:
            raise RequestRefused(400, "both Transfer-Encoding and Content-Length are given")
        if coding is None and length is None:
            return b""
        if length is not None:
            if not (length.isascii() and length.isdigit()):
                raise RequestRefused(400, "Content-Length is not a number")
            size = int(length) if len(length) < 19 else self._limits.max_body + 1
            self._check_size(size)
            self._continue(headers)
            return self._take(size)
        if coding is not None and coding.lower() != "chunked":
            raise RequestRefused(501, "of the transfer codings only chunked is understood")
        self._continue(headers)
        return self._read_chunks()

    def _continue(self, headers: Mapping[str, str]) -> None:
        if headers.get("expect", "").lower() == "100-continue" and not self._buffer:
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            text = self._line().partition(b";")[0].strip()
            try:
                size = int(text, 16) if 0 < len(text) < 16 and text.isalnum() else -1
            except ValueError:
                size = -1
            if size < 0:
                raise RequestRefused(400, "a chunk's size is not a hexadecimal number")
            if size == 0:
                break
            self._check_size(len(body) + size)
            body += self._take(size)
            if self._take(2) != b"\r\n":
                raise RequestRefused(400, "a chunk does not end where its size says")
        trailers = 0
        while line := self._line():
            trailers += len(line)
            if trailers > MAX_HEAD:
                raise RequestRefused(431, f"the trailers are longer than {MAX_HEAD} bytes")
        return bytes(body)

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_body:
            raise RequestRefused(413, f"the body is longer than {self._limits.max_body} bytes")

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise RequestRefused(400, "a chunk's head is too long")
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


def _parse_head(head: str) -> tuple[str, str, str, dict[str, str]]:
    """Method, path, version and headers of a request's head."""
    lines = head.split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[0] or not _TOKEN.issuperset(parts[0]):
        raise RequestRefused(400, "the first line is not that of an HTTP request")
    method, target, version = parts
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise RequestRefused(505, "only HTTP/1.1 and HTTP/1.0 are understood")
    if target.startswith(("http://", "https://")):
        rest = target.split("://", 1)[1]
        target = rest[rest.find("/") :] if "/" in rest else "/"
    if not target.startswith("/"):
        raise RequestRefused(400, "the target is not a path")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or not _TOKEN.issuperset(name):
            raise RequestRefused(400, "a header line has no valid name")
        name, value = name.lower(), value.strip(" \t")
        if name in headers:
            if name in ("content-length", "transfer-encoding") and headers[name] != value:
                raise RequestRefused(400, f"{name} is given twice and differs")
            value = headers[name] if name in ("content-length", "transfer-encoding") else f"{headers[name]}, {value}"
        headers[name] = value
    return method, target.partition("?")[0], version, headers
