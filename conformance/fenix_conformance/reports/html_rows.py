"""The rows of the HTML report: a requirement with its verdict, and the evidence that it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from fenix_conformance.reports.baseline import Assessment
from fenix_conformance.reports.curl import curl_line
from fenix_conformance.reports.markup import Child, Markup, element
from fenix_conformance.reports.places import duration, judged, short, worst_first
from fenix_conformance.reports.pretty import pretty
from fenix_conformance.results import Case, Evidence, EvidenceKind, Outcome, Result, Role, redacted

#: A body longer than this is cut here (characters); the JSON report has all of it.
_LONGEST: Final = 20_000
_OPEN: Final = frozenset({Outcome.FAIL, Outcome.ERROR})
#: Outcomes of which one has to know what to change.
_TELLING: Final = _OPEN | {Outcome.WARN}
#: So many places are in the table, the worst first; the JSON report has all of them.
_MOST_PLACES: Final = 200
#: A table of more places than this is folded.
_FEW_PLACES: Final = 8
_KINDS: Final = {
    EvidenceKind.REQUEST: "request",
    EvidenceKind.ALARM: "alarm",
    EvidenceKind.NOTE: "note",
}
#: What an exchange is to the end that is judged: a word on the whole, on what was sent and on what was answered.
_SIDES: Final = {
    (Role.SERVER, EvidenceKind.REQUEST): ("A request that the suite sent", "Request", "Answer"),
    (Role.SERVER, EvidenceKind.ALARM): ("An alarm that the suite got", "Request", "Answer"),
    (Role.VNFM, EvidenceKind.REQUEST): ("A request that the VNFM sent", "Request of the VNFM", "Answer to the VNFM"),
    (Role.VNFM, EvidenceKind.ALARM): ("An alarm that the VNFM got", "Alarm to the VNFM", "Answer of the VNFM"),
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
            element(
                "div",
                _findings(row, assessment),
                _places(row),
                _rerun(row),
                _evidence(row, started),
                class_="inside",
            ),
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
        _finding("What to change", row.advice if row.outcome in _TELLING else "", "advice"),
        _finding("Known because", reason, "found"),
        element("div", element("dt", "Source"), element("dd", f"{row.source} · found by {row.layer}"), class_="source"),
    ]
    return element("dl", *parts, class_="findings")


def _finding(name: str, text: str, kind: str) -> Markup | None:
    return element("div", element("dt", name), element("dd", text), class_=kind) if text else None


def _places(row: Result) -> Markup | None:
    """The places in which it was judged, as a table; folded where there are many or nothing is wrong in any."""
    if not row.cases:
        return None
    shown = worst_first(row.cases)[:_MOST_PLACES]
    head = [element("th", name, scope="col") for name in ("Outcome", "Place", "State", "What", "Journal")]
    left = len(row.cases) - len(shown)
    return element(
        "details",
        element("summary", f"Judged in {judged(row)}"),
        element(
            "table",
            element("thead", element("tr", *head)),
            element("tbody", *(_place(case) for case in shown)),
        ),
        element("p", f"and {left} more; the JSON report has all of them", class_="more") if left else None,
        class_="places",
        open=row.outcome in _TELLING and len(row.cases) <= _FEW_PLACES,
    )


def _place(case: Case) -> Markup:
    ids = [
        element("span", f"{what} {short(one)}", class_="of", title=one)
        for what, one in (("session", case.session_id), ("project", case.project_id))
        if one
    ]
    return element(
        "tr",
        element("td", element("span", str(case.outcome), class_=f"outcome {case.outcome}")),
        element("td", element("span", case.scenario, class_="scenario") if case.scenario else None, *ids),
        element("td", element("code", case.state) if case.state else None),
        element("td", case.message, class_="what"),
        element("td", ", ".join(f"#{one}" for one in case.entries), class_="entries"),
    )


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
    pieces = [element("li", _piece(piece, started, row.role)) for piece in row.evidence]
    return element("div", element("h4", f"Evidence ({len(pieces)})"), element("ol", *pieces), class_="evidence")


def _piece(piece: Evidence, started: datetime, role: Role) -> Markup:
    whole, sending, answering = _SIDES.get((role, piece.kind), ("An observation", "", ""))
    kind = element("span", _KINDS[piece.kind], class_=f"tag {piece.kind}", title=whole)
    seconds = (piece.at - started).total_seconds()
    when = element("span", f"{seconds:+.3f} s", class_="when", title=piece.at.isoformat())
    if piece.kind is EvidenceKind.NOTE:
        return element("p", kind, when, _said(piece), class_="piece")
    title = element(
        "summary",
        kind,
        when,
        element(
            "span",
            _said(piece),
            element("code", f"{piece.method} {piece.url}", class_="target"),
            class_="what",
        ),
        element("span", _status(piece), class_=f"status {_status_class(piece)}"),
    )
    took = "" if piece.seconds is None else f" after {duration(piece.seconds)}"
    sent = _message(f"{piece.method} {piece.url}", piece.headers, piece.body, sending)
    answered = _message(_status(piece) + took, piece.answer_headers, piece.answer_body, answering)
    line = curl_line(piece)
    label = "Deliver it again" if piece.kind is EvidenceKind.ALARM else "Send it again"
    inside = element(
        "div",
        element("div", sent, answered, class_="exchange"),
        _command(label, line) if line else None,
        class_="inside",
    )
    return element("details", title, inside, class_="piece")


def _said(piece: Evidence) -> Markup | None:
    """The note, and which entry of which scenario's journal it is."""
    words = " ".join([*([f"#{piece.entry}"] if piece.entry is not None else []), *filter(None, [piece.scenario])])
    origin = element("span", words, class_="origin", title="Entry of the scenario's journal") if words else None
    if not piece.note and origin is None:
        return None
    return element("span", piece.note, " " if piece.note and origin else None, origin, class_="said")


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
