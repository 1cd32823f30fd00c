"""The control API: the server, the cloud, the sessions, the clock and the faults; and its own document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate

from fenix_simulator.http.config import HttpConfig
from fenix_simulator.http.control import Advance, document
from fenix_simulator.http.control_cloud import NewInstance

API = "/simulator/v1"


def ids(answer) -> list[str]:
    """The ids of the instances in an answer."""
    return [one["instance_id"] for one in answer.get_json()["instances"]]


# -- the server ------------------------------------------------------------------------------------------------------


def test_health_readiness_and_version(world):
    ready = [False]
    client = world.client(version="1.2.3", is_ready=lambda: ready[0])
    assert client.get(f"{API}/health").get_json() == {"status": "ok"}
    waiting = client.get(f"{API}/ready")
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (503, "1")
    ready[0] = True
    assert client.get(f"{API}/ready").get_json() == {"status": "ready"}
    assert client.get(f"{API}/version").get_json() == {"version": "1.2.3", "behaviour": "strict", "dialect": "map"}


def test_a_state_is_taken_out_and_put_into_another_server(client, world, make_world):
    session_id = world.session("PLANNED_MAINTENANCE")
    state = client.get(f"{API}/state").get_json()
    other = make_world()
    other.listen()
    put = other.client().put(f"{API}/state", json=state)
    assert (put.status_code, put.data) == (204, b"")
    assert other.service.session_view(session_id).state == "PLANNED_MAINTENANCE"


def test_a_state_may_be_longer_than_other_bodies(world):
    client = world.client(max_body_bytes=10, max_state_bytes=1_000)
    assert client.put(f"{API}/state", json={"version": 0, "x": "x" * 500}).status_code == 409
    assert client.put(f"{API}/state", json={"version": 0, "x": "x" * 1_000}).status_code == 413
    assert client.post(f"{API}/clock/advance", json={"by": "10s"}).status_code == 413


def test_a_reset_takes_sessions_and_changes_of_the_cloud_away(client, world):
    world.session()
    client.delete(f"{API}/instances/a0")
    assert client.post(f"{API}/reset").status_code == 204
    assert world.service.list_sessions() == []
    assert ids(client.get(f"{API}/instances")) == ["a0", "a/1", "b0"]


# -- sessions --------------------------------------------------------------------------------------------------------


def test_sessions_are_shown_in_whole_paused_and_resumed(client, world):
    session_id = world.session()
    url = f"{API}/sessions/{session_id}"
    shown = client.get(url).get_json()
    assert client.get(f"{API}/sessions").get_json() == {"sessions": [shown]}
    assert (shown["state"], shown["awaiting"], shown["paused"]) == ("MAINTENANCE", ["A", "B"], False)
    assert shown["host_states"] == {"h0": "pending", "h1": "pending", "h2": "pending"}
    assert client.post(f"{url}/pause").get_json()["paused"] is True
    assert client.post(f"{url}/resume").get_json()["paused"] is False
    client.put(f"/v1/maintenance/{session_id}/A", json={"state": "NACK_MAINTENANCE"})
    over = client.post(f"{url}/pause")
    assert (over.status_code, over.get_json()["type"]) == (409, "urn:fenix-harness:problem:session-over")
    assert client.get(f"{API}/sessions/nope").status_code == 404
    assert client.post(f"{API}/sessions/nope/pause").status_code == 404


# -- the cloud -------------------------------------------------------------------------------------------------------


def test_instances_are_filtered(client, world):
    session_id = world.session()
    assert ids(client.get(f"{API}/instances?project_id=A")) == ["a0", "a/1"]
    assert ids(client.get(f"{API}/instances?host=h1")) == ["b0"]
    assert ids(client.get(f"{API}/instances?host=h0&project_id=B&session_id={session_id}")) == []
    assert client.get(f"{API}/instances?session_id=nope").status_code == 404


def test_instances_come_in_pages(client):
    first = client.get(f"{API}/instances?limit=2").get_json()
    assert ([one["instance_id"] for one in first["instances"]], first["next"]) == (["a0", "a/1"], "a/1")
    last = client.get(f"{API}/instances", query_string={"limit": 2, "marker": first["next"]}).get_json()
    assert ([one["instance_id"] for one in last["instances"]], last["next"]) == (["b0"], None)
    assert client.get(f"{API}/instances?limit=3").get_json()["next"] is None
    assert client.get(f"{API}/instances?marker=").get_json() == client.get(f"{API}/instances").get_json()
    assert client.get(f"{API}/instances?marker=nothing").status_code == 404
    for query in ("limit=0", "limit=10001", "limit=ten", "limit=1.5"):
        assert client.get(f"{API}/instances?{query}").status_code == 400


def test_an_instance_is_added_shown_moved_and_removed(client):
    body = {"project_id": "A", "vcpus": 2, "name": "n", "flavor": "f", "instance_id": "ns/new", "floating_ip": True}
    added = client.post(f"{API}/instances", json=body)
    assert (added.status_code, added.headers["Location"]) == (201, f"{API}/instances/ns%2Fnew")
    view = added.get_json()
    assert {name: view[name] for name in body} == body
    assert client.get(added.headers["Location"]).get_json() == view
    moved = client.post(f"{API}/instances/ns/new/move")
    assert (moved.status_code, moved.get_json()["host"] != view["host"]) == (200, True)
    assert client.delete(added.headers["Location"]).status_code == 204
    assert client.delete(added.headers["Location"]).status_code == 404


def test_an_instance_like_the_others_needs_only_its_project(client):
    added = client.post(f"{API}/instances", json={"project_id": "A"}).get_json()
    assert (added["vcpus"], added["project_id"]) == (1, "A")
    assert client.post(f"{API}/instances", json={"project_id": "A", "vcpus": 2.0}).get_json()["vcpus"] == 2


def test_each_path_of_an_instance_allows_its_own_methods(client):
    """An id may have slashes in it, and is not taken for the path of a move."""
    assert client.options(f"{API}/instances/ns/x").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"
    assert client.options(f"{API}/instances/ns/x/move").headers["Allow"] == "OPTIONS, POST"


ADDITIONS = [
    ({}, 422),
    ({"project_id": ""}, 422),
    ({"project_id": "A", "vcpus": 0}, 422),
    ({"project_id": "A", "vcpus": "1"}, 422),
    ({"project_id": "A", "vcpus": 1.5}, 422),
    ({"project_id": "A", "vcpus": 10**30}, 422),
    ({"project_id": "A", "name": "x" * 256}, 422),
    ({"project_id": "C"}, 404),
    ({"project_id": "A", "instance_id": "a0"}, 409),
    ({"project_id": "A", "vcpus": 4096}, 409),
]


@pytest.mark.parametrize(("body", "status"), ADDITIONS, ids=str)
def test_an_instance_that_cannot_be_added_is_refused(client, world, body, status):
    before = list(world.service.instances())
    answer = client.post(f"{API}/instances", json=body)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert list(world.service.instances()) == before


def test_unknown_instances_are_404(client):
    for method, path in (("GET", "x"), ("DELETE", "x/y"), ("POST", "x/move")):
        assert client.open(f"{API}/instances/{path}", method=method).status_code == 404


def test_hosts_and_projects_are_counted(client, world):
    world.listen()
    assert client.get(f"{API}/hosts").get_json()["hosts"][0] == {
        "name": "h0",
        "vcpus": 4,
        "availability_zone": "nova",
        "free_vcpus": 2,
        "instances": 2,
    }
    assert client.get(f"{API}/projects").get_json()["projects"] == [
        {"project_id": "A", "name": "alpha", "instances": 2, "managed": True},
        {"project_id": "B", "name": "beta", "instances": 1, "managed": True},
    ]


# -- the clock -------------------------------------------------------------------------------------------------------


def test_the_clock_is_advanced_by_a_duration_to_an_instant_and_to_the_next_event(client, world):
    world.session()
    assert client.get(f"{API}/clock").get_json()["now"] == "2026-03-01T12:00:00Z"
    for body, now in [
        ({"by": "1s500ms"}, "2026-03-01T12:00:01.500000Z"),
        ({"to": "2026-03-01T12:00:05Z"}, "2026-03-01T12:00:05Z"),
        ({"next": True}, "2026-03-01T12:00:20Z"),
    ]:
        answer = client.post(f"{API}/clock/advance", json=body)
        assert (answer.status_code, answer.get_json()["now"]) == (200, now)


GOALS = [
    ({}, 422),
    ({"next": False}, 422),
    ({"by": "1s", "next": True}, 422),
    ({"by": "1s", "to": "2027-01-01T00:00:00Z"}, 422),
    ({"by": "10"}, 422),
    ({"by": "-1s"}, 422),
    ({"by": 10}, 422),
    ({"to": "later"}, 422),
    ({"next": "true"}, 422),
    ({"by": "999999d"}, 422),
    ({"to": "2025-01-01T00:00:00Z"}, 409),
    ({"to": "9999-12-31T23:59:59-23:59"}, 409),
    ({"to": "0001-01-01T00:00:00+23:59"}, 409),
]


@pytest.mark.parametrize(("body", "status"), GOALS, ids=str)
def test_a_goal_that_cannot_be_reached_is_refused(client, world, body, status):
    before = world.clock.now()
    assert client.post(f"{API}/clock/advance", json=body).status_code == status
    assert world.clock.now() == before


def test_the_clock_has_an_end(client, world):
    world.clock.advance_to(datetime(2990, 1, 1, tzinfo=UTC))
    assert client.post(f"{API}/clock/advance", json={"by": "36500d"}).status_code == 409


def test_a_clock_that_is_not_manual_is_409(client, world):
    world.service._mode = "auto"
    answer = client.post(f"{API}/clock/advance", json={"by": "1s"})
    assert (answer.status_code, answer.get_json()["type"]) == (409, "urn:fenix-harness:problem:wrong-clock")


# -- faults ----------------------------------------------------------------------------------------------------------


REPLY_FAULT = {"when": {"operation": "reply", "nth": 1}, "times": 2, "then": {"status": 503}}
ALARM_FAULT = {"when": {"alarm": "MAINTENANCE", "project": "alpha"}, "then": {"delay": "1.5s", "traits": {"a": 1}}}


def test_faults_are_listed_added_and_cleared(client, world):
    url = f"{API}/faults"
    assert client.get(url).get_json() == {"faults": []}
    for fault in (REPLY_FAULT, ALARM_FAULT):
        added = client.post(url, json=fault)
        assert (added.status_code, added.get_json() | fault) == (201, added.get_json())
    armed = [{"number": 1, "hits": {}, **REPLY_FAULT}, {"number": 2, "hits": {}, **ALARM_FAULT}]
    assert client.get(url).get_json() == {"faults": armed}
    whole = {**REPLY_FAULT, "times": 2.0}
    assert client.post(url, json=whole).get_json()["times"] == 2, "2.0 is an integer to JSON schema"
    assert client.delete(f"{url}/1").status_code == 204
    assert client.delete(f"{url}/1").status_code == 404
    assert [fault["number"] for fault in client.get(url).get_json()["faults"]] == [2, 3]
    assert client.delete(url).status_code == 204
    assert client.get(url).get_json() == {"faults": []}


def test_a_server_that_injects_no_faults_says_so(client, world):
    world.service.faults = None
    for method in ("GET", "POST", "DELETE"):
        assert client.open(f"{API}/faults", method=method, json=REPLY_FAULT).status_code == 404


UNFIT_FAULTS = [
    (b"[]", 400, "no object"),
    (b"{}", 422, "the fault: when: is missing"),
    (b'{"when": {}, "then": {"drop": true}}', 422, "when: needs operation"),
    (b'{"when": {"operation": "reply"}, "then": {}}', 422, "then does nothing"),
    (b'{"when": {"operation": "repl"}, "then": {"drop": true}}', 422, "did you mean reply? (allowed: list"),
    (b'{"when": {"operation": "reply"}, "then": {"duplicate": 1}}', 422, "duplicate is not for operation reply"),
    (b'{"when": {"operation": "reply"}, "then": {"drop": true, "close": true}}', 422, "cannot both happen"),
    (b'{"when": {"operation": "reply"}, "then": {"delay": 3}}', 422, "has no unit"),
    (b'{"when": {"operation": "reply", "nth": 1000000000000000000000}, "then": {"drop": true}}', 422, "at most"),
    (b'{"when": {"operation": "alarm"}, "then": {"traits": {"a": 1000000000000000000000}}}', 422, "larger"),
    (b'{"when": {"operation": "alarm"}, "then": {"traits": {"a b": 1}}}', 422, "characters"),
    (b'{"when": {"operation": "alarm"}, "then": {"traits": {}}}', 422, "must have at least 1"),
    (b'{"when": {"operation": "reply", "nth": null}, "then": {"drop": false}}', 422, "when.nth: must not be empty"),
    (b'{"when": {"operation": "reply", "project": "gamma"}, "then": {"drop": true}}', 404, "no project 'gamma'"),
]


@pytest.mark.parametrize(("body", "status", "said"), UNFIT_FAULTS)
def test_a_fault_that_cannot_happen_is_refused_and_told_why(client, body, status, said):
    answer = client.post(f"{API}/faults", data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert said in answer.get_json()["detail"]
    assert client.get(f"{API}/faults").get_json() == {"faults": []}


def test_there_is_a_limit_to_faults(client):
    answers = [client.post(f"{API}/faults", json=REPLY_FAULT).status_code for _ in range(101)]
    assert answers == [201] * 100 + [409]


# -- the document ----------------------------------------------------------------------------------------------------


def described() -> dict[str, Any]:
    """The document as JSON has it: YAML's anchors are gone."""
    copy: dict[str, Any] = json.loads(json.dumps(document()))
    return copy


