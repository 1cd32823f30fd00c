"""The waitress server: slow, half-open and hostile clients, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from fenix_simulator.adapters.wsgi import STOPPING, Server
from fenix_simulator.http import control_journal

#: The bound for whatever comes at once.
SOON = 30.0


class Gate:
    """A WSGI application that answers ``/gate`` when it is let, and everything else at once with the body it got."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.environ = {}

    def __call__(self, environ, start_response):
        self.environ = environ
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == "/gate":
            self.entered.release()
            self.opened.wait(SOON)
        if environ["PATH_INFO"] == "/large":
            body = b"x" * 32 * 1024 * 1024
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]


@pytest.fixture
def gate():
    """The application."""
    app = Gate()
    yield app
    app.opened.set()


@pytest.fixture
def serve(gate):
    """Starts servers of the application and stops them with the test."""
    servers = []

    def start(**options):
        server = Server(gate, threads=4, **options)
        servers.append(server)
        server.start()
        return server

    yield start
    gate.opened.set()
    for server in servers:
        server.stop()


def connect(server) -> socket.socket:
    """A connection to the server."""
    return socket.create_connection(server.address, timeout=SOON)


def get(server, path: str = "/", body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection(*server.address, timeout=SOON)
    with contextlib.closing(connection):
        connection.request("GET", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()


def everything(sent: socket.socket) -> bytes:
    """What the server sends until it closes; empty also where it resets."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := sent.recv(65536):
            received += part
    return received


# -- beginning -------------------------------------------------------------------------------------------------------


def test_any_free_port_is_taken_and_told(serve):
    server = serve()
    host, port = server.address
    assert (host, server.url) == ("127.0.0.1", f"http://127.0.0.1:{port}")
    assert get(server, body=b"hello") == (200, b"hello")


def test_a_connection_made_before_it_serves_waits_and_is_served(gate):
    server = Server(gate)
    with connect(server) as early:
        early.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        server.start()
        assert everything(early).startswith(b"HTTP/1.1 200 OK")
    server.stop()


def test_a_port_that_is_taken_is_an_error_at_once(serve, gate):
    with pytest.raises(OSError, match="in use") as caught:
        Server(gate, port=serve().address[1])
    assert caught.value.errno == errno.EADDRINUSE


def test_ipv6_is_served_and_written_in_brackets(gate):
    try:
        server = Server(gate, "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    server.start()
    assert server.url == f"http://[::1]:{server.address[1]}"
    assert get(server)[0] == 200
    server.stop()


def test_a_connection_is_kept_and_chunked_bodies_are_read(serve):
    connection = http.client.HTTPConnection(*serve().address, timeout=SOON)
    with contextlib.closing(connection):
        for _ in range(3):
            connection.request("PUT", "/", iter([b"a", b"bc"]), encode_chunked=True)
            answer = connection.getresponse()
            assert (answer.read(), answer.headers["Server"]) == (b"abc", "fenix-simulator")
            assert connection.sock is not None


# -- clients that keep it waiting ------------------------------------------------------------------------------------

HALVES = {
    "nothing": b"",
    "half a line": b"GE",
    "half the headers": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    "half a chunk": b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_clients_that_stop_half_way_do_not_stop_others(serve, half):
    """Forty of them, ten times as many as there are threads."""
    server = serve()
    with contextlib.ExitStack() as open_:
        for _ in range(40):
            open_.enter_context(connect(server)).sendall(half)
        assert get(server, body=b"hello") == (200, b"hello")


@pytest.mark.parametrize(
    "half", [half for half in HALVES.values() if half], ids=[half for half in HALVES if half != "nothing"]
)
def test_a_request_that_does_not_come_in_time_is_closed(serve, half):
    with connect(serve(request_timeout=0.1)) as slow:
        slow.sendall(half)
        assert everything(slow) == b""


def test_dripping_bytes_buys_no_time(serve):
    with connect(serve(request_timeout=0.5)) as slow:
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while not select.select([slow], [], [], 0.05)[0]:
                slow.sendall(b"x")
                assert time.monotonic() - begun < SOON


def test_an_idle_connection_is_closed_after_its_own_time(serve):
    server = serve(request_timeout=SOON, idle_timeout=0.1)
    with connect(server) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert everything(idle).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_reads_nothing_is_closed(serve):
    """The answer is larger than what the kernel and the server keep for it, so a thread waits with it."""
    server = serve(request_timeout=0.5)
    with contextlib.ExitStack() as open_:
        for _ in range(4):
            deaf = open_.enter_context(connect(server))
            deaf.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert get(server) == (200, b"")


def test_when_there_are_too_many_connections_the_idlest_goes(serve):
    server = serve(max_connections=5)
    with contextlib.ExitStack() as open_:
        idle = [open_.enter_context(connect(server)) for _ in range(20)]
        assert get(server, body=b"hello") == (200, b"hello")
        assert everything(idle[0]) == b""


def test_a_connection_that_is_being_served_is_not_among_the_idle(serve, gate):
    server = serve(max_connections=3, request_timeout=0.1, idle_timeout=0.1)
    with contextlib.ExitStack() as open_:
        busy = open_.enter_context(connect(server))
        busy.sendall(b"GET /gate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert gate.entered.acquire(timeout=SOON)
        idle = [open_.enter_context(connect(server)) for _ in range(6)]
        assert everything(idle[0]) == b""
        gate.opened.set()
        assert everything(busy).startswith(b"HTTP/1.1 200 OK")


# -- what is no HTTP -------------------------------------------------------------------------------------------------

BROKEN = [
    (b"nonsense\r\n\r\n", 400),
    (b"\x00\xff\r\n\r\n", 400),
    (b"get / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400),
    (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: ten\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
    (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"PUT / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n", 413),
    (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ff\r\n" + b"x" * 255 + b"\r\n", 413),
    (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", 431),
]


@pytest.mark.parametrize(("sent", "status"), BROKEN, ids=[repr(sent[:40]) for sent, _ in BROKEN])
def test_what_is_no_http_is_answered_with_a_problem_and_closed(serve, sent, status):
    server = serve(max_body_bytes=100)
    with connect(server) as odd:
        odd.sendall(sent)
        head, _, body = everything(odd).partition(b"\r\n\r\n")
    assert head.split()[1] == str(status).encode()
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert get(server, body=b"x" * 100) == (200, b"x" * 100)


# -- ending ----------------------------------------------------------------------------------------------------------


def test_a_request_in_flight_is_answered_before_the_end(serve, gate):
    """Stopping waits for it; no connection is taken meanwhile, and idle ones are closed."""
    server = serve()
    with connect(server) as idle, connect(server) as busy:
        busy.sendall(b"GET /gate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        assert gate.entered.acquire(timeout=SOON)
        stopping = threading.Thread(target=server.stop, args=(SOON,))
        stopping.start()
        assert everything(idle) == b""
        with pytest.raises(OSError, match="refused"):
            connect(server)
        assert stopping.is_alive()
        assert gate.environ[STOPPING].is_set()
        gate.opened.set()
        assert everything(busy).endswith(b"hello")
    stopping.join(SOON)
    assert not stopping.is_alive()


def test_an_end_is_bounded(serve, gate):
    """A request that takes for ever is not waited for."""
    server = serve()
    with connect(server) as busy, connect(server) as half:
        busy.sendall(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n")
        half.sendall(b"GET / HT")
        assert gate.entered.acquire(timeout=SOON)
        begun = time.monotonic()
        server.stop(timeout=0.1)
        assert time.monotonic() - begun < SOON / 2
        assert (everything(busy), everything(half)) == (b"", b"")


def test_stopping_twice_or_before_the_start_is_no_error(gate):
    never = Server(gate)
    never.stop()
    never.start()
    never.stop()
    with pytest.raises(OSError, match="refused"):
        connect(never)


def test_many_may_stop_it_at_once(gate):
    """Who wakes the loop does so through a pipe that the loop closes at its end: never after that."""
    errors = []

    def stop(server):
        try:
            for _ in range(20):
                server.stop(SOON)
        except OSError as error:
            errors.append(error)

    for _ in range(10):
        server = Server(gate, threads=1)
        server.start()
        stopping = [threading.Thread(target=stop, args=(server,)) for _ in range(4)]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join(SOON)
    assert errors == []


def test_long_polls_end_with_the_server(world):
    server = Server(world.client().application)
    server.start()
    answers = []
    poll = threading.Thread(target=lambda: answers.append(get(server, "/simulator/v1/journal?wait=60&kind=none")))
    waited = threading.Event()
    wait = world.journal.wait

    def watched(after, timeout):
        waited.set()
        return wait(after, timeout)

    world.journal.wait = watched
    poll.start()
    assert waited.wait(SOON)
    server.stop(timeout=SOON)
    poll.join(SOON)
    assert [status for status, _ in answers] == [200]
    assert control_journal.STOPPING == STOPPING


SCRIPT = """
import signal, sys, threading
from fenix_simulator.adapters.wsgi import Server

def app(environ, start_response):
    print("entered", flush=True)
    environ["fenix_simulator.stopping"].wait(30)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]

server = Server(app)
signal.signal(signal.SIGTERM, lambda *_: server.stop())
print(server.address[1], flush=True)
server.serve()
"""


def test_a_signal_stops_a_server_in_the_main_thread_and_the_request_in_flight_is_answered():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    try:
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=SOON) as busy:
            busy.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert process.stdout.readline() == "entered\n"
            process.send_signal(signal.SIGTERM)
            assert everything(busy).endswith(b"done")
        assert process.wait(SOON) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
