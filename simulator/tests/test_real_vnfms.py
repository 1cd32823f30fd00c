"""Project managers that exist, unmodified: each takes part in a whole maintenance against the strict server.

Their stand-ins here have the manners of OPNFV Doctor's two sample managers and of OpenStack Tacker's Fenix plugin. That
they do is shown first: given the alarms that the real ones were given, they send what the real ones were recorded to
send. Then the server has to do with them as they are.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
import urllib3
import yaml

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 20

RECORDING = json.loads((Path(__file__).parents[2] / "conformance/tests/reference/vnfm_clients.json").read_text("utf-8"))


class Nova(Protocol):
    """The instances of the manager's project, as OpenStack shows them to it."""

    def ids(self) -> list[str]: ...

    def scale(self, by: int) -> None: ...


@dataclass(frozen=True)
class Sent:
    """A request of a stand-in and the status it was answered."""

    method: str
    url: str
    fields: Mapping[str, str]
    body: Any
    status: int


class Refusal(Exception):
    """An alarm that the manager does not take: status and body of its answer."""


class StandIn(ABC):
    """A manager's own HTTP server, and the requests that it sends in turn."""

    path = "/maintenance"
    token = "gAAAAABtoken"
    #: Doctor's samples serve with one thread: a second alarm waits until the first was answered.
    server: type[HTTPServer] = HTTPServer
    taken: tuple[int, str] = (200, "OK")
    broken = (500, "Internal Server Error")

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        self.sent: list[Sent] = []
        self._pool = urllib3.PoolManager(maxsize=8, timeout=BOUND, retries=False)
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            timeout = BOUND

            def do_POST(self) -> None:
                alarm = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    stand_in.take(alarm)
                    status, text = stand_in.taken
                except Refusal as refusal:
                    status, text = refusal.args
                except Exception:
                    status, text = stand_in.broken
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = self.server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{self.path}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @abstractmethod
    def take(self, alarm: Mapping[str, Any]) -> None:
        """Do what an alarm asks for. Whatever is raised is the manager's 500."""

    def send(self, method: str, url: str, body: object = None) -> urllib3.BaseHTTPResponse:
        fields = {"Accept": "application/json", "Content-Type": "application/json", "X-Auth-Token": self.token}
        data = None if body is None else json.dumps(body)
        answer = self._pool.request(method, url, body=data, headers=fields)
        self.sent.append(Sent(method, url, fields, body, answer.status))
        return answer

    @abstractmethod
    def finish(self) -> None:
        """Wait until nothing more is sent."""

    def close(self) -> None:
        self.finish()
        self._server.shutdown()
        self._server.server_close()
        self._pool.clear()


class Doctor(StandIn):
    """What both of Doctor's samples have in common: they do all of their work before they answer the alarm."""

    def take(self, alarm: Mapping[str, Any]) -> None:
        traits = {name: _from_repr(value) for name, _, value in alarm["reason_data"]["event"]["traits"]}
        state = traits["state"]
        if state == "INSTANCE_ACTION_DONE":
            return
        answer = getattr(self, state.lower())(traits)
        self.send("PUT", traits["reply_url"], answer)

    def finish(self) -> None:
        """All is sent by the time that an alarm is answered."""

    def listed(self, traits: Mapping[str, Any]) -> list[str]:
        ids: list[str] = self.send("GET", traits["instance_ids"]).json()["instance_ids"]
        return ids

    def require_migrate(self, traits: Mapping[str, Any]) -> None:
        if "MIGRATE" not in traits["allowed_actions"]:
            raise ValueError(traits["allowed_actions"])


