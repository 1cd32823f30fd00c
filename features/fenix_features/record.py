"""Looking back at what the managers heard and did: alarms without their repetitions, lists, replies, and the story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fenix_contract.vocabulary import ACTION_STATES, Action, AlarmState, State
from fenix_vnfm import EventKind, Exchange, ManagerEvent, ProjectManager, ReceivedAlarm

#: state → the states that a project may be told of next: the workflow without the states that nobody is told of.
NEXT: Mapping[str, frozenset[str]] = {
    "": frozenset({State.MAINTENANCE}),
    State.MAINTENANCE: frozenset(
        {State.SCALE_IN, State.PREPARE_MAINTENANCE, State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}
    ),
    State.SCALE_IN: frozenset(
        {State.SCALE_IN, State.PREPARE_MAINTENANCE, State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}
    ),
    State.PREPARE_MAINTENANCE: frozenset({State.SCALE_IN, State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}),
    State.PLANNED_MAINTENANCE: frozenset({State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}),
    State.MAINTENANCE_COMPLETE: frozenset(),
}

_FENIX_MOVES = (Action.MIGRATE, Action.LIVE_MIGRATE)


@dataclass(frozen=True, slots=True)
class Played:
    """A request that a step sent in a project's name, and its answer."""

    project: str
    exchange: Exchange


def heard(alarms: Iterable[ReceivedAlarm], alarm_url: str, session_id: str) -> list[ReceivedAlarm]:
    """The alarms about a session that came to a URL, in order; one that came again is left out."""
    path = urlsplit(alarm_url).path
    seen: set[tuple[str, str]] = set()
    found = []
    for alarm in alarms:
        if alarm.path != path or alarm.session_id != session_id or alarm.message is None:
            continue
        identity = alarm.message.message_id or alarm.message.generated, alarm.state
        if identity not in seen:
            seen.add(identity)
            found.append(alarm)
    return found


def asks(alarms: Iterable[ReceivedAlarm]) -> list[str]:
    """The states that the alarms ask a reply to, in order."""
    return [alarm.state for alarm in alarms if alarm.state != AlarmState.INSTANCE_ACTION_DONE]


def first_entered(states: Iterable[str]) -> list[str]:
    """The states in the order in which they were first entered."""
    return list(dict.fromkeys(states))


def events(manager: ProjectManager, kind: EventKind, session_id: str, state: str | None = None) -> list[ManagerEvent]:
    """A manager's events of a kind about a session."""
    return [
        event
        for event in manager.events
        if event.kind is kind and event.session_id == session_id and state in (None, event.state)
    ]


def listed(manager: ProjectManager, session_id: str, *states: str) -> list[tuple[str, ...]]:
    """The lists that a manager fetched in these states, in order."""
    return [
        tuple(event.detail["instance_ids"])
        for event in events(manager, EventKind.LIST, session_id)
        if event.state in states
    ]


def asked_about(manager: ProjectManager, session_id: str, *states: str) -> Counter[str]:
    """How often each instance was asked about in these states (PREPARE and PLANNED where none are given)."""
    chosen = states or tuple(ACTION_STATES)
    return Counter(instance for ids in listed(manager, session_id, *chosen) for instance in ids)


def replies(manager: ProjectManager, session_id: str) -> Iterator[Mapping[str, Any]]:
    """The replies of a manager that were taken."""
    for event in events(manager, EventKind.REPLY, session_id):
        yield event.detail["reply"]


def left_to_fenix(reply: Mapping[str, Any]) -> list[str]:
    """The instances that a reply wants Fenix to move."""
    actions = reply.get("instance_actions") or {}
    return [instance for instance, action in actions.items() if action in _FENIX_MOVES]


def to_be_moved(manager: ProjectManager, session_id: str) -> Counter[str]:
    """How often a manager's replies left each instance to Fenix."""
    return Counter(instance for reply in replies(manager, session_id) for instance in left_to_fenix(reply))


def reported(alarms: Iterable[ReceivedAlarm]) -> Counter[str]:
    """How often each instance was reported by INSTANCE_ACTION_DONE."""
    return Counter(
        instance
        for alarm in alarms
        if alarm.state == AlarmState.INSTANCE_ACTION_DONE and alarm.message is not None
        for instance in alarm.message.instance_id_list
    )


def story(managers: Mapping[str, ProjectManager], by_hand: Iterable[Played]) -> str:
    """What the managers saw and did and what the steps sent, in order of time, a line each."""
    lines = [
        (event.at, f"{name:<5} {event.kind:<12} {event.state:<21} {event.text}")
        for name, manager in managers.items()
        for event in manager.events
    ]
    lines += [
        (played.exchange.sent, f"{played.project:<5} {'by hand':<12} {_body(played.exchange)}") for played in by_hand
    ]
    return "\n".join(f"{at:%H:%M:%S.%f}  {text}" for at, text in sorted(lines, key=lambda line: line[0]))


def _body(exchange: Exchange) -> str:
    return f"{exchange.request_body.decode(errors='replace')} → {exchange}"
