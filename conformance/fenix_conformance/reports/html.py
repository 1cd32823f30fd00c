"""The HTML report: one file that shows every verdict with the requests and answers behind it.

It loads nothing: style and script are inside, and its Content-Security-Policy allows just these two (by their hashes)
and no connection at all. Whatever a server said is text in it, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from datetime import UTC
from importlib import resources
from typing import Final

from fenix_conformance.reports.baseline import Assessment
from fenix_conformance.reports.files import save
from fenix_conformance.reports.html_rows import requirement
from fenix_conformance.reports.markup import Markup, element
from fenix_conformance.reports.places import timing_rows
from fenix_conformance.reports.words import (
    EXIT_MEANINGS,
    HEADINGS,
    MEANINGS,
    VERDICTS,
    binding,
    counts,
    exit_meaning,
    in_order,
    verdict_reason,
)
from fenix_conformance.results import Outcome, Result, RunResult, Verdict

_ICON: Final = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E{}%3C/svg%3E"
_MARKS: Final = {
    Verdict.CONFORMANT: ("%23156f40", "M4 8.5l2.6 2.6L12 5.5"),
    Verdict.NOT_CONFORMANT: ("%23c0262d", "M5 5l6 6M11 5l-6 6"),
    Verdict.INCONCLUSIVE: ("%238a5a00", "M4 8h8"),
}


def write_html(result: RunResult, path: str | os.PathLike[str], assessment: Assessment | None = None) -> None:
    """Write the report; with ``assessment`` it says what the baseline knew. Raises OSError."""
    save(path, html_text(result, assessment))


def html_text(result: RunResult, assessment: Assessment | None = None) -> str:
    """The report as one HTML document."""
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{VERDICTS[result.verdict]}: {result.subject}"),
        element("link", rel="icon", href=_icon(result.verdict)),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the requirements", class_="skip", href="#requirements"),
        _header(result, assessment),
        _filter(result),
        element(
            "main",
            *(_group(result, outcome, rows, assessment) for outcome, rows in in_order(result)),
            _timings(result),
            element("p", "No requirement was selected.", class_="empty") if not result.results else None,
            element("p", "No requirement fits this filter.", class_="empty", id="nothing", hidden=True),
            id="requirements",
            tabindex="-1",
        ),
        _footer(),
        element("script", Markup(script)),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _header(result: RunResult, assessment: Assessment | None) -> Markup:
    exit_code = result.exit_code if assessment is None else assessment.exit_code
    meaning = exit_meaning(result, exit_code, None if assessment is None else assessment.baseline)
    started = result.started.astimezone(UTC)
    facts = [
        ("Started", element("time", f"{started:%Y-%m-%d %H:%M:%S} UTC", datetime=started.isoformat())),
        ("Took", f"{result.seconds:.1f} s"),
        ("Decided by", f"every {binding(result)}" + (" (strict)" if result.strict else "")),
        ("Exit code", f"{exit_code}: {meaning}"),
    ]
    baseline = None
    if assessment is not None:
        facts.insert(3, ("Baseline", assessment.baseline))
        complaints = [element("li", complaint) for complaint in assessment.complaints]
        baseline = element(
            "div",
            element("p", assessment.sentence),
            element("ul", *complaints) if complaints else None,
            class_=f"baseline {'worse' if complaints else 'same'}",
        )
    reason = verdict_reason(result)
    title = "Fenix server" if result.role == "server" else "VNFM"
    return element(
        "header",
        element(
            "div",
            element("p", f"Conformance report · {title}", class_="kind"),
            element("h1", result.subject),
            element(
                "p",
                element("strong", VERDICTS[result.verdict], class_="stamp"),
                element("span", f"{reason[:1].upper()}{reason[1:]}.", class_="reason"),
                class_="verdict",
            ),
            baseline,
            _bar(result),
            element("dl", *(_fact(name, value) for name, value in facts), class_="facts"),
            class_="page",
        ),
        class_=f"top {result.verdict}",
    )


def _fact(name: str, value: str) -> Markup:
    return element("div", element("dt", name), element("dd", value))


def _bar(result: RunResult) -> Markup | None:
    """The shares of the outcomes; the numbers are on the filter's buttons."""
    if not result.results:
        return None
    parts, left = [], 0.0
    for outcome, rows in reversed(in_order(result)):
        width = 100 * len(rows) / len(result.results)
        parts.append(element("rect", x=f"{left:.3f}", width=f"{width:.3f}", height="4", class_=f"{outcome}"))
        left += width
    return element(
        "svg", *parts, class_="bar", viewBox="0 0 100 4", preserveAspectRatio="none", role="img",
        aria_label=counts(result),
    )  # fmt: skip


