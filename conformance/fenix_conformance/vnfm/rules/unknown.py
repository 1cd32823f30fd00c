"""Traits and states that nobody knows: passed over, and the next alarm answered as ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Delivery
from fenix_conformance.vnfm.finding import Finding, Rule, about
from fenix_conformance.vnfm.rules.replies import was_left_open
from fenix_conformance.vnfm.rules.silence import answers_without, went_silent
from fenix_contract.vocabulary import AlarmState


def _unknown(course: Course, everything: Sequence[Course]) -> Iterator[Finding]:
    for session in course.sessions.values():
        for ask in session.asks:
            told = [one for one in ask.deliveries if one.intact and one.unknown_traits]
            if not told or (ask.told is not None and not ask.told.unknown_traits):
                continue
            names = ", ".join(told[0].unknown_traits)
            if ask.replies:
                yield about(ask, Outcome.PASS, f"answered, with {names} in its alarm", ask.replies[0].entry)
            elif answers_without(everything, _has_unknown, told[0].began) and (
                was_left_open(course, ask) or (ask.told is None and not any(one.accepted for one in told))
            ):
                yield about(
                    ask,
                    Outcome.FAIL,
                    f"{ask.state} was not answered: its alarm had traits that nobody knows ({names})",
                    told[0].entry,
                    expected="traits that are not known are passed over",
                )
        yield from _after_unknown_state(course, everything, session)


def _after_unknown_state(course: Course, everything: Sequence[Course], session: SessionCourse) -> Iterator[Finding]:
    strange = [one for one in session.reports if _is_strange(one)]
    for one in strange:
        following = [
            ask
            for ask in session.asks_of(one.entry.project_id or "")
            if ask.deliveries and ask.deliveries[0].began > one.began
        ]
        if not following:
            continue
        ask = following[0]
        silent = went_silent(
            course,
            everything,
            session,
            ask,
            one,
            f"an alarm with the unknown state {one.state}",
            _has_unknown,
        )
        if silent is not None:
            yield silent
        elif ask.replies:
            yield about(ask, Outcome.PASS, f"answered, after {one.state}", one.entry, ask.replies[0].entry)


def _has_unknown(course: Course) -> bool:
    told = [one for ask in course.asks for one in ask.deliveries]
    reports = [one for session in course.sessions.values() for one in session.reports]
    return any(one.unknown_traits for one in (*told, *reports)) or any(_is_strange(one) for one in reports)


def _is_strange(report: Delivery) -> bool:
    return report.state not in set(AlarmState)


RULES = (Rule("unknown-tolerated", _unknown, "no alarm had a trait or a state that is not known"),)
