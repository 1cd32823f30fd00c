"""Delivery of alarms to subscribers that behave: order, parallelism, attempts, what is recorded."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fenix_simulator.adapters.target_guard import TargetGuard
from fenix_simulator.adapters.webhook import WebhookAlarmSink
from fenix_simulator.delivery import parse_delivery
from fenix_simulator.ports import Alarm, Delivery

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10


@dataclass
class Received:
    path: str
    fields: dict[str, str]
    body: bytes


@dataclass
class RecordingReceiver:
    """A subscriber: records what it is sent, then lets ``answer`` say what is answered (status, extra fields)."""

    port: int
    received: queue.Queue[Received] = field(default_factory=queue.Queue)
    answer: Callable[[Received], tuple[int, dict[str, str]]] = lambda received: (200, {})
    connections: set[tuple[str, int]] = field(default_factory=set)

    def url(self, path: str = "/maintenance") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def next(self) -> Received:
        return self.received.get(timeout=BOUND)


@pytest.fixture
def make_receiver() -> Iterator[Callable[[], RecordingReceiver]]:
    servers = []

    def make() -> RecordingReceiver:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = BOUND

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received = Received(self.path, dict(self.headers), body)
                receiver.connections.add(self.client_address)
                receiver.received.put(received)
                status, fields = receiver.answer(received)
                self.send_response(status)
                for name, value in {"content-length": "0", **fields}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        receiver = RecordingReceiver(server.server_port)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return receiver

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(make_receiver: Callable[[], RecordingReceiver]) -> RecordingReceiver:
    return make_receiver()


class FakeDelays:
    """Delays that pass when the test says so."""

    def __init__(self) -> None:
        self.started: queue.Queue[tuple[timedelta, Callable[[], None]]] = queue.Queue()

    def start(self, delay: timedelta, call: Callable[[], None]) -> None:
        self.started.put((delay, call))

    def pass_next(self) -> timedelta:
        """Let the next delay pass and return it."""
        delay, call = self.started.get(timeout=BOUND)
        call()
        return delay

    def close(self) -> None:
        """Nothing to drop."""


@dataclass
class Sending:
    """A sink and everything that it reported."""

    sink: WebhookAlarmSink
    deliveries: queue.Queue[tuple[Alarm, Delivery]]
    traffic: queue.Queue[tuple[str, str]]

    def next(self) -> Delivery:
        return self.deliveries.get(timeout=BOUND)[1]


@pytest.fixture
def make_sending() -> Iterator[Callable[..., Sending]]:
    sinks = []

    def make(policy: str = "aodh", **options: object) -> Sending:
        deliveries: queue.Queue[tuple[Alarm, Delivery]] = queue.Queue()
        traffic: queue.Queue[tuple[str, str]] = queue.Queue()
        sink = WebhookAlarmSink(
            parse_delivery(policy),
            TargetGuard(),
            lambda alarm, delivery: deliveries.put((alarm, delivery)),
            on_busy=lambda session: traffic.put(("busy", session)),
            on_idle=lambda session: traffic.put(("idle", session)),
            **options,
        )
        sinks.append(sink)
        return Sending(sink, deliveries, traffic)

    yield make
    for sink in sinks:
        sink.close(timeout=0.1)


def alarm(url: str, key: str = "p1", number: int = 1, session: str | None = "s1", body: bytes | None = None) -> Alarm:
    return Alarm(
        key=key,
        alarm_id=f"alarm-of-{key}",
        url=url,
        notification=f"{session}/{number}",
        state="MAINTENANCE",
        body=body if body is not None else f'{{"key": "{key}", "number": {number}}}'.encode(),
        request_id=f"req-{key}-{number}",
        session_id=session,
        project_id=key,
    )


def test_an_alarm_is_posted_as_aodh_posts_it(make_sending, receiver) -> None:
    """JSON bytes as they were built, content type and request id in the header, query of the URL kept."""
    make_sending().sink.send(alarm(receiver.url("/alarm?of=p1")))
    received = receiver.next()
    assert received.path == "/alarm?of=p1"
    assert received.body == b'{"key": "p1", "number": 1}'
    assert received.fields["content-type"] == "application/json"
    assert received.fields["x-openstack-request-id"] == "req-p1-1"
    assert received.fields["Content-Length"] == "26"


def test_every_attempt_is_recorded(make_sending, receiver) -> None:
    """The delivery says where, what, which attempt, which status, how long, and that it was the last."""
    receiver.answer = lambda received: (202, {})
    sending = make_sending()
    sending.sink.send(alarm(receiver.url()))
    delivery = sending.next()
    assert (delivery.alarm_id, delivery.url, delivery.notification) == ("alarm-of-p1", receiver.url(), "s1/1")
    assert (delivery.state, delivery.attempt, delivery.status) == ("MAINTENANCE", 1, 202)
    assert (delivery.error, delivery.final) == (None, True)
    assert 0 < delivery.latency < BOUND
    assert delivery.body == '{"key": "p1", "number": 1}'


def test_alarms_of_a_project_arrive_in_order(make_sending, receiver) -> None:
    """Fifty alarms of each of three projects, sent interleaved."""
    sending = make_sending()
    for number in range(50):
        for key in ("p1", "p2", "p3"):
            sending.sink.send(alarm(receiver.url(f"/{key}/{number}"), key, number))
    arrived: dict[str, list[int]] = {"p1": [], "p2": [], "p3": []}
    for _ in range(150):
        _, key, number = receiver.next().path.split("/")
        arrived[key].append(int(number))
    assert arrived == {key: list(range(50)) for key in arrived}


def test_one_line_takes_one_thread_and_one_connection(make_sending, receiver) -> None:
    """A project's alarms go over the connection that is open already, and no further senders are started for them."""
    sending = make_sending()
    for number in range(20):
        sending.sink.send(alarm(receiver.url(), number=number))
    for _ in range(20):
        sending.next()
    assert len(receiver.connections) == 1
    assert sending.sink.senders == 1


