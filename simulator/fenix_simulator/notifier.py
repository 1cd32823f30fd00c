"""Tells projects and administrators: an event and the subscriptions it fires become alarms in the sink's queues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from fenix_contract.vocabulary import EventType, HostState
from fenix_simulator.domain import messages as m
from fenix_simulator.event_query import holds
from fenix_simulator.ports import Alarm, AlarmSink, Clock
from fenix_simulator.subscriptions import Subscription, Subscriptions

#: The project that administrators' notifications belong to, as upstream names it.
ADMIN = "admin"

#: What somebody is told of.
Notified = m.ProjectNotified | m.HostMaintenanceStarted | m.HostMaintained


@dataclass(slots=True)
class Untold:
    """A notification of the past and the alarms (by ``alarm_id``) that were delivered for it."""

    event: Notified
    heard_by: set[str] = field(default_factory=set)


class AlarmFactory(Protocol):
    """Makes an alarm of an event for one subscription (``alarms.AlarmBuilder``)."""

    def check(self, session_id: str, project_id: str) -> None:
        """Raise where the project's URL would not fit into a trait."""
        ...

    def project_alarm(
        self,
        session_id: str,
        event: m.ProjectNotified,
        metadata: Mapping[str, str],
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm: ...

    def host_alarm(
        self,
        session_id: str,
        event: m.HostMaintenanceStarted | m.HostMaintained,
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm: ...


class Notifier:
    """Finds who listens and hands an alarm for each to the sink; nothing is sent here and nothing blocks."""

    def __init__(self, subscriptions: Subscriptions, alarms: AlarmFactory, sink: AlarmSink, clock: Clock) -> None:
        self._subscriptions = subscriptions
        self._alarms = alarms
        self._sink = sink
        self._clock = clock

    def check(self, session_id: str, project_id: str) -> None:
        """Raise a MaintenanceError where an alarm to that project could not be built."""
        self._alarms.check(session_id, project_id)

    def tell(
        self,
        session_id: str,
        metadata: Mapping[str, str],
        event: Notified,
        heard_by: AbstractSet[str] = frozenset(),
    ) -> None:
        """Fire the alarms of everybody who listens, besides those (by ``alarm_id``) who heard of it already."""
        project, event_type = _addressed(event)
        facts = _facts(session_id, event)
        for subscription in self._subscriptions.matching(project, event_type):
            if not subscription.alarm_actions or subscription.alarm_id in heard_by:
                continue
            if subscription.query and not holds(subscription.query, facts):
                continue
            previous = self._subscriptions.fire(subscription.alarm_id)
            if previous is None:
                continue
            now = self._clock.now()
            for one in _single_actions(subscription):
                if isinstance(event, m.ProjectNotified):
                    alarm = self._alarms.project_alarm(session_id, event, metadata, one, previous, now)
                else:
                    alarm = self._alarms.host_alarm(session_id, event, one, previous, now)
                self._sink.send(alarm)


def _addressed(event: Notified) -> tuple[str, EventType]:
    """Whose notification it is, and of which type."""
    if isinstance(event, m.ProjectNotified):
        return event.project_id, EventType.SCHEDULED
    return ADMIN, EventType.HOST


def _facts(session_id: str, event: Notified) -> dict[str, str]:
    """What an alarm's query may ask about a notification."""
    project, event_type = _addressed(event)
    facts = {
        "event_type": str(event_type),
        "traits.service": "fenix",
        "traits.project_id": project,
        "traits.session_id": session_id,
    }
    if isinstance(event, m.ProjectNotified):
        return {**facts, "traits.state": event.state.value}
    started = isinstance(event, m.HostMaintenanceStarted)
    state = HostState.IN_MAINTENANCE if started else HostState.MAINTENANCE_COMPLETE
    return {**facts, "traits.host": event.host, "traits.state": state.value}


def _single_actions(subscription: Subscription) -> Iterator[Subscription]:
    """One subscription per URL: Aodh notifies each of an alarm's actions."""
    for url in subscription.alarm_actions:
        yield replace(subscription, alarm_actions=(url,))
