"""The rows of the HTML report: a requirement with its verdict, and the evidence that it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from fenix_conformance.reports.baseline import Assessment
from fenix_conformance.reports.curl import curl_line
from fenix_conformance.reports.markup import Child, Markup, element
from fenix_conformance.reports.pretty import pretty
from fenix_conformance.results import Evidence, EvidenceKind, Outcome, Result, redacted

#: A body longer than this is cut here (characters); the JSON report has all of it.
_LONGEST: Final = 20_000
_OPEN: Final = frozenset({Outcome.FAIL, Outcome.ERROR})
_KINDS: Final = {
    EvidenceKind.REQUEST: "request",
    EvidenceKind.ALARM: "alarm",
    EvidenceKind.NOTE: "note",
}


def requirement(row: Result, started: datetime, anchor: str | None, assessment: Assessment | None) -> Markup:
    """One requirement, folded unless it failed. ``started`` is when the run began: times are shown from there."""
    badge = None
    if assessment is not None and row.id in assessment.known:
        badge = element("span", "known", class_="tag known", title=assessment.known[row.id] or "listed in the baseline")
    elif assessment is not None and row.id in assessment.stale:
        badge = element("span", "stale", class_="tag stale", title="listed in the baseline, but it passes")
    summary = element(
        "summary",
        element("span", str(row.outcome), class_=f"outcome {row.outcome}"),
        element("h3", row.id),
        element("span", str(row.level), class_="tag level"),
        element("span", row.statement, class_="statement"),
        badge,
    )
    return element(
        "article",
        element(
            "details",
            summary,
            element("div", _findings(row, assessment), _rerun(row), _evidence(row, started), class_="inside"),
            open=row.outcome in _OPEN and badge is None,
        ),
        class_=f"requirement {row.outcome}",
        id=anchor,
        data_outcome=str(row.outcome),
    )


def _findings(row: Result, assessment: Assessment | None) -> Markup:
    reason = "" if assessment is None else assessment.known.get(row.id, "")
    is_said = row.message in (row.actual, row.expected)
    parts: list[Child] = [
        _finding("Expected", row.expected, "expected"),
        _finding("Actual", row.actual, "actual"),
        _finding("Found" if row.outcome is not Outcome.UNTESTABLE else "Why", "" if is_said else row.message, "found"),
        _finding("Known because", reason, "found"),
        element("div", element("dt", "Source"), element("dd", f"{row.source} · found by {row.layer}"), class_="source"),
    ]
    return element("dl", *parts, class_="findings")


def _finding(name: str, text: str, kind: str) -> Markup | None:
    return element("div", element("dt", name), element("dd", text), class_=kind) if text else None


def _rerun(row: Result) -> Markup | None:
    return _command("Run it again", row.rerun) if row.rerun else None


def _command(label: str, line: str) -> Markup:
    return element(
        "div",
        element("p", label, class_="label"),
        element(
            "div",
            element("pre", element("code", line), tabindex="0", aria_label=label),
            element("button", "Copy", type="button", class_="copy scripted", aria_label=f"Copy: {label}"),
            class_="line",
        ),
        class_="command",
    )


def _evidence(row: Result, started: datetime) -> Markup | None:
    if not row.evidence:
        return None
    pieces = [element("li", _piece(piece, started)) for piece in row.evidence]
    return element("div", element("h4", f"Evidence ({len(pieces)})"), element("ol", *pieces), class_="evidence")


def _piece(piece: Evidence, started: datetime) -> Markup:
    kind = element("span", _KINDS[piece.kind], class_=f"tag {piece.kind}")
    seconds = (piece.at - started).total_seconds()
    when = element("span", f"{seconds:+.3f} s", class_="when", title=piece.at.isoformat())
    if piece.kind is EvidenceKind.NOTE:
        return element("p", kind, when, element("span", piece.note, class_="said"), class_="piece")
    title = element(
        "summary",
        kind,
        when,
        element(
            "span",
            element("span", piece.note, class_="said") if piece.note else None,
            element("code", f"{piece.method} {piece.url}", class_="target"),
            class_="what",
        ),
        element("span", _status(piece), class_=f"status {_status_class(piece)}"),
    )
    took = "" if piece.seconds is None else f" after {_duration(piece.seconds)}"
    sent = _message(f"{piece.method} {piece.url}", piece.headers, piece.body, "Request")
    answered = _message(_status(piece) + took, piece.answer_headers, piece.answer_body, "Answer")
    line = curl_line(piece)
    label = "Deliver it again" if piece.kind is EvidenceKind.ALARM else "Send it again"
    inside = element(
        "div",
        element("div", sent, answered, class_="exchange"),
        _command(label, line) if line else None,
        class_="inside",
    )
    return element("details", title, inside, class_="piece")


def _message(first: str, headers: Mapping[str, str], body: str | None, label: str) -> Markup:
    lines = "\n".join([first, *(f"{name}: {value}" for name, value in redacted(headers).items())])
    shown = None
    if body is not None:
        code = element("code", _cut(pretty(body)) or "(empty)")
        shown = element("pre", code, tabindex="0", aria_label=f"{label} body")
    return element(
        "div",
        element("p", label, class_="label"),
        element("pre", element("code", lines), class_="head"),
        shown,
        class_="message",
    )


def _cut(body: str) -> str:
    if len(body) <= _LONGEST:
        return body
    return f"{body[:_LONGEST]}\n… and {len(body) - _LONGEST} characters more; the JSON report has all of them"


def _status(piece: Evidence) -> str:
    return "no answer" if piece.status is None else str(piece.status)


def _status_class(piece: Evidence) -> str:
    return "none" if piece.status is None else f"s{re.sub('[^0-9]', '', str(piece.status))[:1]}"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
