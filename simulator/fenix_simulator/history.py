"""The state as the fold of the journal: what a server that starts again finds, and what it still has to tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from fenix_simulator.domain import messages as m
from fenix_simulator.notifier import Untold
from fenix_simulator.ports import Filter, Journal, Recorded
from fenix_simulator.service import MaintenanceService
from fenix_simulator.subscriptions import INSUFFICIENT_DATA, Subscription

#: Turns a recorded event back into the domain's (``adapters.journal_json.decode_event``).
Decode = Callable[[str, Mapping[str, Any]], m.Event]

#: The kinds of entries that the state is made of.
STATE_KINDS = frozenset({"event", "cloud", "subscription"})

_PAGE = 2_000


@dataclass(slots=True)
class Past:
    """What a journal says beside the sessions: the subscriptions, and the notifications nobody heard of yet."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    untold: dict[str, dict[str, Untold]] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)

    def remaining(self) -> Iterator[Subscription]:
        """The subscriptions as they stand; one that fired without anybody hearing of it may fire again."""
        for subscription in self.subscriptions.values():
            never_heard = subscription.alarm_id not in self.heard
            yield replace(subscription, state=INSUFFICIENT_DATA) if never_heard else subscription


def entries(journal: Journal, kinds: Iterable[str]) -> Iterator[Recorded]:
    """All entries of these kinds, oldest first, read page by page."""
    after, only = 0, Filter(kinds=frozenset(kinds))
    while page := journal.read(after, _PAGE, only):
        yield from page
        after = page[-1].number


def fold(service: MaintenanceService, recorded: Iterable[Recorded], decode: Decode) -> Past:
    """Apply what was recorded to a service that has just been made. Raises JournalError."""
    past = Past()
    for entry in recorded:
        if entry.kind == "subscription":
            _fold_subscription(past, entry)
        elif entry.kind == "delivery":
            _fold_delivery(past, entry)
        else:
            event = decode(entry.type, entry.data)
            service.fold(entry.kind, entry.session_id, event)
            _note(past, entry.session_id, event)
    return past


def resume(service: MaintenanceService, journal: Journal, decode: Decode, trusted: Iterable[Subscription]) -> None:
    """Go on where the journal stops: ``trusted`` are the command line's subscriptions, which it need not repeat."""
    past = fold(service, entries(journal, [*STATE_KINDS, "delivery"]), decode)
    kept = {one.alarm_id: one for one in past.remaining()}
    for subscription in trusted:
        kept.setdefault(subscription.alarm_id, subscription)
    service.subscriptions.restore(kept.values())
    service.go_on({session_id: tuple(untold.values()) for session_id, untold in past.untold.items()})


def _fold_subscription(past: Past, entry: Recorded) -> None:
    subscription = msgspec.convert(dict(entry.data), Subscription)
    if entry.type == "deleted":
        past.subscriptions.pop(subscription.alarm_id, None)
    else:
        past.subscriptions[subscription.alarm_id] = subscription


def _fold_delivery(past: Past, entry: Recorded) -> None:
    alarm_id = str(entry.data["alarm_id"])
    past.heard.add(alarm_id)
    untold = past.untold.get(entry.session_id or "", {}).get(str(entry.data["notification"]))
    if untold is not None and entry.data["final"]:
        untold.heard_by.add(alarm_id)


def _note(past: Past, session_id: str | None, event: m.Event) -> None:
    if session_id is None:
        return
    if isinstance(event, m.ProjectNotified | m.HostMaintenanceStarted | m.HostMaintained):
        past.untold.setdefault(session_id, {})[f"{session_id}/{event.notification}"] = Untold(event)
    elif isinstance(event, m.SessionCreated | m.SessionDone | m.SessionFailed | m.SessionDeleted):
        past.untold.pop(session_id, None)
