"""Delivery of alarms to subscribers that misbehave below HTTP: silent, dripping, endless, closing, not there."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from fenix_simulator.adapters.target_guard import TargetGuard
from fenix_simulator.adapters.webhook import WebhookAlarmSink
from fenix_simulator.delivery import parse_delivery
from fenix_simulator.ports import Alarm, Delivery

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Peer:
    """One accepted connection, as the script of a subscriber sees it."""

    def __init__(self, connection: socket.socket, stopped: threading.Event) -> None:
        self.connection = connection
        self._stopped = stopped

    def read_request(self) -> bytes:
        """Header fields and body of the next request; b"" when the sender closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            received = self.connection.recv(65536)
            if not received:
                return b""
            data += received
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        while len(body) < length:
            body += self.connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, data: bytes, forever: bytes) -> None:
        """Send ``data`` and then ``forever`` bit by bit until the sender gives up."""
        self.send(data)
        while not self._stopped.wait(0.02):
            self.send(forever)

    def hold(self) -> None:
        """Keep the connection open without a word."""
        self._stopped.wait(BOUND)


Script = Callable[[Peer], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Script], int]]:
    """Run a script for each connection; gives the port."""
    stopped, listeners = threading.Event(), []

    def run(script: Script, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(BOUND)
            try:
                script(Peer(connection, stopped))
            except OSError:
                """The sender went away, which is what most of these scripts are about."""

    def listen(listener: socket.socket, script: Script) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=run, args=(script, connection), daemon=True).start()

    def start(script: Script) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=listen, args=(listener, script), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    stopped.set()
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def deliveries() -> queue.Queue[Delivery]:
    return queue.Queue()


@pytest.fixture
def make_sink(deliveries: queue.Queue[Delivery]) -> Iterator[Callable[..., WebhookAlarmSink]]:
    sinks = []

    def make(guard: TargetGuard | None = None, policy: str = "aodh", seconds: float = 0.2) -> WebhookAlarmSink:
        sink = WebhookAlarmSink(
            parse_delivery(policy),
            guard or TargetGuard(),
            lambda alarm, delivery: deliveries.put(delivery),
            timeout=timedelta(seconds=seconds),
            connect_timeout=timedelta(seconds=seconds),
        )
        sinks.append(sink)
        return sink

    yield make
    for sink in sinks:
        sink.close(timeout=0.1)


def alarm(url: str, number: int = 1, *, trusted: bool = False) -> Alarm:
    return Alarm(
        key="p1",
        alarm_id="a1",
        url=url,
        notification=f"s1/{number}",
        state="MAINTENANCE",
        body=b"{}",
        request_id=f"req-{number}",
        session_id="s1",
        project_id="p1",
        trusted=trusted,
    )


def test_a_refused_connection_is_a_recorded_failure(make_sink, deliveries) -> None:
    """Nobody listens: no status, the reason in words, and the next alarm has its turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sink = make_sink()
    sink.send(alarm(f"http://127.0.0.1:{port}/", 1))
    sink.send(alarm(f"http://127.0.0.1:{port}/", 2))
    made = [deliveries.get(timeout=BOUND) for _ in range(2)]
    assert [(d.notification, d.status, d.error, d.final) for d in made] == [
        ("s1/1", None, "no connection: Connection refused", True),
        ("s1/2", None, "no connection: Connection refused", True),
    ]


def test_a_name_that_does_not_resolve_is_a_recorded_failure(make_sink, deliveries) -> None:
    """The resolver's reason is passed on."""

    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    make_sink(TargetGuard(resolve=resolve)).send(alarm("http://vnfm.invalid/"))
    assert deliveries.get(timeout=BOUND).error == "the name of the host does not resolve: Name or service not known"


