"""What happened, in sentences: journal entries become lines and numbers that anybody understands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fenix_simulator import sentences
from fenix_simulator.durations import format_duration
from fenix_simulator.inventory import Inventory
from fenix_simulator.ports import Recorded
from fenix_simulator.sentences import Names


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story: seconds since its begin, who it is about, what happened, and what kind of thing it is."""

    seconds: float
    kind: str
    text: str


@dataclass(slots=True)
class Part:
    """What one project had to do with the maintenance."""

    name: str
    alarms: int = 0
    questions: int = 0
    replies: int = 0
    refused: int = 0
    moved: int = 0
    slowest: float = 0.0
    asked_at: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Ending:
    """How a session ended."""

    session_id: str
    state: str = ""
    reason: str = ""


class Story:
    """Folds journal entries into lines, the hosts' look and each project's part."""

    def __init__(self, inventory: Inventory) -> None:
        self.names = Names(
            {project.project_id: project.name for project in inventory.projects},
            {one.instance_id: one.name for one in inventory.instances},
        )
        self.owner = {one.instance_id: one.project_id for one in inventory.instances}
        self.hosts: dict[str, dict[str, None]] = {host.name: {} for host in inventory.hosts}
        for one in inventory.instances:
            self.hosts[one.host][one.instance_id] = None
        self.host_states = dict.fromkeys(self.hosts, "")
        self.parts = {project: Part(name) for project, name in self.names.projects.items()}
        self.endings: dict[str, Ending] = {}
        self.states: dict[str, list[str]] = {}
        self.begun: datetime | None = None
        self.last: datetime | None = None
        self.simulated = 0.0
        self.moves = 0
        self._timers: dict[tuple[str | None, int], tuple[str, float]] = {}

    def read(self, entries: Iterable[Recorded]) -> list[Line]:
        """The lines that these entries add."""
        lines = []
        for entry in entries:
            told = self._read(entry)
            if told is not None:
                self.begun = self.begun or entry.at
                self.last = entry.at
                kind, text = told
                lines.append(Line((entry.at - self.begun).total_seconds(), kind, text))
        return lines

    def over(self) -> bool:
        """Whether every session that began has ended."""
        return bool(self.endings) and all(ending.state for ending in self.endings.values())

    def _read(self, entry: Recorded) -> tuple[str, str] | None:
        if entry.kind == "delivery":
            return self._delivery(entry)
        if entry.type == "FaultHappened":
            return self._fault(entry)
        if entry.kind != "event":
            return None
        teller = getattr(self, f"_tell_{entry.type}", None)
        told = teller(entry, entry.data) if teller is not None else None
        return told if isinstance(told, tuple) else None

    def _delivery(self, entry: Recorded) -> tuple[str, str] | None:
        data, name = entry.data, self.names.project(entry.project_id)
        if data["state"] == "INSTANCE_ACTION_DONE" and data["status"]:
            return None
        answer = data["error"] or f"{data['status']} after {data['latency'] * 1000:.0f} ms"
        return "alarm", f"alarm {data['state']} → {name}: {answer}"

    def _fault(self, entry: Recorded) -> tuple[str, str]:
        return "fault", sentences.fault_happened(entry.data, self.names.project(entry.project_id))

    def _tell_SessionPlanned(self, entry: Recorded, _data: Mapping[str, Any]) -> None:  # noqa: N802
        self.endings[str(entry.session_id)] = Ending(str(entry.session_id))

    def _tell_SessionCreated(self, entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        session_id = str(entry.session_id)
        self.endings[session_id] = Ending(session_id)
        self.states[session_id] = ["MAINTENANCE"]
        return "state", sentences.session_created(data)

    def _tell_StateEntered(self, entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        self.states[str(entry.session_id)].append(data["state"])
        if data["state"] in ("MAINTENANCE_DONE", "MAINTENANCE_FAILED"):
            self.endings[str(entry.session_id)].state = data["state"]
        return "state", sentences.state_entered(data)

    def _tell_ProjectNotified(self, entry: Recorded, data: Mapping[str, Any]) -> None:  # noqa: N802
        part = self._part(data["project_id"])
        part.alarms += 1
        if data["reply_at"] is not None:
            part.questions += 1
            part.asked_at[f"{entry.session_id}/{data['state']}"] = entry.at

    def _tell_ProjectDefaulted(self, _entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str] | None:  # noqa: N802
        told = sentences.project_defaulted(data, self.names)
        return None if told is None else ("reply", told)

    def _tell_ReplyAccepted(self, entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        part = self._part(data["project_id"])
        part.replies += 1
        prefix, _, state = data["state"].partition("_")
        part.refused += prefix == "NACK"
        asked = part.asked_at.get(f"{entry.session_id}/{state}")
        took = (entry.at - asked).total_seconds() if asked else 0.0
        part.slowest = max(part.slowest, took)
        chosen = sentences.chosen(data["instance_actions"])
        name = self.names.project(data["project_id"])
        return "reply", f"reply {data['state']} ← {name}, {took:.2f} s after it was asked{': ' * bool(chosen)}{chosen}"

    def _tell_InstanceMoved(self, _entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        one = data["instance_id"]
        self.hosts[data["host"]].pop(one, None)
        self.hosts[data["target"]][one] = None
        self.moves += 1
        self._part(data["project_id"]).moved += 1
        return "move", sentences.instance_moved(data, self.names)

    def _tell_InstanceRemoved(self, _entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        self.hosts[data["host"]].pop(data["instance_id"], None)
        return "move", sentences.instance_removed(data, self.names)

    def _tell_InstanceAdded(self, _entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        instance = data["instance"]
        one = instance["instance_id"]
        self.names.instances[one], self.owner[one] = instance["name"], instance["project_id"]
        self.hosts[data["host"]][one] = None
        return "move", sentences.instance_added(data, self.names)

    def _tell_HostMaintenanceStarted(self, _entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        self.host_states[data["host"]] = "in maintenance"
        return "host", sentences.host_maintenance_started(data)

    def _tell_HostMaintained(self, _entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        self.host_states[data["host"]] = "maintained"
        return "host", sentences.host_maintained(data)

    def _tell_TimerStarted(self, entry: Recorded, data: Mapping[str, Any]) -> None:  # noqa: N802
        self._timers[entry.session_id, data["timer"]] = (data["kind"], data["duration"])

    def _tell_TimerExpired(self, entry: Recorded, data: Mapping[str, Any]) -> None:  # noqa: N802
        kind, duration = self._timers.pop((entry.session_id, data["timer"]), ("", 0.0))
        if kind == "infrastructure":
            self.simulated += duration

    def _tell_SessionFailed(self, entry: Recorded, data: Mapping[str, Any]) -> tuple[str, str]:  # noqa: N802
        self.endings[str(entry.session_id)].reason = data["reason"]
        return "state", sentences.session_failed(data, self.names)

    def _part(self, project_id: str) -> Part:
        return self.parts.setdefault(project_id, Part(self.names.project(project_id)))

    # -- the summary -------------------------------------------------------------------------------------------------

    def summary(self) -> list[str]:
        """What came out of it, in a few sentences."""
        took = (self.last - self.begun).total_seconds() if self.begun and self.last else 0.0
        maintained = sum(state == "maintained" for state in self.host_states.values())
        waited = format_duration_seconds(self.simulated)
        lines = []
        for ending in self.endings.values():
            if ending.state == "MAINTENANCE_DONE":
                lines.append(
                    "MAINTENANCE_DONE: every host of the session was maintained while its projects kept running."
                )
            else:
                lines.append(f"{ending.state or 'not ended'}: {self.names.plain(ending.reason) or 'still under way'}.")
        lines.append(
            f"{maintained} of {len(self.hosts)} hosts maintained, {self.moves} instance moves, "
            f"{waited} of simulated work in {took:.1f} s here."
        )
        return lines

    def verdict(self, part: Part) -> str:
        """What can be said of a project's manager."""
        if not part.alarms:
            return "has no manager, was not asked"
        if part.refused:
            return "refused (NACK)"
        missing = part.questions - part.replies
        if missing > 0:
            return f"left {missing} of {part.questions} questions unanswered"
        return "answered everything in time"


def format_duration_seconds(seconds: float) -> str:
    """``2h38m`` of a number of seconds, without fractions."""
    from datetime import timedelta

    return format_duration(timedelta(seconds=round(seconds)))
