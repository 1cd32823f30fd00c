"""The course of a recording: its sessions, what each project was asked, and what was sent that answers nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.attribution import attribute
from fenix_conformance.vnfm.exchanges import Delivery, Request
from fenix_conformance.vnfm.journal import Entry, Recording
from fenix_contract.vocabulary import FINAL_STATES, REPLY_STATES, State


@dataclass(eq=False)
class SessionCourse:
    """One session: when it began and ended (None: not in the recording), its asks of the judged projects in order, and
    the alarms and requests of these projects that belong to none of them.

    ``reports`` are deliveries of INSTANCE_ACTION_DONE and of states that nobody knows. ``others`` are PUTs that answer
    no ask. ``events`` has the session's domain events by type.
    """

    session_id: str
    began: datetime
    projects: tuple[str, ...] = ()
    ended: datetime | None = None
    end: str = ""
    failed_by: str | None = None
    asks: list[Ask] = field(default_factory=list)
    reports: list[Delivery] = field(default_factory=list)
    others: list[Request] = field(default_factory=list)
    events: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    def asks_of(self, project_id: str) -> list[Ask]:
        """The asks of a project, in order."""
        return [ask for ask in self.asks if ask.project_id == project_id]

    def is_beside_scale_in(self, project_id: str, sessions: Iterable[SessionCourse]) -> bool:
        """Whether another session, at the same time, asked the project to scale in: a removal may be for that one."""
        return any(
            ask.state == State.SCALE_IN and (self.ended is None or ask.at <= self.ended)
            for other in sessions
            if other is not self and (other.ended is None or other.ended >= self.began)
            for ask in other.asks_of(project_id)
        )

    def left(self, instance_id: str, after: datetime) -> Entry | None:
        """The event with which an instance left its host after that instant."""
        for kind in ("InstanceMoved", "InstanceRemoved"):
            for entry in self.events[kind]:
                if entry.data.get("instance_id") == instance_id and entry.at >= after:
                    return entry
        return None


@dataclass(eq=False)
class Course:
    """A recording, read. ``projects`` are those that are judged; ``last`` is when its last entry was written."""

    scenario: str
    projects: frozenset[str]
    sessions: dict[str, SessionCourse]
    strays: list[Request]
    cloud: list[Entry]
    last: datetime | None
    requests: list[Request]

    @property
    def asks(self) -> Iterable[Ask]:
        """Every ask of every session."""
        for session in self.sessions.values():
            yield from session.asks

    def sizes(self, project_id: str) -> list[tuple[datetime, int, Entry]]:
        """How the project's number of instances changed: (when, by how much, the entry).

        Every session under way records a change by itself: what one has told already counts once.
        """
        changes = []
        gone: set[str] = set()
        come: set[str] = set()
        for entry in self.cloud:
            is_removal = entry.type == "InstanceRemoved"
            told = entry.data if is_removal else entry.data.get("instance") or {}
            instance_id = str(told.get("instance_id"))
            if told.get("project_id") != project_id or instance_id in (gone if is_removal else come):
                continue
            (gone if is_removal else come).add(instance_id)
            (come if is_removal else gone).discard(instance_id)
            changes.append((entry.at, -1 if is_removal else 1, entry))
        return changes


def read_course(recording: Recording) -> Course:
    """Read a recording. Entries of kinds and types that are not known are passed over."""
    effects = _effects(recording.entries)
    told = {str(one.project_id) for one in recording.entries if one.type == "ProjectNotified"}
    course = Course(recording.scenario, recording.projects or frozenset(told), {}, [], [], None, [])
    notified: dict[str, Ask] = {}
    reports: dict[str, SessionCourse] = {}
    deliveries = []
    for entry in recording.entries:
        course.last = entry.at
        if entry.kind in ("event", "cloud"):
            _event(course, entry, notified, reports)
        elif entry.kind == "delivery" and entry.project_id in course.projects:
            deliveries.append(Delivery(entry, effects.get(_fault(entry), {})))
        elif entry.kind == "request":
            course.requests.append(Request(entry, effects.get(_fault(entry), {})))
    for delivery in sorted(deliveries, key=lambda one: one.began):
        ask = notified.get(delivery.notification)
        if ask is not None:
            ask.deliveries.append(delivery)
        elif delivery.notification in reports:
            reports[delivery.notification].reports.append(delivery)
    course.requests.sort(key=lambda one: one.began)
    attribute(course.requests, course)
    return course


def _effects(entries: Iterable[Entry]) -> Mapping[int | None, Mapping[str, Any]]:
    """What each fault does, by its number."""
    return {
        entry.data.get("fault"): entry.data.get("effect") or {} for entry in entries if entry.type == "FaultHappened"
    }


def _fault(entry: Entry) -> int | None:
    fault = entry.data.get("fault")
    return fault if isinstance(fault, int) else None


def _event(course: Course, entry: Entry, notified: dict[str, Ask], reports: dict[str, SessionCourse]) -> None:
    if entry.type in ("InstanceAdded", "InstanceRemoved"):
        course.cloud.append(entry)
    session_id = entry.session_id
    if session_id is None:
        return
    if entry.type == "SessionCreated":
        # A session that began anew under the same id is another course of the same session: its past is over.
        course.sessions[session_id] = SessionCourse(session_id, entry.at, tuple(entry.data.get("projects") or ()))
    session = course.sessions.get(session_id)
    if session is None:
        return
    session.events[entry.type].append(entry)
    match entry.type:
        case "ProjectNotified" if entry.project_id in course.projects:
            if entry.data.get("state") in REPLY_STATES:
                ask = _ask(course, session, entry)
                notified[f"{session_id}/{entry.data['notification']}"] = ask
            else:
                reports[f"{session_id}/{entry.data['notification']}"] = session
        case "TimerStarted" if entry.data.get("purpose") == "replies":
            _set_deadline(session, entry)
        case "ReplyAccepted":
            _take(session, entry)
        case "StateEntered":
            _close(session, entry.at)
            if entry.data.get("state") in FINAL_STATES:
                session.end, session.ended = str(entry.data["state"]), entry.at
        case "SessionFailed":
            session.failed_by = entry.data.get("project_id")
        case "SessionDeleted":
            _close(session, entry.at)
            session.ended = session.ended or entry.at


def _ask(course: Course, session: SessionCourse, entry: Entry) -> Ask:
    project = str(entry.project_id)
    ask = Ask(course.scenario, session.session_id, project, len(session.asks_of(project)) + 1, entry)
    session.asks.append(ask)
    return ask


def _set_deadline(session: SessionCourse, entry: Entry) -> None:
    deadline = entry.at + timedelta(seconds=float(entry.data.get("duration") or 0.0))
    for ask in reversed(session.asks):
        if ask.until is not None:
            break
        ask.deadline = deadline


def _take(session: SessionCourse, entry: Entry) -> None:
    for ask in reversed(session.asks):
        if ask.until is not None:
            break
        if ask.project_id == entry.project_id and ask.instance_id in (None, entry.data.get("instance_id")):
            ask.taken.append(entry)
            break


def _close(session: SessionCourse, at: datetime) -> None:
    for ask in reversed(session.asks):
        if ask.until is not None:
            break
        ask.until = at
