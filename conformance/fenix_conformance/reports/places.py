"""The places in which a requirement was judged, and how soon replies came: the words that all reports share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from fenix_conformance.reports.escaping import one_line
from fenix_conformance.reports.words import HEADINGS, number
from fenix_conformance.results import Case, Outcome, Result, Timing

#: So many places are told in a text; the JSON report has all of them.
SHOWN: Final = 5
#: Outcomes that are worth a line.
_TELLING: Final = frozenset({Outcome.ERROR, Outcome.FAIL, Outcome.WARN})
_ORDER: Final = {outcome: position for position, outcome in enumerate(HEADINGS)}
_HEAD: Final = ("state", "count", "p50", "p95", "longest", "least margin to reply_at")


def judged(row: Result) -> str:
    """``14 places: 2 fail, 12 pass``; empty where a requirement has no cases."""
    if not row.cases:
        return ""
    found = Counter(case.outcome for case in row.cases)
    return f"{number(len(row.cases), 'place')}: " + ", ".join(
        f"{found[outcome]} {outcome}" for outcome in HEADINGS if found[outcome]
    )


def worst_first(cases: Iterable[Case]) -> list[Case]:
    """The cases in the order of ``HEADINGS``, else as they come."""
    return sorted(cases, key=lambda case: _ORDER[case.outcome])


def place_lines(row: Result, most: int = SHOWN) -> list[str]:
    """How many places there were and the first few of those in which it is not met, one line each."""
    if not row.cases:
        return []
    telling = [case for case in worst_first(row.cases) if case.outcome in _TELLING]
    lines = [judged(row), *(_line(case) for case in telling[:most])]
    return [*lines, f"and {len(telling) - most} more"] if len(telling) > most else lines


def _line(case: Case) -> str:
    where = [
        case.scenario,
        f"session {short(case.session_id)}" if case.session_id else "",
        f"project {short(case.project_id)}" if case.project_id else "",
        case.state,
    ]
    told = one_line(", ".join(part for part in where if part))
    return f"{told}: {one_line(case.message)}{entries(case)}" if told else one_line(case.message) + entries(case)


def entries(case: Case) -> str:
    """`` (entries 26, 35)``, the numbers in the scenario's journal."""
    if not case.entries:
        return ""
    listed = ", ".join(str(one) for one in case.entries)
    return f" (entr{'y' if len(case.entries) == 1 else 'ies'} {listed})"


def short(identifier: str) -> str:
    """The first eight digits of an id that is a UUID, with or without its dashes; any other id as it is."""
    match = re.fullmatch(r"([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|([0-9a-f]{8})[0-9a-f]{24}", identifier)
    return identifier if match is None else match[1] or match[2]


def duration(seconds: float) -> str:
    """``4 ms``, ``1.25 s``, ``-300 ms``."""
    if abs(seconds) < 1:
        return f"{seconds * 1000:.0f} ms" if abs(seconds) >= 0.01 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s"


def timing_rows(timings: Sequence[Timing]) -> list[tuple[str, ...]]:
    """The reply times as rows of text, the head first; empty where there are none."""
    if not timings:
        return []
    return [_HEAD, *(_timing(one) for one in timings)]


def _timing(timing: Timing) -> tuple[str, ...]:
    margin = "no window" if timing.least_margin is None else duration(timing.least_margin)
    return (
        one_line(timing.state),
        str(timing.count),
        *(duration(one) for one in (timing.p50, timing.p95, timing.longest)),
        margin,
    )
