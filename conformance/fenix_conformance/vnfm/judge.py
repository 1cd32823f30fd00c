"""From journals to the verdict: every rule over every recording, gathered into one result per requirement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from fenix_conformance.requirements import Requirement
from fenix_conformance.results import Case, Evidence, Layer, Level, Outcome, Result, RunResult, note
from fenix_conformance.selection import Selection
from fenix_conformance.vnfm.course import Course, read_course
from fenix_conformance.vnfm.evidence import evidence_of
from fenix_conformance.vnfm.finding import Finding
from fenix_conformance.vnfm.journal import Recording
from fenix_conformance.vnfm.rules import RULES
from fenix_conformance.vnfm.timings import timings_of

#: Places whose journal entries a result shows: all that is wrong up to this number, or one that is right.
_SHOWN: Final = 5
#: The worse outcome decides.
_WORST_FIRST: Final = (Outcome.FAIL, Outcome.WARN, Outcome.PASS)


def judge(
    recordings: Sequence[Recording],
    selection: Selection,
    *,
    subject: str,
    started: datetime,
    seconds: float,
    rerun: Callable[[str], str] = lambda _: "",
) -> RunResult:
    """The result of a run. ``rerun`` gives the command that judges just one requirement again."""
    rows = selection.requirements
    try:
        courses = [read_course(recording) for recording in recordings]
    except Exception as failure:
        results = tuple(_broken(row, failure) for row in rows)
        return RunResult(subject, selection.role, started, seconds, results, selection.strict)
    return RunResult(
        subject=subject,
        role=selection.role,
        started=started,
        seconds=seconds,
        results=tuple(_result(row, courses, selection.strict, rerun(row.id)) for row in rows),
        strict=selection.strict,
        timings=timings_of(courses),
    )


def findings_of(rule_id: str, courses: Sequence[Course]) -> list[Finding]:
    """All that a rule finds in these courses. Raises KeyError where there is no such rule."""
    rule = RULES[rule_id]
    return [finding for course in courses for finding in rule.judge(course, courses)]


def _result(row: Requirement, courses: Sequence[Course], strict: bool, rerun: str) -> Result:
    try:
        findings = findings_of(row.id, courses)
    except Exception as failure:  # reported as the suite's own error, never blamed on the VNFM
        return _broken(row, failure, rerun)
    if row.level is not Level.MUST and strict:
        findings = [_strictly(finding) for finding in findings]
    outcome = next((one for one in _WORST_FIRST if any(found.outcome is one for found in findings)), None)
    if outcome is None:
        return _row(row, Outcome.NOT_APPLICABLE, f"nothing to judge: {RULES[row.id].unjudged}", rerun=rerun)
    decisive = [finding for finding in findings if finding.outcome is outcome]
    first = decisive[0]
    bad = outcome is not Outcome.PASS
    return _row(
        row,
        outcome,
        _message(first, decisive, findings),
        expected=(first.expected or row.expected) if bad else "",
        actual=first.actual if bad else "",
        evidence=tuple(_evidence(decisive[: _SHOWN if bad else 1], courses)),
        rerun=rerun,
        advice=row.advice if bad else "",
        cases=tuple(_case(finding) for finding in (*decisive, *(one for one in findings if one not in decisive))),
    )


def _strictly(finding: Finding) -> Finding:
    return replace(finding, outcome=Outcome.FAIL) if finding.outcome is Outcome.WARN else finding


def _message(first: Finding, decisive: Sequence[Finding], findings: Sequence[Finding]) -> str:
    if first.outcome is Outcome.PASS:
        return f"{len(findings)} place{'s' * (len(findings) != 1)} judged"
    where = f" (scenario {first.scenario})" if first.scenario else ""
    more = f"; in {len(decisive)} of {len(findings)} places" if len(findings) > 1 else ""
    return f"{first.message}{where}{more}"


def _case(finding: Finding) -> Case:
    return Case(
        outcome=finding.outcome,
        message=finding.message,
        scenario=finding.scenario,
        state=finding.state,
        project_id=finding.project_id,
        session_id=finding.session_id,
        entries=tuple(entry.number for entry in finding.entries),
    )


def _evidence(findings: Iterable[Finding], courses: Sequence[Course]) -> Iterable[Evidence]:
    seen = set()
    for finding in findings:
        for entry in finding.entries:
            if (finding.scenario, entry.number) not in seen:
                seen.add((finding.scenario, entry.number))
                yield evidence_of(entry, finding.scenario, courses)


def _broken(row: Requirement, failure: Exception, rerun: str = "") -> Result:
    """The suite's own fault."""
    import traceback

    lines = traceback.format_exception(failure)
    message = f"the suite itself broke: {type(failure).__name__}: {failure}"
    return _row(row, Outcome.ERROR, message, evidence=(note("".join(lines[-6:])),), rerun=rerun)


def _row(
    row: Requirement,
    outcome: Outcome,
    message: str,
    *,
    expected: str = "",
    actual: str = "",
    evidence: tuple[Evidence, ...] = (),
    rerun: str = "",
    advice: str = "",
    cases: tuple[Case, ...] = (),
) -> Result:
    return Result(
        id=row.id,
        level=row.level,
        role=row.role,
        statement=row.statement,
        source=row.source,
        outcome=outcome,
        message=message,
        expected=expected,
        actual=actual,
        evidence=evidence,
        rerun=rerun,
        layer=Layer.JOURNAL,
        advice=advice,
        cases=cases,
    )
