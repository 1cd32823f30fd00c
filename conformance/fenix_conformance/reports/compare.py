"""Two results side by side: what was fixed, what was broken, what is new, what is gone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rich.console import Console

from fenix_conformance.reports.escaping import one_line
from fenix_conformance.reports.files import ReportError
from fenix_conformance.reports.screen import STYLES, Screen
from fenix_conformance.results import ExitCode, Outcome, Result, RunResult


class Change(StrEnum):
    """What became of a requirement, worst first."""

    #: It fails, is a warning or cannot be told any more, and did not before.
    BROKEN = "broken"
    #: It is in the second result only.
    NEW = "new"
    #: It is in the first result only.
    GONE = "gone"
    #: Another outcome, neither better nor worse for certain (a failure that could not be tried this time is no fix).
    CHANGED = "changed"
    #: It passes, and did not before.
    FIXED = "fixed"
    UNCHANGED = "unchanged"


_HEADINGS: Final = {
    Change.BROKEN: ("Broken", "bold red"),
    Change.NEW: ("New", "bold"),
    Change.GONE: ("Gone", "bold"),
    Change.CHANGED: ("Changed", "yellow"),
    Change.FIXED: ("Fixed", "green"),
    Change.UNCHANGED: ("Unchanged", "dim"),
}
#: Losing these outcomes against one that tells less is a loss.
_LOSSES: Final = {
    Outcome.PASS: {Outcome.WARN, Outcome.UNTESTABLE},
    Outcome.WARN: {Outcome.UNTESTABLE},
}
_BAD: Final = frozenset({Outcome.FAIL, Outcome.ERROR})


@dataclass(frozen=True, slots=True)
class Difference:
    """One requirement in both results; ``before`` or ``after`` is None where it is missing."""

    id: str
    change: Change
    before: Result | None
    after: Result | None

    @property
    def is_worse(self) -> bool:
        """Whether it got worse, or is new and bad."""
        is_bad_news = self.change is Change.NEW and self.after is not None and self.after.outcome in _BAD
        return self.change is Change.BROKEN or is_bad_news

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "change": str(self.change),
            "worse": self.is_worse,
            "before": None if self.before is None else str(self.before.outcome),
            "after": None if self.after is None else str(self.after.outcome),
            "message": "" if self.after is None else self.after.message,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every requirement of both results, in the order of the second; those that are gone come last."""

    before: RunResult
    after: RunResult
    differences: tuple[Difference, ...]

    @property
    def counts(self) -> Counter[Change]:
        """How many requirements changed in each way."""
        return Counter(one.change for one in self.differences)

    @property
    def exit_code(self) -> int:
        """1 when something got worse, 3 when the two results have no requirement in common, else 0."""
        if any(one.is_worse for one in self.differences):
            return ExitCode.FAILED
        if all(one.change in (Change.NEW, Change.GONE) for one in self.differences):
            return ExitCode.INCONCLUSIVE
        return ExitCode.OK

    @property
    def sentence(self) -> str:
        """What it comes to."""
        worse = sum(1 for one in self.differences if one.is_worse)
        if worse:
            return f"Worse: {worse} of {len(self.differences)} requirements."
        if self.exit_code == ExitCode.INCONCLUSIVE:
            return "Nothing compared: the two results have no requirement in common."
        return "Better." if self.counts[Change.FIXED] else "Nothing got worse."

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "schema": 1,
            "before": _run(self.before),
            "after": _run(self.after),
            "counts": {str(change): self.counts[change] for change in Change},
            "worse": self.exit_code == ExitCode.FAILED,
            "requirements": [one.to_dict() for one in self.differences],
        }


def compare(before: RunResult, after: RunResult) -> Comparison:
    """The difference between an earlier and a later result. ReportError when one judged a server and one a VNFM."""
    if before.role is not after.role:
        raise ReportError(f"a {before.role} and a {after.role} cannot be compared: their requirements differ")
    old = {row.id: row for row in before.results}
    new = {row.id: row for row in after.results}
    ids: Iterable[str] = dict.fromkeys([*new, *old])
    rows = tuple(Difference(one, _change(old.get(one), new.get(one)), old.get(one), new.get(one)) for one in ids)
    return Comparison(before, after, rows)


def comparison_json(comparison: Comparison) -> str:
    """The comparison as JSON text; pure ASCII, so that any stdout takes it."""
    return json.dumps(comparison.to_dict(), indent=1)


def render_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print the comparison on ``console`` (stdout by default); what did not change is only counted."""
    screen = Screen(console)
    for name, run in (("before", comparison.before), ("after", comparison.after)):
        screen.line((f"{name:<7}", "bold"), f"{run.verdict:<15} {run.started:%Y-%m-%d %H:%M}  {one_line(run.subject)}")
    width = max((len(one.id) for one in comparison.differences), default=0)
    for change, (heading, style) in _HEADINGS.items():
        rows = [one for one in comparison.differences if one.change is change]
        if not rows:
            continue
        screen.line()
        screen.line((f"{heading} ({len(rows)})", style))
        for one in rows if change is not Change.UNCHANGED else ():
            _line(screen, one, width)
    screen.line()
    screen.line((comparison.sentence, "bold red" if comparison.exit_code == ExitCode.FAILED else "bold"))


def _line(screen: Screen, one: Difference, width: int) -> None:
    words = [
        ("-", "dim") if row is None else (str(row.outcome), STYLES[row.outcome]) for row in (one.before, one.after)
    ]
    before, after = ((f"{word:<14}", style) for word, style in words)
    said = "" if one.after is None or one.after.outcome is Outcome.PASS else one_line(one.after.message)
    screen.line(f"  {one_line(one.id):<{width}}  ", before, " -> ", after, f"  {said}" if said else "")


def _change(before: Result | None, after: Result | None) -> Change:
    if before is None:
        return Change.NEW
    if after is None:
        return Change.GONE
    if before.outcome is after.outcome:
        return Change.UNCHANGED
    if after.outcome in _BAD or after.outcome in _LOSSES.get(before.outcome, ()):
        # An error after a failure tells nothing, but it is no improvement of the server's either.
        return Change.CHANGED if before.outcome in _BAD and after.outcome is Outcome.ERROR else Change.BROKEN
    return Change.FIXED if after.outcome is Outcome.PASS else Change.CHANGED


def _run(result: RunResult) -> dict[str, str]:
    return {
        "subject": result.subject,
        "verdict": str(result.verdict),
        "started": result.started.isoformat(),
    }
