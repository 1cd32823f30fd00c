"""Tokens: off unless given, then needed everywhere, and a project's opens that project only."""

from __future__ import annotations

import pytest

from fenix_simulator.http.auth import Keyring
from fenix_simulator.http.config import HttpConfig

TOKENS = {"admin_token": "root-token", "project_tokens": {"A": "a-token", "B": "b-token"}}
ROOT, A, B = ({"X-Auth-Token": f"{name}-token"} for name in ("root", "a", "b"))

#: method, path ({session} stands for a session's id), and the statuses for the administrator, project A and project B.
DOORS = [
    ("GET", "/v1/maintenance/{session}/A", 200, 200, 403),
    ("PUT", "/v1/maintenance/{session}/A", 415, 415, 403),
    ("GET", "/v1/maintenance/{session}/A/", 200, 200, 403),
    ("GET", "/v1/maintenance/nope/A", 404, 404, 403),
    ("GET", "/v1/maintenance", 200, 403, 403),
    ("POST", "/v1/maintenance", 415, 403, 403),
    ("GET", "/v1/maintenance/{session}", 200, 403, 403),
    ("DELETE", "/v1/maintenance/nope", 404, 403, 403),
    ("GET", "/v2/alarms", 200, 200, 200),
    ("GET", "/simulator/v1/version", 200, 403, 403),
    ("GET", "/simulator/v1/openapi.json", 200, 403, 403),
    ("GET", "/simulator/v1/state", 200, 403, 403),
    ("PUT", "/simulator/v1/state", 415, 403, 403),
    ("GET", "/simulator/v1/sessions", 200, 403, 403),
    ("POST", "/simulator/v1/sessions/{session}/pause", 200, 403, 403),
    ("POST", "/simulator/v1/sessions/{session}/resume", 200, 403, 403),
    ("GET", "/simulator/v1/hosts", 200, 403, 403),
    ("GET", "/simulator/v1/projects", 200, 403, 403),
    ("GET", "/simulator/v1/clock", 200, 403, 403),
    ("POST", "/simulator/v1/clock/advance", 415, 403, 403),
    ("GET", "/simulator/v1/journal", 200, 403, 403),
    ("GET", "/simulator/v1/faults", 200, 403, 403),
    ("POST", "/simulator/v1/reset", 204, 403, 403),
    ("GET", "/simulator/v1/instances", 200, 200, 200),
    ("GET", "/simulator/v1/instances?project_id=A", 200, 200, 403),
    ("GET", "/simulator/v1/instances/a0", 200, 200, 403),
    ("POST", "/simulator/v1/instances/a0/move", 200, 200, 403),
    ("DELETE", "/simulator/v1/instances/a0", 204, 204, 403),
    ("GET", "/metrics", 200, 403, 403),
    ("GET", "/nope", 404, 404, 404),
    ("POST", "/v1/maintenance/{session}/A", 405, 405, 405),
    ("GET", "/simulator/v1/health", 200, 200, 200),
    ("GET", "/simulator/v1/ready", 200, 200, 200),
]
OPEN = {"/simulator/v1/health", "/simulator/v1/ready"}


@pytest.mark.parametrize(("method", "path", "root", "a", "b"), DOORS, ids=[f"{door[0]} {door[1]}" for door in DOORS])
def test_each_door_opens_to_whom_it_should(make_world, method, path, root, a, b):
    for token, status in ((ROOT, root), (A, a), (B, b), ({}, 401), ({"X-Auth-Token": "other"}, 401)):
        world = make_world()
        client = world.client(**TOKENS)
        answer = client.open(path.format(session=world.session()), method=method, headers=token)
        expected = 200 if status == 401 and path in OPEN else status
        assert answer.status_code == expected
        if status == 401 and path not in OPEN:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
            assert answer.content_type == "application/problem+json"


def test_without_tokens_everybody_is_the_administrator_and_a_token_means_nothing(client):
    """VNFMs send Keystone's token to whoever they talk to."""
    for headers in ({}, {"X-Auth-Token": "gAAAA"}, {"Authorization": "Basic eA=="}):
        assert client.get("/v1/maintenance", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer root-token"}, 200),
        ({"Authorization": "bearer   root-token "}, 200),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic root-token"}, 401),
        ({"Authorization": "root-token"}, 401),
        ({"X-Auth-Token": "root-token", "Authorization": "Bearer other"}, 200),
        ({"X-Auth-Token": "other", "Authorization": "Bearer root-token"}, 401),
        ({"X-Auth-Token": ""}, 401),
        ({"X-Auth-Token": "root-token2"}, 401),
        ({"X-Auth-Token": "ROOT-TOKEN"}, 401),
        ({"X-Auth-Token": "\xff\xfe"}, 401),
    ],
)
def test_a_token_comes_in_either_header(world, headers, status):
    assert world.client(**TOKENS).get("/v1/maintenance", headers=headers).status_code == status


def test_with_project_tokens_alone_nobody_is_the_administrator(world):
    client = world.client(project_tokens={"A": "a-token"})
    assert client.get("/v1/maintenance", headers=A).status_code == 403
    assert client.get("/simulator/v1/instances", headers=A).status_code == 200


def test_a_project_lists_and_adds_its_own_instances_only(world):
    client = world.client(**TOKENS)
    listed = client.get("/simulator/v1/instances", headers=B).get_json()["instances"]
    assert [one["instance_id"] for one in listed] == ["b0"]
    assert client.post("/simulator/v1/instances", json={"project_id": "A"}, headers=B).status_code == 403
    assert client.post("/simulator/v1/instances", json={"project_id": "B"}, headers=B).status_code == 201


@pytest.mark.parametrize(
    ("admin", "projects"),
    [("", {}), ("x", {"A": "x"}), (None, {"A": "x", "B": "x"}), (None, {"A": ""}), (" x", {}), ("x\n", {})],
)
def test_tokens_that_open_nothing_or_cannot_be_told_apart_are_refused_at_the_start(admin, projects):
    with pytest.raises(ValueError, match="token"):
        Keyring(admin, projects)


def test_tokens_are_off_by_default():
    assert not Keyring(HttpConfig().admin_token, HttpConfig().project_tokens).is_on
