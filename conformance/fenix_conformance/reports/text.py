"""The report for a human at a terminal, and for whoever reads a CI job's log."""

from __future__ import annotations

from datetime import UTC
from typing import Final

from rich.console import Console

from fenix_conformance.reports.baseline import Assessment
from fenix_conformance.reports.curl import decisive_curl
from fenix_conformance.reports.escaping import one_line
from fenix_conformance.reports.places import place_lines, timing_rows
from fenix_conformance.reports.screen import STYLES, Screen
from fenix_conformance.reports.words import HEADINGS, counts, exit_meaning, in_order, verdict_sentence
from fenix_conformance.results import ExitCode, Outcome, Result, Role, RunResult

#: Outcomes that are explained in a block of their own.
_EXPLAINED: Final = (Outcome.WARN, Outcome.FAIL, Outcome.ERROR)
_LABEL: Final = 13


def render_text(result: RunResult, console: Console | None = None, assessment: Assessment | None = None) -> None:
    """Print the report on ``console`` (stdout by default).

    First one line per requirement, grouped by outcome, the worst group last so that it stays in sight; then a block for
    each that is not met and not a known failure; then how soon replies came, where that was measured, the verdict, and
    the exit code in words.
    """
    screen = Screen(console)
    started = result.started.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    judged = "VNFM" if result.role is Role.VNFM else str(result.role)
    screen.line((f"Conformance of a {judged}: {one_line(result.subject)}", "bold"))
    screen.line((f"{started}, {result.seconds:.1f} s", "dim"))
    for outcome, rows in reversed(in_order(result)):
        _group(screen, outcome, rows, assessment)
    for outcome in _EXPLAINED:
        for row in result.results:
            if row.outcome is outcome and (assessment is None or row.id not in assessment.known):
                _block(screen, row)
    _timings(screen, result)
    _summary(screen, result, assessment)


def _group(screen: Screen, outcome: Outcome, rows: list[Result], assessment: Assessment | None) -> None:
    known = {} if assessment is None else assessment.known
    width = max(len(row.id) for row in rows)
    screen.line()
    screen.line((f"{HEADINGS[outcome]} ({len(rows)})", STYLES[outcome]))
    for row in rows:
        said = row.statement if outcome is Outcome.PASS else row.message or row.actual or row.statement
        if row.id in known:
            said = f"[known{': ' if known[row.id] else ''}{known[row.id]}] {said}"
        screen.line(
            "  ",
            (f"{outcome:<14} ", STYLES[outcome]),
            f"{row.level:<6} {one_line(row.id):<{width}}  ",
            (one_line(said), "dim" if outcome is Outcome.PASS else ""),
            crop=outcome not in _EXPLAINED,
        )


def _block(screen: Screen, row: Result) -> None:
    parts = {
        "Requirement": f"{row.statement} ({row.level}, source: {row.source})",
        "Found": "" if row.message in (row.actual, row.expected) else row.message,
        "Expected": row.expected,
        "Actual": row.actual,
        "Change": row.advice,
        "Judged in": "\n".join(place_lines(row)),
        "curl": decisive_curl(row),
        "Rerun": row.rerun,
    }
    screen.line()
    screen.line((f"{row.outcome}: {one_line(row.id)}", STYLES[row.outcome]))
    for name, text in parts.items():
        lines = text.splitlines()
        for number, line in enumerate(lines):
            screen.line((f"  {name if number == 0 else '':<{_LABEL}}", "bold"), line)


def _timings(screen: Screen, result: RunResult) -> None:
    rows = timing_rows(result.timings)
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    screen.line()
    screen.line(("Reply times", "bold"))
    for position, (state, *figures) in enumerate(rows):
        cells = [f"{state:<{widths[0]}}", *(f"{one:>{width}}" for one, width in zip(figures, widths[1:], strict=True))]
        screen.line("  ", ("  ".join(cells), "dim" if position == 0 else ""))


def _summary(screen: Screen, result: RunResult, assessment: Assessment | None) -> None:
    exit_code = result.exit_code if assessment is None else assessment.exit_code
    style = {ExitCode.OK: "bold green", ExitCode.INCONCLUSIVE: "bold yellow"}.get(exit_code, "bold red")
    screen.line()
    screen.line(counts(result))
    screen.line((verdict_sentence(result), style if assessment is None else "bold"))
    if assessment is not None:
        for complaint in assessment.complaints:
            screen.line(("baseline: ", "bold red"), complaint)
        screen.line((assessment.sentence, style))
    meaning = exit_meaning(result, exit_code, None if assessment is None else assessment.baseline)
    screen.line((f"exit {exit_code}: {meaning}", "dim"))