def operations() -> Iterator[tuple[str, str]]:
    """(path, method) of each operation in the document."""
    for path, item in described()["paths"].items():
        for method in item:
            if method != "parameters":
                yield path, method.upper()


def test_the_document_is_served_and_valid(client):
    served = client.get(f"{API}/openapi.json").get_json()
    validate(served)
    assert served["info"]["version"] == HttpConfig().version
    assert set(served["paths"]) == set(described()["paths"])


def test_the_document_has_every_route_and_no_other(client):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/simulator/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == set(operations())


@pytest.mark.parametrize(("schema", "body"), [("NewInstance", NewInstance), ("Advance", Advance)])
def test_bodies_have_the_members_that_the_document_says(schema, body):
    told = described()["components"]["schemas"][schema]
    fields = msgspec.structs.fields(body)
    assert set(told["properties"]) == {field.name for field in fields}
    assert set(told.get("required", ())) == {field.name for field in fields if field.required}


def check(answer, path: str, method: str) -> None:
    """Fail unless the answer is one that the document describes for that operation."""
    told = described()
    response = told["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    if "$ref" in response:
        response = told["components"]["responses"][response["$ref"].rpartition("/")[2]]
    for name, header in response.get("headers", {}).items():
        assert not header.get("required") or name in answer.headers
    if "content" not in response:
        assert (answer.data, answer.content_type) == (b"", None)
        return
    schema = response["content"][answer.content_type]["schema"]
    validator = Draft202012Validator({**schema, "components": told["components"]})
    assert [error.message for error in validator.iter_errors(answer.get_json())] == []


@pytest.mark.parametrize(("path", "method"), list(operations()))
def test_what_is_answered_is_what_the_document_says(client, world, path, method):
    """With a session that was just asked for a reply, once as it should be asked and once with each fault."""
    session_id = world.session("PLANNED_MAINTENANCE")
    number = world.fault() if "/faults/" in path else world.delivery()
    url = path.replace("{session_id}", session_id).replace("{instance_id}", "a0").replace("{number}", str(number))
    good = {
        f"{API}/instances": {"project_id": "A"},
        f"{API}/clock/advance": {"by": "1s"},
        f"{API}/state": world.service.export_state(),
    }.get(path, {})
    taken = method in ("POST", "PUT")
    check(client.open(url, method=method, json=good if taken else None), path, method)
    check(client.open(url.replace("a0", "x").replace(session_id, "x"), method=method), path, method)
    check(client.open(url + "?limit=x", method=method), path, method)
    check(client.open(url + "?" + "x" * 9_000, method=method), path, method)
    check(client.open(url, method=method, headers={f"X-{number}": "" for number in range(200)}), path, method)
    if taken:
        for body in (b"{", b"[]", b"{}", b'{"project_id": 1, "by": 1, "version": 1}'):
            check(client.open(url, method=method, data=body, content_type="application/json"), path, method)
    closed = world.client(admin_token="root", project_tokens={"A": "a-token"})
    check(closed.open(url, method=method), path, method)
    check(closed.open(url, method=method, headers={"X-Auth-Token": "a-token"}, json=good), path, method)
    wrong = client.open(url, method="PROPFIND")
    check(wrong, path, method)
    assert method in wrong.headers["Allow"].split(", ")
