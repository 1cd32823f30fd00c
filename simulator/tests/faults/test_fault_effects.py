"""Every effect on every kind of request, seen byte by byte; and what the journal says of it."""

from __future__ import annotations

import json
import threading
import time

import pytest

from fenix_simulator.scenario_effects import EFFECTS, Operation

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10

#: Effect → (what is asked for, the end, whether the request was carried out). Ends: ``answer`` (a whole one),
#: ``closed`` and ``reset`` (no byte of one), ``short`` (fewer bytes than promised).
TABLE = {
    "status": ({"status": 503}, "answer", False),
    "delay": ({"delay": "100ms"}, "answer", True),
    "drop": ({"drop": True}, "closed", False),
    "close": ({"close": True}, "closed", True),
    "reset": ({"reset": True}, "reset", True),
    "truncate": ({"truncate": True}, "short", True),
    "malformed": ({"malformed": True}, "answer", True),
    "content_type": ({"content_type": "text/html"}, "answer", True),
    "drip": ({"drip": "150ms"}, "answer", True),
    "stale": ({"stale": True}, "answer", True),
    "an error page": ({"status": 502, "content_type": "text/html; charset=utf-8"}, "answer", False),
    "half an error": ({"status": 500, "truncate": True}, "short", False),
    "a slow cut": ({"drip": "100ms", "truncate": True}, "short", True),
}
REQUESTS = [Operation.LIST, Operation.REPLY, Operation.CONTROL]


CASES = [
    pytest.param(operation, then, end, is_done, id=f"{name}-{operation}")
    for name, (then, end, is_done) in TABLE.items()
    for operation in REQUESTS
    if set(then) <= EFFECTS[operation]
]


def _request(site, operation):
    if operation == "control":
        (instance, *_) = site.simulator.service.instances(site.a)
        return "DELETE", f"/simulator/v1/instances/{instance.instance_id}", None
    if operation == "list":
        return "GET", site.path(), None
    return "PUT", site.path(), {"state": "ACK_MAINTENANCE"}


def _is_done(site, operation):
    if operation == "control":
        return len(list(site.simulator.service.instances(site.a))) < 2
    return site.replied() == [site.a]


def test_every_effect_on_a_request_is_in_the_table():
    assert set().union(*(EFFECTS[operation] for operation in REQUESTS)) <= set(TABLE)


@pytest.mark.parametrize(("operation", "then", "end", "is_done"), CASES)
def test_what_a_client_sees_and_what_is_recorded(make_site, ask, operation, then, end, is_done):
    site = make_site({"when": {"operation": operation, "nth": 1}, "then": then})
    method, path, body = _request(site, operation)
    begun = time.monotonic()
    seen = ask(site, method, path, body)
    spent = time.monotonic() - begun

    assert seen.is_reset == (end == "reset")
    if end in ("closed", "reset"):
        assert seen.data == b""
    else:
        assert (
            (len(seen.body) < seen.promised)
            if end == "short"
            else (len(seen.body) == int(seen.fields.get("content-length", 0)))
        )
        assert seen.status == then.get("status", 204 if operation == "control" and not _has_body(then) else 200)
        if then.get("malformed"):
            assert seen.fields["content-type"] == "application/json"
            with pytest.raises(ValueError, match="Expecting"):
                json.loads(seen.body)
        if "content_type" in then:
            assert seen.fields["content-type"] == then["content_type"]
    assert spent >= sum(float(then[name][:-2]) / 1000 for name in ("delay", "drip") if name in then)
    if operation != "list":
        assert _is_done(site, operation) is is_done

    happened, *others = site.recorded("fault")
    assert others == []
    assert (happened.type, happened.project_id) == ("FaultHappened", site.a)
    assert happened.data == {"fault": 1, "count": 1, "operation": operation, "effect": then}
    answered = site.recorded("request")[0].data
    assert answered["fault"] == 1
    assert answered["status"] == (None if end in ("closed", "reset") else seen.status)
    assert answered["response_body"].encode() == seen.body, "the bytes that were sent"

    again = ask(site, *_request(site, operation))
    assert again.status == (204 if operation == "control" else 200)
    assert [one.data["fault"] for one in site.recorded("request")] == ([1] if operation == "control" else [1, None])


