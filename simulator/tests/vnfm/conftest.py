"""What the tests of the sample VNFM share: a fake Fenix on a real socket, a fake cloud, a fake clock, and alarms."""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from fenix_contract.alarm import alarm_body, encode, traits
from fenix_contract.vocabulary import ACTION_STATES, Action
from fenix_vnfm import AlarmReceiver, CloudError, CloudInstance, Exchange, ProjectManager

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Received:
    """A request as the fake Fenix got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = tuple[int, dict[str, str], bytes] | None


class FakeFenix:
    """Answers lists and replies over HTTP, as scripted: ``lists`` maps a path to its ids, ``script`` queues answers.

    A scripted answer is a status, a (status, headers, body) or None: the connection is closed without an answer. An
    answer may be preceded by a wait for a ``gate``. Everything asked is kept.
    """

    def __init__(self) -> None:
        self.lists: dict[str, Any] = {}
        self.gates: dict[str, threading.Event] = {}
        self.clients: set[tuple[str, int]] = set()
        self._scripts: dict[str, deque[Any]] = {}
        self._requests: list[Received] = []
        self._changed = threading.Condition()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _any(self) -> None:
                fake.clients.add(self.client_address)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = fake.take(Received(self.command, self.path, headers, body))
                if answer is None:
                    self.close_connection = True
                    return
                status, extra, content = answer
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_DELETE = _any  # noqa: N815 - http.server's names

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: Any) -> None:
                pass  # a client that was closed in the middle is what some tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def script(self, method: str, *answers: Any, path: str = "") -> None:
        """Answer the next requests of that method (and path) so, in order."""
        self._scripts.setdefault(f"{method} {path}", deque()).extend(answers)

    def take(self, request: Received) -> Answer:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            queue = self._scripts.get(f"{request.method} {request.path}") or self._scripts.get(f"{request.method} ")
            scripted = queue.popleft() if queue else 200
        gate = self.gates.get(f"{request.method} {request.path}")
        if gate is not None:
            assert gate.wait(10)
        if scripted is None:
            return None
        if isinstance(scripted, tuple):
            return scripted  # type: ignore[return-value]
        if scripted == 200 and request.method == "GET":
            content = json.dumps({"instance_ids": self.lists.get(request.path, [])}).encode()
            return 200, {"Content-Type": "application/json"}, content
        return scripted, {"Content-Type": "application/json"}, b"" if scripted == 204 else b"{}"

    def requests(self, method: str | None = None, path: str | None = None) -> list[Received]:
        with self._changed:
            return [one for one in self._requests if method in (None, one.method) and path in (None, one.path)]

    def wait_for_requests(self, count: int, method: str, timeout: float = 5.0) -> list[Received]:
        with self._changed:
            assert self._changed.wait_for(
                lambda: sum(one.method == method for one in self._requests) >= count, timeout
            ), f"{count} {method} expected, there were {[f'{one.method} {one.path}' for one in self._requests]}"
        return self.requests(method)

    def close(self) -> None:
        for gate in self.gates.values():
            gate.set()
        self._server.shutdown()
        self._server.server_close()


class FakeCloud:
    """A cloud in memory. ``errors`` are raised, one for each call, before anything is done."""

    def __init__(self, *instances: CloudInstance) -> None:
        self.all = list(instances)
        self.calls: list[tuple[str, ...]] = []
        self.errors: deque[int | None] = deque()
        self._lock = threading.Lock()

    def _call(self, *call: str) -> None:
        with self._lock:
            self.calls.append(call)
            if self.errors:
                status = self.errors.popleft()
                if status != 0:
                    exchange = Exchange("POST", "http://cloud/", NOW, 0.0, {}, b"", status, error="no answer in time")
                    raise CloudError(exchange)

    def instances(self, project_id: str) -> list[CloudInstance]:
        self._call("instances", project_id)
        return [one for one in self.all if one.project_id == project_id]

    def remove(self, instance_id: str) -> None:
        self._call("remove", instance_id)
        self.all = [one for one in self.all if one.instance_id != instance_id]

    def add(self, project_id: str, *, name: str, vcpus: int, flavor: str = "", floating_ip: bool = False) -> None:
        self._call("add", name)
        self.all.append(CloudInstance(str(uuid.uuid4()), project_id, name, vcpus, "", flavor, floating_ip))

    def move(self, instance_id: str) -> None:
        self._call("move", instance_id)
        self.all = [replace(one, host="elsewhere") if one.instance_id == instance_id else one for one in self.all]

    def names(self) -> set[str]:
        return {one.name for one in self.all}


class FakeClock:
    """Time that passes only in pauses; each pause is kept."""

    def __init__(self) -> None:
        self._now = NOW
        self.pauses: list[timedelta] = []

    def now(self) -> datetime:
        return self._now

    def pause(self, length: timedelta) -> bool:
        self.pauses.append(length)
        self._now += length
        return False


def make_alarm(
    state: str,
    url: str = "http://127.0.0.1:9/v1/maintenance/s1/p1",
    *,
    session_id: str = "s1",
    project_id: str | None = "p1",
    instance_ids: str | None = None,
    allowed: Any = None,
    reply_at: datetime | None = NOW + timedelta(seconds=20),
    message_id: str | None = None,
    event_type: str = "maintenance.scheduled",
    more: tuple[tuple[str, int, Any], ...] = (),
    without: tuple[str, ...] = (),
) -> bytes:
    """An alarm's body as Aodh posts it. ``more`` are further traits, ``without`` names those to leave out."""
    if allowed is None:
        allowed = [str(action) for action in Action] if state in ACTION_STATES else []
    payload = {
        "project_id": project_id,
        "instance_ids": url if instance_ids is None else instance_ids,
        "reply_url": url,
        "allowed_actions": allowed,
        "state": state,
        "session_id": session_id,
        "reply_at": reply_at,
        "actions_at": reply_at,
        "metadata": {"release": "Queens"},
    }
    made = [trait for trait in traits(payload) if trait[0] not in without] + [list(trait) for trait in more]
    body = alarm_body(
        alarm_name="a",
        alarm_id=str(uuid.uuid4()),
        severity="low",
        previous="alarm",
        reason_query=[],
        message_id=str(uuid.uuid4()) if message_id is None else message_id,
        event_type=event_type,
        generated=NOW,
        traits=made,
        message_signature="x",
    )
    return encode(body)


