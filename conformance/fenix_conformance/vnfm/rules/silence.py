"""When a silence tells of its cause: without the cause the VNFM answers, and with it no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Delivery
from fenix_conformance.vnfm.finding import Finding, about
from fenix_conformance.vnfm.rules.replies import was_left_open

#: Tells whether the cause in question is in a course.
HasCause = Callable[[Course], bool]


def answers_without(everything: Sequence[Course], has_cause: HasCause, before: datetime) -> bool:
    """Whether the VNFM answers where the cause in question is absent: only then its silence tells of the cause.

    What it did until ``before`` counts, for whatever brought it down brings it down in later scenarios too; where there
    was nothing before, all that was played. Where there is nothing to compare with, the cause is believed.
    """
    plain = [course for course in everything if not has_cause(course)]
    asks = [(course, ask) for course in plain for ask in course.asks]
    compared = [(course, ask) for course, ask in asks if ask.at < before] or asks
    if any(is_silent(course, ask) for course, ask in compared):
        return False
    return not compared or any(ask.replies for _, ask in compared)


def is_silent(course: Course, ask: Ask) -> bool:
    """Whether nobody took the alarm, or whoever did let the window pass."""
    return ask.is_lost or was_left_open(course, ask)


def went_silent(
    course: Course,
    everything: Sequence[Course],
    session: SessionCourse,
    ask: Ask,
    cause: Delivery,
    what: str,
    has_cause: HasCause,
) -> Finding | None:
    """The first silence of the session came soon after the cause, and without it the VNFM answers."""
    asks = session.asks_of(ask.project_id)
    silent = next((one for one in asks if is_silent(course, one)), None)
    if silent is None or not ask.number <= silent.number <= ask.number + 2:
        return None
    if cause.began > silent.at + timedelta(seconds=1) or not answers_without(everything, has_cause, cause.began):
        return None
    return about(
        silent,
        Outcome.FAIL,
        f"{silent.state} was not answered after {what}",
        cause.entry,
        expected="the next alarm is answered as ever",
    )
