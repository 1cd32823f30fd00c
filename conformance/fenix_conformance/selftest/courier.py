"""Aodh's half of the reference server: who subscribed for what, and the alarms that are sent.

The alarm's encoding is written here a second time on purpose: the suite decodes with ``fenix_contract``, and a
server that encoded with the same module would share its errors.
"""

from __future__ import annotations

import fnmatch
import http.client
import itertools
import json
import queue
import threading
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fenix_conformance.selftest.manners import Manners
from fenix_contract.vocabulary import AlarmState, Trait

#: An alarm as Aodh's API shows it.
Alarm = dict[str, Any]

_LONGEST_TEXT = 255
_SEND_TIMEOUT = 15.0


class Courier:
    """Keeps the subscriptions and sends alarms; each project has a thread of its own, so its alarms stay in order."""

    def __init__(self, manners: Manners) -> None:
        self.manners = manners
        self.alarms: dict[str, Alarm] = {}
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self._queues: dict[str, queue.SimpleQueue[Mapping[str, Any] | None]] = {}
        self._turns = itertools.count()

    # ---- subscriptions

    def subscribe(self, given: Mapping[str, Any], alarm_id: str | None = None) -> Alarm:
        """Keep a new alarm, or replace the one of that id; ``given`` has Aodh's members, checked by the caller."""
        rule = {"event_type": "*", "query": [], **given.get("event_rule", {})}
        alarm: Alarm = {
            "name": "", "description": "", "type": "event", "enabled": True, "severity": "low", "project_id": None,
            "repeat_actions": False, "alarm_actions": [], "ok_actions": [], "insufficient_data_actions": [],
            **given,
            "event_rule": rule, "state": "insufficient data", "alarm_id": alarm_id or str(uuid.uuid4()),
        }  # fmt: skip
        with self.lock:
            self.alarms[alarm["alarm_id"]] = alarm
        return alarm

    def recipients(self, project: str) -> list[Alarm]:
        """The alarms that fire for a notification to ``project``."""
        with self.lock:
            alarms = list(self.alarms.values())
        return [alarm for alarm in alarms if self.is_meant(alarm, project)]

    def is_meant(self, alarm: Alarm, project: str) -> bool:
        event_type = str(self.manners.event_type)
        wanted = alarm["enabled"] and fnmatch.fnmatchcase(event_type, str(alarm["event_rule"]["event_type"]))
        return wanted and alarm["project_id"] in (None, project)

    def is_managed(self, project: str) -> bool:
        """Whether anybody would be told."""
        return any(alarm["alarm_actions"] for alarm in self.recipients(project))

    # ---- sending

    def notify(self, project: str, payload: Mapping[str, Any]) -> None:
        """Put a notification into the project's queue and return at once; its alarms are sent from there."""
        with self.lock:
            box = self._queues.get(project)
            if box is None:
                box = self._queues[project] = queue.SimpleQueue()
                slow = len(self._queues) % 2 == 0
                threading.Thread(target=self._work, args=(project, box, slow), daemon=True).start()
        box.put(payload)

    def _work(self, project: str, box: queue.SimpleQueue[Mapping[str, Any] | None], slow: bool) -> None:
        while (payload := box.get()) is not None:
            if slow and payload[Trait.STATE] == AlarmState.INSTANCE_ACTION_DONE:
                self.stopped.wait(self.manners.done_latency)
            if not self.stopped.is_set():
                self.deliver(project, payload)

    def deliver(self, project: str, payload: Mapping[str, Any]) -> None:
        """Fire each alarm of the project: one attempt for each copy, whatever the answer, as Aodh does."""
        for alarm in self.recipients(project):
            with self.lock:
                previous = alarm["state"]
                alarm["state"] = "alarm"
            if previous == "alarm" and not alarm["repeat_actions"]:
                continue
            body = self.encode(self.body(alarm, previous, self.traits(payload)))
            for url in alarm["alarm_actions"]:
                for _ in range(self.manners.copies):
                    self.post(str(url), body)

    def post(self, url: str, body: bytes) -> None:
        """One attempt; nobody asks how it went."""
        target = urlsplit(url)
        connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=_SEND_TIMEOUT)
        headers = {"content-type": self.content_type(), "x-openstack-request-id": f"req-{uuid.uuid4()}"}
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        try:
            connection.request("POST", path, body, headers)
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def stop(self) -> None:
        """Send nothing more and let the threads end."""
        self.stopped.set()
        with self.lock:
            boxes = list(self._queues.values())
        for box in boxes:
            box.put(None)

    # ---- the alarm's form

    def content_type(self) -> str:
        return "application/json"

    def encode(self, body: Mapping[str, Any]) -> bytes:
        return json.dumps(body).encode()

    def body(self, alarm: Alarm, previous: str, traits: Any) -> dict[str, Any]:
        message_id, event_type = str(uuid.uuid4()), str(self.manners.event_type)
        event = {
            "message_id": message_id,
            "event_type": event_type,
            "generated": datetime.now(UTC).replace(tzinfo=None).isoformat(),
            "traits": traits,
            "raw": {},
            "message_signature": uuid.uuid4().hex * 2,
        }
        return {
            "alarm_name": alarm["name"],
            "alarm_id": alarm["alarm_id"],
            "severity": alarm["severity"],
            "previous": previous,
            "current": "alarm",
            "reason": f"Event <id={message_id},event_type={event_type}> hits the query <query={json.dumps([])}>.",
            "reason_data": {"type": "event", "event": event},
        }

    def traits(self, payload: Mapping[str, Any]) -> Any:
        """``[name, dtype, value]`` for each member that is not None."""
        traits = [self.trait(name, value) for name, value in payload.items() if value is not None]
        if self.manners.service_trait:
            traits.append(["service", 1, "fenix"])
        if self.manners.unknown_traits:
            traits += [["x_region", 1, "RegionOne"], ["x_round", 2, 7], ["x_load", 3, 0.5]]
        turn = next(self._turns) % len(traits) if self.manners.trait_order == "rotating" else 0
        return traits[turn:] + traits[:turn]

    def trait(self, name: str, value: object) -> list[object]:
        if isinstance(value, datetime):
            return [name, 4, value.astimezone(UTC).replace(tzinfo=None).isoformat()]
        return [name, 1, self.text(value)]

    def text(self, value: object) -> str:
        """Python's text of the value, cropped without a word as Aodh's converter does."""
        if self.manners.python2_text and isinstance(value, list):
            return f"[{', '.join(f'u{item!r}' for item in value)}]"[:_LONGEST_TEXT]
        return str(value)[:_LONGEST_TEXT]


def plain(items: Iterable[object]) -> list[str]:
    """As plain strings: the repr of an enum's member is not what goes over the wire."""
    return [str(item) for item in items]