class DoctorSample(Doctor):
    """GETs the list and PUTs one action for each instance; takes no notice of what it is answered."""

    def maintenance(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        return self.reply(traits, instance_ids=self.listed(traits))

    def scale_in(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        self.nova.scale(-2)
        return self.reply(traits, instance_ids=self.nova.ids())

    def planned_maintenance(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        self.require_migrate(traits)
        if not isinstance(traits["instance_ids"], str):
            raise TypeError("no URL")
        return self.reply(traits, instance_actions=dict.fromkeys(self.listed(traits), "MIGRATE"))

    prepare_maintenance = planned_maintenance

    def maintenance_complete(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        self.nova.scale(+2)
        return self.reply(traits)

    def reply(self, traits: Mapping[str, Any], **members: Any) -> dict[str, Any]:
        return {**members, "session_id": traits["session_id"], "state": f"ACK_{traits['state']}"}


class DoctorVnfm(Doctor):
    """One ``instance_action`` whatever is asked about; a list is fetched at MAINTENANCE, to be compared with Nova's."""

    def maintenance(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        known = set(self.listed(traits)) == set(self.nova.ids())
        return {"state": f"{'ACK' if known else 'NACK'}_MAINTENANCE"}

    def scale_in(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        self.nova.scale(-2)
        return {"state": "ACK_SCALE_IN"}

    def planned_maintenance(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        self.require_migrate(traits)
        return {"instance_action": "MIGRATE", "state": f"ACK_{traits['state']}"}

    prepare_maintenance = planned_maintenance

    def maintenance_complete(self, traits: Mapping[str, Any]) -> dict[str, Any]:
        self.nova.scale(+2)
        return {"state": "ACK_MAINTENANCE_COMPLETE"}


class Tacker(StandIn):
    """Answers at once and PUTs from threads, what has an action twice; only 200 is a success, else it tries again."""

    path = "/v1.0/vnfs/a-vnf/maintenance/a-project/a-key"
    token = "gAAAAAtacker-token"
    server = ThreadingHTTPServer
    taken = (201, '{"maintenance": {"params": "..."}}')
    refused = (400, '{"NeutronError": "Could not find the required params for maintenance"}')
    tries = 5
    #: Five seconds in the real one.
    pause = 0.02

    def __init__(self, nova: Nova) -> None:
        super().__init__(nova)
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def take(self, alarm: Mapping[str, Any]) -> None:
        traits = {
            name: ast.literal_eval(value) if isinstance(value, str) and value[:1] in ("[", "{") else value
            for name, _, value in alarm["reason_data"]["event"]["traits"]
        }
        state = traits.get("state")
        if not {"instance_ids", "session_id", "state", "reply_url"} <= set(traits):
            raise Refusal(*self.refused)
        if state in ("PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE"):
            if not (isinstance(traits["instance_ids"], list) and isinstance(traits["allowed_actions"], list)):
                raise Refusal(*self.refused)
            for _ in range(2):
                self.spawn(lambda: {"instance_action": "MIGRATE"}, traits)
        elif state == "SCALE_IN":
            self.spawn(self.scaled_in, traits)
        elif state in ("MAINTENANCE", "MAINTENANCE_COMPLETE"):
            self.spawn(lambda: {"instance_ids": self.nova.ids()}, traits)
        elif state == "INSTANCE_ACTION_DONE":
            self.spawn(dict, traits)
        else:
            raise Refusal(*self.refused)

    def scaled_in(self) -> dict[str, Any]:
        self.nova.scale(-2)
        return {"instance_ids": self.nova.ids()}

    def spawn(self, members: Callable[[], dict[str, Any]], traits: Mapping[str, Any]) -> None:
        def put() -> None:
            body = {**members(), "session_id": traits["session_id"], "state": f"ACK_{traits['state']}"}
            for _ in range(self.tries):
                if self.send("PUT", traits["reply_url"], body).status == 200:
                    return
                self._closing.wait(self.pause)

        thread = threading.Thread(target=put)
        self._threads.append(thread)
        thread.start()

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(BOUND)


def _from_repr(value: object) -> Any:
    """As Doctor reads a trait: YAML is near enough to Python's repr, once the u of u'…' is gone."""
    text = str(value)
    return yaml.safe_load(text.replace("u'", "'")) if "[" in text or "{" in text else text


STAND_INS: dict[str, type[StandIn]] = {"doctor_sample": DoctorSample, "doctor_vnfm": DoctorVnfm, "tacker": Tacker}


# -- the stand-ins are what they stand for ---------------------------------------------------------------------------


class RecordedNova:
    """Shows the instances that the real manager saw."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = list(ids)

    def ids(self) -> list[str]:
        return self._ids

    def scale(self, by: int) -> None:
        """The recorded list is that of afterwards."""


class RecordedFenix:
    """Answers lists and replies as the manager was answered when it was recorded, and keeps what it is asked."""

    def __init__(self, ids: Sequence[str], put_status: int) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str], str]] = []
        fenix = self

        class Handler(BaseHTTPRequestHandler):
            timeout = BOUND

            def do_GET(self) -> None:
                self._answer(200, json.dumps({"instance_ids": list(ids)}))

            def do_PUT(self) -> None:
                self._answer(put_status, "{}" if put_status == 200 else "")

            def _answer(self, status: int, text: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                fenix.asked.append((self.command, self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


CASES = [pytest.param(name, record, id=f"{name}: {record['case']}") for name in STAND_INS for record in RECORDING[name]]


@pytest.mark.parametrize(("name", "record"), CASES)
def test_a_stand_in_sends_what_the_real_manager_was_recorded_to_send(name, record):
    bodies = [json.loads(request["body"]) for request in record["requests"] if request["body"]]
    last = bodies[-1] if bodies else {}
    ids = last.get("instance_ids") or list(last.get("instance_actions", ["i-1"]))
    # The only recorded NACK: Doctor's manager had scaled by then, and Fenix's list was not the one that Nova had.
    nova = RecordedNova([*ids, "another"] if last.get("state", "").startswith("NACK") else ids)
    fenix = RecordedFenix(ids, 204 if "204" in record["case"] else 200)
    stand_in = STAND_INS[name](nova)
    try:
        host = record["requests"][0]["headers"]["Host"] if record["requests"] else "127.0.0.1:1"
        alarm = json.dumps(record["alarm"]).replace(host, fenix.address)
        answer = urllib3.request("POST", stand_in.url, body=alarm, timeout=BOUND, retries=False)
        before_answer = len(fenix.asked)
        stand_in.finish()
    finally:
        stand_in.close()
        fenix.close()
    status, text = record["answer"]
    assert answer.status == status
    if status < 400:
        assert answer.data.decode() == text
    assert [(method, path) for method, path, _, _ in fenix.asked] == [
        (request["method"], request["path"]) for request in record["requests"]
    ]
    for (_, _, fields, body), request in zip(fenix.asked, record["requests"], strict=True):
        assert body == request["body"]
        for field in ("Accept", "Content-Type", "X-Auth-Token"):
            assert fields[field] == request["headers"][field]
    if name != "tacker":
        assert before_answer == record["requests_before_answer"]


# -- a whole maintenance ---------------------------------------------------------------------------------------------


class Server:
    """``fenix-simulator serve`` as a process, with a full cloud: whoever takes part meets every state."""

    def __init__(self, dialect: str) -> None:
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--format", "json", "--port", "0"]
        command += ["--scenario", "scale-in", "--dialect", dialect]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._pool = urllib3.PoolManager(maxsize=16, timeout=2 * BOUND, retries=False)
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.url: str = ready["url"]
        self.projects: list[str] = ready["projects"]

    def ask(self, method: str, path: str, document: object = None) -> Any:
        answer = self._pool.request(method, self.url + path, json=document)
        assert answer.status < 300, (method, path, answer.data)
        return answer.json() if answer.data else None

    def subscribe(self, project: str, url: str) -> None:
        self.ask(
            "POST",
            "/v2/alarms",
            {
                "name": "MAINTENANCE_ALARM",
                "type": "event",
                "event_rule": {"event_type": "maintenance.scheduled", "query": []},
                "project_id": project,
                "alarm_actions": [url],
                "repeat_actions": True,
            },
        )

    def maintain(self) -> list[dict[str, Any]]:
        """Start a session, and give back the whole journal once it has ended."""
        self.ask("POST", "/v1/maintenance", {"hosts": [], "state": "MAINTENANCE", "metadata": {}})
        entries: list[dict[str, Any]] = []
        while not any(entry["type"] in ("SessionDone", "SessionFailed") for entry in entries):
            after = entries[-1]["number"] if entries else 0
            page = self.ask("GET", f"/simulator/v1/journal?after={after}&wait={BOUND}&limit=1000")
            assert page["entries"], "nothing happens any more"
            entries += page["entries"]
        return entries

    def stop(self) -> None:
        self._pool.clear()
        self._process.terminate()
        self._process.wait(BOUND)
        assert self._process.stdout is not None
        self._process.stdout.close()


class SimulatedNova:
    """The simulator's cloud, in the place of Nova and Heat."""

    def __init__(self, server: Server, project: str) -> None:
        self._server = server
        self._project = project

    def ids(self) -> list[str]:
        listed = self._server.ask("GET", f"/simulator/v1/instances?project_id={self._project}&limit=1000")
        return [one["instance_id"] for one in listed["instances"]]

    def scale(self, by: int) -> None:
        for _ in range(by):
            self._server.ask("POST", "/simulator/v1/instances", {"project_id": self._project})
        for instance in self.ids()[by:] if by < 0 else ():
            self._server.ask("DELETE", f"/simulator/v1/instances/{instance}")


@pytest.fixture
def start() -> Iterator[Callable[[str], Server]]:
    servers: list[Server] = []

    def starting(dialect: str) -> Server:
        servers.append(Server(dialect))
        return servers[-1]

    yield starting
    for server in servers:
        server.stop()


STATES = ["SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE", "MAINTENANCE_DONE"]


#: Members whose value says what a reply means; of the others only the kind is compared.
_WORDS = ("state", "instance_action")


def _shape(body: Any) -> str:
    """The members of a body in their order, and what kind of thing each is; ids are no matter."""
    if not isinstance(body, dict):
        return "no body"
    members = []
    for name, value in body.items():
        if isinstance(value, dict):
            kinds: Any = {type(key).__name__: word for key, word in value.items()}
        elif isinstance(value, list):
            kinds = sorted({type(one).__name__ for one in value})
        else:
            kinds = value if name in _WORDS else type(value).__name__
        members.append(f"{name}={kinds}")
    return ", ".join(members)


def _recorded_shapes(name: str) -> set[str]:
    """Method and shape of body of everything that the real manager sent. PREPARE is answered as PLANNED is; nobody
    could record Tacker in PREPARE, for it was asked by a URL."""
    shapes = set()
    for record in RECORDING[name]:
        for request in record["requests"]:
            body = json.loads(request["body"]) if request["body"] else None
            shapes.add(f"{request['method']} {_shape(body)}")
    return shapes | {shape.replace("_PLANNED_", "_PREPARE_") for shape in shapes}


@pytest.mark.parametrize(
    ("name", "dialect"), [("doctor_sample", "map"), ("doctor_vnfm", "per-instance"), ("tacker", "per-instance")]
)
def test_a_real_manager_takes_part_in_a_whole_maintenance(start, name, dialect):
    server = start(dialect)
    stand_ins = {project: STAND_INS[name](SimulatedNova(server, project)) for project in server.projects}
    before = {project: len(stand_in.nova.ids()) for project, stand_in in stand_ins.items()}
    try:
        for project, stand_in in stand_ins.items():
            server.subscribe(project, stand_in.url)
        entries = server.maintain()
        for stand_in in stand_ins.values():
            stand_in.finish()
    finally:
        for stand_in in stand_ins.values():
            stand_in.close()
    entered = [entry["data"]["state"] for entry in entries if entry["type"] == "StateEntered"]
    assert entered[-1] == "MAINTENANCE_DONE", next(e["data"] for e in entries if e["type"] == "SessionFailed")
    assert [state for state in dict.fromkeys(entered) if state in STATES] == STATES
    deliveries = [entry["data"] for entry in entries if entry["kind"] == "delivery"]
    assert {delivery["status"] for delivery in deliveries} == {STAND_INS[name].taken[0]}
    known = _recorded_shapes(name)
    for project, stand_in in stand_ins.items():
        assert {f"{sent.method} {_shape(sent.body)}" for sent in stand_in.sent} <= known
        taken = [(sent.method, sent.url, sent.body) for sent in stand_in.sent if sent.status == 200]
        # What Tacker says twice may be refused the second time, when the same instance is asked about in another state.
        refused = [sent for sent in stand_in.sent if sent.status != 200]
        assert name == "tacker" or not refused
        assert all((sent.method, sent.url, sent.body) in taken for sent in refused), refused
        if name != "tacker":
            assert len(stand_in.nova.ids()) == before[project]
    if name == "tacker":
        _check_that_tacker_says_it_twice(stand_ins.values())
    hosts = server.ask("GET", "/simulator/v1/hosts")["hosts"]
    maintained = [entry["data"]["host"] for entry in entries if entry["type"] == "HostMaintained"]
    assert sorted(maintained) == sorted(host["name"] for host in hosts)


def _check_that_tacker_says_it_twice(stand_ins: Iterable[StandIn]) -> None:
    for stand_in in stand_ins:
        assert {sent.method for sent in stand_in.sent} == {"PUT"}
        said = Counter((sent.url, sent.body["state"]) for sent in stand_in.sent if "instance_action" in sent.body)
        assert said
        assert min(said.values()) >= 2
        assert "ACK_INSTANCE_ACTION_DONE" in {sent.body["state"] for sent in stand_in.sent}


# -- constraints -----------------------------------------------------------------------------------------------------

INSTANCE_CONSTRAINTS = {
    "instance_id": "b48d7092-63c4-5695-a8ce-37a1635f579d",
    "project_id": "ead0dbcaf3564cbbb04842e3e54960e3",
    "group_id": "6e1b0b9e-2c02-4c1a-9d3f-7f3d5a0f8e10",
    "instance_name": "doctor_nonha_app_1",
    "max_interruption_time": 120,
    "migration_type": "MIGRATION",
    "resource_mitigation": True,
    "lead_time": 40,
}
GROUP_CONSTRAINTS = {
    "group_id": "6e1b0b9e-2c02-4c1a-9d3f-7f3d5a0f8e10",
    "project_id": "ead0dbcaf3564cbbb04842e3e54960e3",
    "group_name": "doctor_nonha_app_group",
    "anti_affinity_group": False,
    "max_instances_per_host": 0,
    "max_impacted_members": 2,
    "recovery_time": 2,
    "resource_mitigation": True,
}


def test_constraints_are_stated_and_taken_back_as_the_managers_do(start):
    """Tacker takes 200 only for done, Doctor's newer manager 200 or 204; a DELETE has no body, but a content type."""
    server = start("per-instance")
    for stand_in in (Tacker(RecordedNova([])), DoctorVnfm(RecordedNova([]))):
        try:
            for kind, document in (("instance_group", GROUP_CONSTRAINTS), ("instance", INSTANCE_CONSTRAINTS)):
                url = f"{server.url}/v1/{kind}/{document['group_id' if kind == 'instance_group' else 'instance_id']}"
                for _ in range(2):
                    assert stand_in.send("PUT", url, document).status == 200
                assert stand_in.send("GET", url).json() == document
                assert stand_in.send("DELETE", url).status == 200
                assert stand_in.send("GET", url).status == 404
        finally:
            stand_in.close()
