"""Every request is in the journal before its answer is sent, without secrets and not longer than useful."""

from __future__ import annotations

import logging

import pytest

from fenix_simulator.http.redaction import REDACTED, Redactor
from fenix_simulator.ports import JournalError

SECRET = "s3cret/+ token"
TOKENS = {"admin_token": "root-token", "project_tokens": {"A": SECRET}}


def test_a_request_is_recorded_with_its_answer(client, world):
    session_id = world.session()
    client.put(f"/v1/maintenance/{session_id}/A/?x=1", json={"state": "ACK_MAINTENANCE"})
    entry = world.requests()[-1]
    assert (entry.kind, entry.type) == ("request", "RequestAnswered")
    assert (entry.session_id, entry.project_id) == (session_id, "A")
    latency = entry.data["latency"]
    assert 0 < latency < 30
    assert dict(entry.data) == {
        "method": "PUT",
        "path": f"/v1/maintenance/{session_id}/A/?x=1",
        "status": 200,
        "latency": latency,
        "request_body": '{"state": "ACK_MAINTENANCE"}',
        "response_body": '{"state":"ACK_MAINTENANCE"}',
        "content_type": "application/json",
        "surface": "project",
        "fault": None,
    }


SURFACES = [
    ("GET", "/v1/maintenance", "admin", None, None),
    ("GET", "/v1/maintenance/s", "admin", "s", None),
    ("GET", "/v1/maintenance/s/p", "project", "s", "p"),
    ("PUT", "/v1/maintenance/s/p/i", "project", "s", "p"),
    ("PATCH", "/v1/maintenance/s/p", "project", "s", "p"),
    ("GET", "/v2/alarms", "alarms", None, None),
    ("GET", "/v2/nothing", "alarms", None, None),
    ("PUT", "/v1/instance/x", "project", None, None),
    ("POST", "/maintenance", "other", None, None),
]


@pytest.mark.parametrize(("method", "path", "surface", "session_id", "project_id"), SURFACES)
def test_a_request_to_a_wrong_place_is_recorded_too(client, world, method, path, surface, session_id, project_id):
    status = client.open(path, method=method).status_code
    (entry,) = world.requests()
    assert (entry.data["surface"], entry.session_id, entry.project_id) == (surface, session_id, project_id)
    assert (entry.data["method"], entry.data["status"]) == (method, status)


@pytest.mark.parametrize("path", ["/simulator/v1/health", "/simulator/v1/sessions", "/simulator/nothing", "/metrics"])
def test_what_is_about_the_simulator_itself_is_not_recorded(client, world, path):
    client.get(path)
    assert world.requests() == []


def test_an_answer_that_cannot_be_recorded_is_not_given(client, world):
    """A reader of the journal must be able to rely on it: what was answered 200 is in it."""
    world.journal.close()
    answer = client.get("/v1/maintenance")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")


def test_bodies_are_cut_and_the_cut_is_marked(world):
    client = world.client(max_recorded_chars=20, max_body_bytes=100)
    client.post("/v1/maintenance", data=b"x" * 50, content_type="text/plain")
    client.post("/v1/maintenance", data=b"x" * 101, content_type="text/plain")
    first, second = world.requests()
    assert first.data["request_body"] == "x" * 20 + "… (cut, 50 bytes in all)"
    assert len(first.data["response_body"]) < 60
    assert (second.data["status"], second.data["request_body"]) == (413, "")


def test_bytes_that_are_no_text_are_recorded_as_escapes(client, world):
    client.put("/v1/maintenance/s/p", data=b"\xff\x00", content_type="application/json")
    assert world.requests()[0].data["request_body"] == "\\xff\x00"


def test_the_answer_to_head_has_no_body(client, world):
    client.head("/v1/maintenance")
    assert world.requests()[0].data["response_body"] == ""


def test_no_token_is_recorded_or_logged_wherever_it_was_sent(world, caplog):
    """In a header, a query, a path, a body, known or not."""
    client = world.client(**TOKENS)
    caplog.set_level(logging.DEBUG)
    headers = {"X-Auth-Token": SECRET}
    client.get("/v1/maintenance", headers={"X-Auth-Token": "unknown-keystone-token"})
    client.get("/v1/maintenance", headers={"Authorization": "Bearer unknown-keystone-token"})
    client.get("/v1/maintenance", query_string={"a": SECRET, "X-Auth-Token": "unknown-keystone-token"}, headers=headers)
    client.get(f"/v2/{SECRET}", headers=headers)
    client.get("/v1/maintenance", query_string="a=s3cret%2F%2B%20token", headers=headers)
    body = {
        "name": SECRET,
        "alarm_actions": ["http://user:unknown-keystone-token@127.0.0.1/?token=unknown-keystone-token"],
    }
    client.post("/v2/alarms", json=body, headers=headers)
    client.post("/v2/alarms", json=body, headers={"X-Auth-Token": "root-token"}, content_type=f"text/{SECRET}")
    everything = str([(entry.session_id, entry.data) for entry in world.requests()]) + caplog.text
    assert len(world.requests()) == 7
    assert REDACTED in everything
    for secret in (SECRET, "s3cret", "root-token", "unknown-keystone-token"):
        assert secret not in everything


def test_a_fault_of_ours_is_500_without_internals_and_logged_with_them(client, world, caplog, monkeypatch):
    def fail():
        raise RuntimeError("the inside of the server")

    monkeypatch.setattr(world.service, "list_sessions", fail)
    answer = client.get("/v1/maintenance?token=hidden-token\n")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "inside" not in answer.get_data(as_text=True)
    assert "the inside of the server" in caplog.text
    assert "hidden-token" not in caplog.text
    assert world.requests()[0].data["status"] == 500


def test_an_error_of_the_journal_is_503(client, world, monkeypatch):
    def fail():
        raise JournalError("no space left")

    monkeypatch.setattr(world.service, "list_sessions", fail)
    assert client.get("/v1/maintenance").status_code == 503


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/x?a=1&b=2", "/x?a=1&b=2"),
        ("/x?access_token=abc&b=2", f"/x?access_token={REDACTED}&b=2"),
        ("/x?b=2;Password=a%20b#c", f"/x?b=2;Password={REDACTED}#c"),
        ('{"u": "http://h/?api_key=abc"}', f'{{"u": "http://h/?api_key={REDACTED}"}}'),
        ("http://user:pass@host/a@b", f"http://{REDACTED}@host/a@b"),
        ("user@example", "user@example"),
        ("abc-long-secret abc", f"{REDACTED} {REDACTED}"),
    ],
)
def test_secrets_are_taken_out_of_texts(text, shown):
    assert Redactor(["abc", "abc-long-secret"]).text(text) == shown
