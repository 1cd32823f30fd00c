"""The newer dialect: a reply per instance, and constraints."""

from __future__ import annotations

import pytest

from fenix_simulator.domain.rules import Dialect

CONSTRAINTS = {
    "instance_id": "a0",
    "project_id": "A",
    "group_id": "g",
    "instance_name": "vm-a0",
    "max_interruption_time": 120,
    "migration_type": "MIGRATE",
    "resource_mitigation": True,
    "lead_time": 40,
}


@pytest.fixture
def world(make_world):
    """A server that speaks the newer dialect."""
    return make_world(dialect=Dialect.PER_INSTANCE)


@pytest.fixture
def client(world):
    """A client of it."""
    return world.client()


@pytest.mark.parametrize("slash", ["", "/"], ids=["no-slash", "slash"])
@pytest.mark.parametrize("instance_id", ["a0", "a/1"])
def test_an_instance_is_listed_and_replied_about(client, world, slash, instance_id):
    """As OpenStack Tacker replies, twice, with a member that nobody asked for."""
    url = f"/v1/maintenance/{world.session('PLANNED_MAINTENANCE')}/A/{instance_id}{slash}"
    assert client.get(url).get_json() == {"instance_ids": [instance_id]}
    reply = {"instance_action": "MIGRATE", "state": "ACK_PLANNED_MAINTENANCE", "session_id": "s"}
    for _ in range(2):
        answer = client.put(url, json=reply)
        assert (answer.status_code, answer.get_json()) == (
            200,
            {"instance_action": "MIGRATE", "state": "ACK_PLANNED_MAINTENANCE"},
        )
    assert client.put(url, json={**reply, "instance_action": "OWN_ACTION"}).status_code == 409


def test_all_instances_replied_about_are_the_projects_reply(client, world):
    session_id = world.session("PLANNED_MAINTENANCE")
    for instance_id in ("a0", "a/1"):
        assert "A" in world.service.session_view(session_id).awaiting
        reply = {"instance_action": "MIGRATE", "state": "ACK_PLANNED_MAINTENANCE"}
        client.put(f"/v1/maintenance/{session_id}/A/{instance_id}", json=reply)
    assert "A" not in world.service.session_view(session_id).awaiting


UNFIT = [
    ("a0", {"state": "ACK_PLANNED_MAINTENANCE"}, 422),
    ("a0", {"state": "ACK_PLANNED_MAINTENANCE", "instance_action": "EVACUATE"}, 422),
    ("a0", {"state": "ACK_PLANNED_MAINTENANCE", "instance_action": ["MIGRATE"]}, 422),
    ("a0", {"state": "PLANNED_MAINTENANCE", "instance_action": "MIGRATE"}, 422),
    ("a0", {"instance_action": "MIGRATE"}, 422),
    ("a0", [], 400),
    ("b0", {"state": "ACK_PLANNED_MAINTENANCE", "instance_action": "MIGRATE"}, 422),
    ("a0", {"state": "ACK_PREPARE_MAINTENANCE", "instance_action": "MIGRATE"}, 409),
    ("a0", {"state": "NACK_PLANNED_MAINTENANCE"}, 200),
    ("a0", {"state": "ACK_INSTANCE_ACTION_DONE"}, 200),
]


@pytest.mark.parametrize(("instance_id", "body", "status"), UNFIT)
def test_a_reply_is_judged(client, world, instance_id, body, status):
    url = f"/v1/maintenance/{world.session('PLANNED_MAINTENANCE')}/A/{instance_id}"
    assert client.put(url, json=body).status_code == status


def test_a_report_may_be_acknowledged_at_the_projects_own_url(client, world, make_world):
    """Tacker does, because that is the reply_url of a report. In the published dialect it is no reply."""
    session_id = world.session("PLANNED_MAINTENANCE")
    before = world.service.session_view(session_id)
    note = {"session_id": session_id, "state": "ACK_INSTANCE_ACTION_DONE"}
    answer = client.put(f"/v1/maintenance/{session_id}/A", json=note)
    assert (answer.status_code, answer.get_json()) == (200, {"state": "ACK_INSTANCE_ACTION_DONE"})
    assert world.service.session_view(session_id) == before
    assert client.put(f"/v1/maintenance/{session_id}/A", json={"state": "ACK_NOTHING"}).status_code == 422
    published = make_world()
    session_id = published.session("PLANNED_MAINTENANCE")
    assert published.client().put(f"/v1/maintenance/{session_id}/A", json=note).status_code == 422


def test_what_is_unknown_is_404(client, world):
    session_id = world.session()
    for path in ("nope/A/a0", f"{session_id}/C/a0"):
        assert client.put(f"/v1/maintenance/{path}", json={"state": "ACK_MAINTENANCE"}).status_code == 404
    assert client.get(f"/v1/maintenance/{session_id}/A/b0").status_code == 404


def test_the_map_dialect_serves_none_of_it(make_world):
    client = make_world().client()
    for path in ("/v1/maintenance/s/A/a0", "/v1/instance/a0", "/v1/instance_group/g"):
        assert client.put(path, json={}).status_code == 404


@pytest.mark.parametrize("path", ["/v1/instance/a0", "/v1/instance/a0/", "/v1/instance_group/g"])
def test_constraints_are_kept_given_back_and_taken_away(client, path):
    """Always 200: Tacker repeats whatever was answered otherwise."""
    assert client.get(path).status_code == 404
    for document in (CONSTRAINTS, {**CONSTRAINTS, "lead_time": "60"}):
        put = client.put(path, json=document)
        assert (put.status_code, put.get_json()) == (200, document)
        assert client.get(path).get_json() == document
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.get_json()) == (200, {})
    assert client.delete(path).status_code == 404


def test_constraints_need_a_project_that_is_a_text(client):
    assert client.put("/v1/instance/a0", json={"project_id": 1}).status_code == 422
    assert client.post("/v1/instance/a0").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


def test_a_project_sees_its_own_constraints_only(world):
    client = world.client(project_tokens={"A": "a-token", "B": "b-token"})
    mine, others = {"X-Auth-Token": "a-token"}, {"X-Auth-Token": "b-token"}
    assert client.put("/v1/instance/a0", json=CONSTRAINTS, headers=others).status_code == 403
    assert client.put("/v1/instance/a0", json=CONSTRAINTS, headers=mine).status_code == 200
    for method in ("GET", "PUT", "DELETE"):
        body = {**CONSTRAINTS, "project_id": "B"}
        assert client.open("/v1/instance/a0", method=method, json=body, headers=others).status_code == 403
    assert client.get("/v1/instance/a0", headers=mine).get_json() == CONSTRAINTS
