"""Subscribing at Aodh's API."""

from __future__ import annotations

import json

import pytest

from fenix_vnfm import EventKind, SubscriptionError
from fenix_vnfm.subscribe import subscribe, unsubscribe

CREATED = (201, {"Content-Type": "application/json"}, json.dumps({"alarm_id": "alarm/1"}).encode())


def test_a_subscription_is_an_event_alarm_that_fires_every_time(fenix):
    fenix.script("POST", CREATED)
    assert subscribe(fenix.url + "/", "p1", "http://vnfm/x", "secret-1") == "alarm/1"
    (request,) = fenix.requests()
    assert (request.method, request.path, request.headers["x-auth-token"]) == ("POST", "/v2/alarms", "secret-1")
    assert request.json == {
        "name": "fenix-vnfm p1 maintenance.scheduled",
        "type": "event",
        "event_rule": {"event_type": "maintenance.scheduled", "query": []},
        "alarm_actions": ["http://vnfm/x"],
        "repeat_actions": True,
        "project_id": "p1",
    }


def test_without_a_project_the_token_says_whose_it_is(fenix):
    fenix.script("POST", CREATED)
    subscribe(fenix.url, None, "http://vnfm/x", event_type="maintenance.planned")
    (request,) = fenix.requests()
    assert "project_id" not in request.json
    assert request.json["event_rule"]["event_type"] == "maintenance.planned"


@pytest.mark.parametrize(
    "answer", [401, 500, None, (201, {}, b"{}"), (201, {}, b"[]"), (201, {}, b'{"alarm_id": 3}'), (200, {}, b"\xff")]
)
def test_a_subscription_that_was_not_made_is_an_error(fenix, answer):
    fenix.script("POST", answer)
    with pytest.raises(SubscriptionError, match="cannot subscribe"):
        subscribe(fenix.url, "p1", "http://vnfm/x")


@pytest.mark.parametrize(("status", "gone"), [(204, True), (404, True), (500, False), (None, False)])
def test_unsubscribing_tells_whether_it_is_gone(fenix, status, gone):
    fenix.script("DELETE", status)
    assert unsubscribe(fenix.url, "alarm/1", "t") is gone
    assert fenix.requests()[0].path == "/v2/alarms/alarm%2F1"


def test_a_manager_subscribes_for_both_types_and_takes_them_away_again(fenix, manage):
    fenix.script("POST", CREATED, CREATED)
    fenix.script("DELETE", 204, 500)
    manager = manage("p1", token="t")
    manager.subscribe(fenix.url)
    manager.close()
    rules = [one.json["event_rule"]["event_type"] for one in fenix.requests("POST")]
    assert rules == ["maintenance.scheduled", "maintenance.planned"]
    assert {one.json["alarm_actions"][0] for one in fenix.requests("POST")} == {manager.alarm_url}
    assert len(fenix.requests("DELETE")) == 2
    assert [event.kind for event in manager.events][-2:] == [EventKind.UNSUBSCRIBED, EventKind.ERROR]
