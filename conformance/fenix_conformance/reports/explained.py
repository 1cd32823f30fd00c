"""An alarm's explanation as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from rich.console import Console

from fenix_conformance.reports.escaping import one_line
from fenix_conformance.reports.places import duration, short
from fenix_conformance.reports.pretty import pretty
from fenix_conformance.reports.screen import STYLES, Screen
from fenix_conformance.reports.words import number
from fenix_conformance.requirements import requirements_of
from fenix_conformance.results import Outcome, Role
from fenix_conformance.vnfm.explain import Attempt, Explanation, Step
from fenix_conformance.vnfm.finding import some

#: Of a body so many characters are shown; the journal has all of them.
_LONGEST: Final = 2_000
#: Of the instances so many are named.
_MOST: Final = 10
_LABEL: Final = 11


def as_json(explanation: Explanation) -> str:
    """One line of JSON; instants are RFC 3339 texts, lengths of time seconds."""
    document = {"outcome": explanation.outcome, **asdict(explanation)}
    return json.dumps(document, ensure_ascii=True, default=_instant)


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def render_list(explanations: Sequence[Explanation], console: Console | None = None) -> None:
    """One line for each alarm: the numbers of its question and deliveries, what it was, and what came of it."""
    screen = Screen(console)
    rows = [
        (
            str(one.entry),
            one_line(one.state),
            short(one_line(one.session_id)),
            short(one_line(one.project_id)),
            ", ".join(str(each.entry) for each in one.deliveries) or "none",
        )
        for one in explanations
    ]
    head = ("entry", "alarm", "session", "project", "deliveries")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    screen.line((_row(head, widths) + "outcome", "dim"))
    for one, row in zip(explanations, rows, strict=True):
        screen.line(_row(row, widths), (one_line(one.outcome), _style(one)), crop=True)
    wrong = sum(1 for one in explanations if one.outcome != "as expected")
    screen.line()
    screen.line(f"{number(len(explanations), 'alarm')}, {wrong} not as expected. --entry N explains one.")


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{cell:<{width}}  " for cell, width in zip(cells, widths, strict=True))


def _style(one: Explanation) -> str:
    if any(not each.is_met for each in one.differences) or any(each.outcome is Outcome.FAIL for each in one.broken):
        return STYLES[Outcome.FAIL]
    return STYLES[Outcome.WARN if one.broken else Outcome.PASS]


def render_explanation(one: Explanation, console: Console | None = None) -> None:
    """All about one alarm: asked, expected, sent, the difference, the rules that are broken and what to change."""
    screen = Screen(console)
    screen.line((f"{one_line(one.state)} (entry {one.entry} of {one_line(one.scenario)})", "bold"))
    _part(screen, "Asked", _asked(one))
    _part(screen, "Delivered", [_delivered(each) for each in one.deliveries] or ["never"])
    _part(screen, "Expected", _expected(one))
    lines = [line for step in one.steps for line in _sent(step)]
    _part(screen, "Sent", lines or ["nothing"])
    screen.line()
    screen.line(("Difference", "bold"))
    width = max((len(one_line(each.member)) for each in one.differences), default=0)
    for each in one.differences:
        mark, style = ("same  ", STYLES[Outcome.PASS]) if each.is_met else ("DIFFER", STYLES[Outcome.FAIL])
        said = f"expected {one_line(each.expected)}; got {one_line(each.actual)}"
        screen.line(
            "  ", (mark, style), f"  {one_line(each.member):<{width}}  {one_line(each.actual) if each.is_met else said}"
        )
    _rules(screen, one)


def _part(screen: Screen, name: str, lines: Sequence[str]) -> None:
    for position, line in enumerate(lines):
        screen.line((f"  {name if position == 0 else '':<{_LABEL}}", "bold"), line)


def _asked(one: Explanation) -> list[str]:
    lines = [f"project {one_line(one.project_id)} in session {one_line(one.session_id)}, {one.at.isoformat()}"]
    if one.instance_ids:
        lines.append(f"about {number(len(one.instance_ids), 'instance')}: {one_line(some(one.instance_ids, _MOST))}")
    else:
        lines.append("about all that the project has")
    if one.allowed_actions:
        lines.append(f"allowed: {one_line(', '.join(one.allowed_actions))}")
    lines.append(f"reply_at {one.reply_at.isoformat()}" if one.reply_at is not None else "no reply_at")
    return lines


def _delivered(each: Attempt) -> str:
    answer = f"answered {each.status}" if each.status is not None else f"no answer ({one_line(each.error)})"
    fault = f", fault: {one_line(each.fault)}" if each.fault else ""
    return f"#{each.entry} {duration(each.after)} after the question: {answer} after {duration(each.latency)}{fault}"


def _expected(one: Explanation) -> list[str]:
    expected = one.expected
    if expected is None:
        return ["2xx to the alarm, and no reply"]
    lines = [f"{expected.method} {one_line(expected.url) or 'to the reply_url of the alarm, which was not delivered'}"]
    lines += [f"{name}: {value}" for name, value in expected.headers.items()]
    lines += pretty(_cut(json.dumps(expected.body, ensure_ascii=True))).splitlines()
    lines.append(f"or {json.dumps({'state': 'N' + expected.body['state']})} where it cannot be done")
    if expected.until is not None:
        lines.append(f"before {expected.until.isoformat()}")
    return lines


def _sent(step: Step) -> list[str]:
    answer = "no answer" if step.status is None else str(step.status)
    fault = f", fault: {one_line(step.fault)}" if step.fault else ""
    lines = [
        f"#{step.entry} {duration(step.after)} after the alarm: {step.method} {one_line(step.path)} → {answer}{fault}"
    ]
    if step.body:
        lines += [f"  {one_line(step.content_type) or 'no content type'}", *_indented(step.body)]
    if step.answer and (step.what == "list" or (step.status or 0) >= 400):
        lines += ["  answered:", *_indented(step.answer)]
    return lines


def _indented(body: str) -> list[str]:
    return [f"  {line}" for line in pretty(_cut(body)).splitlines()]


def _cut(body: str) -> str:
    return body if len(body) <= _LONGEST else f"{body[:_LONGEST]}… and {len(body) - _LONGEST} characters more"


def _rules(screen: Screen, one: Explanation) -> None:
    advice = {row.id: row.advice for row in requirements_of(Role.VNFM)}
    for each in one.broken:
        screen.line()
        screen.line((f"{each.outcome}: {each.rule}", STYLES[each.outcome]), f"  {one_line(each.message)}")
        _part(screen, "Change", [advice.get(each.rule, "")])
    screen.line()
    screen.line((f"{one.outcome[:1].upper()}{one_line(one.outcome)[1:]}.", _style(one)))
