"""Aodh's alarm API, and Aodh's own client on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aodhclient import exceptions
from aodhclient.v2 import client as aodh
from keystoneauth1 import session as keystone
from keystoneauth1 import token_endpoint

from fenix_simulator.adapters.target_guard import TargetGuard
from fenix_simulator.adapters.wsgi import Server
from fenix_simulator.http.app import create_app
from fenix_simulator.http.config import HttpConfig
from fenix_simulator.subscriptions import Subscription

#: As OPNFV Doctor's managers subscribe.
SUBSCRIPTION = {
    "name": "app_manager_alarm",
    "type": "event",
    "enabled": True,
    "repeat_actions": True,
    "severity": "moderate",
    "alarm_actions": ["http://127.0.0.1:12348/maintenance"],
    "event_rule": {"event_type": "maintenance.scheduled", "query": []},
}
MEMBERS = {
    "alarm_actions",
    "alarm_id",
    "description",
    "enabled",
    "evaluate_timestamp",
    "event_rule",
    "insufficient_data_actions",
    "name",
    "ok_actions",
    "project_id",
    "repeat_actions",
    "severity",
    "state",
    "state_reason",
    "state_timestamp",
    "time_constraints",
    "timestamp",
    "type",
    "user_id",
}


@pytest.fixture
def serve(world):
    """Starts a server and gives aodhclient for it, with the token given."""
    servers = []

    def start(token="none", **config):
        server = Server(create_app(world.service, HttpConfig(**config)), threads=4)
        servers.append(server)
        server.start()
        auth = token_endpoint.Token(server.url, token)
        return aodh.Client(session=keystone.Session(auth=auth))

    yield start
    for server in servers:
        server.stop()


def test_aodhclient_subscribes_changes_and_unsubscribes(serve, world):
    """create, list, get, update, state and delete, over a real connection, as the real client calls them."""
    alarms = serve().alarm
    created = alarms.create(dict(SUBSCRIPTION))
    alarm_id = created["alarm_id"]
    assert set(created) == MEMBERS
    assert {name: created[name] for name in SUBSCRIPTION} == SUBSCRIPTION
    assert created["state"] == "insufficient data"
    assert world.service.subscriptions.is_managed("A")

    assert alarms.get(alarm_id) == created
    assert alarms.list() == [created]
    assert alarms.list(filters={"name": "app_manager_alarm", "state": "insufficient data"}) == [created]
    assert alarms.list(filters={"name": "other"}) == []
    assert alarms.query('{"=": {"name": "app_manager_alarm"}}') == [created]

    changed = alarms.update(alarm_id, {"enabled": False, "event_rule": {"event_type": "maintenance.*"}})
    assert (changed["enabled"], changed["event_rule"]["event_type"]) == (False, "maintenance.*")
    assert changed["alarm_actions"] == SUBSCRIPTION["alarm_actions"]
    assert not world.service.subscriptions.is_managed("A")

    assert alarms.get_state(alarm_id) == "insufficient data"
    assert alarms.set_state(alarm_id, "ok") == "ok"
    assert alarms.get_state(alarm_id) == "ok"

    alarms.delete(alarm_id)
    with pytest.raises(exceptions.NotFound):
        alarms.get(alarm_id)


def test_aodhclient_pages_and_sorts(serve):
    alarms = serve().alarm
    for name in ("b", "c", "a"):
        alarms.create({**SUBSCRIPTION, "name": name})
    first = alarms.list(limit=2, sorts=["name:desc"])
    assert [one["name"] for one in first] == ["c", "b"]
    rest = alarms.list(limit=2, sorts=["name:desc"], marker=first[-1]["alarm_id"])
    assert [one["name"] for one in rest] == ["a"]


def test_aodhclient_sees_capabilities_and_errors(serve):
    client = serve()
    assert client.capabilities.list()["api"]["alarms:query:simple"] is True
    with pytest.raises(exceptions.BadRequest):
        client.alarm.create({**SUBSCRIPTION, "type": "composite"})


def test_defaults_are_aodhs(client):
    created = client.post("/v2/alarms", json={"name": "n", "type": "event"})
    document = created.get_json()
    assert (created.status_code, created.headers["Location"]) == (201, f"/v2/alarms/{document['alarm_id']}")
    assert (document["repeat_actions"], document["enabled"], document["severity"]) == (False, True, "low")
    assert document["event_rule"] == {"event_type": "*", "query": []}
    assert (document["alarm_actions"], document["ok_actions"], document["time_constraints"]) == ([], [], [])
    assert document["timestamp"] == "2026-03-01T12:00:00.000000"


def test_an_alarm_is_for_the_project_it_names_or_for_all(client, world):
    client.post("/v2/alarms", json={**SUBSCRIPTION, "project_id": "A"})
    assert [world.service.subscriptions.is_managed(project) for project in "AB"] == [True, False]
    client.post("/v2/alarms", json=SUBSCRIPTION)
    assert [world.service.subscriptions.is_managed(project) for project in "AB"] == [True, True]


def test_a_token_says_whose_the_alarm_is(world):
    client = world.client(admin_token="root", project_tokens={"A": "a-token", "B": "b-token"})
    mine, others = {"X-Auth-Token": "a-token"}, {"X-Auth-Token": "b-token"}
    created = client.post("/v2/alarms", json=SUBSCRIPTION, headers=mine).get_json()
    assert created["project_id"] == "A"
    url = f"/v2/alarms/{created['alarm_id']}"
    assert client.post("/v2/alarms", json={**SUBSCRIPTION, "project_id": "B"}, headers=mine).status_code == 403
    assert client.get("/v2/alarms", headers=others).get_json() == []
    for method in ("GET", "PUT", "DELETE"):
        assert client.open(url, method=method, json=SUBSCRIPTION, headers=others).status_code == 404
    assert client.put(url, json={**SUBSCRIPTION, "project_id": "B"}, headers=mine).status_code == 403
    assert [one["project_id"] for one in client.get("/v2/alarms", headers={"X-Auth-Token": "root"}).get_json()] == ["A"]
    assert client.delete(url, headers=mine).status_code == 204


def test_a_target_that_may_not_be_called_is_refused(world):
    client = world.client(check_target=TargetGuard().check_url)
    for url in ("http://10.0.0.1/", "http://169.254.169.254/", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "nonsense"):
        answer = client.post("/v2/alarms", json={**SUBSCRIPTION, "alarm_actions": [url]})
        assert (answer.status_code, answer.get_json()["type"]) == (422, "urn:fenix-harness:problem:target-refused")
    assert world.service.subscriptions.list() == []
    created = client.post("/v2/alarms", json=SUBSCRIPTION).get_json()
    moved = {**created, "alarm_actions": ["http://10.0.0.1/"]}
    assert client.put(f"/v2/alarms/{created['alarm_id']}", json=moved).status_code == 422


def test_an_alarm_of_the_command_line_loses_its_trust_with_its_targets(world):
    """Whoever changes a trusted alarm's targets over HTTP must name targets that are allowed."""
    trusted = Subscription("t", "t", alarm_actions=("http://10.0.0.1/",), trusted=True, timestamp=world.clock.now())
    world.subscriptions.add(trusted)
    client = world.client(check_target=TargetGuard().check_url)
    shown = client.get("/v2/alarms/t").get_json()
    assert client.put("/v2/alarms/t", json={**shown, "name": "other"}).status_code == 200
    assert world.subscriptions.get("t") == replace(trusted, name="other")
    assert client.put("/v2/alarms/t", json={**shown, "alarm_actions": ["http://10.0.0.2/"]}).status_code == 422
    local = client.put("/v2/alarms/t", json={**shown, "alarm_actions": ["http://127.0.0.1/"]})
    assert (local.status_code, world.subscriptions.get("t").trusted) == (200, False)


