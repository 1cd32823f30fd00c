"""The server with a fast lane: plain requests are the lane's, however they arrive and however slowly they are read."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from fenix_simulator.adapters.plain_requests import PlainRequest
from fenix_simulator.adapters.wsgi import Server

BOUND = 20.0
HEAD = b"PUT /a/b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"


class RecordingLane:
    """Answers all it is asked with ``body``; may be told to answer nothing at once, or nothing at all."""

    def __init__(self, body: bytes = b"{}", *, at_once: bool = True, hands_on: bool = False) -> None:
        self.body = None if hands_on else body
        self.at_once = at_once
        self.asked: list[tuple[str, str, str]] = []
        self.together: list[int] = []

    def answers(self, asked: Sequence[PlainRequest]) -> list[bytes | None]:
        self.together.append(len(asked))
        return [self.answer(one) if self.at_once else None for one in asked]

    def answer(self, asked: PlainRequest) -> bytes | None:
        self.asked.append((asked.method, asked.path, threading.current_thread().name))
        return self.body


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response("201 Created", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(lane: RecordingLane, **options: Any) -> Server:
        server = Server(app, lane=lane, **options)
        running.append(server)
        server.start()
        return server

    yield start
    for server in running:
        server.stop()


def connect(server: Server) -> socket.socket:
    return socket.create_connection(server.address, timeout=BOUND)


def status(connection: socket.socket) -> tuple[int, bytes]:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read()


def test_what_waits_for_nobody_is_answered_by_the_reading_thread(serve: Callable[..., Server]) -> None:
    lane = RecordingLane()
    with connect(serve(lane)) as connection:
        for request in (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", HEAD + b"{}"):
            connection.sendall(request)
            assert status(connection) == (200, b"{}")
    assert lane.asked == [("GET", "/a", "http-server"), ("PUT", "/a/b", "http-server")]


def test_what_may_wait_is_answered_by_another(serve: Callable[..., Server]) -> None:
    lane = RecordingLane(at_once=False)
    with connect(serve(lane)) as connection:
        connection.sendall(HEAD + b"{}")
        assert status(connection) == (200, b"{}")
    assert [name.startswith("waitress") for _, _, name in lane.asked] == [True]


@pytest.mark.parametrize(
    "pieces", [(HEAD + b"{}",), (HEAD, b"{}"), (HEAD[:9], HEAD[9:], b"{", b"}"), (HEAD, b"{", b"}")]
)
@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_handed_on_reaches_the_application_whole(
    serve: Callable[..., Server], at_once: bool, pieces: tuple[bytes, ...]
) -> None:
    with connect(serve(RecordingLane(at_once=at_once, hands_on=True))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for piece in pieces:
                connection.sendall(piece)
            assert status(connection) == (201, b"{}")


def test_a_head_whose_body_does_not_come_is_a_request_that_takes_too_long(serve: Callable[..., Server]) -> None:
    with connect(serve(RecordingLane(), request_timeout=0.1, idle_timeout=1_000.0)) as connection:
        connection.sendall(HEAD)
        assert connection.recv(1) == b""


def test_a_client_that_reads_late_gets_all_of_a_long_list_and_keeps_nobody_waiting(
    serve: Callable[..., Server],
) -> None:
    body = b"[" + b"1," * 4_000_000 + b"1]"
    server = serve(RecordingLane(body))
    with connect(server) as slow, connect(server) as quick:
        slow.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(1, socket.MSG_PEEK) == b"H"
        quick.sendall(HEAD + b"{}")
        assert status(quick)[0] == 200
        assert status(slow) == (200, body)


def test_those_that_come_at_once_are_answered_together(serve: Callable[..., Server]) -> None:
    class SlowFirst(RecordingLane):
        """Answers the first when all the others have been sent."""

        def answers(self, asked: Sequence[PlainRequest]) -> list[bytes | None]:
            if not self.together:
                begun.set()
                assert all_sent.wait(BOUND)
            return super().answers(asked)

    begun, all_sent = threading.Event(), threading.Event()
    lane = SlowFirst()
    server = serve(lane)
    connections = [connect(server) for _ in range(40)]
    try:
        # Each is accepted and answered once, so that none of them is still to be accepted below.
        connections[0].sendall(HEAD + b"{}")
        assert begun.wait(BOUND)
        all_sent.set()
        for one in connections[1:]:
            one.sendall(HEAD + b"{}")
        assert [status(one)[0] for one in connections] == [200] * 40
        lane.together, all_sent = [], threading.Event()
        begun.clear()
        connections[0].sendall(HEAD + b"{}")
        assert begun.wait(BOUND)
        for one in connections[1:]:
            one.sendall(HEAD + b"{}")
        all_sent.set()
        assert [status(one) for one in connections] == [(200, b"{}")] * 40
    finally:
        for one in connections:
            one.close()
    # All that are there are read before any is answered, and answered so many at a time that none waits for long.
    assert lane.together == [1, 32, 7]
