"""The JUnit report: one test case per requirement, for whatever draws test results in a CI system.

Written to fit the two schemas in use, the strict one of Ant's report task and the one of Jenkins' xUnit plugin: hence
the empty ``system-err``, no zone in the timestamp, nothing but the outcome below a test case.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC
from typing import Final
from urllib.parse import urlsplit

from fenix_conformance.reports.baseline import Assessment
from fenix_conformance.reports.curl import decisive_curl
from fenix_conformance.reports.escaping import one_line, visible
from fenix_conformance.reports.files import save
from fenix_conformance.reports.places import place_lines, timing_rows
from fenix_conformance.reports.words import counts, verdict_sentence
from fenix_conformance.results import Outcome, Result, RunResult

#: What each outcome is in JUnit's words. A SHOULD that is not met is no failure, but must not look like a pass.
_ELEMENTS: Final = {
    Outcome.PASS: None,
    Outcome.FAIL: "failure",
    Outcome.ERROR: "error",
    Outcome.WARN: "skipped",
    Outcome.UNTESTABLE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}


def write_junit(result: RunResult, path: str | os.PathLike[str], assessment: Assessment | None = None) -> None:
    """Write the report; with a baseline a known failure is ``skipped``, a stale entry a ``failure``. Raises OSError."""
    save(path, junit_text(result, assessment))


def junit_text(result: RunResult, assessment: Assessment | None = None) -> str:
    """The report as XML."""
    cases = [_case(row, assessment) for row in result.results]
    kinds = Counter(child.tag for case in cases for child in case)
    suite = ET.Element(
        "testsuite",
        {
            "name": f"fenix-conformance {result.role}",
            "package": "fenix_conformance",
            "id": "0",
            "timestamp": result.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": one_line(_hostname(result.subject)) or "localhost",
            "tests": str(len(cases)),
            "failures": str(kinds["failure"]),
            "errors": str(kinds["error"]),
            "skipped": str(kinds["skipped"]),
            "time": f"{max(0.0, result.seconds):.3f}",
        },
    )
    properties = ET.SubElement(suite, "properties")
    facts = {"subject": result.subject, "verdict": str(result.verdict), "strict": str(result.strict).lower()}
    if assessment is not None:
        facts["baseline"] = assessment.baseline
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": one_line(value)})
    suite.extend(cases)
    lines = [counts(result), verdict_sentence(result)]
    if assessment is not None:
        lines += [assessment.sentence, *assessment.complaints]
    if timings := timing_rows(result.timings):
        lines += ["Reply times", *("  " + ", ".join(one) for one in timings)]
    ET.SubElement(suite, "system-out").text = visible("\n".join(lines))
    ET.SubElement(suite, "system-err").text = ""
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(row: Result, assessment: Assessment | None) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "name": one_line(row.id),
            "classname": f"fenix_conformance.{row.role}",
            # The time of the answers it rests on: sessions are shared, so no requirement has a time of its own.
            "time": f"{sum(max(0.0, piece.seconds or 0.0) for piece in row.evidence):.3f}",
        },
    )
    element, message = _outcome(row, assessment)
    if element is not None:
        child = ET.SubElement(case, element, {"type": str(row.outcome), "message": one_line(message)})
        child.text = visible(_details(row))
    return case


def _outcome(row: Result, assessment: Assessment | None) -> tuple[str | None, str]:
    said = row.message or row.actual
    if assessment is not None and row.id in assessment.known:
        reason = assessment.known[row.id]
        return "skipped", f"known failure: {reason or said}"
    if assessment is not None and row.id in assessment.stale:
        return "failure", f"stale: it passes now, so take it out of the baseline {assessment.baseline}"
    if row.outcome in (Outcome.FAIL, Outcome.ERROR):
        return _ELEMENTS[row.outcome], said
    return _ELEMENTS[row.outcome], f"{row.outcome}: {said}"


def _details(row: Result) -> str:
    parts = {
        "Requirement": f"{row.id} ({row.level}, {row.source}): {row.statement}",
        "Found": row.message,
        "Expected": row.expected,
        "Actual": row.actual,
        "Change": row.advice,
        "Judged in": "\n  ".join(place_lines(row)),
        "curl": decisive_curl(row),
        "Rerun": row.rerun,
    }
    return "\n".join(f"{name}: {text}" for name, text in parts.items() if text)


def _hostname(subject: str) -> str:
    try:
        return urlsplit(subject).hostname or ""
    except ValueError:
        return ""
