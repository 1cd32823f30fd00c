"""An entry of the journal as a piece of evidence in a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from fenix_conformance.results import Evidence, EvidenceKind
from fenix_conformance.vnfm.course import Course
from fenix_conformance.vnfm.journal import Entry


def evidence_of(entry: Entry, scenario: str, courses: Sequence[Course] = ()) -> Evidence:
    """A request that the VNFM sent, an alarm that it got, or what happened in the session, in words.

    The journal has paths only: where a course of ``courses`` tells of the server's origin, a request gets its URL.
    """
    data = entry.data
    if entry.kind == "request":
        return Evidence(
            EvidenceKind.REQUEST,
            entry.at,
            method=str(data.get("method")),
            url=_origin(scenario, courses) + str(data.get("path")),
            headers={"Content-Type": str(data["content_type"])} if data.get("content_type") else {},
            body=str(data.get("request_body") or "") or None,
            status=data.get("status"),
            answer_body=str(data.get("response_body") or "") or None,
            seconds=data.get("latency"),
            entry=entry.number,
            scenario=scenario,
        )
    if entry.kind == "delivery":
        return Evidence(
            EvidenceKind.ALARM,
            entry.at,
            note=" ".join(part for part in (f"alarm {data.get('state')}", str(data.get("error") or "")) if part),
            method="POST",
            url=str(data.get("url")),
            headers={"Content-Type": "application/json"},
            body=str(data.get("body") or ""),
            status=data.get("status"),
            seconds=data.get("latency"),
            entry=entry.number,
            scenario=scenario,
        )
    return Evidence(EvidenceKind.NOTE, entry.at, note=_words(entry), entry=entry.number, scenario=scenario)


def _words(entry: Entry) -> str:
    data = entry.data
    match entry.type:
        case "ProjectNotified":
            ids, until = data.get("instance_ids") or (), data.get("reply_at")
            about = f" about {', '.join(ids)}" if ids else ""
            return f"{data.get('state')}: project {entry.project_id} is asked{about}" + (
                f", reply_at {until}" if until else ""
            )
        case "InstanceMoved":
            return (
                f"{data.get('action')} moved instance {data.get('instance_id')} from {data.get('host')} "
                f"to {data.get('target')}"
            )
        case "InstanceRemoved":
            return f"project {data.get('project_id')} removed instance {data.get('instance_id')}"
        case "InstanceAdded":
            return f"project {entry.project_id} added an instance on {data.get('host')}"
        case _:
            told = ", ".join(f"{name} {value}" for name, value in data.items() if value not in (None, "", [], {}))
            return f"{entry.type}: {told}" if told else entry.type


def _origin(scenario: str, courses: Iterable[Course]) -> str:
    """Scheme, host and port of the server, as its alarms tell them."""
    for course in courses:
        if course.scenario != scenario:
            continue
        for ask in course.asks:
            for delivery in ask.deliveries:
                if delivery.message is not None and delivery.message.reply_url:
                    parts = urlsplit(delivery.message.reply_url)
                    return f"{parts.scheme}://{parts.netloc}"
    return ""