def test_a_blocked_subscriber_does_not_delay_the_others(make_sending, make_receiver) -> None:
    """One project's manager does not answer; another's gets all its alarms meanwhile."""
    blocked, prompt, release = make_receiver(), make_receiver(), threading.Event()
    blocked.answer = lambda received: (200 if release.wait(BOUND) else 500, {})
    sending = make_sending()
    sending.sink.send(alarm(blocked.url(), "p1", 1))
    sending.sink.send(alarm(blocked.url(), "p1", 2))
    blocked.next()
    for number in range(10):
        sending.sink.send(alarm(prompt.url(), "p2", number))
    assert [sending.next().notification for _ in range(10)] == [f"s1/{number}" for number in range(10)]
    assert blocked.received.empty()
    release.set()
    assert [sending.next().notification for _ in range(2)] == ["s1/1", "s1/2"]


def test_all_projects_are_told_at_once(make_sending, receiver) -> None:
    """Sixteen managers each answer only when all sixteen have been asked."""
    everybody = threading.Barrier(16)
    receiver.answer = lambda received: (200 if everybody.wait(BOUND) >= 0 else 500, {})
    sending = make_sending(workers=16)
    for project in range(16):
        sending.sink.send(alarm(receiver.url(), f"p{project}"))
    assert {sending.next().status for _ in range(16)} == {200}


def test_no_more_than_the_given_number_is_sent_at_once(make_sending, receiver) -> None:
    """With two senders a third project's alarm waits until one of them is free."""
    release = threading.Semaphore(0)
    receiver.answer = lambda received: (200 if release.acquire(timeout=BOUND) else 500, {})
    sending = make_sending(workers=2)
    for project in range(3):
        sending.sink.send(alarm(receiver.url(f"/p{project}"), f"p{project}"))
    assert {receiver.next().path, receiver.next().path} == {"/p0", "/p1"}
    assert receiver.received.empty()
    release.release()
    assert receiver.next().path == "/p2"
    release.release(2)


def test_a_manager_may_call_back_before_it_answers(make_sending, make_receiver) -> None:
    """Its handler calls a server that itself sends alarms and reads what was recorded: nothing deadlocks."""
    server, manager = make_receiver(), make_receiver()
    sending = make_sending()

    def serve(received: Received) -> tuple[int, dict[str, str]]:
        sending.sink.send(alarm(server.url("/sent-from-the-call"), "p2", 2))
        return 200, {}

    def handle(received: Received) -> tuple[int, dict[str, str]]:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=BOUND)
        connection.request("POST", "/list", body=b"")
        status = connection.getresponse().status
        connection.close()
        return status, {}

    server.answer = lambda received: serve(received) if received.path == "/list" else (200, {})
    manager.answer = handle
    sending.sink.send(alarm(manager.url(), "p1", 1))
    assert {(d.notification, d.status) for d in (sending.next(), sending.next())} == {("s1/1", 200), ("s1/2", 200)}


