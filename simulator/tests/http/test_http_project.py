"""The published project API, strict: what is answered to what, and in which order faults are told."""

from __future__ import annotations

import json

import pytest

SLASHES = pytest.mark.parametrize("slash", ["", "/"], ids=["no-slash", "slash"])
PLANNED = {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a0": "MIGRATE", "a/1": "OWN_ACTION"}}


@pytest.fixture
def planned(world):
    """The URL of project A in a session that awaits its reply to PLANNED_MAINTENANCE."""
    return f"/v1/maintenance/{world.session('PLANNED_MAINTENANCE')}/A"


@SLASHES
def test_the_list_is_that_of_the_current_state(client, planned, slash):
    answer = client.get(planned + slash)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.get_json() == {"instance_ids": ["a0", "a/1"]}


def test_a_query_and_a_content_type_without_a_body_mean_nothing_to_the_list(client, planned):
    """OPNFV Doctor's managers send a content type with every request."""
    answer = client.get(planned + "?x=1", content_type="application/json", headers={"Accept": "text/html"})
    assert answer.get_json() == {"instance_ids": ["a0", "a/1"]}


@SLASHES
def test_head_and_options_are_served(client, planned, slash):
    head = client.head(planned + slash)
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == client.get(planned).content_length
    options = client.options(planned + slash)
    assert (options.status_code, options.headers["Allow"]) == (200, "GET, HEAD, OPTIONS, PUT")


@SLASHES
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused_with_allow(client, planned, slash, method):
    answer = client.open(planned + slash, method=method, json={})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, PUT"
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 405


@SLASHES
def test_a_reply_is_answered_200_with_what_was_taken(client, world, planned, slash):
    answer = client.put(planned + slash, json={**PLANNED, "session_id": "x", "instance_ids": []})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.get_json() == PLANNED
    assert "A" not in world.service.session_view(planned.split("/")[3]).awaiting


def test_the_same_reply_again_is_200_and_another_one_409(client, planned):
    assert client.put(planned, json=PLANNED).status_code == 200
    assert client.put(planned, json=PLANNED).status_code == 200
    assert client.put(planned, json={"state": "NACK_PLANNED_MAINTENANCE"}).status_code == 409


def test_a_reply_without_actions_is_repeated_without_them(client, world):
    url = f"/v1/maintenance/{world.session()}/B"
    assert client.put(url, json={"state": "ACK_MAINTENANCE"}).get_json() == {"state": "ACK_MAINTENANCE"}


BODIES = [
    ("empty", b"", 400),
    ("white space", b" \n", 400),
    ("cut", b'{"state": ', 400),
    ("not UTF-8", b'{"state": "\xff"}', 400),
    ("byte order mark", b'\xef\xbb\xbf{"state": "ACK_PLANNED_MAINTENANCE"}', 400),
    ("UTF-16", json.dumps(PLANNED).encode("utf-16"), 400),
    ("lone surrogate", b'{"state": "\\ud800"}', 400),
    ("NaN", b'{"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": NaN}', 400),
    ("number without end", b'{"state": ' + b"9" * 5000 + b"}", 400),
    ("nested without end", b"[" * 100_000, 400),
    ("nested members", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400),
    ("null", b"null", 400),
    ("array", b"[]", 400),
    ("text", b'"ACK_PLANNED_MAINTENANCE"', 400),
    ("two documents", b"{}{}", 400),
    ("no member", b"{}", 422),
    ("state of a wrong type", b'{"state": 1}', 422),
    ("state too large a number", b'{"state": 123456789012345678901234567890}', 422),
    ("unknown state", b'{"state": "ACK_LUNCH"}', 422),
    ("lower case", b'{"state": "ack_planned_maintenance", "instance_actions": {}}', 422),
    ("the bare state", b'{"state": "PLANNED_MAINTENANCE"}', 422),
    ("no actions", b'{"state": "ACK_PLANNED_MAINTENANCE"}', 422),
    ("null actions", b'{"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": null}', 422),
    ("actions as a text", b'{"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": "MIGRATE"}', 422),
    ("an unknown action", b'{"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a0": "EVACUATE"}}', 422),
    ("an instance left out", b'{"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a0": "MIGRATE"}}', 422),
    ("no instance", b'{"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {}}', 422),
    (
        "another project's instance",
        json.dumps({**PLANNED, "instance_actions": {**PLANNED["instance_actions"], "b0": "MIGRATE"}}).encode(),
        422,
    ),
    ("a stale state", b'{"state": "ACK_MAINTENANCE"}', 409),
    ("a state to come", b'{"state": "ACK_MAINTENANCE_COMPLETE"}', 409),
    ("a member twice", b'{"state": "ACK_MAINTENANCE", "state": "NACK_PLANNED_MAINTENANCE"}', 200),
]


@pytest.mark.parametrize(("body", "status"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_reply_that_does_not_fit_is_refused_and_changes_nothing(client, world, planned, body, status):
    session_id = planned.split("/")[3]
    before = world.service.session_view(session_id)
    answer = client.put(planned, data=body, content_type="application/json")
    assert answer.status_code == status
    if status != 200:
        assert world.service.session_view(session_id) == before
        document = answer.get_json()
        assert answer.content_type == "application/problem+json"
        assert (document["status"], bool(document["detail"])) == (status, True)


CONTENT_TYPES = [
    ("application/json", 200),
    ("application/json; charset=utf-8", 200),
    ('Application/JSON; charset="UTF-8"', 200),
    ("application/json; profile=x", 200),
    (None, 415),
    ("", 415),
    ("text/plain", 415),
    ("application/x-www-form-urlencoded", 415),
    ("multipart/form-data; boundary=x", 415),
    ("application/problem+json", 415),
    ("application/json; charset=utf-16", 415),
    ("application/json, text/plain", 415),
]


@pytest.mark.parametrize(("content_type", "status"), CONTENT_TYPES)
def test_only_json_in_utf_8_is_taken(client, planned, content_type, status):
    answer = client.put(planned, data=json.dumps(PLANNED).encode(), content_type=content_type)
    assert answer.status_code == status
    if status == 415:
        assert answer.headers["Accept"] == "application/json"


def test_a_compressed_body_is_415(client, planned):
    answer = client.put(planned, json=PLANNED, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@SLASHES
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("session_id", "project_id"), [(None, "C"), ("nope", "A"), ("nope", "nope"), ("ä", "😀")])
def test_an_unknown_session_or_project_is_404(client, world, slash, method, session_id, project_id):
    url = f"/v1/maintenance/{session_id or world.session()}/{project_id}{slash}"
    answer = client.open(url, method=method, json={"state": "ACK_MAINTENANCE"} if method == "PUT" else None)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json()["type"].startswith("urn:fenix-harness:problem:unknown-")


def test_faults_are_told_in_one_order(world):
    """404 before 413 before 415 before 400 before 422 before 409: each case has all the faults that follow."""
    client = world.client(max_body_bytes=200)
    url = f"/v1/maintenance/{world.session('PLANNED_MAINTENANCE')}/A"
    long, plain, json_type = b"x" * 201, "text/plain", "application/json"
    stale_and_unfit = b'{"state": "ACK_MAINTENANCE", "instance_actions": 1}'
    cases = [
        ("/v1/maintenance/nope/A", long, plain, 404),
        (url, long, plain, 413),
        (url, b"{", plain, 415),
        (url, b"{", json_type, 400),
        (url, stale_and_unfit, json_type, 422),
        (url, b'{"state": "ACK_MAINTENANCE"}', json_type, 409),
    ]
    assert [client.put(path, data=body, content_type=kind).status_code for path, body, kind, _ in cases] == [
        status for *_, status in cases
    ]


def test_a_refusal_says_what_was_awaited_and_what_would_have_worked(client, planned):
    stale = client.put(planned, json={"state": "ACK_MAINTENANCE"}).get_json()
    assert stale["type"] == "urn:fenix-harness:problem:reply-not-awaited"
    assert "ACK_PLANNED_MAINTENANCE" in stale["expected"]
    assert stale["hint"]
    unfit = client.put(planned, json={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a0": 7}}).get_json()
    assert {error.split(":")[0] for error in unfit["errors"]} == {"$/instance_actions/a0"}


def test_only_the_first_ten_faults_of_a_body_are_told(client, planned):
    actions = {str(number): "EVACUATE" for number in range(1_000)}
    answer = client.put(planned, json={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": actions})
    assert len(answer.get_json()["errors"]) == 10


@pytest.mark.parametrize("path", ["/v1//maintenance", "/v1/maintenance//A", "/v1", "/", "/v1/maintenance/s/p/i"])
def test_other_paths_are_404_without_a_redirect(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert "/v1/maintenance/<session_id>/<project_id>" in answer.get_json()["hint"]


def test_the_list_of_a_session_that_is_over_is_still_served(client, world):
    session_id = world.session()
    client.put(f"/v1/maintenance/{session_id}/A", json={"state": "NACK_MAINTENANCE"})
    assert world.service.session_state(session_id) == "MAINTENANCE_FAILED"
    assert client.get(f"/v1/maintenance/{session_id}/B").get_json() == {"instance_ids": ["b0"]}
    late = client.put(f"/v1/maintenance/{session_id}/B", json={"state": "ACK_MAINTENANCE"})
    assert late.status_code == 409