def _has_body(then):
    return then.get("malformed") or then.get("truncate")


def test_a_dripped_answer_comes_piece_by_piece(make_site, ask):
    site = make_site({"when": {"operation": "list"}, "then": {"drip": "400ms"}})
    seen = ask(site, "GET", site.path())
    assert len(json.loads(seen.body)["instance_ids"]) == 2
    assert len(seen.times) >= 4
    assert seen.times[-1] - seen.times[0] >= 0.35


def test_dripped_answers_take_no_thread_from_others(make_site, ask):
    """Two threads, eight answers that take an hour; the ninth, of another project, is answered meanwhile."""
    site = make_site({"when": {"operation": "list", "project": 1}, "then": {"drip": "1h"}}, threads=2)
    seen = []
    clients = [threading.Thread(target=lambda: seen.append(ask(site, "GET", site.path()))) for _ in range(8)]
    for client in clients:
        client.start()
    site.wait_for("request", 8)
    assert ask(site, "GET", site.path(site.b)).status == 200
    # What drips is sent whole when the server stops.
    site.simulator.stop()
    for client in clients:
        client.join(BOUND)
        assert not client.is_alive()
    assert [len(json.loads(one.body)["instance_ids"]) for one in seen] == [2] * 8


def test_a_reset_ends_a_kept_connection(make_site):
    site = make_site({"when": {"operation": "list", "nth": 2}, "then": {"reset": True}})
    connection = site.connect()
    assert site.send("GET", connection=connection)[0] == 200
    with pytest.raises(ConnectionResetError):
        site.send("GET", connection=connection)


# -- when ------------------------------------------------------------------------------------------------------------


def _reply(site, ask, project, state, actions=None):
    body = {"state": f"ACK_{state}"} | ({} if actions is None else {"instance_actions": actions})
    assert ask(site, "PUT", site.path(project), body).status == 200


def _until(site, ask, state):
    """Every project agrees to the maintenance, and time passes until it is there."""
    for project in (site.a, site.b):
        _reply(site, ask, project, "MAINTENANCE")
    while site.simulator.service.session_state(site.session) != state:
        assert site.control("POST", "/clock/advance", {"next": True}).status == 200


def test_a_state_is_the_sessions_at_that_moment(make_site, ask):
    site = make_site(
        {"when": {"operation": "list", "state": "PLANNED_MAINTENANCE", "nth": 2}, "then": {"status": 503}},
        {"when": {"operation": "reply", "state": "MAINTENANCE", "nth": 1}, "then": {"status": 500}},
    )
    assert [ask(site, "GET", site.path()).status for _ in range(3)] == [200] * 3
    assert ask(site, "PUT", site.path(), {"state": "ACK_MAINTENANCE"}).status == 500
    assert ask(site, "PUT", site.path(site.b), {"state": "ACK_MAINTENANCE"}).status == 500
    _until(site, ask, "PLANNED_MAINTENANCE")
    assert [ask(site, "GET", site.path()).status for _ in range(3)] == [200, 503, 200]


def test_a_session_is_named_by_its_number_or_its_id(make_site, ask):
    site = make_site({"when": {"operation": "list", "session": 2}, "then": {"status": 503}})
    first = site.session
    second = site.simulator.service.create_session()
    assert ask(site, "GET", site.path()).status == 200
    assert ask(site, "GET", f"/v1/maintenance/{second}/{site.a}").status == 503
    site.control("DELETE", "/faults")
    site.control("POST", "/faults", {"when": {"operation": "list", "session": first}, "then": {"status": 500}})
    assert ask(site, "GET", site.path()).status == 500
    assert ask(site, "GET", f"/v1/maintenance/{second}/{site.a}").status == 200
    assert ask(site, "GET", f"/v1/maintenance/no-session/{site.a}").status == 404