def test_a_silent_subscriber_is_given_up(make_sink, deliveries, serve) -> None:
    """It takes the connection and the alarm, and never answers."""
    make_sink().send(alarm(f"http://127.0.0.1:{serve(Peer.hold)}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.error) == (None, "no answer within 0.2 s")


@pytest.mark.parametrize(
    ("start", "forever"),
    [
        (b"HTTP/1.1 200 OK\r\nx-drip: ", b"a"),
        (b"HTTP/1.1 ", b"2"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["header field", "status line", "interim answers"],
)
def test_a_header_that_drips_is_cut(make_sink, deliveries, serve, start: bytes, forever: bytes) -> None:
    """Each byte comes in time, but the answer as a whole does not."""

    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.drip(start, forever)

    make_sink().send(alarm(f"http://127.0.0.1:{serve(drip)}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.error) == (None, "no answer within 0.2 s")
    assert delivery.latency < BOUND / 2


@pytest.mark.parametrize(
    ("framing", "forever"),
    [(b"content-length: 1000000", b"a"), (b"transfer-encoding: chunked", b"1\r\na\r\n"), (b"connection: close", b"a")],
    ids=["length", "chunks", "until closed"],
)
def test_a_body_that_drips_is_cut(make_sink, deliveries, serve, framing: bytes, forever: bytes) -> None:
    """The status counts, the rest is not waited for beyond the time of the answer."""

    def drip(peer: Peer) -> None:
        peer.read_request()
        peer.drip(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n", forever)

    make_sink().send(alarm(f"http://127.0.0.1:{serve(drip)}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.error) == (200, "the answer did not end within 0.2 s")


def test_a_huge_answer_is_not_read_to_its_end(make_sink, deliveries, serve) -> None:
    """After a little of it the connection is closed, and the next alarm goes over a new one."""
    connections: queue.Queue[bool] = queue.Queue()

    def flood(peer: Peer) -> None:
        connections.put(True)
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
        while True:
            peer.send(bytes(65536))

    sink, url = make_sink(seconds=5), f"http://127.0.0.1:{serve(flood)}/"
    sink.send(alarm(url, 1))
    sink.send(alarm(url, 2))
    made = [deliveries.get(timeout=BOUND) for _ in range(2)]
    assert [(d.status, d.error) for d in made] == [(200, None), (200, None)]
    assert connections.qsize() == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "the connection was closed without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the answer is not HTTP: SSH-2.0-OpenSSH_9.6"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", "the answer is not HTTP: got more than 100 headers"),
    ],
    ids=["nothing", "another protocol", "too many fields"],
)
def test_answers_that_are_none_are_recorded_failures(make_sink, deliveries, serve, answer: bytes, error: str) -> None:
    """What came instead of an answer is said in words."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(answer)

    make_sink().send(alarm(f"http://127.0.0.1:{serve(script)}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.error) == (None, error)


def test_a_body_that_breaks_off_counts_as_an_answer(make_sink, deliveries, serve) -> None:
    """The status was said; what is missing is noted."""

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok")

    make_sink().send(alarm(f"http://127.0.0.1:{serve(script)}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.error) == (200, "the answer broke off")


def test_an_alarm_lost_by_a_kept_open_connection_is_sent_again(make_sink, deliveries, serve) -> None:
    """A server that closes an idle connection just then has not seen the alarm; both attempts are recorded."""
    requests: queue.Queue[bytes] = queue.Queue()

    def close_at_second(peer: Peer) -> None:
        requests.put(peer.read_request())
        peer.send(OK)
        # Reads the second request and goes without a word, as a server does whose idle time is just over.
        peer.read_request()

    sink, url = make_sink(seconds=5), f"http://127.0.0.1:{serve(close_at_second)}/"
    sink.send(alarm(url, 1))
    sink.send(alarm(url, 2))
    made = [deliveries.get(timeout=BOUND) for _ in range(3)]
    assert [(d.notification, d.attempt, d.status, d.final) for d in made] == [
        ("s1/1", 1, 200, True),
        ("s1/2", 1, None, False),
        ("s1/2", 2, 200, True),
    ]
    assert made[1].error == "the connection was closed without an answer"
    assert requests.qsize() == 2


def test_a_new_connection_that_is_closed_is_not_tried_again(make_sink, deliveries, serve) -> None:
    """Under Aodh's policy a subscriber that hangs up on an alarm gets it once."""
    requests: queue.Queue[bytes] = queue.Queue()
    make_sink().send(alarm(f"http://127.0.0.1:{serve(lambda peer: requests.put(peer.read_request()))}/"))
    assert deliveries.get(timeout=BOUND).final
    assert requests.qsize() == 1


def test_a_connection_idle_for_long_is_not_used_again(make_sink, deliveries, serve, monkeypatch) -> None:
    """It might be closed in the moment in which it is used."""
    monkeypatch.setattr("fenix_simulator.adapters.guarded_pools.KEEP_OPEN", -1.0)
    connections: queue.Queue[bool] = queue.Queue()

    def script(peer: Peer) -> None:
        connections.put(True)
        while peer.read_request():
            peer.send(OK)

    sink, url = make_sink(seconds=5), f"http://127.0.0.1:{serve(script)}/"
    for number in range(3):
        sink.send(alarm(url, number))
        assert deliveries.get(timeout=BOUND).status == 200
    assert connections.qsize() == 3


def test_a_refused_target_gets_nothing_and_is_not_retried(make_sink, deliveries, serve) -> None:
    """The address is checked when it is connected to, not only when the project subscribed."""
    port = serve(Peer.hold)
    sink = make_sink(TargetGuard(allow=["192.0.2.0/24"]), policy="retry:1h")
    sink.send(alarm(f"http://127.0.0.1:{port}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.final) == (None, True)
    assert delivery.error == "the alarm target 127.0.0.1 is not among the allowed targets"


def test_a_name_whose_answer_changes_gets_nothing(make_sink, deliveries, serve) -> None:
    """DNS that first names an allowed address and then a forbidden one: each connection is judged on its own address,
    so the second alarm stops at the guard although the first went through."""
    requests: queue.Queue[bytes] = queue.Queue()

    def script(peer: Peer) -> None:
        requests.put(peer.read_request())
        peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")

    port, answers = serve(script), iter(["127.0.0.1", "127.0.0.2", "169.254.169.254"])
    guard = TargetGuard(allow=["127.0.0.1"], resolve=lambda host, port: [next(answers)])
    sink = make_sink(guard)
    for number in range(3):
        sink.send(alarm(f"http://vnfm.example:{port}/", number))
    made = [deliveries.get(timeout=BOUND) for _ in range(3)]
    assert [d.status for d in made] == [200, None, None]
    assert [d.error for d in made[1:]] == [
        "the alarm target vnfm.example (127.0.0.2) is not among the allowed targets",
        "the alarm target vnfm.example (169.254.169.254) is a link-local address, which is never connected to",
    ]
    assert requests.qsize() == 1


def test_a_trusted_targets_connection_does_not_serve_an_untrusted_alarm(make_sink, deliveries, serve) -> None:
    """Kept-open connections are no way round the guard."""

    def script(peer: Peer) -> None:
        while peer.read_request():
            peer.send(OK)

    sink, url = make_sink(TargetGuard(allow=[]), seconds=5), f"http://127.0.0.1:{serve(script)}/"
    sink.send(alarm(url, 1, trusted=True))
    sink.send(alarm(url, 2, trusted=False))
    assert [deliveries.get(timeout=BOUND).status for _ in range(2)] == [200, None]


def test_https_goes_through_the_guard_as_well(make_sink, deliveries) -> None:
    """The address is refused before anything is said on it."""
    guard = TargetGuard(resolve=lambda host, port: ["10.1.2.3"])
    make_sink(guard).send(alarm("https://vnfm.example/"))
    assert "vnfm.example (10.1.2.3) is not among the allowed targets" in (deliveries.get(timeout=BOUND).error or "")


def test_a_subscriber_that_does_not_speak_tls_is_a_recorded_failure(make_sink, deliveries, serve) -> None:
    """https to a port that answers in plain text."""
    port = serve(lambda peer: peer.drip(b"HTTP/1.1 400 Bad Request\r\n\r\n", b""))
    make_sink(seconds=5).send(alarm(f"https://127.0.0.1:{port}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert delivery.status is None
    assert (delivery.error or "").startswith("no TLS connection: ")


def test_a_tls_handshake_that_does_not_end_is_given_up(make_sink, deliveries, serve) -> None:
    """Within the time for a connection."""
    make_sink().send(alarm(f"https://127.0.0.1:{serve(Peer.hold)}/"))
    delivery = deliveries.get(timeout=BOUND)
    assert (delivery.status, delivery.error) == (None, "no connection within 0.2 s")


def test_a_url_that_is_none_is_a_recorded_failure(make_sink, deliveries) -> None:
    """Whatever goes wrong ends in the record, not in a dead sender."""
    sink = make_sink()
    for number, url in enumerate(["http://", "gopher://127.0.0.1/", "http://[::1/", f"http://{'a' * 70}.example/"]):
        sink.send(alarm(url, number))
        delivery = deliveries.get(timeout=BOUND)
        assert delivery.status is None
        assert delivery.error
