"""Alarms that come twice, and alarms that come when their state is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Delivery
from fenix_conformance.vnfm.finding import Finding, Rule, about, in_session
from fenix_conformance.vnfm.rules.replies import contradiction, was_left_open
from fenix_conformance.vnfm.rules.scaling import removals
from fenix_conformance.vnfm.rules.silence import answers_without, went_silent
from fenix_contract.vocabulary import Action, AlarmState, State


def _duplicate(course: Course, everything: Sequence[Course]) -> Iterator[Finding]:
    for session in course.sessions.values():
        for ask in session.asks:
            again = [one for one in ask.repeats if one not in ask.late]
            if not again:
                continue
            yield (
                _broke_on(ask, again)
                or _said_otherwise(ask, again[0])
                or _scaled_again(course, session, ask, again[0])
                or (went_silent(course, everything, session, ask, again[0], "an alarm that came twice", _has_repeats))
                or about(ask, Outcome.PASS, f"came {1 + len(again)} times and had one effect", again[0].entry)
            )
        yield from _reports_twice(course, session)


def _broke_on(ask: Ask, again: Sequence[Delivery], outcome: Outcome = Outcome.FAIL) -> Finding | None:
    for one in again:
        if one.is_renewed or (not one.arrived and ask.met_faults):
            continue  # the connection was at fault, or work in the handler was held up by requests that faults touched
        if one.status is None or one.status >= 500:
            said = f"answered {one.status}" if one.arrived else f"not answered: {one.error}"
            return about(
                ask,
                outcome,
                f"the alarm {ask.state}, when it came again, was {said}",
                one.entry,
                expected="a 2xx answer, and nothing done twice",
            )
    return None


def _said_otherwise(ask: Ask, again: Delivery) -> Finding | None:
    pair = contradiction(ask)
    if pair is None or pair[1].began < again.began:
        return None
    return about(
        ask,
        Outcome.FAIL,
        f"the alarm {ask.state} came again and got another reply",
        again.entry,
        pair[0].entry,
        pair[1].entry,
        expected="no second reply, or the same one",
        actual=f"{pair[0].content}, then {pair[1].content}",
    )


def _scaled_again(course: Course, session: SessionCourse, ask: Ask, again: Delivery) -> Finding | None:
    """More instances were given up after the acknowledgement had been accepted, and not for another question.

    What is removed and added again (an instance re-created elsewhere) makes no difference, nor does what was promised
    to leave its host by OWN_ACTION: that may be by being removed.
    """
    reply = ask.final
    if ask.state != State.SCALE_IN or reply is None or not reply.accepted or not reply.is_ack:
        return None
    if session.is_beside_scale_in(ask.project_id, course.sessions.values()):
        return None
    resizing = (State.SCALE_IN, State.MAINTENANCE_COMPLETE)
    following = [one for one in session.asks_of(ask.project_id)[ask.number :] if one.state in resizing]
    until = following[0].at if following else session.ended
    changes = [
        (by, entry)
        for at, by, entry in course.sizes(ask.project_id)
        if at > reply.ended and (until is None or at < until)
    ]
    promised = _promised(session, ask)
    gone = [entry for by, entry in changes if by < 0]
    given_up = [entry for entry in gone if entry.data.get("instance_id") not in promised]
    # What was added first takes the place of what left by OWN_ACTION.
    taken_back = max(0, (len(changes) - len(gone)) - (len(gone) - len(given_up)))
    lost = len(given_up) - taken_back
    if lost <= 0:
        return None
    before = [entry for entry in removals(session, ask) if entry.at <= reply.ended]
    return about(
        ask,
        Outcome.FAIL,
        "the alarm SCALE_IN came again and instances were given up again",
        again.entry,
        reply.entry,
        *given_up[:3],
        expected="one scale-in for one question",
        actual=f"{len(before)} instances removed before {reply.state}, {lost} more after it",
    )


def _promised(session: SessionCourse, ask: Ask) -> frozenset[str]:
    """The instances that the project said, in answer to later questions, it would see to itself."""
    later = [one.counted for one in session.asks_of(ask.project_id)[ask.number :]]
    return frozenset(
        instance_id
        for counted in later
        if counted is not None
        for instance_id, action in counted.actions.items()
        if action == Action.OWN_ACTION
    )


def _reports_twice(course: Course, session: SessionCourse) -> Iterator[Finding]:
    taken: dict[tuple[str, str, str], Delivery] = {}
    for one in session.reports:
        if one.state != AlarmState.INSTANCE_ACTION_DONE or one.is_renewed:
            continue
        key = (one.notification, *one.target)
        if key in taken and (one.status is None or one.status >= 500):
            said = f"answered {one.status}" if one.arrived else f"not answered: {one.error}"
            yield in_session(
                course,
                session,
                Outcome.FAIL,
                f"the alarm {one.state}, when it came again, was {said}",
                one.entry,
                state=one.state,
                project_id=one.entry.project_id or "",
                expected="a 2xx answer",
            )
        if one.arrived:
            taken.setdefault(key, one)


def _has_repeats(course: Course) -> bool:
    return any(ask.repeats for ask in course.asks)


def _late(course: Course, everything: Sequence[Course]) -> Iterator[Finding]:
    for session in course.sessions.values():
        for ask in session.asks:
            if not ask.late:
                continue
            late = ask.late[0]
            yield (
                _broke_on(ask, ask.late, Outcome.WARN)
                or _answered_late(session, ask, late)
                or _silent_after_late(course, everything, session, ask, late)
                or about(ask, Outcome.PASS, "came again when it was over, and did no harm", late.entry)
            )


def _answered_late(session: SessionCourse, ask: Ask, late: Delivery) -> Finding | None:
    """It was answered with the state that is over; harmless where the session asks about the same state again."""
    current = [one for one in session.asks_of(ask.project_id) if one.at <= late.began][-1]
    sent = [one for one in (*ask.replies, *current.replies) if one.began > late.began and one.named_state == ask.state]
    if current.state == ask.state:
        sent = [one for one in sent if one in ask.replies]
    if not sent:
        return None
    return about(
        ask,
        Outcome.WARN,
        f"the alarm {ask.state} came when that state was over, and {sent[0].state} was sent again",
        late.entry,
        sent[0].entry,
        expected="nothing, or the current state's reply: a server may take a stale reply for a refusal",
    )


def _silent_after_late(
    course: Course, everything: Sequence[Course], session: SessionCourse, ask: Ask, late: Delivery
) -> Finding | None:
    upcoming = [one for one in session.asks_of(ask.project_id) if one.until is None or one.until > late.began]
    for one in upcoming:
        if (
            one.number > ask.number
            and was_left_open(course, one)
            and answers_without(everything, _has_repeats, late.began)
        ):
            return about(
                ask,
                Outcome.WARN,
                f"{one.state} was not answered after the late alarm {ask.state}",
                late.entry,
                one.entry,
                expected="the current state is answered as ever",
            )
    return None


RULES = (
    Rule("duplicate-alarm", _duplicate, "no alarm came twice"),
    Rule("late-alarm", _late, "no alarm came when its state was over"),
)
