"""A whole run against a server: plays what the selected requirements need, judges, and gives the results."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from fenix_conformance.requirements import Requirement
from fenix_conformance.results import Level, Outcome, Result, Role, RunResult, note
from fenix_conformance.selection import Selection
from fenix_conformance.server import checks, generated, session_only
from fenix_conformance.server.judging import CHECKS, Case, Judgement
from fenix_conformance.server.lab import Interrupted, Lab
from fenix_conformance.server.options import Options
from fenix_conformance.server.programme import Programme
from fenix_conformance.server.sighting import Sighting

__all__ = ["Selection", "checks", "judge_server", "plays_for", "rerun_command"]


#: Plays that are played in each state that the server's sessions pass; a session played to its end tells which.
_IN_EVERY_STATE: Final = frozenset({"refused", "silent", "all-silent", "wrong"})


def plays_for(rows: Collection[Requirement]) -> tuple[str, ...]:
    """The plays that these requirements need, and the opening that all rest on."""
    wanted = {"solo"}
    for row in rows:
        if row.check is not None:
            wanted |= set(CHECKS[row.check].plays)
            if row.id in generated.REQUIREMENTS:
                wanted.add("generated")
    if wanted & _IN_EVERY_STATE:
        wanted.add("happy")
    return tuple(sorted(wanted))


def judge_server(
    options: Options, selection: Selection, tell: Callable[[str], None] = lambda _: None, lab: Lab | None = None
) -> RunResult:
    """Run against the server. Raises Unreachable when nobody answers, Interrupted when ``lab`` was told to stop."""
    rows = selection.requirements
    started, clock = datetime.now(UTC), time.monotonic()
    case = Case(options, options.projects)
    broken: BaseException | None = None
    with lab or Lab(options, tell) as lab:
        lab.knock()
        try:
            if options.session is not None:
                session_only.probe(lab, case)
            elif rows:
                Programme(lab, case, plays_for(rows)).run()
        except Interrupted:
            raise
        except Exception as failure:
            # Reported as the suite's own error, never blamed on the server.
            broken = failure
        finally:
            case.sessions = frozenset(trace.session_id for trace in lab.traces)
            case.sightings = [one for one in lab.sightings if one.project and not _is_of_others(one, case.sessions)]
    results = tuple(_result(row, case, options, selection, broken) for row in rows)
    return RunResult(
        subject=options.url,
        role=Role.SERVER,
        started=started,
        seconds=time.monotonic() - clock,
        results=results,
        strict=selection.strict,
    )


def _is_of_others(sighting: Sighting, sessions: Collection[str]) -> bool:
    """Whether an alarm is, by all that it says, about a session that somebody else started."""
    told, linked = sighting.message.session_id, sighting.link_ids
    return bool(told) and told not in sessions and linked is not None and linked[0] == told


def _result(
    row: Requirement, case: Case, options: Options, selection: Selection, broken: BaseException | None
) -> Result:
    judgement = _judgement(row, case, broken)
    outcome = judgement.outcome
    if outcome is Outcome.FAIL and row.level is not Level.MUST and not selection.strict:
        outcome = Outcome.WARN
    return Result(
        id=row.id,
        level=row.level,
        role=row.role,
        statement=row.statement,
        source=row.source,
        outcome=outcome,
        message=judgement.message,
        expected=judgement.expected or (row.expected if judgement.is_failure else ""),
        actual=judgement.actual,
        evidence=judgement.evidence,
        rerun=rerun_command(options, row.id, strict=selection.strict),
        layer=judgement.layer,
    )


def _judgement(row: Requirement, case: Case, broken: BaseException | None) -> Judgement:
    if row.check is None:
        return Judgement(Outcome.UNTESTABLE, row.reason or "")
    try:
        judgement = case.judge(row.check)
    except Exception as failure:
        return _error(failure)
    found = case.generated.get(row.id)
    if found is not None and not judgement.is_failure:
        return found
    if judgement.outcome is Outcome.PASS and (count := case.generated_counts.get(row.id)):
        judgement = replace(judgement, message=f"{judgement.message}; {count} generated requests")
    if broken is not None and not judgement.is_failure:
        return _error(broken)
    return judgement


def _error(failure: BaseException) -> Judgement:
    """The suite's own fault."""
    import traceback

    lines = traceback.format_exception(failure)
    return Judgement(
        Outcome.ERROR,
        f"the suite itself broke: {type(failure).__name__}: {failure}",
        evidence=(note("".join(lines[-6:])),),
    )


def rerun_command(options: Options, requirement: str, *, strict: bool = False) -> str:
    """The command that runs just this requirement again; a token is named, never shown."""
    words: list[str] = ["fenix-conformance", "server", options.url, "--only", requirement]
    if options.aodh_url:
        words += ["--aodh-url", options.aodh_url]
    for project in options.projects:
        words += ["--project", project]
    if options.session is not None:
        words += ["--session", options.session]
    if options.reply_window is not None:
        words += ["--reply-window", f"{options.reply_window:g}s"]
    if strict:
        words.append("--strict")
    line = shlex.join(words)
    return f'{line} --token "$FENIX_CONFORMANCE_TOKEN"' if options.token else line


def verdict_of(results: Sequence[Result]) -> dict[str, Outcome]:
    """Requirement to outcome, for those who compare."""
    return {result.id: result.outcome for result in results}
