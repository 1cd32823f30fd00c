"""The exchange between Fenix and the projects' managers, told entry by entry as the journal has it.

Most entries become one line: an alarm with its delivery, a request with its answer, a change of a session's state.
What these lines say already (a project was told, a reply was taken) and the simulator's own bookkeeping become none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fenix_simulator import sentences
from fenix_simulator.ports import Recorded
from fenix_simulator.sentences import Names, count

#: Characters of a text from outside that a line shows.
_SHOWN = 72
#: Characters of a session's id that tell it from others.
_SHORT = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, between whom (empty for what happens in the simulator), what, and how it looks.

    ``kind`` is ``state`` (a heading), ``alarm``, ``request``, ``refused``, ``fault``, ``cloud`` or ``note``.
    """

    at: datetime
    who: str
    text: str
    kind: str

    def __str__(self) -> str:
        """The line as it is printed; nothing in it may steer the terminal, for bodies come from anywhere."""
        time = f"{self.at:%H:%M:%S.%f}"[:-3]
        told = f"── {self.text} ──" if self.kind == "state" else self.text
        return printable(f"{time}  {self.who}  {told}" if self.who else f"{time}  {told}")


@dataclass(frozen=True, slots=True)
class _Told:
    """What a notification said: of how many instances, and until when a reply is awaited."""

    instances: int
    reply_at: datetime | None


class Exchange:
    """Tells entries, in their order; it remembers what an alarm was about and how everybody is called."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._width = max(map(len, names.projects.values()), default=0)
        self._told: dict[str, _Told] = {}
        self._sessions: dict[str, None] = {}

    def tell(self, entry: Recorded) -> Line | None:
        """The entry's line; None for one that says nothing to those who follow the exchange."""
        try:
            return self._line_of(entry)
        except (AttributeError, KeyError, TypeError, ValueError):  # of another version, or a damaged one
            return Line(entry.at, "", f"{entry.kind} {entry.type}: cannot be told, --raw shows it", "note")

    def _line_of(self, entry: Recorded) -> Line | None:
        match entry.kind:
            case "delivery":
                return self._delivery(entry)
            case "request":
                return self._request(entry)
            case "subscription":
                return self._subscription(entry)
            case "start":
                return Line(entry.at, "", f"fenix-simulator {entry.data['version']} begins", "note")
            case _:
                return self._happened(entry)

    # -- what goes over the wire -------------------------------------------------------------------------------------

    def _delivery(self, entry: Recorded) -> Line:
        data = entry.data
        about = []
        told = self._told.get(data["notification"])
        if told is not None:
            if told.instances:
                about.append(count(told.instances, "instance"))
            if told.reply_at is not None:
                about.append(_within(told.reply_at - (entry.at - timedelta(seconds=data["latency"]))))
        if data["attempt"] > 1:
            about.append(f"attempt {data['attempt']}")
        said = f"alarm {data['state']}" + (f" ({', '.join(about)})" if about else "")
        answered = data["status"] is not None and not data["error"]
        result = f"{data['status']} in {_milliseconds(data)}" if answered else _unanswered(data)
        good = answered and 200 <= data["status"] < 300
        who = f"Fenix → {self._names.project(entry.project_id):<{self._width}}"
        return Line(entry.at, who, self._line(entry, said, result), "alarm" if good else "refused")

    def _request(self, entry: Recorded) -> Line | None:
        data, surface, status = entry.data, entry.data["surface"], entry.data["status"]
        refused = status is None or status >= 400
        if surface == "alarms" and not refused:
            return None  # a subscription is an entry of its own
        name = "somebody" if entry.project_id is None else self._names.project(entry.project_id)
        who = f"{name:>{self._width}} → Fenix"
        said = self._asked(entry) if surface == "project" else f"{data['method']} {_cut(data['path'])}"
        result = "no answer" if status is None else f"{status} in {_milliseconds(data)}"
        return Line(
            entry.at, who, self._line(entry, said, result + _outcome(data)), "refused" if refused else "request"
        )

    def _asked(self, entry: Recorded) -> str:
        data = entry.data
        path = data["path"].partition("?")[0]
        before, _, behind = path.partition("/v1/maintenance/")
        below = f" below {_cut(before)}" if before else ""
        of = "/".join(behind.strip("/").split("/")[2:])
        instance = f" for {self._names.instance(of)}" if of else ""
        if data["method"] == "GET":
            return f"GET list{instance}{below}"
        reply = _mapping(data["request_body"])
        if data["method"] != "PUT" or not isinstance(reply.get("state"), str):
            body = f" {_cut(data['request_body'])}" if data["request_body"] else " without a body"
            return f"{data['method']}{instance}{below}{body}"
        actions = reply.get("instance_actions")
        chosen = _chosen(actions if isinstance(actions, Mapping) else {"": reply.get("instance_action")})
        return f"PUT {_cut(reply['state'])}{instance}{below}{chosen}"

    def _subscription(self, entry: Recorded) -> Line | None:
        if entry.type not in ("created", "deleted"):
            return None
        data = entry.data
        name = "everybody" if data["project_id"] is None else self._names.project(data["project_id"])
        where = ", ".join(map(_cut, data["alarm_actions"]))
        verb = "subscribes" if entry.type == "created" else "unsubscribes"
        return Line(entry.at, "", f"{name} {verb}: {data['event_type']} to {where}", "note")

    def _line(self, entry: Recorded, said: str, result: str) -> str:
        fault = entry.data.get("fault")
        marked = f"  [fault {fault}]" if fault is not None else ""
        return f"{self._tag(entry.session_id)}{said}  {result}{marked}"

    # -- what happens in the simulator -------------------------------------------------------------------------------

    def _happened(self, entry: Recorded) -> Line | None:
        data, names = entry.data, self._names
        kind, text = "cloud", None
        match entry.type:
            case "ProjectNotified":
                self._note(entry)
            case "SessionPlanned":
                kind, text = "note", f"session {entry.session_id} is to begin in {data['delay']:g} s"
            case "SessionCreated":
                anew = str(entry.session_id) in self._sessions
                self._sessions[str(entry.session_id)] = None
                begins = "begins anew" if anew else "begins"
                kind = "state"
                text = f"session {entry.session_id} {begins}: MAINTENANCE, {sentences.session_created(data)}"
            case "StateEntered":
                kind, text = "state", self._tag(entry.session_id) + sentences.state_entered(data)
            case "SessionFailed":
                kind, text = "refused", self._tag(entry.session_id) + sentences.session_failed(data, names)
            case "SessionPaused" | "SessionResumed" | "SessionDeleted":
                kind, text = "note", f"session {entry.session_id} is {_ENDS[entry.type]}"
            case "ProjectDefaulted":
                text = sentences.project_defaulted(data, names)
            case "InstanceMoved":
                text = sentences.instance_moved(data, names)
            case "InstanceRemoved":
                text = sentences.instance_removed(data, names)
            case "InstanceAdded":
                names.instances[data["instance"]["instance_id"]] = data["instance"]["name"]
                text = sentences.instance_added(data, names)
            case "HostMaintenanceStarted":
                text = sentences.host_maintenance_started(data)
            case "HostMaintained":
                text = sentences.host_maintained(data)
            case "FaultHappened":
                kind = "fault"
                text = f"{sentences.fault_happened(data, names.project(entry.project_id))}  [fault {data['fault']}]"
            case "CloudReset":
                kind, text = "note", "the cloud is as it was at the start"
            case _:
                pass
        return None if text is None else Line(entry.at, "", text, kind)

    def _note(self, entry: Recorded) -> None:
        data = entry.data
        reply_at = None if data["reply_at"] is None else datetime.fromisoformat(data["reply_at"])
        self._told[f"{entry.session_id}/{data['notification']}"] = _Told(len(data["instance_ids"]), reply_at)

    def _tag(self, session_id: str | None) -> str:
        """Which session it is, as soon as there are several."""
        return f"[{session_id[:_SHORT]}] " if session_id and len(self._sessions) > 1 else ""