def _filter(result: RunResult) -> Markup:
    buttons = [_choice("", "All", len(result.results))]
    buttons += [_choice(outcome, outcome, len(rows)) for outcome, rows in in_order(result)]
    return element(
        "nav",
        element(
            "div",
            element("div", *buttons, class_="choices", role="group", aria_label="Show by outcome"),
            element("input", type="search", id="search", placeholder="Find", aria_label="Find in id and statement"),
            element("button", "Expand all", type="button", id="expand", aria_pressed="false"),
            element("p", counts(result), id="shown", role="status", class_="unseen"),
            class_="page",
        ),
        class_="filter scripted",
        aria_label="Filter",
    )


def _choice(outcome: str, words: str, count: int) -> Markup:
    return element(
        "button",
        element("span", class_=f"dot {outcome}") if outcome else None,
        words,
        " ",
        element("span", str(count), class_="count"),
        type="button",
        data_show=outcome,
        aria_pressed="false" if outcome else "true",
    )


def _group(result: RunResult, outcome: Outcome, rows: list[Result], assessment: Assessment | None) -> Markup:
    heading = f"group-{outcome}"
    return element(
        "section",
        element("h2", HEADINGS[outcome], " ", element("span", str(len(rows)), class_="count"), id=heading),
        *(requirement(row, result.started, _anchor(row), assessment) for row in rows),
        class_="group",
        data_outcome=str(outcome),
        aria_labelledby=heading,
    )


def _timings(result: RunResult) -> Markup | None:
    """How soon the replies came, state by state."""
    rows = timing_rows(result.timings)
    if not rows:
        return None
    head, *states = rows
    lines = [
        element(
            "tr",
            element("th", element("code", state), scope="row"),
            *(element("td", one, data_name=name) for name, one in zip(head[1:], figures, strict=True)),
        )
        for state, *figures in states
    ]
    return element(
        "section",
        element("h2", "Reply times", id="timings"),
        element(
            "table",
            element("thead", element("tr", *(element("th", name, scope="col") for name in head))),
            element("tbody", *lines),
        ),
        element(
            "p", "From the question to the reply's arrival; the margin is what was left of the window.", class_="more"
        ),
        class_="timings",
        aria_labelledby="timings",
    )


def _anchor(row: Result) -> str | None:
    return f"req-{row.id}" if re.fullmatch(r"[A-Za-z0-9._-]+", row.id) else None


def _footer() -> Markup:
    outcomes = [_fact(str(outcome), meaning) for outcome, meaning in MEANINGS.items()]
    exits = [_fact(str(code), meaning) for code, meaning in EXIT_MEANINGS.items()]
    return element(
        "footer",
        element(
            "details",
            element("summary", "How to read this report"),
            element("h2", "Outcomes"),
            element("dl", *outcomes, class_="legend"),
            element("h2", "Exit codes"),
            element("dl", *exits, class_="legend"),
            class_="page",
        ),
    )


def _icon(verdict: Verdict) -> str:
    colour, path = _MARKS[verdict]
    shapes = (
        f"%3Ccircle cx='8' cy='8' r='8' fill='{colour}'/%3E"
        f"%3Cpath d='{path}' fill='none' stroke='white' stroke-width='2' stroke-linecap='round'/%3E"
    )
    return _ICON.format(shapes)


def _asset(name: str) -> str:
    return (resources.files("fenix_conformance.reports") / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
