"""The alarms of a storm: which of them was replied to, and how soon. Safe to share between threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fenix_contract.vocabulary import ACTION_STATES, Action, ReplyPrefix
from fenix_loadtest.recorder import Recorder

POST_ALARM: Final = "POST alarm"
ALARM_TO_LIST: Final = "alarm to list"
ALARM_TO_REPLY: Final = "alarm to reply"


@dataclass(slots=True)
class Sent:
    """An alarm: the project told, when it was due (monotonic seconds), and what came of it."""

    project_id: str
    due: float
    is_listed: bool = False
    is_replied: bool = False


class Board:
    """All alarms by their session, each of which has one alarm only. ``window`` is in seconds."""

    def __init__(self, state: str, instance_ids: Sequence[str], window: float) -> None:
        self.recorder = Recorder()
        self.instance_ids = tuple(instance_ids)
        self.sent = 0
        self.replied = 0
        self.repeats = 0
        self.latest = 0.0
        self._state = state
        self._window = window
        self._listed = json.dumps({"instance_ids": self.instance_ids}).encode()
        self._alarms: dict[str, Sent] = {}
        self._lock = threading.Condition()

    def add(self, session_id: str, project_id: str, due: float) -> None:
        """An alarm is about to be sent."""
        with self._lock:
            self._alarms[session_id] = Sent(project_id, due)
            self.sent += 1
            self.latest = max(self.latest, due)

    def note_posted(self, seconds: float, error: str | None) -> None:
        """An alarm's POST was answered after so long, or failed."""
        with self._lock:
            self.recorder.add(POST_ALARM, seconds, error)

    def list(self, session_id: str, project_id: str, now: float) -> tuple[int, bytes]:
        """The answer to a list: status and body."""
        with self._lock:
            alarm = self._alarms.get(session_id)
            if alarm is None or alarm.project_id != project_id:
                return 404, b'{"status": 404, "detail": "no alarm was sent for that session and project"}'
            if not alarm.is_listed:
                alarm.is_listed = True
                self.recorder.add(ALARM_TO_LIST, now - alarm.due)
        return 200, self._listed

    def reply(self, session_id: str, project_id: str, body: bytes, now: float) -> tuple[int, bytes]:
        """The answer to a reply. A reply that is none, or comes after its window, is a failure of the VNFM's."""
        wrong = self._wrong_in(body)
        with self._lock:
            alarm = self._alarms.get(session_id)
            if alarm is None or alarm.project_id != project_id:
                self.recorder.of(ALARM_TO_REPLY).fail("replied for a session or project that it was not told of")
                return 404, b'{"status": 404, "detail": "no alarm was sent for that session and project"}'
            if wrong is not None:
                self.recorder.of(ALARM_TO_REPLY).fail(wrong)
                return 422, json.dumps({"status": 422, "detail": wrong}).encode()
            if alarm.is_replied:
                self.repeats += 1
                return 200, b""
            if now - alarm.due > self._window:
                return 409, b'{"status": 409, "detail": "the window for replies has ended"}'
            alarm.is_replied = True
            self.replied += 1
            self.recorder.add(ALARM_TO_REPLY, now - alarm.due)
            self._lock.notify_all()
        return 200, b""

    def wait(self, seconds: float) -> bool:
        """Wait until every alarm sent so far was replied to; whether it was."""
        with self._lock:
            return self._lock.wait_for(lambda: self.replied == self.sent, max(0.0, seconds))

    @property
    def window_end(self) -> float:
        """When the last window ends (monotonic seconds)."""
        return self.latest + self._window

    def close(self) -> int:
        """Count the alarms that were not replied to as failures; how many they are."""
        with self._lock:
            missing = self.sent - self.replied
            if missing:
                self.recorder.of(ALARM_TO_REPLY).fail(f"no reply within {self._window:g} s", missing)
            return missing

    def _wrong_in(self, body: bytes) -> str | None:
        """Why a reply is none."""
        try:
            reply: Any = json.loads(body)
        except (ValueError, RecursionError):
            return "the reply is not JSON"
        state = reply.get("state") if isinstance(reply, dict) else None
        if state == ReplyPrefix.NACK + self._state:
            return None
        if state != ReplyPrefix.ACK + self._state:
            return f"the reply's state is not {ReplyPrefix.ACK}{self._state} or {ReplyPrefix.NACK}{self._state}"
        if self._state not in ACTION_STATES:
            return None
        actions = reply.get("instance_actions")
        if not isinstance(actions, dict) or set(actions) != set(self.instance_ids):
            return "the reply does not name an action for each listed instance and no other"
        if not all(isinstance(one, str) and one in list(Action) for one in actions.values()):
            return "the reply names an action that was not allowed"
        return None
