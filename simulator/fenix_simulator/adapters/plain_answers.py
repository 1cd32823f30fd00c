"""Answers that can be read in one way only, and have come whole: their status, without a parser.

What is taken for plain is far less than what HTTP allows, and any other answer is no worse for it: http.client reads
it, from its first byte. Most managers answer an alarm with a status line, some fields and a short body in one packet.
"""

from __future__ import annotations

import io
import re
import socket
from functools import lru_cache

#: Bytes of an answer that are looked at; a plain one is shorter.
READ = 4_096

_LINE = re.compile(rb"HTTP/1\.1 ([245][0-9]{2}) [ -~]*")
_FIELD = re.compile(rb"([A-Za-z0-9_-]+): ?([ -~]*)")
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,3}")
_MAX_FIELDS = 20

#: Statuses whose answers have no body, whatever is said of its length.
_BODILESS = frozenset({204, 205})

#: Fields that may change where the answer ends or what becomes of its connection.
_TELLING = frozenset({b"transfer-encoding", b"connection", b"upgrade", b"trailer"})


def status(data: bytes) -> int | None:
    """The status where ``data`` is one whole answer, behind which the connection stays open; else None."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    plain = _head(head)
    return plain[0] if plain is not None and plain[1] == len(body) else None


@lru_cache(256)
def _head(head: bytes) -> tuple[int, int] | None:
    """Status and length of the body as the head says them; None where it is not plain."""
    line, *fields = head.split(b"\r\n")
    answered = _LINE.fullmatch(line)
    if answered is None or len(fields) > _MAX_FIELDS or int(answered[1]) in _BODILESS:
        return None
    length: int | None = None
    for field in fields:
        said = _FIELD.fullmatch(field)
        if said is None:
            return None
        name, value = said[1].lower(), said[2].strip()
        if name in _TELLING and (name, value.lower()) != (b"connection", b"keep-alive"):
            return None
        if name == b"content-length":
            if length is not None or _LENGTH.fullmatch(value) is None:
                return None
            length = int(value)
    return None if length is None else (int(answered[1]), length)


class Begun:
    """A connection of whose answer ``data`` was read already; for ``http.client.HTTPResponse``."""

    def __init__(self, connection: socket.socket, data: bytes) -> None:
        self._connection = connection
        self._data = data

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The answer, from its first byte."""
        return io.BufferedReader(_Resumed(self._data, self._connection.makefile("rb", buffering=0)))


class _Resumed(io.RawIOBase):
    def __init__(self, data: bytes, rest: io.RawIOBase) -> None:
        self._data = data
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int | None:  # type: ignore[override]  # it is what BufferedReader gives
        if self._data:
            count = min(len(into), len(self._data))
            into[:count], self._data = self._data[:count], self._data[count:]
            return count
        return self._rest.readinto(into)

    def close(self) -> None:
        self._rest.close()
        super().close()
