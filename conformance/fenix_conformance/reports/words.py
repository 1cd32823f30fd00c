"""The words that all reports share: headings, the verdict in a sentence, what an exit code means."""

from __future__ import annotations

from typing import Final

from fenix_conformance.results import ExitCode, Level, Outcome, Result, RunResult, Verdict

#: The order in which a reader wants to see outcomes, worst first, with the heading of each.
HEADINGS: Final = {
    Outcome.ERROR: "The suite broke",
    Outcome.FAIL: "Failed",
    Outcome.WARN: "Not met, but only a SHOULD",
    Outcome.UNTESTABLE: "Could not be tested",
    Outcome.NOT_APPLICABLE: "Not applicable",
    Outcome.PASS: "Passed",
}

#: What each outcome means.
MEANINGS: Final = {
    Outcome.ERROR: "the suite itself broke; this says nothing about the thing under test",
    Outcome.FAIL: "the requirement is broken",
    Outcome.WARN: "a SHOULD that is not met; --strict makes it a failure",
    Outcome.UNTESTABLE: "it could not be tried, the message says what is missing; never a pass",
    Outcome.NOT_APPLICABLE: "the requirement does not concern the thing under test",
    Outcome.PASS: "the requirement holds, as far as it was tried",
}

#: The verdict as a title.
VERDICTS: Final = {
    Verdict.CONFORMANT: "Conformant",
    Verdict.NOT_CONFORMANT: "Not conformant",
    Verdict.INCONCLUSIVE: "Inconclusive",
}

EXIT_MEANINGS: Final = {
    ExitCode.OK: "every MUST passed, or nothing but what the baseline lists failed",
    ExitCode.FAILED: "a MUST failed, or a baseline entry is stale",
    ExitCode.USAGE: "usage or configuration",
    ExitCode.INCONCLUSIVE: "nothing failed, but a MUST was untestable or nothing was tested: not a pass",
    ExitCode.BROKEN: "the thing under test could not be reached, or the suite itself broke",
}


def number(count: int, noun: str) -> str:
    """``1 requirement``, ``2 requirements``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def counts(result: RunResult) -> str:
    """``38 requirements: 2 fail, 1 warn, 35 pass``, in the order of ``HEADINGS``."""
    found = ", ".join(f"{result.counts[outcome]} {outcome}" for outcome in HEADINGS if result.counts[outcome])
    total = number(len(result.results), "requirement")
    return f"{total}: {found}" if found else total


def binding(result: RunResult) -> str:
    """Which levels decide over the verdict of this run."""
    return f"{Level.MUST} and {Level.SHOULD}" if result.strict else str(Level.MUST)


def verdict_sentence(result: RunResult) -> str:
    """The verdict and the reason for it."""
    return f"{VERDICTS[result.verdict]}: {verdict_reason(result)}."


def verdict_reason(result: RunResult) -> str:
    """The reason alone, as part of a sentence."""
    match result.verdict:
        case Verdict.CONFORMANT:
            return f"every {binding(result)} that applies passed"
        case Verdict.NOT_CONFORMANT:
            return f"{number(result.counts[Outcome.FAIL], 'requirement')} failed"
        case _:
            return f"nothing failed, but {_open_ends(result)}"


def exit_meaning(result: RunResult, exit_code: int, baseline: str | None = None) -> str:
    """What the exit code of this very run means; ``baseline`` is the name of the one that it was judged by."""
    if exit_code == ExitCode.OK and baseline is not None:
        return f"nothing failed but what the baseline {baseline} lists"
    if exit_code == ExitCode.OK:
        return f"every {binding(result)} passed"
    if exit_code == ExitCode.FAILED and baseline is None:
        return f"a {binding(result).replace('and', 'or')} failed"
    return EXIT_MEANINGS[exit_code]


def _open_ends(result: RunResult) -> str:
    broken = result.counts[Outcome.ERROR]
    untested = sum(1 for row in result.results if row.outcome is Outcome.UNTESTABLE and result.is_binding(row))
    reasons = []
    if broken:
        reasons.append(f"the suite itself broke in {number(broken, 'requirement')}")
    if untested:
        reasons.append(f"{untested} {binding(result)} could not be tested")
    return " and ".join(reasons) or "nothing was tested"


def in_order(result: RunResult) -> list[tuple[Outcome, list[Result]]]:
    """The results by outcome, in the order of ``HEADINGS``; outcomes that did not occur are left out."""
    groups = [(outcome, [row for row in result.results if row.outcome is outcome]) for outcome in HEADINGS]
    return [(outcome, rows) for outcome, rows in groups if rows]
