"""Fenix's admin API, strict."""

from __future__ import annotations

import pytest

#: As upstream's documents show it.
PUBLISHED = {
    "hosts": [],
    "state": "MAINTENANCE",
    "maintenance_at": "2026-03-01 14:00:00",
    "metadata": {"openstack_release": "Queens"},
    "workflow": "default",
    "download": ["http://127.0.0.1/package.tar.gz"],
    "actions": [{"plugin": "dummy", "type": "host", "metadata": {"foo": "bar"}}],
}
SLASHES = pytest.mark.parametrize("slash", ["", "/"], ids=["no-slash", "slash"])


@SLASHES
def test_a_session_is_started_listed_shown_and_deleted(client, world, slash):
    started = client.post("/v1/maintenance" + slash, json=PUBLISHED)
    assert (started.status_code, started.content_type) == (200, "application/json")
    session_id = started.get_json()["session_id"]
    assert client.get("/v1/maintenance" + slash).get_json() == {"session_id": [session_id]}
    url = f"/v1/maintenance/{session_id}{slash}"
    assert client.get(url).get_json() == {"session_id": session_id, "state": "MAINTENANCE"}
    view = world.service.session_view(session_id)
    assert (view.hosts, view.maintenance_at.isoformat()) == (("h0", "h1", "h2"), "2026-03-01T14:00:00+00:00")
    assert dict(view.metadata) == {"openstack_release": "Queens"}
    deleted = client.delete(url)
    assert (deleted.status_code, deleted.get_json()) == (200, {})
    assert client.get("/v1/maintenance").get_json() == {"session_id": []}


def test_hosts_may_be_chosen_and_the_rest_left_out(client, world):
    session_id = client.post("/v1/maintenance", json={"hosts": ["h1"]}).get_json()["session_id"]
    assert world.service.session_view(session_id).hosts == ("h1",)


INSTANTS = [
    ("2026-03-01 14:00:00", "2026-03-01T14:00:00+00:00"),
    ("2026-03-01T14:00:00Z", "2026-03-01T14:00:00+00:00"),
    ("2026-03-01t14:00:00.5z", "2026-03-01T14:00:00.500000+00:00"),
    ("2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00+00:00"),
    ("2026-03-01 14:00", "2026-03-01T14:00:00+00:00"),
]


@pytest.mark.parametrize(("text", "at"), INSTANTS)
def test_maintenance_at_is_utc_unless_it_has_an_offset(client, world, text, at):
    session_id = client.post("/v1/maintenance", json={"maintenance_at": text}).get_json()["session_id"]
    assert world.service.session_view(session_id).maintenance_at.isoformat() == at


UNFIT = [
    ("unknown host", {"hosts": ["h9"]}),
    ("host of a wrong type", {"hosts": [1]}),
    ("empty host", {"hosts": [""]}),
    ("hosts of a wrong type", {"hosts": "h0"}),
    ("other state", {"state": "SCALE_IN"}),
    ("other workflow", {"workflow": "vnf"}),
    ("metadata of a wrong type", {"metadata": []}),
    ("metadata that is no text", {"metadata": {"a": 1}}),
    ("metadata too long", {"metadata": {"a": "x" * 2000}}),
    ("metadata too many", {"metadata": {str(number): "" for number in range(65)}}),
    ("no instant", {"maintenance_at": "tomorrow"}),
    ("number as an instant", {"maintenance_at": 1}),
    ("day that is none", {"maintenance_at": "2026-02-30 00:00:00"}),
    ("only a day", {"maintenance_at": "2026-02-28"}),
    ("far too late", {"maintenance_at": "9999-12-31 23:59:59"}),
    ("far too early", {"maintenance_at": "0001-01-01T00:00:00+23:59"}),
    ("digits of another script", {"maintenance_at": "\uff12\uff10\uff12\uff16-03-01 14:00:00"}),
    ("download of a wrong type", {"download": {}}),
]


@pytest.mark.parametrize("body", [case[1] for case in UNFIT], ids=[case[0] for case in UNFIT])
def test_a_body_that_does_not_fit_is_422_and_starts_nothing(client, world, body):
    answer = client.post("/v1/maintenance", json=body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert world.service.list_sessions() == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"{", "application/json", 400), (b"[]", "application/json", 400), (b"{}", "text/plain", 415)],
)
def test_a_body_that_is_no_json_object_is_refused(client, body, content_type, status):
    assert client.post("/v1/maintenance", data=body, content_type=content_type).status_code == status


def test_an_unknown_session_is_404(client):
    for method in ("GET", "DELETE"):
        answer = client.open("/v1/maintenance/nope", method=method)
        assert (answer.status_code, answer.get_json()["title"]) == (404, "Not Found")


def test_other_methods_are_405_with_allow(client):
    assert client.put("/v1/maintenance").headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert client.post("/v1/maintenance/x").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"
