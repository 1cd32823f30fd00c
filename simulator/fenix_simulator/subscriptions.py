"""Who is told what: Aodh's event alarms, in memory.

A subscription is an event alarm as a project makes it through Aodh's API, or as one was named on the command line.
It matches a notification by the event type (a shell pattern, as in Aodh) and by the project it belongs to.
"""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from fenix_contract.vocabulary import EventType
from fenix_simulator.domain.errors import AlreadyExists, LimitReached, MaintenanceError

#: The states of an Aodh alarm. An event alarm never gets ``ok`` by itself.
INSUFFICIENT_DATA = "insufficient data"
OK = "ok"
ALARM = "alarm"

#: How many subscriptions are kept unless told otherwise.
DEFAULT_LIMIT = 10_000

#: Called with ``created``, ``changed`` or ``deleted`` and the subscription, before the change can be seen.
OnChange = Callable[[str, "Subscription"], None]


class UnknownAlarm(MaintenanceError):
    """No such alarm (404)."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event alarm.

    ``project_id`` None stands for every project. ``event_type`` is a shell pattern. ``query`` is kept and given back,
    as Aodh's API does. ``state`` is ``insufficient data`` until the alarm fires for the first time, then ``alarm``.
    ``trusted`` marks the targets given on the command line. ``timestamp`` is when it was made or replaced, aware UTC.
    """

    alarm_id: str
    name: str
    project_id: str | None = None
    event_type: str = "*"
    query: Sequence[Mapping[str, Any]] = ()
    alarm_actions: tuple[str, ...] = ()
    repeat_actions: bool = False
    enabled: bool = True
    severity: str = "low"
    description: str = ""
    state: str = INSUFFICIENT_DATA
    trusted: bool = False
    user_id: str = ""
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    def matches(self, event_type: str) -> bool:
        """Whether a notification of that type makes the alarm fire: it is enabled and the pattern fits."""
        return self.enabled and fnmatchcase(event_type, self.event_type)


class Subscriptions:
    """All subscriptions, indexed by id and by project; safe to use from any thread.

    Changes are made one after another and are reported to ``on_change`` first: when that raises, nothing has changed.
    Readers take no lock, because the indexes' values are immutable and are replaced as a whole.
    """

    def __init__(
        self,
        on_change: OnChange | None = None,
        *,
        limit: int = DEFAULT_LIMIT,
        scheduled: str = EventType.SCHEDULED,
    ) -> None:
        """``scheduled`` is the event type of the projects' notifications, by which ``is_managed`` judges."""
        self._report = on_change or _report_to_nobody
        self._limit = limit
        self._scheduled = scheduled
        self._changing = threading.Lock()
        self._by_id: dict[str, Subscription] = {}
        self._by_project: dict[str | None, tuple[Subscription, ...]] = {}

    def add(self, subscription: Subscription) -> None:
        """Keep a new subscription. Errors: LimitReached, AlreadyExists (its ``alarm_id``)."""
        with self._changing:
            if subscription.alarm_id in self._by_id:
                raise AlreadyExists(
                    f"there is an alarm {subscription.alarm_id} already",
                    expected="an alarm_id that is not taken",
                    hint="PUT changes an alarm that exists",
                )
            if len(self._by_id) >= self._limit:
                raise LimitReached(
                    f"there are {self._limit} alarms already, which is the limit",
                    expected=f"no more than {self._limit} alarms",
                    hint="delete alarms that are not needed any more",
                )
            self._report("created", subscription)
            self._insert(subscription)

    def replace(self, subscription: Subscription) -> None:
        """Put the subscription in the place of the one with its ``alarm_id``. Errors: UnknownAlarm."""
        with self._changing:
            known = self._known(subscription.alarm_id)
            if known != subscription:
                self._report("changed", subscription)
                self._exchange(known, subscription)

    def delete(self, alarm_id: str) -> None:
        """Forget the subscription. Errors: UnknownAlarm."""
        with self._changing:
            known = self._known(alarm_id)
            self._report("deleted", known)
            del self._by_id[alarm_id]
            self._take_out(known)

    def get(self, alarm_id: str) -> Subscription:
        """The subscription with that id. Errors: UnknownAlarm."""
        return self._known(alarm_id)

    def list(self, project_id: str | None = None) -> builtins.list[Subscription]:
        """All subscriptions, oldest first; with ``project_id`` those that belong to that project."""
        if project_id is None:
            return [*self._by_id.copy().values()]
        return [*self._by_project.get(project_id, ())]

    def matching(self, project_id: str, event_type: str) -> tuple[Subscription, ...]:
        """The subscriptions that a notification to the project fires: its own first, then those of every project.

        The cost depends on the number of these two kinds, not on other projects' subscriptions.
        """
        own, everybodys = self._by_project.get(project_id, ()), self._by_project.get(None, ())
        return tuple(subscription for subscription in (*own, *everybodys) if subscription.matches(event_type))

    def is_managed(self, project_id: str) -> bool:
        """Whether somebody listens for the project: an alarm on its notifications that has a URL to tell."""
        return any(subscription.alarm_actions for subscription in self.matching(project_id, self._scheduled))

    def fire(self, alarm_id: str) -> str | None:
        """Set the alarm's state to ``alarm`` and return the state it had.

        None says that nothing is to be sent: ``repeat_actions`` is false and it has fired already, or it is gone.
        """
        with self._changing:
            known = self._by_id.get(alarm_id)
            if known is None:
                return None
            if known.state != ALARM:
                fired = replace(known, state=ALARM)
                self._report("changed", fired)
                self._exchange(known, fired)
                return known.state
            return ALARM if known.repeat_actions else None

    def restore(self, subscriptions: Iterable[Subscription]) -> None:
        """Start again from these, as a journal gives them; not reported, because they are recorded already."""
        with self._changing:
            self._by_id, self._by_project = {}, {}
            for subscription in subscriptions:
                self._insert(subscription)

    def _known(self, alarm_id: str) -> Subscription:
        known = self._by_id.get(alarm_id)
        if known is None:
            raise UnknownAlarm(
                f"there is no alarm {alarm_id}",
                expected="the alarm_id of an alarm that exists",
                hint="GET /v2/alarms lists them",
            )
        return known

    def _insert(self, subscription: Subscription) -> None:
        self._by_id[subscription.alarm_id] = subscription
        self._by_project[subscription.project_id] = (*self._by_project.get(subscription.project_id, ()), subscription)

    def _take_out(self, known: Subscription) -> None:
        left = tuple(other for other in self._by_project[known.project_id] if other is not known)
        if left:
            self._by_project[known.project_id] = left
        else:
            del self._by_project[known.project_id]

    def _exchange(self, known: Subscription, subscription: Subscription) -> None:
        self._by_id[known.alarm_id] = subscription
        if known.project_id != subscription.project_id:
            self._take_out(known)
            self._by_project[subscription.project_id] = (
                *self._by_project.get(subscription.project_id, ()),
                subscription,
            )
            return
        self._by_project[known.project_id] = tuple(
            subscription if other is known else other for other in self._by_project[known.project_id]
        )


def _report_to_nobody(_change: str, _subscription: Subscription) -> None:
    """What happens to a change when nobody keeps a journal."""
