"""What is still on its way: alarms that nobody has recorded as delivered, replies whose answer is not recorded yet.

The journal has an event before anything that it causes, so whoever follows it may see the one and not yet the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from fenix_conformance.vnfm.journal import Entry
from fenix_contract.vocabulary import EventType


def in_flight(entries: Iterable[Entry]) -> int:
    """How many alarms of these entries have not had their last attempt yet.

    Only plain subscriptions are counted: with a query, or one that fires once, nobody can say from here.
    """
    subscriptions: dict[str, Mapping[str, Any]] = {}
    owed: Counter[tuple[str, str]] = Counter()
    copies: dict[int, int] = {}
    begun: set[tuple[str, str]] = set()
    for entry in entries:
        data = entry.data
        if entry.kind == "subscription":
            if entry.type == "deleted":
                subscriptions.pop(data["alarm_id"], None)
            else:
                subscriptions[data["alarm_id"]] = data
        elif entry.type == "ProjectNotified":
            for alarm_id, subscription in subscriptions.items():
                if _hears(subscription, data["project_id"]):
                    owed[alarm_id, f"{entry.session_id}/{data['notification']}"] += len(subscription["alarm_actions"])
        elif entry.type == "FaultHappened":
            copies[data["fault"]] = data["effect"].get("duplicate") or 0
        elif entry.kind == "delivery":
            key = data["alarm_id"], data["notification"]
            if key in owed:
                # Each copy of an alarm that a fault doubles has a last attempt of its own.
                owed[key] += copies.get(data.get("fault") or 0, 0) if key not in begun else 0
                owed[key] -= bool(data["final"])
                begun.add(key)
    return sum(count for count in owed.values() if count > 0)


def in_hand(entries: Iterable[Entry]) -> int:
    """How many replies of these entries were taken while the request that brought them is not recorded yet."""
    taken = answered = 0
    for entry in entries:
        taken += entry.type == "ReplyAccepted"
        answered += is_reply_request(entry) and (entry.data["status"] is None or entry.data["status"] < 300)
    return max(0, taken - answered)


def is_reply_request(entry: Entry) -> bool:
    """Whether the entry is a PUT to the project API, with its answer."""
    return entry.kind == "request" and entry.data["method"] == "PUT" and entry.data["surface"] == "project"


def _hears(subscription: Mapping[str, Any], project_id: str) -> bool:
    return (
        subscription["project_id"] in (None, project_id)
        and subscription["enabled"]
        and subscription["repeat_actions"]
        and not subscription["query"]
        and fnmatchcase(EventType.SCHEDULED, subscription["event_type"])
    )