def test_a_stale_list_is_that_of_the_ask_before(make_site, ask):
    """In MAINTENANCE there is none before; in PLANNED_MAINTENANCE it is all that the project had, in the next round
    those of the round before."""
    site = make_site(
        {"when": {"operation": "list"}, "then": {"stale": True}},
        inventory={"hosts": 3, "vcpus": 8, "projects": 2, "instances_per_project": 4, "spare_hosts": 1},
    )

    def fetch():
        return json.loads(ask(site, "GET", site.path()).body)["instance_ids"]

    service = site.simulator.service
    everything = list(service.instance_ids(site.session, site.a))
    assert fetch() == everything
    _until(site, ask, "PLANNED_MAINTENANCE")
    rounds = [list(service.instance_ids(site.session, site.a))]
    assert sorted(fetch()) == sorted(everything) != sorted(rounds[0])
    for project in (site.a, site.b):
        asked = service.instance_ids(site.session, project)
        if asked:
            _reply(site, ask, project, "PLANNED_MAINTENANCE", dict.fromkeys(asked, "MIGRATE"))
    while [one.data.get("state") for one in site.recorded("event") if one.project_id == site.a].count(
        "PLANNED_MAINTENANCE"
    ) < 2:
        assert site.control("POST", "/clock/advance", {"next": True}).status == 200
    assert fetch() == rounds[0]


def test_what_was_scaled_in_is_still_in_a_stale_list(make_site, ask):
    site = make_site({"when": {"operation": "list", "state": "PREPARE_MAINTENANCE"}, "then": {"stale": True}})
    service = site.simulator.service
    everything = service.instance_ids(site.session, site.a)
    service.remove_instance(everything[0])
    service.add_instance(site.a)  # and what was added is not yet; it takes the host that was empty
    _until(site, ask, "PREPARE_MAINTENANCE")
    listed = json.loads(ask(site, "GET", site.path()).body)["instance_ids"]
    assert sorted(listed) == sorted(everything)


# -- the control API -------------------------------------------------------------------------------------------------


def test_control_means_what_managers_do_and_never_what_ends_it(make_site, ask):
    site = make_site({"when": {"operation": "control"}, "then": {"drop": True}})
    (instance, *_) = site.simulator.service.instances(site.a)
    api = "/simulator/v1"
    for method, path, body in (
        ("GET", "/instances", None),
        ("GET", f"/instances/{instance.instance_id}", None),
        ("POST", "/instances", {"project_id": site.b}),
        ("POST", f"/instances/{instance.instance_id}/move", None),
        ("DELETE", f"/instances/{instance.instance_id}", None),
    ):
        assert ask(site, method, api + path, body).data == b"", path
    for path in ("/health", "/ready", "/version", "/faults", "/journal", "/sessions", "/hosts", "/projects", "/clock"):
        assert ask(site, "GET", api + path).status == 200, path
    (fault,) = site.control("GET", "/faults").json()["faults"]
    assert fault["hits"] == {"": 1, site.a: 3, site.b: 1}
    assert ask(site, "POST", api + "/reset").status == 204
    assert ask(site, "DELETE", api + "/faults").status == 204
    assert ask(site, "GET", api + "/instances").status == 200


#: The projects of the scenario: their seed has these names.
TWO = ("smsc-hailuoto-lab", "sbc-kauhava-prelive")


def test_a_token_says_whose_request_to_the_control_api_it_is(make_site):
    """Nobody else's request uses up a project's fault."""
    site = make_site(
        {"when": {"operation": "control", "project": 1, "nth": 1}, "then": {"status": 503}},
        admin_token="root",
        project_tokens={TWO[0]: "of-a", TWO[1]: "of-b"},
    )
    (instance, *_) = site.simulator.service.instances(site.a)
    path = f"/simulator/v1/instances/{instance.instance_id}"
    connection = site.connect()
    statuses = []
    for token in ("wrong", "of-b", "of-a", "of-a"):
        connection.request("GET", path, headers={"X-Auth-Token": token})
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    assert statuses == [401, 403, 503, 200]


def test_one_fault_is_taken_away_by_its_number(make_site):
    site = make_site(
        {"when": {"operation": "list"}, "then": {"status": 500}},
        {"when": {"operation": "list"}, "then": {"status": 503}},
    )
    assert site.status("GET") == 500
    assert site.control("DELETE", "/faults/1").status == 204
    assert site.status("GET") == 503
    refused = site.control("DELETE", "/faults/1")
    assert (refused.status, refused.json()["expected"]) == (404, "the number of a fault: 2")
    assert [one["number"] for one in site.control("GET", "/faults").json()["faults"]] == [2]
