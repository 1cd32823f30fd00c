"""How alarms are answered: at all, soon, and not with a reply where none is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Delivery
from fenix_conformance.vnfm.finding import Finding, Rule, in_session, seconds
from fenix_contract.vocabulary import AlarmState

#: So long after its window an alarm's answer is still taken for one in time.
_GRACE: Final = timedelta(milliseconds=250)
#: How soon an alarm is to be answered, in seconds.
PROMPT: Final = 2.0


def deliveries_of(session: SessionCourse) -> Iterator[tuple[Ask | None, Delivery]]:
    """Every delivery of a session with the ask that it is about, where it is about one."""
    for ask in session.asks:
        for delivery in ask.deliveries:
            yield ask, delivery
    for delivery in session.reports:
        yield None, delivery


def _accepted(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for session in course.sessions.values():
        for ask, delivery in deliveries_of(session):
            if (not delivery.intact and not _is_readable(delivery)) or delivery.is_renewed:
                continue
            if ask is not None and delivery in ask.repeats:
                continue  # what becomes of repeated alarms is another rule's
            if ask is not None and not delivery.arrived and _was_held_up(ask, delivery):
                continue  # work in the handler could not be done in time: that is not the VNFM's doing
            if delivery.arrived and _is_behind(session, ask, delivery):
                yield _about(
                    course,
                    session,
                    delivery,
                    Outcome.FAIL,
                    f"the alarm {delivery.state} was answered only after {seconds(delivery.latency)}",
                    expected="an answer within a reply's window, at the latest; the alarm is not sent again",
                )
            elif delivery.accepted:
                yield _about(course, session, delivery, Outcome.PASS, f"answered {delivery.status}")
            elif not (_is_unknown(delivery) and 400 <= (delivery.status or 0) < 500):
                said = f"answered {delivery.status}" if delivery.arrived else f"got no answer: {delivery.error}"
                yield _about(
                    course,
                    session,
                    delivery,
                    Outcome.FAIL,
                    f"the alarm {delivery.state} {said}",
                    expected="a 2xx answer before the sender gives up; the alarm is not sent again",
                )


def _prompt(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for session in course.sessions.values():
        for ask, delivery in deliveries_of(session):
            if not delivery.arrived or "drip" in delivery.effect or "delay" in delivery.effect:
                continue
            if delivery.latency <= PROMPT:
                yield _about(course, session, delivery, Outcome.PASS, f"answered after {seconds(delivery.latency)}")
            elif ask is None or not ask.met_faults:
                # Work in the handler takes longer where a fault holds up its requests: that is not the VNFM's doing.
                yield _about(
                    course,
                    session,
                    delivery,
                    Outcome.WARN,
                    f"the alarm {delivery.state} was answered after {seconds(delivery.latency)}",
                    expected=f"an answer within {PROMPT:g} s, and the work done outside the handler",
                )


def _done_silent(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    done = AlarmState.INSTANCE_ACTION_DONE
    for session in course.sessions.values():
        told = [one for one in session.reports if one.state == done and one.arrived]
        replies = [one for one in session.others if done in (one.named_state, one.state)]
        for reply in replies:
            yield in_session(
                course,
                session,
                Outcome.WARN,
                f"{reply.state} was sent, which answers a report",
                reply.entry,
                state=done,
                project_id=reply.entry.project_id or "",
                expected="no reply: none is asked",
            )
        if told and not replies:
            yield in_session(
                course,
                session,
                Outcome.PASS,
                f"{len(told)} reports, none of them replied to",
                told[0].entry,
                state=done,
                project_id=told[0].entry.project_id or "",
            )


def _is_behind(session: SessionCourse, ask: Ask | None, delivery: Delivery) -> bool:
    """Whether the answer came later than a window after the alarm, and when the reply was due already."""
    windows = [one.deadline - one.at for one in session.asks if one.deadline is not None and ask in (None, one)]
    if not windows or {"delay", "drip"} & set(delivery.effect) or (ask is not None and _was_held_up(ask, delivery)):
        return False
    limit = delivery.began + max(windows)
    if ask is not None and ask.deadline is not None:
        limit = max(limit, ask.deadline)
    return delivery.ended > limit + _GRACE


def _was_held_up(ask: Ask, delivery: Delivery) -> bool:
    """Whether the handler was kept by requests that faults let fail."""
    return any(one.failed_for_now and delivery.began <= one.began <= delivery.ended for one in ask.met_faults)


def _is_unknown(delivery: Delivery) -> bool:
    return delivery.state not in set(AlarmState)


def _is_readable(delivery: Delivery) -> bool:
    """Whether a fault only gave it another state, which is an alarm like others."""
    return not set(delivery.effect) - {"traits", "unknown_state", "delay", "duplicate", "hold_back", "reorder"}


def _about(
    course: Course, session: SessionCourse, delivery: Delivery, outcome: Outcome, message: str, expected: str = ""
) -> Finding:
    return in_session(
        course,
        session,
        outcome,
        message,
        delivery.entry,
        state=delivery.state,
        project_id=delivery.entry.project_id or "",
        expected=expected,
    )


RULES = (
    Rule("alarm-accepted", _accepted, "no alarm was delivered"),
    Rule("alarm-prompt", _prompt, "no alarm was answered"),
    Rule("done-silent", _done_silent, "no INSTANCE_ACTION_DONE was delivered"),
)
