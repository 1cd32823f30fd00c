"""Alarms that are still on their way: told of, and not yet recorded for the last time."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from fenix_conformance.vnfm.journal import Entry
from fenix_pytest.flight import in_flight, in_hand

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NUMBERS = count(1)


def _entry(kind: str, name: str, **data: object) -> Entry:
    return Entry(next(NUMBERS), NOW, kind, name, "s", "p", data)


def _subscription(change: str = "created", **members: object) -> Entry:
    plain = {
        "alarm_id": "a",
        "project_id": "p",
        "event_type": "maintenance.*",
        "alarm_actions": ["http://one"],
        "query": [],
        "enabled": True,
        "repeat_actions": True,
    }
    return _entry("subscription", change, **{**plain, **members})


def _told(number: int = 1) -> Entry:
    return _entry("event", "ProjectNotified", notification=number, project_id="p", state="MAINTENANCE")


def _delivery(number: int = 1, *, final: bool = True, fault: int | None = None) -> Entry:
    return _entry("delivery", "AlarmDelivered", alarm_id="a", notification=f"s/{number}", final=final, fault=fault)


def test_who_is_told_is_owed_a_delivery():
    assert in_flight([_subscription(), _told()]) == 1
    assert in_flight([_subscription(), _told(), _delivery(final=False)]) == 1
    assert in_flight([_subscription(), _told(), _delivery()]) == 0


def test_each_address_and_each_subscriber_counts():
    two = _subscription(alarm_actions=["http://one", "http://two"])
    assert in_flight([two, _subscription(alarm_id="b", project_id=None), _told(), _delivery()]) == 2


def test_who_does_not_hear_is_owed_nothing():
    for members in (
        {"project_id": "q"},
        {"event_type": "maintenance.host"},
        {"enabled": False},
        {"query": [{"field": "x"}]},
        {"repeat_actions": False},
    ):
        assert in_flight([_subscription(**members), _told()]) == 0
    assert in_flight([_subscription(), _subscription("deleted"), _told()]) == 0
    assert in_flight([_told(), _subscription()]) == 0


def test_an_alarm_that_a_fault_doubles_lands_twice():
    happened = _entry("fault", "FaultHappened", fault=3, effect={"duplicate": 1})
    told = [_subscription(), happened, _told(), _delivery(fault=3)]
    assert in_flight(told) == 1
    assert in_flight([*told, _delivery(fault=3)]) == 0


def test_a_reply_is_in_hand_until_its_request_is_recorded():
    taken = _entry("event", "ReplyAccepted", state="ACK_MAINTENANCE")
    refused, answered, dropped = (
        _entry("request", "RequestAnswered", method="PUT", surface="project", status=status)
        for status in (409, 200, None)
    )
    listed = _entry("request", "RequestAnswered", method="GET", surface="project", status=200)
    assert in_hand([]) == 0
    assert in_hand([listed, refused, taken]) == 1
    assert in_hand([refused, taken, answered]) == in_hand([taken, dropped]) == 0


@given(st.lists(st.integers(1, 5), unique=True), st.data())
def test_what_is_told_minus_what_landed_is_in_flight(numbers, data):
    landed = data.draw(st.sets(st.sampled_from(numbers)) if numbers else st.just(set()))
    entries = [_subscription(), *map(_told, numbers), *map(_delivery, landed)]
    assert in_flight(entries) == len(numbers) - len(landed)
