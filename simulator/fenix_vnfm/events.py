"""What a manager did, in order: a record that others can wait on and watch."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from fenix_vnfm.record import Record

_log = logging.getLogger("fenix_vnfm.events")


class EventKind(StrEnum):
    """Kinds of what a manager does or sees."""

    LISTENING = "listening"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    #: An alarm was taken.
    ALARM = "alarm"
    #: An alarm whose effect was had already.
    DUPLICATE = "duplicate"
    #: An alarm that nothing is done about: an unknown state, another project's.
    IGNORED = "ignored"
    #: Fenix moved an instance (INSTANCE_ACTION_DONE).
    ACTION_DONE = "action_done"
    #: The list of the project's instances was fetched.
    LIST = "list"
    #: A request failed and will be sent again.
    RETRY = "retry"
    #: Instances were given up, added again, or moved by the project itself.
    SCALE_IN = "scale_in"
    SCALE_OUT = "scale_out"
    OWN_ACTION = "own_action"
    #: A reply was accepted.
    REPLY = "reply"
    #: A reply was refused, with an answer that another try would not change.
    REFUSED = "refused"
    #: A reply got no lasting answer within the window or the number of tries.
    GAVE_UP = "gave_up"
    #: A reply was left out by policy.
    SILENT = "silent"
    #: Something else could not be done.
    ERROR = "error"


#: The kinds with which the handling of an alarm ends.
OUTCOMES = frozenset(
    {
        EventKind.ACTION_DONE,
        EventKind.DUPLICATE,
        EventKind.GAVE_UP,
        EventKind.IGNORED,
        EventKind.REFUSED,
        EventKind.REPLY,
        EventKind.SILENT,
    }
)


@dataclass(frozen=True, slots=True)
class ManagerEvent:
    """One thing that a manager did or saw: ``number`` counts from 1, ``at`` is aware UTC, ``text`` is for people,
    ``detail`` is JSON-ready. Ids and state are "" where there are none."""

    number: int
    at: datetime
    kind: EventKind
    project_id: str
    session_id: str
    state: str
    text: str
    detail: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The event as one flat JSON-ready object."""
        return {
            "at": self.at.isoformat(),
            "event": str(self.kind),
            "project_id": self.project_id,
            "session_id": self.session_id,
            "state": self.state,
            "text": self.text,
            **self.detail,
        }


class EventLog:
    """A manager's events, the newest ``keep`` of them; ``on_event`` is called for each, in order and one at a time."""

    def __init__(
        self, now: Callable[[], datetime], on_event: Callable[[ManagerEvent], None] | None = None, keep: int = 10_000
    ) -> None:
        self._now = now
        self._on_event = on_event
        self._telling = threading.RLock()
        self._record: Record[ManagerEvent] = Record(keep, lambda event: f"{event.kind} {event.state}".strip())

    def add(
        self, kind: EventKind, text: str, *, project_id: str = "", session_id: str = "", state: str = "", **detail: Any
    ) -> None:
        """Record an event and tell it."""
        at = self._now()
        with self._telling:
            event = self._record.add(
                lambda number: ManagerEvent(number, at, kind, project_id, session_id, state, text, detail)
            )
            if self._on_event is not None:
                try:
                    self._on_event(event)
                except Exception:  # a display that fails must not cost a reply
                    _log.exception("event %s could not be shown", event.number)

    @property
    def events(self) -> tuple[ManagerEvent, ...]:
        """The events remembered, oldest first."""
        return self._record.items

    @property
    def count(self) -> int:
        """How many events there were."""
        return self._record.count

    def wait_for(
        self, predicate: Callable[[ManagerEvent], bool], timeout: float = 5.0, *, after: int = 0
    ) -> ManagerEvent:
        """The first event for which ``predicate`` holds; see ``Record.wait_for``."""
        return self._record.wait_for(predicate, timeout, after)
