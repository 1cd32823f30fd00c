"""Faults as they are met on real connections, and what the journal says of them."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.client import RemoteDisconnected
from typing import Any

import pytest
import urllib3

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10


def _fault(operation: str, nth: int | None = None, times: int | None = None, **then: object) -> dict[str, Any]:
    when = {"operation": operation} | ({} if nth is None else {"nth": nth})
    return {"when": when, "then": then} | ({} if times is None else {"times": times})


# -- lists and replies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 418, 429, 500, 503, 599])
def test_an_error_is_a_problem_document_and_changes_nothing(make_site, status):
    site = make_site(_fault("reply", 1, status=status))
    got, fields, body = site.send("PUT")
    document = json.loads(body)
    assert (got, fields["content-type"], document["status"]) == (status, "application/problem+json", status)
    assert document["type"] == "urn:fenix-harness:problem:fault"
    assert (fields.get("retry-after") == "1") == (status in (429, 503))
    assert site.replied() == []
    assert site.send("PUT")[0] == 200
    assert site.replied() == [site.a]
    assert site.answered() == [("PUT", status), ("PUT", 200)]
    (noted,) = site.recorded("fault")
    assert (noted.type, noted.session_id, noted.project_id) == ("FaultHappened", site.session, site.a)
    assert noted.data["effect"] == {"status": status}


@pytest.mark.parametrize(
    ("status", "content"), [(200, b"{}"), (202, b"{}"), (204, b""), (299, b"{}"), (302, b""), (304, b"")]
)
def test_an_answer_that_only_looks_well_is_not_looked_at_either(make_site, status, content):
    site = make_site(_fault("reply", 1, status=status))
    assert site.send("PUT")[::2] == (status, content)
    assert site.replied() == []


def test_a_fault_meets_even_what_would_have_been_refused(make_site):
    """Whatever answers 503 in front of Fenix looks at nothing."""
    site = make_site(_fault("reply", 1, status=503))
    assert site.send("PUT", body=["no reply"])[0] == 503
    assert site.send("PUT", body=["no reply"])[0] == 400


def test_a_dropped_reply_never_reached_fenix(make_site):
    site = make_site(_fault("reply", 1, drop=True))
    assert [site.status("PUT"), site.replied(), site.status("PUT"), site.replied()] == [None, [], 200, [site.a]]
    assert site.answered() == [("PUT", None), ("PUT", 200)]
    dropped = site.recorded("request")[0].data
    assert json.loads(dropped["request_body"]) == {"state": "ACK_MAINTENANCE"}
    assert dropped["response_body"] == ""


def test_a_closed_reply_counts_and_can_be_sent_again(make_site):
    site = make_site(_fault("reply", 1, close=True))
    assert [site.status("PUT"), site.replied(), site.status("PUT"), site.replied()] == [None, [site.a], 200, [site.a]]
    assert site.answered() == [("PUT", None), ("PUT", 200)]
    assert site.recorded("request")[0].data["response_body"] == ""


def test_a_connection_that_is_closed_ends_without_a_byte(make_site):
    site = make_site(_fault("list", 1, close=True))
    with socket.create_connection((site.host, site.port), BOUND) as connection:
        connection.sendall(f"GET {site.path()} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 2)
        connection.settimeout(BOUND)
        assert connection.recv(1) == b""


def test_a_kept_connection_that_had_answers_is_closed_too(make_site):
    site = make_site(_fault("list", 2, drop=True))
    connection = site.connect()
    assert site.send("GET", connection=connection)[0] == 200
    with pytest.raises(RemoteDisconnected):
        site.send("GET", connection=connection)
    assert site.send("GET", connection=connection)[0] == 200, "http.client connects anew"


def test_a_late_answer_is_the_answer(make_site):
    site = make_site(_fault("list", 1, delay="250ms"), _fault("reply", 1, delay="250ms", status=503))
    begun = time.monotonic()
    status, _, body = site.send("GET")
    assert (status, len(json.loads(body)["instance_ids"])) == (200, 2)
    assert time.monotonic() - begun >= 0.25
    assert site.send("PUT")[0] == 503
    assert time.monotonic() - begun >= 0.5
    assert min(one.data["latency"] for one in site.recorded("request")) >= 0.25


def test_late_answers_take_no_thread_from_others(make_site):
    """Two threads, ten requests that wait; the eleventh, of another project, is answered meanwhile."""
    site = make_site({"when": {"operation": "list", "project": 1}, "then": {"delay": "1h"}}, threads=2)
    waiting = [site.connect() for _ in range(10)]
    for connection in waiting:
        connection.request("GET", site.path())
    site.wait_for("fault", 10)
    assert site.send("GET", site.b)[0] == 200
    assert site.control("GET", "/version").status == 200
    # What waits is answered when the server stops.
    stopping = threading.Thread(target=site.simulator.stop)
    stopping.start()
    assert [connection.getresponse().status for connection in waiting] == [200] * 10
    stopping.join(BOUND)
    assert not stopping.is_alive()


def test_only_lists_and_replies_are_touched_and_counted(make_site):
    site = make_site(_fault("list", 2, status=503), _fault("reply", 2, status=503))
    for method in ("OPTIONS", "HEAD", "POST", "DELETE", "OPTIONS"):
        assert site.send(method)[0] < 500
    for path in ("/v1/maintenance", f"/v1/maintenance/{site.session}", "/v2/alarms"):
        assert urllib3.request("GET", site.simulator.url + path, timeout=BOUND).status == 200
    assert [site.status("GET") for _ in range(3)] == [200, 503, 200]
    assert [site.status("PUT") for _ in range(3)] == [200, 503, 200]


def test_both_forms_of_the_path_meet_the_same_fault(make_site):
    site = make_site(_fault("list", 2, status=503))
    pool = urllib3.PoolManager(retries=False, timeout=BOUND)
    url = site.simulator.url + site.path()
    assert [pool.request("GET", one).status for one in (url, f"{url}/", url)] == [200, 503, 200]


def test_a_fault_comes_after_the_token(make_site):
    """Nobody else's request uses up a project's fault."""
    site = make_site(_fault("reply", 1, drop=True), admin_token="root")
    for headers, status in (({}, 401), ({"X-Auth-Token": "wrong"}, 401)):
        assert site.send("PUT", **headers)[0] == status
    with pytest.raises(RemoteDisconnected):
        site.send("PUT", **{"X-Auth-Token": "root"})
    assert site.send("PUT", **{"X-Auth-Token": "root"})[0] == 200


def test_the_upstream_manners_have_faults_too(make_site):
    site = make_site(_fault("reply", 1, status=503), _fault("list", 1, drop=True), behaviour="upstream")
    assert [site.status("GET"), site.status("GET")] == [None, 200]
    assert [site.status("PUT"), site.status("PUT")] == [503, 200]


def test_a_reply_about_one_instance_is_a_reply(make_site):
    site = make_site(_fault("reply", 2, status=503), dialect="per-instance")
    (instance, *_) = site.simulator.service.instance_ids(site.session, site.a)
    url = f"{site.simulator.url}{site.path()}/{instance}"
    statuses = [
        urllib3.request("PUT", url, json={"state": "ACK_INSTANCE_ACTION_DONE"}, retries=False, timeout=BOUND).status
        for _ in range(3)
    ]
    assert statuses == [200, 503, 200]


def test_faults_come_and_go_by_the_control_api(make_site):
    site = make_site()
    assert site.status("GET") == 200
    fault = _fault("list", status=503)
    assert site.control("POST", "/faults", fault).status == 201
    assert site.control("GET", "/faults").json() == {"faults": [{"number": 1, "hits": {}, **fault}]}
    assert site.status("GET") == 503
    assert site.control("GET", "/faults").json() == {"faults": [{"number": 1, "hits": {site.a: 1}, **fault}]}
    assert site.control("DELETE", "/faults").status == 204
    assert site.status("GET") == 200


def test_reset_arms_the_scenarios_faults_again(make_site):
    site = make_site(_fault("list", 1, status=503))
    assert [site.status("GET"), site.status("GET")] == [503, 200]
    assert site.control("POST", "/reset").status == 204
    (site.session,) = site.simulator.start_sessions()
    assert [site.status("GET"), site.status("GET")] == [503, 200]


def test_no_answer_has_a_place_among_the_metrics(make_site):
    site = make_site(_fault("list", 1, drop=True))
    assert site.status("GET") is None
    metrics = urllib3.request("GET", f"{site.simulator.url}/metrics", timeout=BOUND).data.decode()
    assert 'fenix_http_requests_total{method="GET",status="none",surface="project"} 1.0' in metrics


# -- alarms ----------------------------------------------------------------------------------------------------------


def test_alarms_that_come_twice_never_or_changed(make_site):
    """The first project's alarm three times, the second's never; what arrives is what the journal says."""
    site = make_site(
        {"when": {"alarm": "MAINTENANCE", "project": 1}, "then": {"duplicate": 2, "traits": {"risk": 0.25}}},
        {"when": {"alarm": "MAINTENANCE", "project": 2}, "then": {"drop": True}},
    )
    site.receiver.wait_for(lambda alarm: alarm.number == 3, timeout=BOUND)
    got = site.receiver.alarms
    assert [alarm.message.project_id for alarm in got] == [site.a] * 3
    assert {alarm.message.traits["risk"] for alarm in got} == {0.25}
    assert len({alarm.body for alarm in got}) == 1
    deliveries = site.wait_for("delivery", 4)
    by_project = {
        project: [(one.data["status"], one.data["body"]) for one in deliveries if one.project_id == project]
        for project in (site.a, site.b)
    }
    assert by_project[site.a] == [(200, got[0].body.decode())] * 3
    ((status, _),) = by_project[site.b]
    assert status is None


# -- restarts --------------------------------------------------------------------------------------------------------


def test_a_restart_with_the_journal_goes_on_counting(make_site, tmp_path):
    """What happened does not happen again, what was added is still there, what was dropped is not sent again."""
    journal = str(tmp_path / "run.db")
    faults = (
        _fault("reply", 2, times=2, status=503),
        {"when": {"alarm": "MAINTENANCE", "project": 2}, "then": {"drop": True}},
    )
    site = make_site(*faults, journal=journal)
    added = _fault("list", 2, status=418)
    assert site.control("POST", "/faults", added).status == 201
    assert [site.status("PUT"), site.status("PUT"), site.status("GET")] == [200, 503, 200]
    site.wait_for("delivery", 2)
    site.start_again()
    hits = [{site.a: 1}, {site.b: 1}, {}]
    assert site.control("GET", "/faults").json() == {
        "faults": [
            {"number": number, "hits": hits[number - 1], **fault} for number, fault in enumerate((*faults, added), 1)
        ]
    }
    assert [site.status("PUT"), site.status("PUT"), site.status("GET")] == [503, 200, 418]
    assert [one.project_id for one in site.recorded("delivery")].count(site.b) == 1
