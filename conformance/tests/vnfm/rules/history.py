"""Recordings that were made up: the journal of a play, written entry by entry as a simulator writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fenix_conformance.results import Outcome, Result, Role
from fenix_conformance.selection import Selection
from fenix_conformance.vnfm.journal import Recording, read_entries
from fenix_conformance.vnfm.judge import judge

SESSION = "47479bca-7f0e-11ea-99c9-2c600c9893ee"
OTHER_SESSION = "5c1f3a10-7f0e-11ea-99c9-2c600c9893ee"
PROJECT = "9a5ef1b6c9b14e0f8a3c7a1d0c2b4e6f"
OTHER_PROJECT = "1b7d20c4e6a84c5e9f0a2b3c4d5e6f70"
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:12347"
LISTENER = "http://127.0.0.1:9000/maintenance"
IDS = ("instance-1", "instance-2")
ACTIONS = ("MIGRATE", "LIVE_MIGRATE", "OWN_ACTION")
ACTION_STATES = ("PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE")
WINDOW = 5.0
#: When another scenario was played, before.
BEFORE = BEGAN - timedelta(minutes=1)


@dataclass(frozen=True)
class Asked:
    """A question, or a report: what the alarm's delivery, the list and the reply are about."""

    session: str
    project: str
    state: str
    number: int
    at: float
    ids: tuple[str, ...]
    instance: str | None
    allowed: tuple[str, ...]
    reply_at: str | None

    @property
    def path(self) -> str:
        """Where it is listed and replied to."""
        own = "" if self.instance is None or self.state not in ACTION_STATES else f"/{self.instance}"
        return f"/v1/maintenance/{self.session}/{self.project}{own}"

    @property
    def list_path(self) -> str:
        """Where the project's list is."""
        return f"/v1/maintenance/{self.session}/{self.project}"

    def reply(self, word: str = "ACK_", action: str = "MIGRATE") -> dict[str, Any]:
        """What a VNFM that keeps every rule says."""
        if self.state not in ACTION_STATES or word != "ACK_":
            return {"state": word + self.state}
        if self.instance is not None:
            return {"instance_action": action, "state": word + self.state}
        return {"instance_actions": dict.fromkeys(self.ids, action), "state": word + self.state}


