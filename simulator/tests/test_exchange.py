"""The exchange as ``journal show`` tells it: a line for each kind of entry, and none that steers the terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.exchange import Exchange
from fenix_simulator.ports import Answered, Delivery, Recorded
from fenix_simulator.sentences import Names

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
SESSION = "0e2b4a04-4ada-543c-b703-25ed909f5aa9"
NAMES = {"p1": "cgnat-turku", "p2": "upf"}
URL = f"/v1/maintenance/{SESSION}/p1"


def entry(
    kind: str, type_: str, data: Any, project_id: str | None = "p1", session_id: str | None = SESSION
) -> Recorded:
    return Recorded(1, NOON, kind, type_, session_id, project_id, data)


def delivery(status: int | None = 200, error: str | None = None, **members: Any) -> Recorded:
    made = Delivery("a", "http://v/", f"{SESSION}/7", "PLANNED_MAINTENANCE", 1, status, error, 0.004, "{}", True)
    return entry("delivery", "AlarmDelivered", {**asdict(made), **members})


def request(method: str, path: str, status: int | None, asked: Any = None, answered: Any = None, **members: Any):
    body, answer = (
        "" if one is None else one if isinstance(one, str) else json.dumps(one) for one in (asked, answered)
    )
    made = Answered(method, path, status, 0.0024, body, answer)
    return entry("request", "RequestAnswered", {**asdict(made), **members})


def event(type_: str, **data: Any) -> Recorded:
    return entry("event", type_, data)


def told(*entries: Recorded) -> list[str]:
    """The lines, without their time."""
    exchange = Exchange(Names(dict(NAMES), {"i1": "cgnat-01"}))
    lines = [str(line) for line in map(exchange.tell, entries) if line is not None]
    assert all(line.startswith("12:00:00.123  ") for line in lines)
    return [line.removeprefix("12:00:00.123  ") for line in lines]


def notified(instances: int = 2, seconds: float | None = 19.8) -> Recorded:
    reply_at = None if seconds is None else (NOON + timedelta(seconds=seconds)).isoformat()
    ids = [f"i{number}" for number in range(instances)]
    return event("ProjectNotified", notification=7, instance_ids=ids, reply_at=reply_at)


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        (
            [notified(), delivery()],
            "Fenix → cgnat-turku  alarm PLANNED_MAINTENANCE (2 instances, reply within 19.8 s)  200 in 4 ms",
        ),
        ([notified(1, None), delivery()], "Fenix → cgnat-turku  alarm PLANNED_MAINTENANCE (1 instance)  200 in 4 ms"),
        ([notified(0, -20), delivery()], "alarm PLANNED_MAINTENANCE (reply_at 20.0 s ago)  200 in 4 ms"),
        ([delivery()], "Fenix → cgnat-turku  alarm PLANNED_MAINTENANCE  200 in 4 ms"),
        ([delivery(500, attempt=2)], "alarm PLANNED_MAINTENANCE (attempt 2)  500 in 4 ms"),
        ([delivery(None, "connection refused")], "alarm PLANNED_MAINTENANCE  no answer: connection refused"),
        ([delivery(200, "the answer broke off")], "200, but the answer broke off"),
        ([delivery(fault=3)], "200 in 4 ms  [fault 3]"),
        ([request("GET", URL, 200, None, {"instance_ids": ["a", "b"]})], "GET list  200 in 2 ms  2 instances"),
        ([request("GET", f"{URL}/", 200, None, {"instance_ids": ["a"]})], "GET list  200 in 2 ms  1 instance"),
        ([request("GET", f"/x/7f{URL}", 200)], "cgnat-turku → Fenix  GET list below /x/7f  200 in 2 ms"),
        ([request("GET", f"{URL}/i1", 200)], "GET list for cgnat-01  200 in 2 ms"),
        (
            [request("PUT", URL, 200, {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a": "M", "b": "M"}})],
            "cgnat-turku → Fenix  PUT ACK_PLANNED_MAINTENANCE {2 M}  200 in 2 ms",
        ),
        ([request("PUT", URL, 200, {"state": "ACK_MAINTENANCE"})], "PUT ACK_MAINTENANCE  200 in 2 ms"),
        (
            [request("PUT", f"{URL}/i1", 200, {"state": "ACK_X", "instance_action": "MIGRATE"})],
            "PUT ACK_X for cgnat-01 {1 MIGRATE}  200 in 2 ms",
        ),
        ([request("PUT", URL, 400, "state=ACK")], "PUT state=ACK  400 in 2 ms"),
        ([request("PUT", URL, 415)], "PUT without a body  415 in 2 ms"),
        ([request("PUT", URL, 409, {"state": "ACK_X"}, {"detail": "nobody asked"})], "409 in 2 ms  nobody asked"),
        (
            [request("PUT", URL, 422, {"state": "NO"}, {"detail": "no", "errors": ["$/s: x"]})],
            "422 in 2 ms  no: $/s: x",
        ),
        ([request("PUT", URL, None, {"state": "ACK_X"}, fault=2)], "PUT ACK_X  no answer  [fault 2]"),
        ([request("POST", "/v1/maintenance", 200, {}, {"session_id": "s"}, surface="admin")], "200 in 2 ms  session s"),
        ([request("GET", "/nothing?x=1", 404, surface="other")], "GET /nothing?x=1  404 in 2 ms"),
        ([request("POST", "/v2/alarms", 400, surface="alarms")], "POST /v2/alarms  400 in 2 ms"),
        ([event("StateEntered", state="SCALE_IN", host=None)], "── SCALE_IN ──"),
        ([event("StateEntered", state="P", host="h")], "── P: h is to be emptied ──"),
        ([event("SessionFailed", reason="no reply from p1")], "failed: no reply from cgnat-turku"),
        ([event("SessionPaused")], f"session {SESSION} is held"),
        ([event("SessionPlanned", hosts=[], delay=1.5)], f"session {SESSION} is to begin in 1.5 s"),
        ([event("InstanceMoved", action="M", instance_id="i1", host="a", target="b")], "M cgnat-01: a → b"),
        (
            [entry("fault", "FaultHappened", {"fault": 1, "operation": "list", "effect": {"drop": True, "status": 5}})],
            "fault: list of cgnat-turku: drop, status 5  [fault 1]",
        ),
        (
            [
                entry(
                    "subscription",
                    "created",
                    {"project_id": "p1", "event_type": "maintenance.scheduled", "alarm_actions": ["http://v/"]},
                )
            ],
            "cgnat-turku subscribes: maintenance.scheduled to http://v/",
        ),
        ([entry("start", "ServerStarted", {"version": "1.2", "scenario": {}})], "fenix-simulator 1.2 begins"),
        ([entry("delivery", "AlarmDelivered", {"made": "elsewhere"})], "delivery AlarmDelivered: cannot be told"),
    ],
)
def test_each_kind_of_entry_has_its_line(entries: list[Recorded], line: str) -> None:
    (said,) = told(*entries)
    assert line in said
    assert said == line or not line.startswith(("Fenix", "cgnat-turku →", "──", "session", "fault"))


@pytest.mark.parametrize(
    "silent",
    [
        event("TimerStarted", timer=1),
        event("ProjectsAsked", state="X"),
        event("ReplyAccepted", project_id="p1", state="ACK_X"),
        entry("fault", "FaultCounted", {"fault": 1, "count": 2}),
        entry("subscription", "changed", {}),
        request("POST", "/v2/alarms", 201, surface="alarms"),
        notified(),
    ],
)
def test_what_other_lines_say_is_not_said_twice(silent: Recorded) -> None:
    assert told(silent) == []


def test_names_are_aligned_and_sessions_told_apart_once_there_are_several() -> None:
    created = event("SessionCreated", hosts=["h"], projects=["p1"])
    other = Recorded(2, NOON, "event", "SessionCreated", "ffffffff-1", None, {"hosts": ["h"], "projects": []})
    upf = Recorded(3, NOON, "delivery", "AlarmDelivered", "ffffffff-1", "p2", delivery().data)
    first, alone, _, second, again = told(created, upf, other, upf, created)
    assert first.startswith(f"── session {SESSION} begins: MAINTENANCE, a maintenance of 1 host")
    assert alone.startswith("Fenix → upf          alarm PLANNED_MAINTENANCE")
    assert second.startswith("Fenix → upf          [ffffffff] alarm PLANNED_MAINTENANCE")
    assert again.startswith(f"── session {SESSION} begins anew")


HOSTILE = st.text() | st.sampled_from(["\x1b[2J", "\x9b31m", "a\nb", "\u202e", "\ud800", "[" * 3_000])
JSONISH = st.recursive(st.none() | st.booleans() | st.integers() | HOSTILE, lambda one: st.lists(one, max_size=3))


@given(HOSTILE, HOSTILE, HOSTILE, st.dictionaries(st.sampled_from(["state", "instance_actions"]), JSONISH))
def test_whatever_is_sent_is_one_line_of_plain_text(path: str, asked: str, answered: str, reply: Any) -> None:
    lines = told(
        request("PUT", path, 400, asked, answered),
        request("PUT", f"/v1/maintenance/s/p/{path}", 200, json.dumps(reply), json.dumps({"detail": answered})),
        request("PUT", path, 500, json.dumps(reply), json.dumps({"detail": answered, "errors": [asked]})),
        request(asked, path, 200, surface="other"),
        delivery(None, answered),
    )
    assert len(lines) == 5
    assert all(line.isprintable() for line in lines)
