"""What is taken for a plain answer is what http.client reads as well; and what was read already is not lost to it."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fenix_simulator.adapters.plain_answers import READ, Begun, status

OK = b"HTTP/1.1 200 OK\r\n"


class Received:
    """For HTTPResponse: a connection on which so much has come, and then its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (OK + b"Content-Length: 2\r\n\r\n{}", 200),
        (OK + b"content-length:0\r\nConnection: Keep-Alive\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\n\r\n", 200),
        (b"HTTP/1.1 503 \r\nContent-Length: 4\r\n\r\nlate", 503),
        (OK + b"Content-Length: 2\r\n\r\n{", None),
        (OK + b"Content-Length: 2\r\n\r\n{} ", None),
        (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", None),
        (OK + b"Content-Length: 02\r\n\r\n{}", None),
        (OK + b"Content-Length: +2\r\n\r\n{}", None),
        (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", None),
        (OK + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}", None),
        (OK + b"Content-Length: 2\r\nConnection: keep-alive, close\r\n\r\n{}", None),
        (OK + b"Content-Length: 2\r\n Connection: close\r\n\r\n{}", None),
        (OK + b"\r\n", None),
        (OK + b"Content-Length: 2\n\r\n\r\n{}", None),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", None),
        (b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", None),
        (b"", None),
        (b"\r\n\r\n", None),
    ],
)
def test_only_what_is_whole_and_clear_is_plain(data: bytes, expected: int | None) -> None:
    assert status(data) == expected


_lines = st.sampled_from(
    [OK, b"HTTP/1.1 201 Created\r\n", b"HTTP/1.1 500 x\r\n", b"HTTP/1.1 204 No\r\n", b"HTTP/1.0 200 OK\r\n"]
)
_fields = st.sampled_from(
    [
        *(b"Content-Length: 0\r\n", b"Content-Length: 2\r\n", b"content-length:2 \r\n", b"Content-Length: 2, 2\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Connection: close\r\n"),
        *(b"Connection: keep-alive\r\n", b"Keep-Alive: timeout=5\r\n", b"Server: x\r\n", b"X:\r\n", b" folded\r\n"),
        *(b"Content-Length : 1\r\n", b"no colon\r\n", b"X: a\rb\r\n", b"X: \xe4\r\n", b"Trailer: x\r\n", b"X: a\n\r\n"),
    ]
)


@given(
    st.one_of(
        st.builds(
            lambda line, fields, body: line + b"".join(fields) + b"\r\n" + body,
            _lines,
            st.lists(_fields, max_size=4),
            st.sampled_from([b"", b"{}", b"2\r\n{}\r\n0\r\n\r\n"]),
        ),
        st.binary(max_size=60),
    )
)
@example(OK + b"Content-Length: 2\r\nServer: x\r\n\r\n{}")
def test_what_is_plain_is_read_alike_by_http_client(data: bytes) -> None:
    plain = status(data)
    if plain is None:
        return
    response = HTTPResponse(Received(data), method="POST")  # type: ignore[arg-type]
    response.begin()
    assert (response.status, response.will_close, response.chunked) == (plain, False, False)
    assert response.length == len(data.partition(b"\r\n\r\n")[2])
    response.read()


@contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        yield ours, theirs


@given(st.integers(0, 40), st.integers(1, 40))
def test_what_was_read_already_is_read_again(read: int, length: int) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (length, b"x" * length)
    with connected() as (ours, theirs):
        theirs.sendall(whole[read:])
        theirs.shutdown(socket.SHUT_WR)
        response = HTTPResponse(Begun(ours, whole[:read]), method="POST")  # type: ignore[arg-type]
        response.begin()
        assert response.status == 200
        assert response.read() == b"x" * length


def test_a_connection_that_ends_before_its_answer_is_told_as_ever() -> None:
    with connected() as (ours, theirs):
        theirs.close()
        response = HTTPResponse(Begun(ours, ours.recv(READ)), method="POST")  # type: ignore[arg-type]
        with pytest.raises(HTTPException, match="closed connection without response"):
            response.begin()
        response.close()