class History:
    """A recording that is written by hand.

    ``now`` is in seconds since ``began``; questions and events happen then. What is exchanged about a question
    begins ``after`` seconds after it was asked. Entries are numbered by the time at which they ended.
    """

    def __init__(self, scenario: str = "made-up", *, window: float = WINDOW, began: datetime = BEGAN) -> None:
        self.scenario = scenario
        self.began = began
        self.now = 0.0
        self.window = window
        self.projects: frozenset[str] | None = None
        self._rows: list[tuple[float, dict[str, Any]]] = []
        self._numbers: dict[str, int] = {}
        self._timers = 0
        self._faults = 0

    # -- what the session does ---------------------------------------------------------------------------------------

    def session(self, session: str = SESSION, *projects: str) -> History:
        """A session begins, over this project or these."""
        told = projects or (PROJECT,)
        self.event("SessionCreated", session, session_id=session, hosts=["host-1"], projects=list(told), metadata={})
        return self

    def ask(
        self,
        state: str,
        *,
        ids: Iterable[str] | None = None,
        session: str = SESSION,
        project: str = PROJECT,
        instance: str | None = None,
        enters: bool | None = None,
        window: float | None = None,
        allowed: Sequence[str] = ACTIONS,
        reply_at: float | None = None,
    ) -> Asked:
        """A project is asked, now. ``enters`` says whether the session enters the state with it; it does, except
        where it begins in it. ``window`` 0 starts none. ``reply_at`` is told in the alarm, in seconds from now."""
        if enters if enters is not None else state != "MAINTENANCE":
            self.enter(state, session)
        window = self.window if window is None else window
        asks_actions = state in ACTION_STATES
        about = tuple(IDS if ids is None else ids) if asks_actions else ()
        told = self.began + timedelta(seconds=self.now + (window if reply_at is None else reply_at))
        asked = self._notify(
            state, session, project, about, instance, tuple(allowed) if asks_actions else (), told.isoformat()
        )
        if window:
            self.timer("replies", window, session)
        return asked

    def report(
        self, instance: str, state: str = "INSTANCE_ACTION_DONE", session: str = SESSION, project: str = PROJECT
    ) -> Asked:
        """A project is told of an instance, now; no reply is asked."""
        return self._notify(state, session, project, (instance,), instance, (), None)

    def enter(self, state: str, session: str = SESSION) -> None:
        """The session enters a state."""
        self.event("StateEntered", session, state=state, host=None)

    def end(self, state: str = "MAINTENANCE_DONE", session: str = SESSION, failed_by: str | None = None) -> History:
        """The session is over."""
        if failed_by is not None:
            self.event("SessionFailed", session, failed_by, reason="it failed", project_id=failed_by)
            state = "MAINTENANCE_FAILED"
        else:
            self.event("SessionDone", session)
        self.enter(state, session)
        return self

    def timer(self, purpose: str, duration: float, session: str = SESSION) -> int:
        """A wait begins; its number."""
        self._timers += 1
        self.event("TimerStarted", session, timer=self._timers, purpose=purpose, kind="window", duration=duration)
        return self._timers

    def moved(self, instance: str, *, session: str = SESSION, project: str = PROJECT, action: str = "MIGRATE") -> None:
        """An instance goes to another host."""
        self.event(
            "InstanceMoved",
            session,
            project,
            instance_id=instance,
            project_id=project,
            action=action,
            host="host-1",
            target="host-2",
        )

    def removed(self, instance: str, *, session: str = SESSION, project: str = PROJECT) -> None:
        """A project gives an instance up."""
        self.event("InstanceRemoved", session, project, instance_id=instance, project_id=project, host="host-1")

    def added(self, instance: str, *, project: str = PROJECT) -> None:
        """A project gets an instance."""
        made = {"instance_id": instance, "project_id": project, "name": instance, "vcpus": 2, "host": ""}
        self.row(self.now, "cloud", "InstanceAdded", None, None, {"instance": made, "host": "host-2"})

    def event(self, kind: str, session: str, project: str | None = None, /, **data: Any) -> None:
        """Something happens in a session, now."""
        self.row(self.now, "event", kind, session, project, data)

    def _notify(
        self,
        state: str,
        session: str,
        project: str,
        ids: tuple[str, ...],
        instance: str | None,
        allowed: tuple[str, ...],
        reply_at: str | None,
    ) -> Asked:
        number = self._numbers[session] = self._numbers.get(session, 0) + 1
        asked = Asked(session, project, state, number, self.now, ids, instance, allowed, reply_at)
        self.event(
            "ProjectNotified",
            session,
            project,
            notification=number,
            project_id=project,
            state=state,
            instance_ids=list(ids),
            allowed_actions=list(allowed),
            actions_at=reply_at,
            reply_at=reply_at,
            instance_id=instance,
        )
        return asked

    # -- what is exchanged -------------------------------------------------------------------------------------------

    def deliver(
        self,
        asked: Asked,
        after: float = 0.01,
        *,
        status: int | None = 200,
        latency: float = 0.005,
        effect: Mapping[str, Any] | None = None,
        url: str = LISTENER,
        final: bool = True,
        **traits: Any,
    ) -> Asked:
        """Its alarm is sent. ``traits`` are others than it has: those that an ``effect`` of a fault gives it, say."""
        link = ORIGIN + asked.list_path
        told = {
            "project_id": asked.project,
            "allowed_actions": str(list(asked.allowed)),
            "instance_ids": str([asked.instance]) if asked.instance is not None else link,
            "reply_url": ORIGIN + asked.path,
            "state": asked.state,
            "session_id": asked.session,
            **({"reply_at": asked.reply_at} if asked.reply_at is not None else {}),
            **traits,
        }
        listed = [[name, 1, value] for name, value in told.items() if value is not None]
        event = {"message_id": "m", "event_type": "maintenance.scheduled", "generated": "", "traits": listed}
        body = {
            "alarm_name": "a",
            "alarm_id": "a",
            "current": "alarm",
            "reason_data": {"type": "event", "event": event},
        }
        data = {
            "alarm_id": "a",
            "url": url,
            "notification": f"{asked.session}/{asked.number}",
            "state": asked.state,
            "attempt": 1,
            "status": status,
            "error": None if status is not None else "no answer within 5 s",
            "latency": latency,
            "body": json.dumps(body),
            "final": final,
            "fault": self._fault(effect),
        }
        self._exchanged("delivery", "AlarmDelivered", asked, after, data)
        return asked

    def get(
        self,
        asked: Asked,
        after: float = 0.03,
        *,
        ids: Iterable[str] | None = None,
        status: int | None = 200,
        effect: Mapping[str, Any] | None = None,
        latency: float = 0.001,
    ) -> Asked:
        """Its list is fetched."""
        answer = json.dumps({"instance_ids": list(asked.ids if ids is None else ids)})
        self.request(
            asked,
            after,
            method="GET",
            path=asked.list_path,
            status=status,
            response_body=answer if status == 200 else "",
            effect=effect,
            latency=latency,
        )
        return asked

    def put(
        self,
        asked: Asked,
        after: float = 0.05,
        body: Any = None,
        *,
        path: str | None = None,
        status: int | None = 200,
        content_type: str = "application/json",
        effect: Mapping[str, Any] | None = None,
        latency: float = 0.001,
        **more: Any,
    ) -> Asked:
        """It is replied to; ``body`` is sent as it is where it is text, and is the right one where it is left out."""
        said = asked.reply() if body is None else body
        self.request(
            asked,
            after,
            method="PUT",
            path=asked.path if path is None else path,
            status=status,
            request_body=said if isinstance(said, str) else json.dumps(said),
            content_type=content_type,
            effect=effect,
            latency=latency,
            **more,
        )
        return asked

    def request(
        self,
        asked: Asked,
        after: float,
        *,
        effect: Mapping[str, Any] | None = None,
        session: str | None = SESSION,
        project: str | None = PROJECT,
        **data: Any,
    ) -> None:
        """Any request. ``session`` and ``project`` are those whose URL it went to; those of ``asked`` unless told."""
        whole = {
            "method": "GET",
            "path": "",
            "status": 200,
            "latency": 0.001,
            "request_body": "",
            "response_body": "",
            "content_type": "",
            "surface": "project",
            "fault": self._fault(effect),
            **data,
        }
        self._exchanged(
            "request",
            "RequestAnswered",
            asked,
            after,
            whole,
            asked.session if session == SESSION else session,
            asked.project if project == PROJECT else project,
        )

    def answered(self, state: str, *, then: float = 1.0, **about: Any) -> Asked:
        """A question, its alarm, its list and its reply, as they should be; ``then`` seconds go by."""
        asked = self.put(self.get(self.deliver(self.ask(state, **about))))
        self.now += then
        return asked

    def _exchanged(
        self, kind: str, name: str, asked: Asked, after: float, data: dict[str, Any], *place: str | None
    ) -> None:
        session, project = place or (asked.session, asked.project)
        ended = asked.at + after + float(data["latency"])
        self.row(ended, kind, name, session, project, data)

    def _fault(self, effect: Mapping[str, Any] | None) -> int | None:
        if effect is None:
            return None
        self._faults += 1
        data = {"fault": self._faults, "count": 1, "operation": "reply", "effect": dict(effect)}
        self.row(self.now, "fault", "FaultHappened", SESSION, PROJECT, data)
        return self._faults

    # -- what comes of it --------------------------------------------------------------------------------------------

    def row(
        self, at: float, kind: str, name: str, session: str | None, project: str | None, data: Mapping[str, Any]
    ) -> None:
        """Any entry."""
        self._rows.append(
            (
                at,
                {
                    "number": 0,
                    "at": (self.began + timedelta(seconds=at)).isoformat(),
                    "kind": kind,
                    "type": name,
                    "session_id": session,
                    "project_id": project,
                    "data": data,
                },
            )
        )

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The journal's entries as JSON has them, in order."""
        ordered = sorted(self._rows, key=lambda pair: pair[0])
        return [{**row, "number": number} for number, (_, row) in enumerate(ordered, 1)]

    def recording(self) -> Recording:
        """What is judged. A last entry tells that nothing more came until ``now``."""
        rows = self.rows
        ended = (self.began + timedelta(seconds=max(self.now, 0.0))).isoformat()
        closing = {"number": len(rows) + 1, "at": ended, "kind": "suite", "type": "ScenarioPlayed", "data": {}}
        return Recording(self.scenario, read_entries([*rows, closing]), self.projects)


def results(*histories: History, strict: bool = False) -> dict[str, Result]:
    """What every rule says of these recordings, by its id."""
    selection = Selection(role=Role.VNFM, strict=strict)
    recordings = [history.recording() for history in histories]
    run = judge(recordings, selection, subject="http://vnfm", started=BEGAN, seconds=1.0)
    return {result.id: result for result in run.results}


def verdict(rule: str, *histories: History) -> Outcome:
    """What one rule says of these recordings."""
    found = results(*histories)[rule]
    assert found.outcome is not Outcome.ERROR, found.evidence
    return found.outcome


def bad(*histories: History) -> set[str]:
    """The rules that are not kept, SHOULDs among them."""
    found = results(*histories)
    assert [one.message for one in found.values() if one.outcome is Outcome.ERROR] == []
    return {name for name, one in found.items() if one.outcome in (Outcome.FAIL, Outcome.WARN)}
