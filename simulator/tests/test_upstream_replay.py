"""Upstream behaviour end to end over HTTP: what the public server of 2019-03 was recorded doing, replayed.

24 replies and what its workflow made of each, its 41 answers, and two whole maintenances with two Doctor managers.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3

from fenix_simulator.adapters.clock import TimeMode
from fenix_simulator.bootstrap import Settings, Simulator
from fenix_simulator.ports import Filter
from fenix_simulator.scenario import loads
from fenix_vnfm.receiver import AlarmReceiver, ReceivedAlarm

REFERENCE = Path(__file__).parent / "reference"
A, B = "ead0dbcaf3564cbbb04842e3e54960e3", "0f2b1d6e7a924c61a5a2fd2a1c1f8f10"
A0, A1, A2 = (
    "b48d7092-63c4-5695-a8ce-37a1635f579d",
    "928887a2-8361-5602-a4fd-70c604065418",
    "b5529ac3-9f27-56d6-aeb1-067c85c67404",
)
B0, B1 = "9f2f6a79-7de9-57f5-b552-9132425388c4", "4a18f812-c840-5d7b-b4be-8eb6a54d72dc"
#: The cloud of the recorded replies: an empty host, and one with instances of both projects to begin with.
PLANNED = {
    A: [{"id": A0, "host": "compute-0"}, {"id": A1, "host": "compute-0"}, {"id": A2, "host": "compute-1"}],
    B: [{"id": B0, "host": "compute-0"}, {"id": B1, "host": "compute-1"}],
}


def recorded(name: str) -> Any:
    return json.loads((REFERENCE / f"{name}.json").read_text())


def settings_for(projects: Mapping[str, list[dict[str, str]]], *alarm_urls: tuple[str, str], **more: Any) -> Settings:
    """A server in upstream behaviour over that cloud of three hosts with four vCPUs each, time moved by hand."""
    names = dict(zip(projects, "AB", strict=False))
    scenario = {
        "version": 1,
        "inventory": {
            "hosts": [{"name": f"compute-{number}", "vcpus": 4} for number in range(3)],
            "projects": [{"name": names[project], "project_id": project} for project in projects],
            "instances": [
                {
                    "name": one["id"],
                    "instance_id": one["id"],
                    "project": names[project],
                    "host": one["host"],
                    "vcpus": 1,
                }
                for project, instances in projects.items()
                for one in instances
            ],
        },
        "metadata": {"openstack_release": "Queens"},
        "behaviour": "upstream",
    }
    return Settings(
        scenario=loads(json.dumps(scenario).encode()), time=TimeMode.parse("manual"), alarm_urls=alarm_urls, **more
    )


class DoctorManager:
    """Answers an alarm after its own GET and PUT, as OPNFV Doctor's sample manager does, and keeps what it sent."""

    def __init__(self, removed: list[str], hold: str | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.removed = removed
        self.hold = hold
        self.remove: Any = None
        self._pool = urllib3.PoolManager(retries=False)

    def request(self, method: str, url: str, data: dict[str, Any] | None = None) -> Any:
        body = None if data is None else json.dumps(data)
        answer = self._pool.request(
            method.upper(), url, body=body, headers={"Accept": "application/json", "Content-Type": "application/json"}
        )
        text = answer.data.decode()
        self.requests.append({"method": method, "url": url, "data": body, "status": answer.status, "response": text})
        return json.loads(text)

    def __call__(self, alarm: ReceivedAlarm) -> None:
        message = alarm.message
        assert message is not None
        if message.state == "INSTANCE_ACTION_DONE" or message.state == self.hold:
            return
        reply: dict[str, Any] = {}
        if message.state == "MAINTENANCE":
            self.listed = self.request("get", message.instance_ids)["instance_ids"]
            reply["instance_ids"] = self.listed
        elif message.state == "SCALE_IN":
            for instance_id in self.removed:
                self.remove(instance_id)
            reply["instance_ids"] = [one for one in self.listed if one not in self.removed]
        elif message.allowed_actions:
            listed = self.request("get", message.instance_ids)["instance_ids"]
            reply["instance_actions"] = dict.fromkeys(listed, "MIGRATE")
        reply |= {"session_id": message.session_id, "state": f"ACK_{message.state}"}
        self.request("put", message.reply_url, reply)


class Run:
    """A simulator in upstream behaviour with a manager for each project, and what it tells."""

    def __init__(self, projects: Mapping[str, list[dict[str, str]]], managers: Mapping[str, Any]) -> None:
        self.receiver = AlarmReceiver()
        urls = [
            (project, self.receiver.route(f"/{project}", handler, inline=True)) for project, handler in managers.items()
        ]
        urls.append(("admin", self.receiver.route("/admin")))
        self.simulator = Simulator(settings_for(projects, *urls)).start()
        for manager in managers.values():
            if isinstance(manager, DoctorManager):
                manager.remove = self.simulator.service.remove_instance
        self.session_id = self.simulator.service.create_session(metadata={"openstack_release": "Queens"})
        self.pool = urllib3.PoolManager(retries=False)

    def close(self) -> None:
        self.simulator.stop()
        self.receiver.close()

    def state(self) -> str:
        return self.simulator.service.session_state(self.session_id)

    def notifications(self) -> list[tuple[str, str, str, Any]]:
        """(type, state, project, instance ids of a report or host) of all that was told, in order."""
        told = []
        for entry in self.simulator.journal.read(0, 10_000, Filter(kinds=frozenset({"event"}))):
            data = entry.data
            if entry.type == "ProjectNotified":
                done = data["state"] == "INSTANCE_ACTION_DONE"
                told.append(
                    ("scheduled", data["state"], data["project_id"], list(data["instance_ids"]) if done else None)
                )
            elif entry.type == "HostMaintenanceStarted":
                told.append(("host", "IN_MAINTENANCE", "admin", data["host"]))
            elif entry.type == "HostMaintained":
                told.append(("host", "MAINTENANCE_COMPLETE", "admin", data["host"]))
        return told

    def wait(self, settled: Any) -> None:
        """Until the deliveries are done and the condition holds; each journal entry is a reason to look again."""
        for _ in range(2_000):
            number = self.simulator.journal.last
            if settled():
                return
            assert self.simulator.journal.wait(number, 10), "nothing happens any more"
        raise AssertionError("it never settled")

    def delivered(self) -> int:
        return len(self.simulator.journal.read(0, 10_000, Filter(kinds=frozenset({"delivery"}))))

    def advance_until(self, *states: str) -> None:
        """Let the infrastructure work until a state is reached."""
        for _ in range(200):
            self.wait(lambda: self.delivered() == len(self.notifications()) - self.unheard())
            if self.state() in states:
                return
            self.simulator.service.advance(None, None, True)
        raise AssertionError(f"still in {self.state()}")

    def unheard(self) -> int:
        managed = {one.project_id for one in self.simulator.subscriptions.list()}
        return sum(told[2] not in managed for told in self.notifications())

    def get(self, project: str) -> tuple[int, str]:
        answer = self.pool.request("GET", self.url(project))
        return answer.status, answer.data.decode()

    def put(self, project: str, body: Any) -> tuple[int, str]:
        data = body if isinstance(body, str) else json.dumps(body)
        answer = self.pool.request("PUT", self.url(project), body=data, headers={"Content-Type": "application/json"})
        return answer.status, answer.data.decode()

    def url(self, project: str) -> str:
        return f"{self.simulator.url}/v1/maintenance/{self.session_id}/{project}"


@pytest.fixture
def run() -> Iterator[Any]:
    """Makes runs, and ends them."""
    made: list[Run] = []

    def make(*arguments: Any) -> Run:
        made.append(Run(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.close()


def steps(told: list[Any]) -> list[Any]:
    """The notifications with the projects within one step in any order."""
    grouped = []
    for kind, group in itertools.groupby(told, key=lambda one: (one[0], one[1])):
        grouped.append((kind, sorted(json.dumps(one) for one in group)))
    return grouped


def shortened(told: list[tuple[str, str, str, Any]]) -> list[list[Any]]:
    """As the recording writes them: four letters of the project, no host."""
    return [[kind, state, who[:4], None if kind == "host" else ids] for kind, state, who, ids in told]


REPLIES = [case for case in recorded("upstream_workflow") if "puts" in case]
HELD = [case for case in recorded("upstream_workflow") if case["case"].startswith("scenario")]


@pytest.mark.parametrize("case", REPLIES, ids=lambda case: case["case"])
def test_a_reply_in_planned_maintenance_ends_as_recorded(run, case):
    """The same answers, the same notifications in the same order, the same end and the same list afterwards."""
    doctor = [DoctorManager([], hold="PLANNED_MAINTENANCE"), DoctorManager([], hold="PLANNED_MAINTENANCE")]
    flow = run(PLANNED, {A: doctor[0], B: doctor[1]})
    flow.advance_until("PLANNED_MAINTENANCE")
    puts = list(case["puts"])
    senders = [A, B] if len(puts) == 2 else [B if "B NACK" in case["case"] else A]
    for project, (status, body) in zip(senders, puts, strict=False):
        sent = body.strip() if body.endswith("\n") else body + '"MIGRATE"}}'  # the recording was cut off
        answered, echo = flow.put(project, sent)
        assert (answered, echo[: len(body)]) == (status, body)
    if case["extra"]:
        status, _ = flow.put(
            A, {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {A0: "MIGRATE", A1: "MIGRATE"}}
        )
        assert status == case["extra"][1]
    flow.advance_until("MAINTENANCE_FAILED")
    assert flow.state() == case["session"]["state"]
    assert steps(shortened(flow.notifications())) == steps(case["states"])
    assert list(flow.get(A)) == case["GET afterwards"]
    assert list(flow.put(A, {"state": "ACK_MAINTENANCE"})) == case["PUT afterwards"]
    assert flow.simulator.service.session_view(flow.session_id).replies == case["projects"] | {A: "ACK_MAINTENANCE"}


def test_a_project_without_an_alarm_fails_the_session_at_once_and_nobody_is_told(run):
    case = next(case for case in recorded("upstream_workflow") if case["case"].startswith("project B has no alarm"))
    flow = run(PLANNED, {A: DoctorManager([])})
    assert flow.state() == case["session"]["state"]
    assert flow.notifications() == case["notifications"]
    assert flow.get(A) == (200, case["GET A"])


@pytest.mark.parametrize("case", HELD, ids=lambda case: case["case"])
def test_the_lists_in_a_state_that_is_held_are_as_recorded(run, case):
    """Before its reply a project that was told in PREPARE gets the host's instances, all others get all of theirs."""
    kind, state = re.match(r"scenario (\w+) held in (\w+)", case["case"]).groups()
    maintenance = recorded(f"upstream_maintenance_{kind}")
    removed = _removed(maintenance)
    managers = {project: DoctorManager(removed[project], hold=state) for project in (A, B)}
    flow = run(maintenance["projects"], managers)
    flow.advance_until(case["state"])
    assert flow.get(A) == (200, case["GET A"])
    assert flow.get(B) == (200, case["GET B"])
    assert steps(shortened(flow.notifications())) == steps(case["states"])


def test_all_recorded_requests_get_the_recorded_answers(run):
    """In their order, on one held session: status, content type, Allow and body of each of the 41."""
    held = {project: DoctorManager([], hold="PLANNED_MAINTENANCE") for project in (A, B)}
    flow = run(PLANNED | {B: PLANNED[B]}, held)
    flow.advance_until("PLANNED_MAINTENANCE")
    cases = recorded("upstream_http")["http"]
    session = re.search(r"/v1/maintenance/([0-9a-f-]{36})/", cases[0]["request"]).group(1)
    connection = http.client.HTTPConnection("127.0.0.1", int(flow.simulator.url.rpartition(":")[2]), timeout=10)
    for case in cases:
        method, _, path = case["request"].partition(" ")
        body = case["request_body"]
        data = None if body is None else body.replace(session, flow.session_id).encode("latin-1")
        connection.request(method, path.replace(session, flow.session_id), data, case["request_headers"])
        answer = connection.getresponse()
        text = answer.read().decode().replace(flow.session_id, session)
        assert (answer.status, text) == (case["status"], case["body"]), case["case"]
        assert answer.headers["Content-Type"] == case["headers"]["Content-Type"], case["case"]
        allowed = set(case["headers"].get("Allow", "").split(", "))
        assert set((answer.headers["Allow"] or "").split(", ")) == allowed, case["case"]
    connection.close()


@pytest.mark.parametrize("name", ["prepare", "scalein"])
def test_a_whole_maintenance_is_told_as_recorded(run, name):
    """The same notifications in the same order, and each manager's requests get the same answers."""
    maintenance = recorded(f"upstream_maintenance_{name}")
    removed = _removed(maintenance)
    managers = {project: DoctorManager(removed[project]) for project in (A, B)}
    flow = run(maintenance["projects"], managers)
    flow.advance_until("MAINTENANCE_DONE")
    expected = []
    for notification in maintenance["notifications"]:
        payload = notification["payload"]
        kind = notification["event_type"].rpartition(".")[2]
        ids = payload.get("instance_ids") if payload["state"] == "INSTANCE_ACTION_DONE" else payload.get("host")
        expected.append((kind, payload["state"], payload["project_id"], ids))
    assert steps(flow.notifications()) == steps(expected)
    for project, manager in managers.items():
        assert [_plain(one) for one in manager.requests] == [
            _plain(one) for one in maintenance["requests_of_each_project"][project]
        ]


def _removed(maintenance: Any) -> dict[str, list[str]]:
    """What each manager gave up at SCALE_IN, told by its replies to MAINTENANCE and SCALE_IN."""
    gone: dict[str, list[str]] = {}
    for project, requests in maintenance["requests_of_each_project"].items():
        said = [json.loads(one["data"]) for one in requests if one["method"] == "put"]
        kept = [one["instance_ids"] for one in said if one["state"] == "ACK_SCALE_IN"]
        before = next(one["instance_ids"] for one in said if one["state"] == "ACK_MAINTENANCE")
        gone[project] = [one for one in before if kept and one not in kept[0]]
    return gone


def _plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """Without the parts that differ from run to run: port and session."""
    text = json.dumps({key: request[key] for key in ("method", "url", "data", "status", "response")})
    text = re.sub(r"127\.0\.0\.1:\d+", "host", text)
    return json.loads(
        re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[15][0-9a-f]{3}-[0-9a-f]{4}-(02fc|[0-9a-f]{4})[0-9a-f]{8}", _session, text)
    )


def _session(match: re.Match[str]) -> str:
    known = {A0, A1, A2, B0, B1}
    return match.group() if match.group() in known or match.group()[:8] in _INSTANCES else "session"


_INSTANCES = {
    one["id"][:8]
    for name in ("prepare", "scalein")
    for instances in recorded(f"upstream_maintenance_{name}")["projects"].values()
    for one in instances
}