@pytest.mark.parametrize("status", [200, 204, 301, 404, 500, 503])
def test_aodhs_policy_makes_one_attempt_whatever_the_answer(make_sending, receiver, status: int) -> None:
    """Aodh ignores the status, so the alarm is done with."""
    receiver.answer = lambda received: (status, {})
    sending = make_sending("aodh")
    sending.sink.send(alarm(receiver.url(), number=1))
    sending.sink.send(alarm(receiver.url(), number=2))
    made = [sending.next(), sending.next()]
    assert [(d.notification, d.attempt, d.status, d.final) for d in made] == [
        ("s1/1", 1, status, True),
        ("s1/2", 1, status, True),
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(make_sending, make_receiver, status: int) -> None:
    """The place a subscriber points to was not checked by anybody."""
    elsewhere, subscriber = make_receiver(), make_receiver()
    subscriber.answer = lambda received: (status, {"location": elsewhere.url()})
    sending = make_sending()
    sending.sink.send(alarm(subscriber.url()))
    assert sending.next().status == status
    assert elsewhere.received.empty()


def test_proxies_of_the_environment_are_not_used(make_sending, make_receiver, monkeypatch) -> None:
    """An alarm to an allowed address must not go to a proxy that is not."""
    proxy, subscriber = make_receiver(), make_receiver()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url(""))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    sending = make_sending()
    sending.sink.send(alarm(subscriber.url()))
    assert sending.next().status == 200
    assert subscriber.next().path == "/maintenance"
    assert proxy.received.empty()


def test_retries_follow_the_schedule_until_the_alarm_is_taken(make_sending, receiver) -> None:
    """Two failures, two pauses as the policy has them, then a 2xx ends it; each attempt is recorded."""
    statuses = iter([503, 404, 201])
    receiver.answer = lambda received: (next(statuses), {})
    delays = FakeDelays()
    sending = make_sending("retry:5s,30s,60s", delays=delays)
    sending.sink.send(alarm(receiver.url()))
    assert delays.pass_next() == timedelta(seconds=5)
    assert delays.pass_next() == timedelta(seconds=30)
    made = [sending.next() for _ in range(3)]
    assert [(d.attempt, d.status, d.final) for d in made] == [(1, 503, False), (2, 404, False), (3, 201, True)]
    assert delays.started.empty()


def test_retries_end_with_the_schedule(make_sending, receiver) -> None:
    """After the last pause the last attempt is final, and the project's next alarm has its turn."""
    receiver.answer = lambda received: (503 if b'"number": 1' in received.body else 200, {})
    delays = FakeDelays()
    sending = make_sending("retry:5s", delays=delays)
    sending.sink.send(alarm(receiver.url(), number=1))
    sending.sink.send(alarm(receiver.url(), number=2))
    assert delays.pass_next() == timedelta(seconds=5)
    made = [sending.next() for _ in range(3)]
    assert [(d.notification, d.status, d.final) for d in made] == [
        ("s1/1", 503, False),
        ("s1/1", 503, True),
        ("s1/2", 200, True),
    ]


def test_a_projects_later_alarms_wait_for_a_retry_and_other_projects_do_not(make_sending, receiver) -> None:
    """Order within the project is kept while its first alarm pauses, without holding a sender."""
    failures = iter([503])
    receiver.answer = lambda received: (next(failures, 200) if received.path == "/p1/1" else 200, {})
    delays = FakeDelays()
    sending = make_sending("retry:5s", delays=delays, workers=1)
    sending.sink.send(alarm(receiver.url("/p1/1"), "p1", 1))
    sending.sink.send(alarm(receiver.url("/p1/2"), "p1", 2))
    assert sending.next().status == 503
    sending.sink.send(alarm(receiver.url("/p2/3"), "p2", 3))
    assert sending.next().notification == "s1/3"
    delays.pass_next()
    assert [sending.next().notification for _ in range(2)] == ["s1/1", "s1/2"]