def test_an_update_keeps_the_state_unless_it_names_one(client, world):
    alarm_id = client.post("/v2/alarms", json=SUBSCRIPTION).get_json()["alarm_id"]
    world.service.subscriptions.fire(alarm_id)
    assert client.put(f"/v2/alarms/{alarm_id}", json=SUBSCRIPTION).get_json()["state"] == "alarm"
    assert client.put(f"/v2/alarms/{alarm_id}", json={**SUBSCRIPTION, "state": "ok"}).get_json()["state"] == "ok"


UNFIT = [
    {},
    {"name": ""},
    {"name": 1},
    {"name": "n", "type": "threshold"},
    {"name": "n", "severity": "urgent"},
    {"name": "n", "state": "unknown"},
    {"name": "n", "alarm_actions": "http://127.0.0.1/"},
    {"name": "n", "alarm_actions": ["http://127.0.0.1/"] * 17},
    {"name": "n", "event_rule": []},
    {"name": "n", "event_rule": {"event_type": 1}},
    {"name": "n", "event_rule": {"query": [1]}},
    {"name": "n", "repeat_actions": "yes"},
]


@pytest.mark.parametrize("body", UNFIT, ids=str)
def test_a_body_that_does_not_fit_is_400_as_in_aodh(client, body):
    assert client.post("/v2/alarms", json=body).status_code == 400