@pytest.fixture
def alarm() -> Callable[..., bytes]:
    """Makes the body of an alarm; see ``make_alarm``."""
    return make_alarm


@pytest.fixture
def post() -> Iterator[Callable[..., urllib3.BaseHTTPResponse]]:
    """POSTs an alarm's body to a URL and gives the answer."""
    pools = urllib3.PoolManager(maxsize=16)

    def send(url: str, body: bytes, content_type: str | None = "application/json") -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": content_type} if content_type else {}
        return pools.request("POST", url, body=body, headers=headers, retries=False, timeout=10)

    yield send
    pools.clear()


@pytest.fixture
def fenix() -> Iterator[FakeFenix]:
    """A fake Fenix on a free port."""
    fake = FakeFenix()
    yield fake
    fake.close()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only pauses move."""
    return FakeClock()


@pytest.fixture
def cloud() -> FakeCloud:
    """A cloud with six instances of 2 vCPUs of project p1, the first with a floating IP."""
    return FakeCloud(
        *(
            CloudInstance(f"i{number}", "p1", f"vdu-{number}", 2, "h0", "m2", floating_ip=number == 1)
            for number in range(1, 7)
        )
    )


@pytest.fixture
def fake_cloud() -> type[FakeCloud]:
    """Makes clouds of one's own."""
    return FakeCloud


@pytest.fixture
def manage(clock: FakeClock) -> Iterator[Callable[..., ProjectManager]]:
    """Starts project managers on the fake clock; they are closed at the end."""
    started: list[ProjectManager] = []

    def start(project_id: str | None = "p1", *args: Any, **options: Any) -> ProjectManager:
        options = {"now": clock.now, "pause": clock.pause, **options}
        manager = ProjectManager(project_id, *args, **options)
        started.append(manager)
        return manager

    yield start
    for manager in started:
        manager.close()


@pytest.fixture
def receiver() -> Iterator[AlarmReceiver]:
    """An alarm receiver on a free port."""
    with AlarmReceiver() as one:
        yield one