def test_a_session_is_busy_from_each_alarm_until_it_was_recorded(make_sending, receiver) -> None:
    """Pauses between attempts count as busy; the other session is told apart."""
    failures = iter([503])
    receiver.answer = lambda received: (next(failures, 200) if received.path == "/p1" else 200, {})
    delays = FakeDelays()
    sending = make_sending("retry:5s", delays=delays)
    sending.sink.send(alarm(receiver.url("/p1"), "p1", 1, "s1"))
    sending.next()
    sending.sink.send(alarm(receiver.url("/p2"), "p2", 1, "s2"))
    sending.next()
    seen = [sending.traffic.get(timeout=BOUND) for _ in range(3)]
    assert seen == [("busy", "s1"), ("busy", "s2"), ("idle", "s2")]
    assert sending.traffic.empty()
    delays.pass_next()
    assert sending.traffic.get(timeout=BOUND) == ("idle", "s1")
    assert sending.next().final


def test_an_alarm_without_a_session_makes_nothing_busy(make_sending, receiver) -> None:
    """A synthetic alarm concerns no session's clock."""
    sending = make_sending()
    sending.sink.send(alarm(receiver.url(), session=None))
    sending.next()
    sending.sink.close(timeout=BOUND)
    assert sending.traffic.empty()


def test_a_line_that_is_too_long_drops_alarms_and_says_so(make_sending, receiver) -> None:
    """Beyond the depth an alarm is a recorded delivery that failed without an attempt."""
    release = threading.Event()
    receiver.answer = lambda received: (200 if release.wait(BOUND) else 500, {})
    sending = make_sending(depth=2)
    for number in (1, 2, 3):
        sending.sink.send(alarm(receiver.url(), number=number))
    dropped = sending.next()
    assert (dropped.notification, dropped.attempt, dropped.status, dropped.final) == ("s1/3", 0, None, True)
    assert dropped.error == "not sent: 2 alarms wait for this subscriber already"
    release.set()
    assert [sending.next().notification for _ in range(2)] == ["s1/1", "s1/2"]


def test_a_listener_that_fails_does_not_stop_the_sending(receiver) -> None:
    """A journal whose disk is full costs the record, not the alarms."""

    def fail(*_: object) -> None:
        raise OSError("disk full")

    sink = WebhookAlarmSink(parse_delivery("aodh"), TargetGuard(), fail, on_busy=fail, on_idle=fail)
    sink.send(alarm(receiver.url("/1"), number=1))
    sink.send(alarm(receiver.url("/2"), number=2))
    assert [receiver.next().path, receiver.next().path] == ["/1", "/2"]
    sink.close(timeout=1)


def test_closing_lets_what_is_in_line_be_sent(make_sending, receiver) -> None:
    """Alarms taken before are delivered, later ones are not."""
    sending = make_sending()
    for number in range(5):
        sending.sink.send(alarm(receiver.url(), number=number))
    sending.sink.close(timeout=BOUND)
    sending.sink.send(alarm(receiver.url(), number=99))
    assert [sending.deliveries.get_nowait()[1].notification for _ in range(5)] == [f"s1/{n}" for n in range(5)]
    assert sending.deliveries.empty()
    assert sending.sink.senders == 0


def test_closing_does_not_wait_for_a_blocked_subscriber(make_sending, receiver) -> None:
    """After the given time the rest is given up: not recorded as final, so that it can be sent after a restart."""
    release = threading.Event()
    receiver.answer = lambda received: (200 if release.wait(BOUND) else 500, {})
    sending = make_sending()
    sending.sink.send(alarm(receiver.url()))
    receiver.next()
    sending.sink.close(timeout=0.01)
    release.set()
    assert sending.deliveries.empty()


def test_senders_without_work_end(make_sending, receiver, monkeypatch) -> None:
    """Threads do not outlive a burst for long, and come back for the next."""
    monkeypatch.setattr("fenix_simulator.adapters.webhook._IDLE_SECONDS", 0.01)
    sending = make_sending()
    sending.sink.send(alarm(receiver.url(), number=1))
    sending.next()
    sender = next(thread for thread in threading.enumerate() if thread.name.startswith("alarm-sender"))
    sender.join(BOUND)
    assert not sender.is_alive()
    sending.sink.send(alarm(receiver.url(), number=2))
    assert sending.next().notification == "s1/2"