_ENDS: Mapping[str, str] = {"SessionPaused": "held", "SessionResumed": "let go on", "SessionDeleted": "taken away"}


def printable(text: str) -> str:
    """The text with an escape in the place of everything that is no sign to be seen."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def shorten(text: str, most: int) -> str:
    """At most so many characters, all of which can be seen."""
    text = printable(text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def _cut(text: str) -> str:
    return shorten(text, _SHOWN)


def _within(left: timedelta) -> str:
    seconds = left.total_seconds()
    return f"reply within {seconds:.1f} s" if seconds >= 0 else f"reply_at {-seconds:.1f} s ago"


def _milliseconds(data: Mapping[str, Any]) -> str:
    milliseconds = data["latency"] * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 1 else f"{milliseconds:.1f} ms"


def _unanswered(data: Mapping[str, Any]) -> str:
    status = f"{data['status']}, but " if data["status"] is not None else "no answer: "
    return f"{status}{data['error']}"


def _outcome(data: Mapping[str, Any]) -> str:
    """What the answer to a request says: the server's reason, or how long the list is."""
    document = _mapping(data["response_body"])
    if data["status"] is None:
        return ""
    if data["status"] >= 400:
        reason = document.get("detail")
        wrong = document.get("errors")
        if isinstance(wrong, list) and wrong:
            reason = f"{reason}: {wrong[0]}"
        return f"  {shorten(str(reason), 3 * _SHOWN)}" if reason else ""
    ids = document.get("instance_ids")
    if isinstance(ids, list):
        return f"  {count(len(ids), 'instance')}"
    session = document.get("session_id")
    return f"  session {_cut(session)}" if isinstance(session, str) else ""


def _chosen(actions: Mapping[str, Any]) -> str:
    told = sentences.chosen({name: str(action) for name, action in actions.items() if action is not None})
    return f" {{{_cut(told)}}}" if told else ""


def _mapping(body: str) -> Mapping[str, Any]:
    """The JSON object in a body that the journal kept; empty where it is none, or was cut."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
