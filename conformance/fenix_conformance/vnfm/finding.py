"""What a rule finds, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.journal import Entry


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found out in one place.

    ``outcome`` is PASS, WARN (a SHOULD that is not met) or FAIL; ``message`` one sentence; ``actual`` says more where
    the message does not say it all. ``entries`` are what it rests on.
    """

    outcome: Outcome
    message: str
    scenario: str
    state: str = ""
    project_id: str = ""
    session_id: str = ""
    entries: tuple[Entry, ...] = ()
    expected: str = ""
    actual: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether the rule is not kept here."""
        return self.outcome is not Outcome.PASS


@dataclass(frozen=True, slots=True)
class Rule:
    """A requirement on a VNFM as a pure function of courses.

    ``judge`` is given one course, and all of the run for comparison. What it has nothing to say of it leaves out.
    ``unjudged`` says what has to happen for the rule to be judged.
    """

    id: str
    judge: Callable[[Course, Sequence[Course]], Iterable[Finding]]
    unjudged: str


def about(
    ask: Ask, outcome: Outcome, message: str, *entries: Entry | None, expected: str = "", actual: str = ""
) -> Finding:
    """A finding about one ask; it rests on the ask itself and on ``entries``."""
    return Finding(
        outcome,
        message,
        ask.scenario,
        ask.state,
        ask.project_id,
        ask.session_id,
        _rests_on(ask, entries),
        expected,
        actual,
    )


def in_session(
    course: Course,
    session: SessionCourse,
    outcome: Outcome,
    message: str,
    *entries: Entry,
    state: str = "",
    project_id: str = "",
    expected: str = "",
) -> Finding:
    """A finding about a session."""
    return Finding(outcome, message, course.scenario, state, project_id, session.session_id, entries, expected)


def _rests_on(ask: Ask, entries: Iterable[Entry | None]) -> tuple[Entry, ...]:
    told = ask.told.entry if ask.told is not None else None
    found: dict[int, Entry] = {}
    for entry in (ask.entry, told, *entries):
        if entry is not None:
            found.setdefault(entry.number, entry)
    return tuple(found.values())


def seconds(value: float) -> str:
    """A length of time for people: ``0.012 s``, ``3.4 s``."""
    return f"{value:.3f} s" if abs(value) < 1 else f"{value:.1f} s"


def some(names: Iterable[str], most: int = 3) -> str:
    """The first few of these names."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
