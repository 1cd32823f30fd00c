"""An alarm's JSON in Aodh's API, and the subscription that is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from fenix_simulator.http.problems import Problem
from fenix_simulator.subscriptions import ALARM, INSUFFICIENT_DATA, OK, Subscription

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Text = Annotated[str, msgspec.Meta(max_length=255)]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


_MAX_QUERY_BYTES = 16 * 1024


class AlarmState(StrEnum):
    """The states that Aodh lets an alarm be set to."""

    INSUFFICIENT_DATA = INSUFFICIENT_DATA
    OK = OK
    ALARM = ALARM


class EventRule(msgspec.Struct):
    """Which events an alarm matches: by type (a shell pattern) and by ``query`` (see ``event_query``)."""

    event_type: Name = "*"
    query: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=32)] = []


class AlarmBody(msgspec.Struct):
    """What POST and PUT take. Members that Aodh sets itself may be there, as in what a client got before."""

    name: Name
    type: Text = "event"
    description: Text | None = None
    enabled: bool = True
    severity: Literal["low", "moderate", "critical"] = "low"
    state: AlarmState | None = None
    project_id: Text | None = None
    user_id: Text | None = None
    repeat_actions: bool = False
    alarm_actions: Annotated[list[Url], msgspec.Meta(max_length=16)] = []
    event_rule: EventRule = msgspec.field(default_factory=EventRule)


class ComplexQuery(msgspec.Struct):
    """The body of ``POST /v2/query/alarms``; the filter is JSON in a text."""

    filter: Annotated[str, msgspec.Meta(max_length=8192)] | None = None
    orderby: Annotated[str, msgspec.Meta(max_length=1024)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None


def subscription(
    body: AlarmBody, alarm_id: str, project_id: str | None, at: datetime, otherwise_in: str = INSUFFICIENT_DATA
) -> Subscription:
    """The subscription that the body describes; ``otherwise_in`` is its state where the body names none.

    Problem 400 for an alarm of another type than event, and for a query that is too long.
    """
    if body.type != "event":
        raise Problem(
            400,
            f"alarms of type {body.type!r} are not simulated",
            expected='"type": "event"',
            hint="Fenix's notifications reach a project by event alarms",
        )
    rule = body.event_rule
    # It is kept, and goes into the text of each alarm.
    if len(msgspec.json.encode(rule.query)) > _MAX_QUERY_BYTES:
        raise Problem(400, "the alarm's query is too long", expected=f"at most {_MAX_QUERY_BYTES} bytes of JSON")
    return Subscription(
        alarm_id=alarm_id,
        name=body.name,
        project_id=project_id,
        event_type=rule.event_type,
        query=tuple(rule.query),
        alarm_actions=tuple(body.alarm_actions),
        repeat_actions=body.repeat_actions,
        enabled=body.enabled,
        severity=body.severity,
        description=f"Alarm when {rule.event_type} event occurred." if body.description is None else body.description,
        state=body.state.value if body.state else otherwise_in,
        user_id=body.user_id or "",
        timestamp=at,
    )


def representation(known: Subscription) -> Mapping[str, Any]:
    """The alarm as Aodh shows it; what is no part of an event alarm's effect here has Aodh's default."""
    timestamp = known.timestamp.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {
        "alarm_actions": known.alarm_actions,
        "alarm_id": known.alarm_id,
        "description": known.description,
        "enabled": known.enabled,
        "evaluate_timestamp": timestamp,
        "event_rule": {"event_type": known.event_type, "query": known.query},
        "insufficient_data_actions": (),
        "name": known.name,
        "ok_actions": (),
        "project_id": known.project_id or "",
        "repeat_actions": known.repeat_actions,
        "severity": known.severity,
        "state": known.state,
        "state_reason": "Not evaluated yet" if known.state == INSUFFICIENT_DATA else "Alarm state changed by an event",
        "state_timestamp": timestamp,
        "time_constraints": (),
        "timestamp": timestamp,
        "type": "event",
        "user_id": known.user_id,
    }
