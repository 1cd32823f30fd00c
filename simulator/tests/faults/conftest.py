"""A server with faults, and clients and managers that see every byte of what it does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any

import pytest
import urllib3

from fenix_simulator.adapters.clock import TimeMode
from fenix_simulator.bootstrap import Settings, Simulator
from fenix_simulator.ports import Filter, Recorded
from fenix_simulator.scenario import loads
from fenix_vnfm import AlarmReceiver

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10

SCENARIO = {
    "version": 1,
    "inventory": {"hosts": 2, "vcpus": 8, "projects": 2, "instances_per_project": 2, "spare_hosts": 1},
    "timing": {"reply_window": "60s"},
}


class Site:
    """A server with a session that awaits every project's reply to MAINTENANCE."""

    def __init__(self, receiver: AlarmReceiver, *faults: Mapping[str, Any], **choices: Any) -> None:
        members = {
            name: choices.pop(name) for name in ("behaviour", "dialect", "inventory", "delivery") if name in choices
        }
        scenario = loads(json.dumps({**SCENARIO, **members, "faults": faults}).encode())
        alarms = choices.pop("alarm_url", None) or receiver.route("/alarms", lambda alarm: None)
        mode = TimeMode.parse(choices.pop("time", "manual"))
        settings = Settings(scenario=scenario, time=mode, alarm_urls=((None, alarms),), **choices)
        self.receiver = receiver
        self._serve(settings)
        self.a, self.b = (project.project_id for project in self.simulator.inventory.projects)
        (self.session,) = self.simulator.start_sessions()

    def _serve(self, settings: Settings) -> None:
        self.simulator = Simulator(settings).start()
        self.host, self.port = self.simulator.server.address

    def start_again(self) -> None:
        """Stop the server and start another one with the same journal."""
        self.simulator.stop()
        self._serve(self.simulator.settings)

    def path(self, project: str | None = None) -> str:
        return f"/v1/maintenance/{self.session}/{project or self.a}"

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self.host, self.port, timeout=BOUND)

    def send(
        self,
        method: str,
        project: str | None = None,
        body: Any = None,
        connection: HTTPConnection | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; status, fields in lower case and body. Raises RemoteDisconnected where no answer comes."""
        connection = connection or self.connect()
        if method == "PUT":
            body = {"state": "ACK_MAINTENANCE"} if body is None else body
            headers = {"Content-Type": "application/json", **headers}
        connection.request(method, self.path(project), json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, fields, answer.read()

    def status(self, method: str, project: str | None = None) -> int | None:
        """The answer's status; None where there is no answer."""
        try:
            return self.send(method, project)[0]
        except RemoteDisconnected:
            return None

    def control(self, method: str, path: str, document: object = None) -> urllib3.BaseHTTPResponse:
        return urllib3.request(method, f"{self.simulator.url}/simulator/v1{path}", json=document, timeout=BOUND)

    def wait_for(self, kind: str, count: int) -> list[Recorded]:
        """The entries of a kind, once there are so many."""
        while True:
            last = self.simulator.journal.last
            if len(found := self.recorded(kind)) >= count:
                return found
            assert self.simulator.journal.wait(last, BOUND), f"{len(found)} of {count}"

    def recorded(self, kind: str) -> list[Recorded]:
        return self.simulator.journal.read(only=Filter(kinds=frozenset({kind})))

    def answered(self) -> list[tuple[str, int | None]]:
        """Method and status of each request to the project API, as the journal has them."""
        return [(one.data["method"], one.data["status"]) for one in self.recorded("request")]

    def replied(self) -> list[str | None]:
        return [one.project_id for one in self.recorded("event") if one.type == "ReplyAccepted"]


@pytest.fixture
def make_site() -> Iterator[Callable[..., Site]]:
    made: list[Site] = []
    receivers: list[AlarmReceiver] = []

    def make(*faults: Mapping[str, Any], **choices: Any) -> Site:
        receivers.append(AlarmReceiver())
        made.append(Site(receivers[-1], *faults, **choices))
        return made[-1]

    yield make
    for site in made:
        site.simulator.stop()
    for receiver in receivers:
        receiver.close()


@dataclass(slots=True)
class Seen:
    """What came over a connection until it ended: the bytes, when each piece came, and whether a reset ended it."""

    data: bytes = b""
    times: list[float] = field(default_factory=list)
    is_reset: bool = False

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int | None:
        """The answer's status; None where there is none."""
        return int(self.data.split(b" ", 2)[1]) if self.data else None

    @property
    def promised(self) -> int:
        """The length of the body that the head promises."""
        return int(self.fields["content-length"])

    @property
    def fields(self) -> dict[str, str]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def read(self, connection: socket.socket, *, whole: bool = False) -> Seen:
        """Read until the end; with ``whole`` until the body is there."""
        connection.settimeout(BOUND)
        try:
            while not (whole and b"\r\n\r\n" in self.data and len(self.body) >= self.promised):
                piece = connection.recv(65_536)
                if not piece:
                    break
                self.data += piece
                self.times.append(time.monotonic())
        except ConnectionResetError:
            self.is_reset = True
        return self


class RawReceiver:
    """Takes alarms byte by byte, one connection each, and answers 200 to those that come whole."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/alarms"
        self._changed = threading.Condition()
        self._seen: list[Seen] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def wait_for(self, count: int) -> list[Seen]:
        """The first alarms, once there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._seen) >= count, BOUND), f"{len(self._seen)} of {count}"
            return list(self._seen)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(BOUND)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                seen = Seen().read(connection, whole=True)
                if not seen.is_reset and seen.data and len(seen.body) == seen.promised:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            with self._changed:
                self._seen.append(seen)
                self._changed.notify_all()


@pytest.fixture
def raw_receiver() -> Iterator[RawReceiver]:
    receiver = RawReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def ask() -> Callable[..., Seen]:
    """One request to a site over a socket of its own, and all that comes back until the connection ends."""

    def send(site: Site, method: str, path: str, body: object = None) -> Seen:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(content)}\r\n"
        with socket.create_connection((site.host, site.port), BOUND) as connection:
            connection.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + content)
            return Seen().read(connection)

    return send
