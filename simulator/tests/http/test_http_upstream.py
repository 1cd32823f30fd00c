"""Upstream's manners: the 41 requests that were recorded from the real server get the recorded answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.domain.errors import UnknownProject, UnknownSession
from fenix_simulator.domain.rules import Behaviour, Dialect
from fenix_simulator.http.app import create_app
from fenix_simulator.http.upstream import ANSWERS, Case
from fenix_simulator.subscriptions import Subscriptions

REFERENCE = Path(__file__).parent.parent / "reference" / "upstream_http.json"
RECORDED = json.loads(REFERENCE.read_text("utf-8"))["http"]

SESSION = "cbb0fb6a-e68e-11f1-954e-02fc00000001"
A, B = "ead0dbcaf3564cbbb04842e3e54960e3", "0f2b1d6e7a924c61a5a2fd2a1c1f8f10"
ON_HOST = {
    A: ("b48d7092-63c4-5695-a8ce-37a1635f579d", "928887a2-8361-5602-a4fd-70c604065418"),
    B: ("9f2f6a79-7de9-57f5-b552-9132425388c4",),
}
ELSEWHERE = {A: ("b5529ac3-9f27-56d6-aeb1-067c85c67404",), B: ()}


class FakeService:
    """The recorded session, in PLANNED_MAINTENANCE: before its reply a project's list is the host's, then all."""

    behaviour = Behaviour.UPSTREAM
    dialect = Dialect.MAP

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.subscriptions = Subscriptions()
        self.clock = SimpleNamespace(now=lambda: datetime(2026, 3, 1, tzinfo=UTC))
        self.replies: dict[str, tuple[str, Mapping[str, str] | None]] = {}

    def list_sessions(self) -> list[str]:
        return [SESSION]

    def session_state(self, session_id: str) -> str:
        if session_id != SESSION:
            raise UnknownSession(session_id)
        return "PLANNED_MAINTENANCE"

    def instance_ids(self, session_id: str, project_id: str) -> tuple[str, ...]:
        self.session_state(session_id)
        if project_id not in ON_HOST:
            raise UnknownProject(project_id)
        return ON_HOST[project_id] + (ELSEWHERE[project_id] if project_id in self.replies else ())

    def reply(self, session_id: str, project_id: str, state: str, actions: Mapping[str, str] | None) -> None:
        self.instance_ids(session_id, project_id)
        self.replies[project_id] = (state, actions)


@pytest.fixture
def service():
    """The recorded session, nothing replied yet."""
    return FakeService()


@pytest.fixture
def client(service):
    """A client of a server that answers as upstream."""
    return create_app(service).test_client()


@pytest.mark.parametrize("recorded", RECORDED, ids=[case["case"] for case in RECORDED])
def test_a_recorded_request_gets_the_recorded_answer(service, client, recorded):
    """Status, content type, Allow and body, to the byte."""
    if "after its ACK" in recorded["case"]:
        service.reply(SESSION, A, "ACK_PLANNED_MAINTENANCE", {})
    method, path = recorded["request"].split(" ", 1)
    body = recorded["request_body"]
    headers = recorded["request_headers"]
    answer = client.open(
        path,
        method=method,
        data=None if body is None else body.encode("latin-1"),
        headers=headers,
        content_type=headers.get("Content-Type"),
    )
    assert answer.status_code == recorded["status"]
    assert answer.headers["Content-Type"] == recorded["headers"]["Content-Type"]
    assert answer.headers.get("Allow") == recorded["headers"].get("Allow")
    assert answer.get_data(as_text=True) == recorded["body"]
    assert answer.headers["Content-Length"] == recorded["headers"]["Content-Length"]


def test_every_answer_of_the_table_was_recorded():
    """Each way of its own that upstream has is one that was seen."""
    seen = {(case["status"], case["headers"]["Content-Type"], case["body"]) for case in RECORDED}
    assert set(ANSWERS) == set(Case)
    assert {(*given[:2], given.body + "\n") for given in ANSWERS.values()} <= seen


WHATEVER = [
    {"state": "ACK_LUNCH"},
    {"state": "NACK_PLANNED_MAINTENANCE"},
    {"state": "ACK_MAINTENANCE"},
    {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {}},
    {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"unknown": "EVACUATE"}},
]


@pytest.mark.parametrize("reply", WHATEVER)
def test_whatever_can_be_read_is_taken(service, client, reply):
    answer = client.put(f"/v1/maintenance/{SESSION}/{A}", json=reply)
    assert (answer.status_code, answer.get_json()) == (200, reply)
    assert service.replies[A] == (reply["state"], reply.get("instance_actions"))


@pytest.mark.parametrize("body", ["{", "", "[]", "null", '{"state": 1}', '{"state": "X", "instance_actions": [1]}'])
def test_what_cannot_be_read_changes_nothing(service, client, body):
    answer = client.put(f"/v1/maintenance/{SESSION}/{A}", data=body, content_type="application/json")
    assert (answer.status_code, service.replies) == (500, {})


def test_the_other_surfaces_keep_their_own_manners(client):
    for path in ("/v2/nothing", "/simulator/v1/nothing"):
        answer = client.get(path)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    posted = client.post("/simulator/v1/health")
    assert (posted.status_code, posted.content_type) == (405, "application/problem+json")


def test_the_real_service_starts_and_deletes_sessions_for_upstream_too(make_world):
    world = make_world(behaviour=Behaviour.UPSTREAM)
    client = world.client()
    started = client.post("/v1/maintenance", json={"hosts": [], "state": "MAINTENANCE", "workflow": "default"})
    session_id = started.get_json()["session_id"]
    assert client.get("/v1/maintenance").get_json() == {"sessions": [session_id]}
    assert client.get(f"/v1/maintenance/{session_id}/A").get_json() == {"instance_ids": ["a0", "a/1"]}
    assert client.delete(f"/v1/maintenance/{session_id}").get_json() == {}
    assert client.delete(f"/v1/maintenance/{session_id}").get_json() == {"error": "Invalid session"}
