"""When a silence tells of its cause: without the cause the VNFM answers, and with it no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Delivery
from fenix_conformance.vnfm.finding import Finding, about
from fenix_conformance.vnfm.rules.replies import was_left_open

#: Tells whether an ask has the cause in question.
HasCause = Callable[[Ask], bool]


def answers_without(everything: Sequence[Course], has_cause: HasCause) -> bool:
    """Whether the VNFM answers where the cause in question is absent: only then its silence tells of the cause."""
    answered = False
    for course in everything:
        asks = list(course.asks)
        if any(has_cause(ask) for ask in asks):
            continue
        if any(was_left_open(course, ask) for ask in asks):
            return False
        answered = answered or any(ask.replies for ask in asks)
    return answered or len(everything) == 1


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
    silent = next((one for one in asks if was_left_open(course, one)), None)
    if silent is None or not ask.number <= silent.number <= ask.number + 2:
        return None
    if cause.began > silent.at + timedelta(seconds=1) or not answers_without(everything, has_cause):
        return None
    return about(
        silent,
        Outcome.FAIL,
        f"{silent.state} was not answered after {what}",
        cause.entry,
        expected="the next alarm is answered as ever",
    )
