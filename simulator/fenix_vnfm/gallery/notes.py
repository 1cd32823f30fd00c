"""What conducts of the gallery remember beside the honest memory: notes per session, and which sessions there are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fenix_contract.alarm import AlarmMessage
from fenix_vnfm.conduct import Conduct, Means, Task

_KEEP = 1_000


@dataclass(slots=True)
class Notes:
    """Notes on one session of one project: its ``reply_url`` and ``project_id``, the states handled so far, oldest
    first, and the instances of its newest list."""

    session_id: str
    reply_url: str
    project_id: str
    states: list[str] = field(default_factory=list)
    listed: tuple[str, ...] | None = None


class NoteTaking(Conduct):
    """Honest, with notes on each session; those of one Fenix (one origin of URLs) know of each other."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._lock = threading.Lock()
        self._notes: OrderedDict[tuple[str, str], Notes] = OrderedDict()

    def handle(self, task: Task) -> None:
        """Handle the alarm, and note its state when that is done."""
        notes = self.notes(task)
        super().handle(task)
        if task.memory.is_settled(task.message):
            notes.states.append(task.message.state)

    def fetch(self, task: Task) -> tuple[str, ...] | None:
        """The list, which is noted."""
        listed = super().fetch(task)
        if listed is not None:
            self.notes(task).listed = listed
        return listed

    def notes(self, task: Task) -> Notes:
        """The notes on the task's session."""
        message = task.message
        key = (message.session_id, task.project_id)
        with self._lock:
            notes = self._notes.setdefault(key, Notes(message.session_id, message.reply_url, task.project_id))
            self._notes.move_to_end(key)
            while len(self._notes) > _KEEP:
                self._notes.popitem(last=False)
        return notes

    def others(self, task: Task) -> list[Notes]:
        """The notes on the other sessions of the same project and Fenix, the newest first."""
        here = origin(task.message)
        with self._lock:
            return [
                one
                for one in reversed(self._notes.values())
                if one.session_id != task.message.session_id
                and one.project_id == task.project_id
                and _origin(one.reply_url) == here
            ]


def origin(message: AlarmMessage) -> str:
    """Scheme, host and port of the Fenix that sent an alarm."""
    return _origin(message.reply_url)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
