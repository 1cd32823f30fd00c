"""A journal's entries as lines for people: what Fenix did, what it told whom, what was asked and answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fenix_conformance.vnfm.journal import Entry

#: Characters of a body that a line shows.
_SHOWN = 120
#: Characters of a session's id that tell it from others.
_SHORT = 8
#: Entries that say nothing to whoever writes a VNFM: the simulator's own waits and bookkeeping.
_SILENT = frozenset(
    {
        *("TimerStarted", "TimerStopped", "TimerExpired", "CloudReset", "FaultCounted", "SessionDeleted"),
        *("ProjectsAsked", "ServicesDisabled", "ActionsBegun", "ServerStarted", "changed"),
    }
)


def lines(entries: Iterable[Entry], names: Mapping[str, str]) -> list[str]:
    """One line for each entry that is worth one; ``names`` are the projects' by id."""
    return [line(entry, names) for entry in entries if not _is_silent(entry)]


def line(entry: Entry, names: Mapping[str, str]) -> str:
    """One entry: its number, its time of day, the project that it is about, and what happened.

    In requests to Fenix projects are named and sessions shortened.
    """
    who = names.get(entry.project_id or "", entry.project_id or "")
    width = max(map(len, names.values()), default=0)
    told = _told(entry)
    if entry.kind == "request":
        for project_id, name in names.items():
            told = told.replace(project_id, name)
        if entry.session_id is not None:
            told = told.replace(entry.session_id, f"{entry.session_id[:_SHORT]}…")
    text = f"{entry.number:>5}  {entry.at:%H:%M:%S.%f}"[:-3]
    return f"{text}  {who:<{width}}  {_printable(told)}".rstrip()


def _is_silent(entry: Entry) -> bool:
    """Subscriptions are entries of their own: the requests that made them are shown only where they were refused."""
    if entry.kind == "request" and entry.data["surface"] == "alarms":
        return entry.data["status"] is not None and entry.data["status"] < 400
    return entry.type in _SILENT


def _told(entry: Entry) -> str:
    data = entry.data
    match entry.kind:
        case "delivery":
            answer = data["status"] if data["status"] is not None else data["error"]
            again = f" (attempt {data['attempt']})" if data["attempt"] > 1 else ""
            return f"alarm {data['state']} → {data['url']}: {answer}{again}"
        case "request":
            answer = data["status"] if data["status"] is not None else "no answer"
            body = f" {_cut(data['request_body'])}" if data["request_body"] else ""
            wrong = _problem(data["response_body"]) if isinstance(answer, int) and answer >= 400 else ""
            return f"{data['method']} {data['path']}{body}: {answer}{wrong}"
        case "subscription":
            return f"subscription {entry.type}: {data['event_type']} → {', '.join(data['alarm_actions'])}"
        case _:
            return _event(entry)


def _event(entry: Entry) -> str:
    data = entry.data
    match entry.type:
        case "StateEntered":
            return f"state {data['state']}{_on(data.get('host'))}"
        case "ProjectNotified":
            return f"is told of {data['state']}{_until(data.get('reply_at'))}"
        case "ReplyAccepted":
            return f"replied {data['state']}"
        case "SessionCreated":
            return f"session {entry.session_id} begins, over {len(data['hosts'])} hosts"
        case "ActionStarted":
            return f"{data['action']} of {data['instance_id']} begins: {data['host']} → {data['target']}"
        case "InstanceMoved":
            return f"{data['instance_id']} moved to {data['target']} ({data['action']})"
        case "FaultHappened":
            return f"fault {data['fault']} happens to this {data['operation']}: {json.dumps(data['effect'])}"
        case "SessionFailed":
            return f"the session failed: {data['reason']}"
        case _:
            members = {name: value for name, value in data.items() if value not in (None, "", [], {})}
            return f"{entry.type} {_cut(json.dumps(members, ensure_ascii=False))}" if members else entry.type


def _on(host: Any) -> str:
    return f", host {host}" if host else ""


def _until(reply_at: Any) -> str:
    return f", reply until {reply_at}" if reply_at else ""


def _problem(body: str) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return f" {answer['detail']}" if isinstance(answer, dict) and "detail" in answer else ""


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _printable(text: str) -> str:
    """Nothing in it may steer the terminal: bodies come from anywhere."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