QUERIES = [
    ("q.field=nothing&q.value=1", 400),
    ("q.field=name", 400),
    ("q.field=name&q.op=gt&q.value=1", 400),
    ("limit=0", 400),
    ("limit=x", 400),
    ("limit=-1", 400),
    ("limit=٣", 400),
    ("marker=nothing", 400),
    ("sort=nothing", 400),
    ("sort=name:sideways", 400),
    ("q.field=all_projects&q.op=eq&q.value=true", 200),
    ("name=n&enabled=true&project_id=", 200),
    ("sort=timestamp:desc&sort=name", 200),
    ("unheard=of", 200),
]


@pytest.mark.parametrize(("query", "status"), QUERIES)
def test_a_list_is_asked_for_as_in_aodh(client, query, status):
    client.post("/v2/alarms", json={"name": "n"})
    answer = client.get(f"/v2/alarms?{query}")
    assert answer.status_code == status
    if status == 200:
        assert [one["name"] for one in answer.get_json()] == ["n"]


FILTERS = [
    ('{"=": {"name": "a"}}', ["a"]),
    ('{"!=": {"name": "a"}}', ["b"]),
    ('{"in": {"name": ["a", "c"]}}', ["a"]),
    ('{"not": {"=": {"name": "a"}}}', ["b"]),
    ('{"or": [{"=": {"name": "a"}}, {"=": {"name": "b"}}]}', ["b", "a"]),
    ('{"and": [{"=": {"name": "a"}}, {"=": {"enabled": false}}]}', []),
    ("{}", None),
    ("nonsense", None),
    ('{"~": {"name": "a"}}', None),
    ('{"=": {"secret": "a"}}', None),
    ('{"not": ' * 40 + '{"=": {"name": "a"}}' + "}" * 40, None),
]


@pytest.mark.parametrize(("expression", "names"), FILTERS)
def test_a_complex_query_selects(client, expression, names):
    for name in "ab":
        client.post("/v2/alarms", json={"name": name})
    answer = client.post("/v2/query/alarms", json={"filter": expression, "orderby": '[{"name": "desc"}]'})
    if names is None:
        assert answer.status_code == 400
    else:
        assert [one["name"] for one in answer.get_json()] == names


def test_unknown_alarms_are_404_and_the_state_is_one_of_three(client):
    for method, path in [("GET", "x"), ("PUT", "x"), ("DELETE", "x"), ("GET", "x/state"), ("PUT", "x/state")]:
        assert client.open(f"/v2/alarms/{path}", method=method, json="ok").status_code == 404
    alarm_id = client.post("/v2/alarms", json={"name": "n"}).get_json()["alarm_id"]
    assert client.put(f"/v2/alarms/{alarm_id}/state", json="other").status_code == 400
    assert client.put(f"/v2/alarms/{alarm_id}/state", json={"state": "ok"}).status_code == 400
